//! `cargo xtask test`: everything that must hold before a change is taken, with one summary.
//!
//! A failing step does not end the run, so that one run tells all there is to mend.

use std::process::{Command, ExitCode};

use crate::compile::Linter;
use crate::engine::{CHOICE, Engine};
use crate::steps::{Done, Steps};
use crate::test_run::{Part, THREADS};
use crate::wasm_target::{self, TARGET};
use crate::workspace::Workspace;
use crate::{Failure, build, process, twice, versions};

const STEPS: usize = 9;
/// The package of the tests that need modules and an Envoy.
pub(crate) const INTEGRATION: &str = "integration";
pub(crate) const NOT_BUILT: &str = "the build failed";
pub(crate) const NOT_COMPILED: &str = "the tests do not compile";
const TWICE: &str = "same bytes twice";
/// Two steps that are one run of cargo.
pub(crate) const COMPILE: [&str; 2] = ["compile", "lints"];

pub(crate) fn run(flags: &[String]) -> Result<ExitCode, Failure> {
    let envoys = match flags.split_first() {
        None => None,
        Some((flag, envoys)) if flag == "--envoy" => Some(envoys),
        Some((other, _)) => {
            return Err(Failure::Usage(format!("test has no flag `{other}`")));
        }
    };
    if let Some(envoys) = envoys {
        versions::check(envoys)?;
    }
    let workspace = Workspace::find()?;
    Ok(match envoys {
        Some(envoys) => versions::run(&workspace, envoys)?,
        None => whole(&workspace),
    })
}

fn whole(workspace: &Workspace) -> ExitCode {
    let root = workspace.root.as_path();
    let mut run = Run {
        workspace,
        linter: Linter::find(root),
        steps: Steps::new(STEPS),
    };
    run.steps.check("format", || {
        process::run(process::cargo(root).args(["fmt", "--all", "--check"]))
    });
    // What makes a module small keeps one core busy, and compiling tests the others. They share no folder.
    let (compiled, modules) = std::thread::scope(|scope| {
        let modules = scope.spawn(|| Modules::of(workspace));
        (run.compile(), modules.join())
    });
    run.wasm_lints();
    let built = run.modules(modules.unwrap_or_else(|_| Modules::not_built()));
    run.tests(compiled, built);
    run.steps.end()
}

struct Run<'a> {
    workspace: &'a Workspace,
    linter: Result<Linter, String>,
    steps: Steps,
}

impl Run<'_> {
    /// Whether there are tests to run.
    fn compile(&mut self) -> bool {
        let mut cargo = all_targets(self.workspace);
        match &self.linter {
            Ok(linter) => {
                linter.compiles(&mut cargo);
                self.steps.compile(COMPILE, &mut cargo).is_some()
            }
            Err(missing) => {
                let [compile, lints] = COMPILE;
                let compiled = self.steps.check(compile, || process::run(&mut cargo));
                self.steps.check(lints, || Err(missing.clone()));
                compiled
            }
        }
    }

    /// The shell and what `register!` makes are invisible to the lints before.
    fn wasm_lints(&mut self) {
        let root = self.workspace.root.as_path();
        let packages = self.workspace.wasm_packages.as_slice();
        self.steps.check("lints on wasm", || {
            wasm_target::ensure(root)?;
            let mut clippy = process::cargo(root);
            clippy.args(["clippy", "--keep-going", "--target", TARGET]);
            clippy.args(packages.iter().flat_map(|name| ["-p", name]));
            process::run(clippy.args(["--", "-D", "warnings"]))
        });
    }

    /// Whether there are modules to test.
    fn modules(&mut self, modules: Modules) -> bool {
        let Modules { built, same } = modules;
        let built = self.steps.beside("build", COMPILE[0], built);
        match same {
            Some(same) => {
                self.steps.beside(TWICE, COMPILE[0], same);
            }
            None => self.steps.not_run(TWICE, NOT_BUILT),
        }
        built
    }

    fn tests(&mut self, compiled: bool, built: bool) {
        let engine = Engine::find();
        let (unit, full, smoke) = ("unit and doc tests", "integration tests", engine.smoke());
        if !compiled {
            for step in [unit, full, smoke] {
                self.steps.not_run(step, NOT_COMPILED);
            }
            return;
        }
        let mut all = tests(self.workspace, self.linter.as_ref().ok());
        if !built {
            // Modules of an earlier build would be tested in place of these.
            all.args(["--exclude", INTEGRATION]);
        }
        let (parts, problem) = self.steps.stream("tests", &mut all);
        let (integration, others) = parts
            .into_iter()
            .partition::<Vec<_>, _>(|part: &Part| part.library == INTEGRATION);
        self.steps.summary.tests(unit, others, problem.clone());
        if !built {
            self.steps.not_run(full, NOT_BUILT);
            self.steps.not_run(smoke, NOT_BUILT);
            return;
        }
        self.steps.summary.tests(full, integration, problem);

        if let Some(other) = engine.other_way() {
            let mut again = tests(self.workspace, self.linter.as_ref().ok());
            again
                .args(["--test", "all", "--", "smoke"])
                .env(CHOICE, other);
            let (parts, problem) = self.steps.stream(smoke, &mut again);
            self.steps.summary.tests(smoke, parts, problem);
        } else {
            self.steps.not_needed(smoke, &engine.sentence());
        }
        self.steps.summary.remark(engine.sentence());
    }
}

/// What came of building the modules, and of building one again; and how long it took.
struct Modules {
    built: Done,
    /// Nothing where there is nothing to compare.
    same: Option<Done>,
}

impl Modules {
    /// Builds them, and says nothing but what is wrong.
    fn of(workspace: &Workspace) -> Self {
        let quiet = build::Options {
            quiet: true,
            ..build::Options::default()
        };
        let built = Done::of(|| build::build(workspace, &quiet));
        let same = built.result.is_ok();
        let same = same.then(|| Done::of(|| twice::same_bytes(workspace, 1)));
        Self { built, same }
    }

    fn not_built() -> Self {
        let built = Done::of(|| Err("the build panicked".to_owned()));
        Self { built, same: None }
    }
}

/// Everything that there is to compile for this machine.
pub(crate) fn all_targets(workspace: &Workspace) -> Command {
    let mut cargo = process::cargo(&workspace.root);
    // With another selection of packages than that of the tests, cargo would turn on other features of
    // libraries, and compile a hundred again.
    cargo.args(["build", "--workspace", "--all-targets", "--keep-going"]);
    cargo
}

/// All tests, compiled as they were.
pub(crate) fn tests(workspace: &Workspace, linter: Option<&Linter>) -> Command {
    let mut tests = process::cargo(&workspace.root);
    // On to the next test binary after a failing one, for a complete count.
    tests.args(["test", "--no-fail-fast", "--workspace"]);
    if let Some(linter) = linter {
        linter.compiles(&mut tests);
    }
    // Half of a test is waiting for an Envoy to start or to answer.
    if std::env::var_os(THREADS).is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        tests.env(THREADS, cores.saturating_mul(2).to_string());
    }
    tests
}
