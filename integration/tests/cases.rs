//! Every case of every filter in every engine: natively (its configuration in either spelling of
//! protobuf's JSON), in the built module under wasmtime (given its configuration as text and as a
//! Struct), and in a real Envoy.
//!
//! A case that fixes dice, clock or attributes cannot be had in Envoy, nor one that fixes dice in
//! the module, whose seed is the host's; which they are is printed first.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::sync::{Arc, OnceLock};

use cases::{Case, Engine, File, Suite, natively};
use integration::engines::{InEnvoy, InWasm};
use integration::envoy::{Launcher, repository};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use wasm_host::Level;

fn main() {
    let arguments = Arguments::from_args();
    let launcher = Launcher::detect().unwrap();
    let mut trials = Vec::new();
    let mut fakes = Vec::new();
    for file in File::all(&repository().join("filters")) {
        let file = Arc::new(file);
        let envoy = Arc::new(OnceLock::new());
        for (index, suite) in file.suites.iter().enumerate() {
            let id = format!("{}::{}::{}", file.filter, file.name, suite.description);
            for (engine, load) in ENGINES {
                let (file, suite) = (Arc::clone(&file), suite.clone());
                trials.push(Trial::test(format!("{engine}::{id}"), move || {
                    run_suite(&suite, load(&file.filter, &suite))
                }));
            }
            for case in &suite.cases {
                if case.needs_fakes() {
                    fakes.push(format!("{id}::{}", case.name));
                    continue;
                }
                let (file, envoy, case) = (Arc::clone(&file), Arc::clone(&envoy), case.clone());
                let id = format!("envoy::{id}::{}", case.name);
                trials.push(Trial::test(id, move || {
                    let envoy: &InEnvoy = envoy.get_or_init(|| InEnvoy::start(&file, launcher));
                    check(&case, &envoy.suite(index))
                }));
            }
        }
    }
    if arguments.filter.is_none() && !arguments.list {
        println!("in Envoy by other means, because they fix dice, clock or attributes:");
        for id in &fakes {
            println!("  {id}");
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// A suite that was loaded, with its warnings; or the errors with which it was refused.
type Loaded = Result<(Box<dyn Engine>, Vec<String>), Vec<String>>;

/// Loads a suite into an engine.
type Load = fn(&str, &Suite) -> Loaded;

const ENGINES: [(&str, Load); 4] = [
    ("native", natively),
    ("native-snake", |filter, suite| {
        // What is refused quotes what was written.
        if !suite.refused.is_empty() {
            return Err(suite.refused.clone());
        }
        let mut suite = suite.clone();
        suite.config = in_snake_case(suite.config, true);
        natively(filter, &suite)
    }),
    ("wasm-text", |filter, suite| {
        in_wasm(InWasm::with_text(filter, suite))
    }),
    ("wasm-struct", |filter, suite| {
        in_wasm(InWasm::with_struct(filter, suite))
    }),
];

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

fn in_wasm(module: Result<InWasm, Vec<String>>) -> Loaded {
    let module = module?;
    let warnings = module.logged(Level::Warn);
    Ok((Box::new(module), warnings))
}

fn run_suite(suite: &Suite, loaded: Loaded) -> Result<(), Failed> {
    match loaded {
        Err(errors) if errors == suite.refused => Ok(()),
        Err(errors) => {
            Err(format!("refused with {errors:#?}\nexpected {:#?}", suite.refused).into())
        }
        Ok(_) if !suite.refused.is_empty() => Err("the configuration was accepted".into()),
        Ok((_, warnings)) if warnings != suite.warnings => {
            Err(format!("warned of {warnings:#?}\nexpected {:#?}", suite.warnings).into())
        }
        Ok((engine, _)) => suite
            .cases
            .iter()
            .filter(|case| engine.takes(case))
            .try_for_each(|case| check(case, &*engine)),
    }
}

fn check(case: &Case, engine: &dyn Engine) -> Result<(), Failed> {
    case.check(engine)
        .map_err(|difference| format!("{}: {difference}", case.name).into())
}
