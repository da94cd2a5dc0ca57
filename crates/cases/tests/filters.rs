//! Every case of every filter in its own code, its configuration in either spelling of protobuf's
//! JSON, and as part of the one of all filters. The built modules and a real Envoy run the same files in `integration/tests/cases.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::path::Path;
use std::sync::Arc;

use cases::{Configured, EngineError, File, Part, Report, Suite, natively};
use catalog::Filter;
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;

fn main() {
    let arguments = Arguments::from_args();
    let filters = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../filters");
    let mut trials = Vec::new();
    for file in File::read_filters(&filters).unwrap_or_else(|error| panic!("{error}")) {
        let file = Arc::new(file);
        for suite in &file.suites {
            let id = format!("{}::{}::{}", file.filter, file.name, suite.description);
            for (engine, load) in engines(&file.filter) {
                let (file, suite) = (Arc::clone(&file), suite.clone());
                trials.push(Trial::test(format!("{engine}::{id}"), move || {
                    let mut report = Report::of(&file);
                    report.add(&suite, load(&file.filter, &suite));
                    match report.is_well() {
                        true => Ok(()),
                        false => Err(report.to_string().into()),
                    }
                }));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// Loads a suite into an engine.
type Load = fn(&str, &Suite) -> Result<Configured, EngineError>;

/// Whatever runs the cases of a filter. What is a part of the one module is run there too.
fn engines(filter: &str) -> impl Iterator<Item = (&'static str, Load)> {
    let own: [(&str, Load); 2] = [("native", natively), ("native-snake", natively_in_snake)];
    let part: Option<(&str, Load)> =
        Part::of(one_module(), filter).map(|_| ("native-one", in_one_module as Load));
    own.into_iter().chain(part)
}

fn one_module() -> &'static Filter {
    catalog::find("mesh-filters").unwrap()
}

fn in_one_module(filter: &str, suite: &Suite) -> Result<Configured, EngineError> {
    Part::of(one_module(), filter)
        .unwrap()
        .load(suite, &natively)
}

fn natively_in_snake(filter: &str, suite: &Suite) -> Result<Configured, EngineError> {
    // What is refused quotes what was written.
    if !suite.refused.is_empty() {
        return Ok(Configured::Refused(suite.refused.clone()));
    }
    let mut suite = suite.clone();
    suite.config = in_snake_case(suite.config, true);
    natively(filter, &suite)
}

/// Mappings whose keys are names of the user's.
const FREE: [&str; 9] = [
    "headers",
    "withoutHeaders",
    "queryParams",
    "claims",
    "sourceLabels",
    "matchLabels",
    "annotations",
    "customTags",
    "tagOverrides",
];

/// A configuration with every field in snake case.
fn in_snake_case(value: Value, fields: bool) -> Value {
    match value {
        Value::Array(list) => {
            let elements = list.into_iter().map(|value| in_snake_case(value, true));
            elements.collect()
        }
        Value::Object(map) => {
            let respelt = map.into_iter().map(|(name, value)| {
                let value = in_snake_case(value, !FREE.contains(&name.as_str()));
                let name = if fields { snake(&name) } else { name };
                (name, value)
            });
            Value::Object(respelt.collect())
        }
        leaf => leaf,
    }
}

/// An upper-case letter begins a word where none stands before it: `sourceCIDR` is `source_cidr`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut upper = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && !upper {
            snake.push('_');
        }
        upper = c.is_ascii_uppercase();
        snake.push(c.to_ascii_lowercase());
    }
    snake
}
