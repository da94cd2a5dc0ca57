//! Configurations of ours that their filters refuse.

use catalog::NoProxy;
use sdk_helpers::config::{ConfigError, Problem, Problems};
use sdk_helpers::{At, Load};
use serde_json::Value;

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::ours::{self, Ours};
use crate::rule::Rule;
use crate::source::Item;

pub(super) const RULE: Rule = Rule {
    code: "MF0101",
    severity: Severity::Error,
    title: "a filter refuses its configuration",
    text: "A configuration is taken whole or not at all. Refused at an update, the last good one stays in force; refused \
           at the start, Envoy does not start, and a WasmPlugin's workload does not become ready. The filter's own \
           code says so here, in the words that stand in Envoy's log.",
    help: "mend the field; until then the filter takes nothing of this configuration",
    bad: "
rateLimit:
  limits:
  - {name: all, requests: 100, per: soon}
",
    good: "
rateLimit:
  limits:
  - {name: all, requests: 100, per: 1m}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for (item, said) in all(mesh) {
        for error in said.errors {
            found.problem(item, error);
        }
    }
}

/// What a filter says of a configuration, by paths of the document.
#[derive(Default)]
pub(super) struct Said {
    pub(super) errors: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

/// What the filters say of all configurations of theirs.
pub(super) fn all<'a, 'b>(mesh: &'b Mesh<'a>) -> Vec<(&'b Item<'a>, Said)> {
    let mut all = Vec::new();
    for item in &mesh.items {
        match ours::of(item, mesh) {
            Some(Ours::Config(filter)) => {
                let tree = item.root.value().clone();
                all.push((item, said(mesh, filter, tree, item.root.path())));
            }
            Some(Ours::Cases(filter, suites)) => {
                for suite in suites {
                    let Some((filter, config)) = ours::of_suite(&suite, filter) else {
                        continue;
                    };
                    let mut said = said(mesh, filter, config.value().clone(), config.path());
                    // What a suite says it expects is no surprise; warnings of what is refused are not told.
                    let is_refused = !suite.list("refused").is_empty();
                    if is_refused {
                        said.errors.clear();
                    }
                    if is_refused || !suite.list("warnings").is_empty() {
                        said.warnings.clear();
                    }
                    all.push((item, said));
                }
            }
            None => {
                for inner in policies::embedded(&item.root) {
                    let said = match inner.tree {
                        Ok(tree) => said(mesh, inner.filter, tree, &inner.path),
                        Err(problem) => Said {
                            errors: vec![Problem::from(ConfigError {
                                at: inner.path,
                                problem,
                            })],
                            warnings: Vec::new(),
                        },
                    };
                    all.push((item, said));
                }
            }
        }
    }
    all
}

/// What a filter says of a configuration that begins at a path.
pub(super) fn said(mesh: &Mesh<'_>, filter: &catalog::Filter, tree: Value, path: &str) -> Said {
    let problems = Problems::default();
    let world = NoProxy {
        now: mesh.options.now,
    };
    let load = Load {
        at: match path {
            "" => At::root(),
            path => At::written(path),
        },
        problems: &problems,
        world: &world,
    };
    let _ = filter.load_at(tree, &load);
    Said {
        errors: problems.errors_in_full(),
        warnings: problems.warnings_in_full(),
    }
}
