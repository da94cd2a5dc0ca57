//! `mesh-filters mesh`: Istio's and Kubernetes' objects run on real Envoys of this machine, without a cluster.

mod apply;
mod background;
mod curl;
mod down;
mod find;
mod graph;
mod logs;
mod say;
mod seen;
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
    Curl(Box<curl::Curl>),
    Graph(graph::Graph),
    Logs(logs::Logs),
    Down(down::Down),
}

impl Verb {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        match self {
            Verb::Up(verb) => verb.run(output),
            Verb::Apply(verb) => verb.run(output),
            Verb::Status(verb) => verb.run(output),
            Verb::Curl(verb) => verb.run(output),
            Verb::Graph(verb) => verb.run(output),
            Verb::Logs(verb) => verb.run(output),
            Verb::Down(verb) => verb.run(output),
        }
    }
}

impl From<mesh_run::Error> for Failure {
    fn from(error: mesh_run::Error) -> Self {
        Failure::new(error)
    }
}
