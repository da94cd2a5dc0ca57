//! Every case of every filter, and every configuration of older versions, in the built module under
//! wasmtime (given its configuration as text and as a Struct), and in a real Envoy. In the filter's own
//! code they are run by `crates/cases/tests/filters.rs`.
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

use cases::{Case, Configured, EngineError, File, Part, Report, Suite, check};
use catalog::Filter;
use envoy_cases::InEnvoy;
use integration::engines::{InWasm, in_envoy, stored, stored_versions};
use integration::envoy::{Launcher, repository};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let mut arguments = Arguments::from_args();
    if arguments.test_threads.is_none() {
        let threads = std::env::var("RUST_TEST_THREADS").ok();
        arguments.test_threads = threads.and_then(|number| number.parse().ok());
    }
    let launcher = Launcher::detect().unwrap();
    let mut trials = Vec::new();
    let mut fakes = Vec::new();
    for of_filter in files().chunk_by(|(one, _), (next, _)| one.filter == next.filter) {
        let shared = Arc::new(Shared::of(of_filter, launcher));
        for (file, kept) in of_filter {
            let file = Arc::new(file.clone());
            for suite in &file.suites {
                let id = format!("{}::{}::{}", file.filter, file.name, suite.description);
                for (engine, load) in engines(&file.filter) {
                    let (file, mut suite, kept) = (Arc::clone(&file), suite.clone(), *kept);
                    trials.push(Trial::test(format!("{engine}::{id}"), move || {
                        suite.any_warnings |= kept;
                        let loaded = load(&file.filter, &suite);
                        reported(&file, &suite, loaded)
                    }));
                }
                let (within, of, mut alone) =
                    (Arc::clone(&shared), Arc::clone(&file), suite.clone());
                alone.any_warnings |= kept;
                trials.push(Trial::test(format!("envoy-config::{id}"), move || {
                    let loaded = within.suite(&of, &alone);
                    alone.cases.clear();
                    reported(&of, &alone, loaded)
                }));
                for case in &suite.cases {
                    if !case.fakes().is_empty() {
                        fakes.push(format!("{id}::{}", case.name));
                        continue;
                    }
                    let (shared, file) = (Arc::clone(&shared), Arc::clone(&file));
                    let (suite, case) = (suite.clone(), case.clone());
                    let id = format!("envoy::{id}::{}", case.name);
                    trials.push(Trial::test(id, move || {
                        let told = in_force(&case, shared.suite(&file, &suite));
                        told.map_err(|problem| format!("{}:\n{problem}", case.name).into())
                    }));
                }
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

/// All files, those of a filter one after another, and whether each was kept from an older version.
fn files() -> Vec<(File, bool)> {
    let files = File::read_filters(&repository().join("filters")).unwrap();
    let today = files.into_iter().map(|file| (file, false));
    let mut files: Vec<_> = today.chain(kept()).collect();
    files.sort_by(|(one, _), (next, _)| one.filter.cmp(&next.filter));
    files
}

/// One Envoy for all files of a filter: it takes a second or two to compile a module.
struct Shared {
    /// The suites of all files.
    suites: File,
    launcher: Launcher,
    envoy: OnceLock<InEnvoy>,
}

impl Shared {
    fn of(files: &[(File, bool)], launcher: Launcher) -> Self {
        let (first, _) = files.first().unwrap();
        let mut suites = first.clone();
        let all = files.iter().map(|(file, _)| file);
        suites.suites = all
            .flat_map(|file| file.suites.iter().map(|suite| named(file, suite)))
            .collect();
        Self {
            suites,
            launcher,
            envoy: OnceLock::new(),
        }
    }

    fn suite(&self, file: &File, suite: &Suite) -> Result<Configured, EngineError> {
        let started = || in_envoy(&self.suites, self.launcher);
        self.envoy.get_or_init(started).suite(&named(file, suite))
    }
}

/// A suite as it is told from those of other files.
fn named(file: &File, suite: &Suite) -> Suite {
    let mut suite = suite.clone();
    suite.description = format!("{}: {}", file.name, suite.description);
    suite
}

/// What came of a suite's configuration and of its cases is as expected.
fn reported(
    file: &File,
    suite: &Suite,
    loaded: Result<Configured, EngineError>,
) -> Result<(), Failed> {
    let mut report = Report::of(file);
    report.add(suite, loaded);
    match report.is_well() {
        true => Ok(()),
        false => Err(report.to_string().into()),
    }
}

/// Checks a case whose configuration is to be in force.
fn in_force(case: &Case, configured: Result<Configured, EngineError>) -> Result<(), String> {
    match configured {
        Ok(Configured::InForce { engine, .. }) => {
            check(case, &*engine).map_err(|problem| problem.to_string())
        }
        Ok(Configured::Refused(errors)) => Err(errors.join("\n")),
        Err(error) => Err(error.to_string()),
    }
}

/// The configurations of older versions, which decide as they did; warnings may be others.
fn kept() -> impl Iterator<Item = (File, bool)> {
    let versions = stored_versions().into_iter();
    versions.flat_map(|version| {
        stored(&version).into_iter().map(move |mut file| {
            file.name.clone_from(&version);
            (file, true)
        })
    })
}

/// Loads a suite into an engine.
type Load = fn(&str, &Suite) -> Result<Configured, EngineError>;

/// The engines without Envoy. What is a part of the one module is run there too.
fn engines(filter: &str) -> impl Iterator<Item = (&'static str, Load)> {
    let own: [(&str, Load); 2] = [
        ("wasm-text", InWasm::with_text),
        ("wasm-struct", InWasm::with_struct),
    ];
    let part: Option<(&str, Load)> =
        Part::of(one_module(), filter).map(|_| ("wasm-one", in_one_module as Load));
    own.into_iter().chain(part)
}

fn one_module() -> &'static Filter {
    catalog::find("mesh-filters").unwrap()
}

fn in_one_module(filter: &str, suite: &Suite) -> Result<Configured, EngineError> {
    let part = Part::of(one_module(), filter).unwrap();
    part.load(suite, &InWasm::with_struct)
}
