//! `mesh-filters mesh apply`: a running mesh is told what the files say now.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::find::Which;
use super::say;
use crate::ending::{Ending, Failure};
use crate::output::Output;

/// Tell a running mesh what the files say now, and wait until every Envoy has taken it
///
/// Files that are named belong to the mesh from now on: an object with the kind, namespace and name of an earlier one is
/// in its place, as with `kubectl apply`. Without any, those of the mesh are read again. An Envoy that refuses what it is
/// told keeps to what it was told before.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters mesh apply -f split-50-50.yaml
  $ mesh-filters mesh apply

Exit codes: 0 everybody does what the files say, 1 something is wrong with them or an Envoy refused them, 2 it could not be done.")]
pub(crate) struct Apply {
    /// Files and folders that the mesh has from now on as well
    #[arg(short, long = "file", value_name = "PATH")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    which: Which,
}

impl Apply {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let paths = absolute(&self.files)?;
        let (status, answer) = self
            .which
            .ask("POST", "/apply", &json!({ "paths": paths }))?;
        let is_refused = |answer: &Value| {
            let refused = answer.get("refused").and_then(Value::as_array);
            refused.is_some_and(|refused| !refused.is_empty())
        };
        output.say(|| say::applied(&answer), || answer.clone());
        Ok(match status {
            200 if !is_refused(&answer) => Ending::Fine,
            200 | 422 => Ending::Found,
            _ => Ending::Partial,
        })
    }
}

/// Paths as the mesh finds them, which has another working folder.
///
/// # Errors
/// One is not there.
pub(super) fn absolute(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let absolute = |path: &PathBuf| {
        let path_of = path.canonicalize();
        path_of.map_err(|error| Failure::at(path, error))
    };
    paths.iter().map(absolute).collect()
}
