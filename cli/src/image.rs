//! `mesh-filters image`: filters as OCI images.

mod build;
mod place;
mod pull;
mod push;
mod registry;
mod verify;

use clap::Subcommand;

use crate::ending::{Ending, Failure};
use crate::output::Output;

/// Build, verify, push and pull images of filters
#[derive(Subcommand)]
pub(crate) enum Verb {
    Build(build::Build),
    Verify(verify::Verify),
    Push(push::Push),
    Pull(pull::Pull),
}

impl Verb {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        match self {
            Verb::Build(build) => build.run(output),
            Verb::Verify(verify) => verify.run(output),
            Verb::Push(push) => push.run(output),
            Verb::Pull(pull) => pull.run(output),
        }
    }
}

/// The hexadecimal digits of WasmPlugin's `sha256`, with or without `sha256:` before them.
fn digest(text: &str) -> Result<oci::Digest, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let read = format!("sha256:{digits}").parse();
    read.map_err(|problem: oci::NotADigest| problem.to_string())
}
