//! `mesh-filters mesh`: Istio's and Kubernetes' objects run on real Envoys of this machine, without a cluster.

mod apply;
mod background;
mod down;
mod find;
mod say;
mod status;
mod up;

use clap::Subcommand;

use crate::ending::{Ending, Failure};
use crate::output::Output;

/// Run Istio's and Kubernetes' objects on this machine, on real Envoys and without a cluster
#[derive(Subcommand)]
pub(crate) enum Verb {
    // Boxed: it has by far the most options.
    Up(Box<up::Up>),
    Apply(apply::Apply),
    Status(status::Status),
    Down(down::Down),
}

impl Verb {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        match self {
            Verb::Up(verb) => verb.run(output),
            Verb::Apply(verb) => verb.run(output),
            Verb::Status(verb) => verb.run(output),
            Verb::Down(verb) => verb.run(output),
        }
    }
}

impl From<mesh_run::Error> for Failure {
    fn from(error: mesh_run::Error) -> Self {
        Failure::new(error)
    }
}
