//! `cargo xtask test`: everything that must hold before a change is taken, with one summary.
//!
//! A failing step does not end the run, so that one run tells all there is to mend.

use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::engine::{CHOICE, Engine};
use crate::summary::Summary;
use crate::test_run::{self, Part};
use crate::wasm_target::{self, TARGET};
use crate::workspace::Workspace;
use crate::{Failure, build, process};

/// How many tests run at a time, as the test harness reads it.
const THREADS: &str = "RUST_TEST_THREADS";
const STEPS: usize = 8;
/// The package of the tests that need modules and an Envoy.
const INTEGRATION: &str = "integration";
const NOT_BUILT: &str = "the build failed";

pub(crate) fn run(flags: &[String]) -> Result<ExitCode, Failure> {
    if !flags.is_empty() {
        return Err(Failure::Usage("test takes no flags".to_owned()));
    }
    let workspace = Workspace::find()?;
    let mut run = Run {
        workspace: &workspace,
        summary: Summary::default(),
        started: 0,
    };
    run.lints();
    let built = run.modules();
    run.tests(built);
    print!("\n{}", run.summary.text());
    match run.summary.totals() {
        (_, 0) => Ok(ExitCode::SUCCESS),
        _ => Ok(ExitCode::FAILURE),
    }
}

struct Run<'a> {
    workspace: &'a Workspace,
    summary: Summary,
    started: usize,
}

impl Run<'_> {
    fn lints(&mut self) {
        let root = self.workspace.root.as_path();
        self.check("format", || {
            process::run(process::cargo(root).args(["fmt", "--all", "--check"]))
        });
        self.check("lints", || {
            let mut clippy = process::cargo(root);
            clippy.args(["clippy", "--keep-going", "--workspace", "--all-targets"]);
            process::run(clippy.args(["--", "-D", "warnings"]))
        });
        let packages = self.workspace.wasm_packages.as_slice();
        // The shell and what `register!` makes are invisible to the step before.
        self.check("lints on wasm", || {
            wasm_target::ensure(root)?;
            let mut clippy = process::cargo(root);
            clippy.args(["clippy", "--keep-going", "--target", TARGET]);
            clippy.args(packages.iter().flat_map(|name| ["-p", name]));
            process::run(clippy.args(["--", "-D", "warnings"]))
        });
    }

    /// Whether there are modules to test.
    fn modules(&mut self) -> bool {
        let workspace = self.workspace;
        let built = self.check("build", || {
            build::build(workspace, &build::Options::default())
        });
        if built {
            self.check("same bytes twice", || same_bytes_twice(workspace));
        } else {
            self.not_run("same bytes twice", NOT_BUILT);
        }
        built
    }

    /// One selection of packages for all of them: with another, cargo would turn on other features of
    /// libraries, and compile a hundred again.
    fn tests(&mut self, built: bool) {
        let (compiling, unit) = ("compiling the tests", "unit and doc tests");
        let (full, smoke) = ("integration tests", "smoke as a process");
        let whole = || {
            let mut tests = process::cargo(&self.workspace.root);
            // On to the next test binary after a failing one, for a complete count.
            tests.args(["test", "--no-fail-fast", "--workspace"]);
            if !built {
                // Modules of an earlier build would be tested in place of these.
                tests.args(["--exclude", INTEGRATION]);
            }
            tests
        };
        let (mut compile, mut all, mut processes) = (whole(), whole(), whole());
        compile.arg("--no-run");
        // Half of a test is waiting for an Envoy to start or to answer.
        if std::env::var_os(THREADS).is_none() {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            all.env(THREADS, cores.saturating_mul(2).to_string());
        }
        processes.args(["--tests", "--", "smoke"]);
        processes.env(CHOICE, "process");

        if !self.check(compiling, || process::run(&mut compile)) {
            for step in [unit, full, smoke] {
                self.not_run(step, "the tests do not compile");
            }
            return;
        }
        let (parts, problem) = self.stream("tests", &mut all);
        let (integration, others) = parts
            .into_iter()
            .partition::<Vec<_>, _>(|part| part.library == INTEGRATION);
        self.summary.tests(unit, others, problem.clone());
        if !built {
            self.not_run(full, NOT_BUILT);
            self.not_run(smoke, NOT_BUILT);
            return;
        }
        self.summary.tests(full, integration, problem);

        let engine = Engine::find();
        if engine.used_containers() {
            let (parts, problem) = self.stream(smoke, &mut processes);
            self.summary.tests(smoke, parts, problem);
        } else {
            self.announce(smoke, "not needed, the tests before ran as processes");
            self.summary.not_needed(smoke);
        }
        self.summary.remark(engine.sentence());
    }

    fn check(&mut self, step: &'static str, work: impl FnOnce() -> Result<(), String>) -> bool {
        self.announce(step, "");
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        if let Err(problem) = &result {
            eprintln!("{problem}");
        }
        let well = result.is_ok();
        println!(
            "{step}: {} in {:.1} s",
            if well { "ok" } else { "FAILED" },
            took.as_secs_f64()
        );
        self.summary.check(step, took, result);
        well
    }

    /// Runs tests: the binaries, and why the run is not to be trusted although none says so.
    fn stream(&mut self, step: &'static str, command: &mut Command) -> (Vec<Part>, Option<String>) {
        self.announce(step, &process::line(command));
        match test_run::stream(command, &mut std::io::stdout()) {
            Ok((parts, status)) => {
                let told = parts
                    .iter()
                    .any(|part| part.counts.is_none_or(|c| c.failed > 0));
                let problem = (!status.success() && !told).then(|| process::ending(status));
                (parts, problem)
            }
            Err(problem) => (Vec::new(), Some(problem)),
        }
    }

    fn not_run(&mut self, step: &'static str, why: &str) {
        self.announce(step, why);
        self.summary.not_run(step, why);
    }

    fn announce(&mut self, step: &str, what: &str) {
        self.started += 1;
        let colon = if what.is_empty() { "" } else { ": " };
        println!("\n[{}/{STEPS}] {step}{colon}{what}", self.started);
    }
}

/// Compiles one filter again from nothing, below another target directory.
fn same_bytes_twice(workspace: &Workspace) -> Result<(), String> {
    let dist = workspace.root.join("dist");
    let filter = workspace
        .modules
        .iter()
        .find(|module| module.file.starts_with(&dist))
        .ok_or_else(|| "filters/: no filter to build twice".to_owned())?;
    let target = workspace.root.join("target/repro");
    match std::fs::remove_dir_all(&target) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(format!("{}: {error}", target.display()));
        }
        _ => {}
    }
    let again = build::rebuild(workspace, filter, &target)?;
    let first = std::fs::read(&filter.file)
        .map_err(|error| format!("{}: {error}", filter.file.display()))?;
    if again == first {
        return Ok(());
    }
    let place = first.iter().zip(&again).take_while(|(a, b)| a == b).count();
    Err(format!(
        "{}: two builds of the same source differ ({} and {} bytes, first at {place}); look for a \
         path, a time or a map without order in what was compiled",
        workspace.short(&filter.file).display(),
        first.len(),
        again.len()
    ))
}
