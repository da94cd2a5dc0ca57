//! Compiling the tests, with the lints on the way.
//!
//! `cargo clippy` is a check with clippy's driver in the compiler's place, and a check shares nothing
//! with a build: every dependency would be compiled twice. So the driver compiles the tests
//! themselves, and what it says is read from cargo's messages. Why, and what it saves:
//! `docs/decisions/lints.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{process, wasm_target};

/// What clippy's driver reads more arguments from, and what it has between two.
const ARGUMENTS: (&str, &str) = ("CLIPPY_ARGS", "__CLIPPY_HACKERY__");
/// A lint is told, and fails its step, but does not keep tests from being compiled and run.
const TOLD_ONLY: &str = "--cap-lints=warn";

/// The compiler that lints, for packages of the workspace alone.
pub(crate) struct Linter {
    driver: PathBuf,
}

impl Linter {
    /// Clippy's driver of the toolchain in force.
    pub(crate) fn find(root: &Path) -> Result<Self, String> {
        let driver = wasm_target::sysroot(root)?.join("bin/clippy-driver");
        match driver.is_file() {
            true => Ok(Self { driver }),
            false => Err(format!(
                "no clippy in this toolchain, {} is missing; where rustc comes from rustup, run \
                 `rustup component add clippy` in {}",
                driver.display(),
                root.display()
            )),
        }
    }

    /// Has cargo compile with it. What one such command has compiled is there for the next.
    pub(crate) fn compiles(&self, cargo: &mut Command) {
        // A setting and no variable of the environment, which a cargo that a test starts would inherit.
        let driver = Value::from(self.driver.display().to_string());
        cargo.arg("--config");
        cargo.arg(format!("build.rustc-workspace-wrapper={driver}"));
        let (name, between) = ARGUMENTS;
        cargo.env(name, format!("{TOLD_ONLY}{between}"));
    }
}

/// Where programs are, by their names.
pub(crate) type Programs = BTreeMap<String, PathBuf>;

/// What compiling told.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// The programs of the workspace.
    pub(crate) programs: Programs,
    /// Each lint that something violates, with place and words.
    lints: BTreeSet<String>,
    shown: BTreeSet<String>,
}

/// Runs a cargo that builds, and shows what the compiler says as it comes: the lints, and why not all
/// is compiled.
pub(crate) fn run(cargo: &mut Command) -> (Told, Result<(), String>) {
    let colours = std::io::stderr().is_terminal();
    let format = match colours {
        true => "json-diagnostic-rendered-ansi",
        false => "json",
    };
    cargo.args(["--message-format", format]);
    let mut told = Told::default();
    let mut child = match cargo.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return (told, Err(process::not_started(cargo, &error))),
    };
    let messages = child.stdout.take().map(BufReader::new);
    for line in messages
        .into_iter()
        .flat_map(BufRead::lines)
        .map_while(Result::ok)
    {
        if let Some(rendered) = told.read(&line) {
            eprint!("{rendered}");
        }
    }
    let status = child.wait();
    let result = match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!(
            "cargo {}; the compiler's messages are above",
            process::ending(status)
        )),
        Err(error) => Err(format!("`{}`: {error}", process::line(cargo))),
    };
    (told, result)
}

impl Told {
    /// Whether nothing violates a lint, and what does.
    pub(crate) fn lints(&self) -> Result<(), String> {
        let Some(first) = self.lints.first() else {
            return Ok(());
        };
        Err(match self.lints.len() {
            1 => first.clone(),
            count => format!("{count} lints, shown above; the first: {first}"),
        })
    }

    /// Reads a message of cargo's; what is to be shown of it, once: a library and its tests say the same.
    fn read(&mut self, line: &str) -> Option<String> {
        let message: Value = serde_json::from_str(line).ok()?;
        self.programs.extend(program(&message));
        if message.get("reason")? != "compiler-message" {
            return None;
        }
        let message = message.get("message")?;
        if let Some(lint) = lint(message) {
            self.lints.insert(lint);
        }
        let rendered = message.get("rendered")?.as_str()?.to_owned();
        self.shown.insert(rendered.clone()).then_some(rendered)
    }
}

/// The program that a message of cargo's announces, if it does.
fn program(message: &Value) -> Option<(String, PathBuf)> {
    let file = message.get("executable")?.as_str()?;
    let is_test = message.pointer("/profile/test")?.as_bool()?;
    let name = message.pointer("/target/name")?.as_str()?;
    (!is_test).then(|| (name.to_owned(), file.into()))
}

/// The lint that a compiler's message is about. Errors are not: nothing is linted that strictly.
fn lint(message: &Value) -> Option<String> {
    if message.get("level")? != "warning" {
        return None;
    }
    let name = message.get("code")?.get("code")?.as_str()?;
    let words = message.get("message")?.as_str()?;
    let mut spans = message.get("spans")?.as_array()?.iter();
    let primary = spans.find(|span| span.get("is_primary").and_then(Value::as_bool) == Some(true));
    let place = primary.and_then(|span| {
        let file = span.get("file_name")?.as_str()?;
        Some(format!("{file}:{}: ", span.get("line_start")?))
    });
    Some(format!("{}{words} ({name})", place.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::{Linter, Told, run};
    use std::process::Command;

    fn message(level: &str, code: Option<&str>, line: u32) -> String {
        let span = |primary, line| serde_json::json!({"is_primary": primary, "file_name": "a/src/lib.rs", "line_start": line});
        serde_json::json!({
            "reason": "compiler-message",
            "target": {"kind": ["lib"]},
            "message": {
                "level": level,
                "code": code.map(|code| serde_json::json!({"code": code})),
                "message": "used `unwrap()`",
                "spans": [span(false, 1), span(true, line)],
                "rendered": format!("{level}: used `unwrap()` in line {line}\n"),
            },
        })
        .to_string()
    }

    #[test]
    fn a_lint_is_told_once_with_its_place() {
        let mut told = Told::default();
        let first = message("warning", Some("clippy::unwrap_used"), 6);
        let shown = told.read(&first);
        assert_eq!(
            shown.as_deref(),
            Some("warning: used `unwrap()` in line 6\n")
        );
        assert_eq!(told.read(&first), None);
        let problem = told.lints().unwrap_err();
        assert_eq!(
            problem,
            "a/src/lib.rs:6: used `unwrap()` (clippy::unwrap_used)"
        );

        told.read(&message("warning", Some("unused_variables"), 7));
        let problem = told.lints().unwrap_err();
        assert!(
            problem.starts_with("2 lints, shown above; the first: a/src/lib.rs:6: "),
            "{problem}"
        );
    }

    #[test]
    fn what_is_no_lint_is_none() {
        let mut told = Told::default();
        // What does not compile, and a summary of warnings, which has no name.
        assert!(told.read(&message("error", Some("E0308"), 1)).is_some());
        assert!(told.read(&message("warning", None, 2)).is_some());
        assert_eq!(
            told.read(r#"{"reason": "build-finished", "success": true}"#),
            None
        );
        assert_eq!(told.read("   Compiling a v0.1.0"), None);
        assert_eq!(told.lints(), Ok(()));
    }

    /// A package with a lint in its library, its tests, an example and a benchmark, linted by the driver
    /// that `find` finds.
    #[test]
    fn every_target_is_linted_and_compiled() {
        let folder = std::env::temp_dir().join(format!("xtask-lints-{}", std::process::id()));
        let write = |name: &str, text: &str| {
            let file = folder.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        write(
            "Cargo.toml",
            "[package]\nname = \"linted\"\nedition = \"2024\"\n[workspace]\n\
             [lints.clippy]\nunwrap_used = \"deny\"\n",
        );
        write(
            "src/lib.rs",
            "pub fn first(v: &[u8]) -> u8 { *v.iter().next().unwrap() }\n#[cfg(test)]\nmod tests {\n  #[test]\n  fn unit() { let b = true; assert!(b == true); }\n}\n",
        );
        let other = "fn main() { let b = true; if b == true { println!(); } }\n";
        for target in ["src/bin/program.rs", "examples/example.rs"] {
            write(target, other);
        }
        for target in ["tests/integration.rs", "benches/benchmark.rs"] {
            write(
                target,
                "#[test]\nfn it() { let b = true; assert!(b == true); }\n",
            );
        }
        let linter = Linter::find(&folder).unwrap();
        let cargo = |words: &[&str]| {
            let mut cargo: Command = crate::process::cargo(&folder);
            cargo.args(words).arg("--offline");
            cargo.arg("--target-dir").arg(folder.join("target"));
            linter.compiles(&mut cargo);
            cargo
        };

        let (told, result) = run(&mut cargo(&["build", "--workspace", "--all-targets"]));
        assert_eq!(result, Ok(()));
        let places: Vec<_> = told
            .lints
            .iter()
            .filter_map(|lint| lint.split_once(": "))
            .collect();
        let places: Vec<_> = places.iter().map(|(place, _)| *place).collect();
        assert_eq!(
            places,
            [
                "benches/benchmark.rs:2",
                "examples/example.rs:1",
                "src/bin/program.rs:1",
                "src/lib.rs:1",
                "src/lib.rs:5",
                "tests/integration.rs:2"
            ]
        );
        assert!(
            told.programs
                .get("program")
                .is_some_and(|file| file.is_file())
        );
        // The tests run, and nothing is compiled again for them.
        let output = cargo(&["test"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(!said.contains("Compiling"), "{said}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
