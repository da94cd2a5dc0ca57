//! `cargo xtask test`: everything that must hold before a change is taken, with one summary.
//!
//! A failing step does not end the run, so that one run tells all there is to mend.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::engine::{CHOICE, Engine};
use crate::summary::Summary;
use crate::test_run::{self, Part, TestRun};
use crate::wasm_target::{self, TARGET};
use crate::workspace::Workspace;
use crate::{Failure, build, process};

const STEPS: usize = 8;

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
            self.not_run("same bytes twice");
        }
        built
    }

    fn tests(&mut self, built: bool) {
        let root = self.workspace.root.as_path();
        let unit = Tests {
            root,
            packages: &["--workspace", "--exclude", "integration"],
            filter: &[],
            set: None,
        };
        self.count("unit and doc tests", &unit);

        let engine = Engine::find();
        let (full, smoke) = ("integration tests", "smoke as a process");
        if !built {
            // Modules of an earlier build would be tested in place of these.
            self.not_run(full);
            self.not_run(smoke);
            return;
        }
        let all = Tests {
            packages: &["-p", "integration"],
            ..unit
        };
        self.count(full, &all);
        if engine.used_containers() {
            let processes = Tests {
                packages: &["-p", "integration", "--tests"],
                filter: &["--", "smoke"],
                set: Some((CHOICE, "process")),
                ..unit
            };
            self.count(smoke, &processes);
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

    fn count(&mut self, step: &'static str, tests: &Tests) {
        let mut command = tests.command();
        self.announce(step, &process::line(&command));
        let start = Instant::now();
        let compiled = process::run(&mut tests.compiling());
        let compiling = Part {
            name: "compiling".to_owned(),
            took: start.elapsed(),
        };
        let result = compiled.and_then(|()| test_run::stream(&mut command, &mut std::io::stdout()));
        let took = start.elapsed();
        let (run, problem) = match result {
            Ok((run, status)) if status.success() => (run, None),
            Ok((run, status)) => (run, Some(process::ending(status))),
            Err(problem) => (TestRun::default(), Some(problem)),
        };
        let TestRun { counts, mut parts } = run;
        println!(
            "{step}: {} passed, {} failed in {:.1} s",
            counts.passed,
            counts.failed,
            took.as_secs_f64()
        );
        self.summary.tests(step, took, counts, problem);
        parts.push(compiling);
        self.summary.parts(parts);
    }

    fn not_run(&mut self, step: &'static str) {
        let why = "the build failed";
        self.announce(step, why);
        self.summary.not_run(step, why);
    }

    fn announce(&mut self, step: &str, what: &str) {
        self.started += 1;
        let colon = if what.is_empty() { "" } else { ": " };
        println!("\n[{}/{STEPS}] {step}{colon}{what}", self.started);
    }
}

/// What `cargo test` is told to run.
struct Tests<'a> {
    root: &'a Path,
    packages: &'a [&'a str],
    /// Words for the test binaries.
    filter: &'a [&'a str],
    /// A variable that the tests read.
    set: Option<(&'a str, &'a str)>,
}

impl Tests<'_> {
    fn command(&self) -> Command {
        let mut command = self.cargo(&[]);
        command.args(self.filter);
        command.envs(self.set);
        command
    }

    /// Compiles and runs nothing, so that what that takes is known.
    fn compiling(&self) -> Command {
        self.cargo(&["--no-run"])
    }

    fn cargo(&self, flags: &[&str]) -> Command {
        let mut command = process::cargo(self.root);
        // On to the next test binary after a failing one, for a complete count.
        command.args(["test", "--no-fail-fast"]);
        command.args(self.packages).args(flags);
        command
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
