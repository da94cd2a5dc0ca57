//! `mesh-filters schema`: what editors check configurations and case files by.

use clap::Args;
use serde_json::{Value, json};

use crate::ending::{Ending, Failure};
use crate::output::{Output, rows};

/// What case files are called here, beside the names of filters.
const CASES: &str = "cases";

/// Print the JSON Schema of a configuration, or of case files
///
/// Without a name it lists those there are. Editors with a YAML language server check a file that begins with
/// `# yaml-language-server: $schema=rate-limit.json`, a path from the file's own folder.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters schema
  $ mesh-filters schema rate-limit > rate-limit.json
  $ mesh-filters schema cases > cases.json")]
pub(crate) struct Schema {
    /// A filter, `mesh-filters` for the configuration of all in one module, or `cases`
    name: Option<String>,
}

impl Schema {
    pub(crate) fn run(&self, output: Output) -> Result<Ending, Failure> {
        let Some(name) = &self.name else {
            output.say(list, || json!({ "schemas": names() }));
            return Ok(Ending::Fine);
        };
        let schema = named(name)?;
        // It is JSON for people, too.
        output.say(|| format!("{schema:#}\n"), || schema.clone());
        Ok(Ending::Fine)
    }
}

fn named(name: &str) -> Result<Value, Failure> {
    if name == CASES {
        return Ok(cases::schema());
    }
    let filter = catalog::find(name);
    let filter = filter.map_err(|error| Failure::new(format!("{error}, and `{CASES}`")))?;
    Ok(filter.schema())
}

fn names() -> Vec<&'static str> {
    let filters = catalog::filters().iter().map(catalog::Filter::name);
    filters.chain([CASES]).collect()
}

fn list() -> String {
    let all = names().into_iter().map(|name| {
        let what = match name {
            CASES => "files with cases, for `mesh-filters test`",
            "mesh-filters" => "the configuration of all filters in one module",
            _ => "the configuration of the filter",
        };
        (name, what.to_owned())
    });
    let all: Vec<_> = all.collect();
    rows(&all)
}
