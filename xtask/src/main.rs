//! The project's verbs: `cargo xtask build`, `oci`, `test`, `demo` and `bench`.
//!
//! One file a verb. This crate stays light, because the first thing a newcomer waits for is its
//! build: what needs Envoy, containers or a wasm engine lives in `integration`.

mod bench;
mod build;
mod changelog;
mod compile;
mod counts;
mod demo;
mod elsewhere;
mod engine;
mod failed;
mod named_version;
mod names;
mod oci;
mod process;
mod release;
mod remap;
mod slowest;
mod steps;
mod strip;
mod summary;
mod test;
mod test_lines;
mod test_run;
mod timed;
mod twice;
mod versions;
mod wasm_target;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
usage: cargo xtask <verb> [flags]

  build   every filter as dist/<name>.wasm, and the modules that the tests load
            --only NAME      one filter or test module
            --manifest-path FILE
                             the modules of a workspace elsewhere, into its own dist/
            --names          also target/named/<name>.wasm with the name of every function,
                             for `cargo run -p integration --example profile`
            --quiet          say nothing unless something fails
  oci     every filter as OCI images in dist/oci, with bills of materials and checksums
            --source URL     the address of the source, for their annotations
  test    format, lints, build and every test; at the end one summary, and what took longest
            --envoy VERSION…  only the tests that need a module or an Envoy, with these: `1.36` is
                             its newest patch, `all` every version there is, and none said the one
                             that the environment names
  demo    faults injected into real requests by a real Envoy
            --mesh           the story of a book shop, on a mesh of Envoys
            --keep           leave Envoy, or the mesh, running, to play with
  bench   what a filter costs Envoy, beside the native filter
            --scenario NAME  one scenario
            --rounds N       how often each is measured
            --seconds S      how long each time
            --json FILE      write the figures
            --compare FILE   compare with figures written earlier
  release what a release needs before its upload, and what it says
            --check          versions, modules built twice to the same bytes, images
            --tag TAG        not a rehearsal: this tag is to be published
            --source URL     the address of the source, for the images
";

/// Why a verb ended early.
#[derive(Debug)]
enum Failure {
    /// The command line is wrong: exit code 2.
    Usage(String),
    /// The work failed: exit code 1.
    Failed(String),
}

impl From<String> for Failure {
    fn from(problem: String) -> Self {
        Self::Failed(problem)
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(code) => code,
        Err(Failure::Usage(problem)) => {
            eprintln!("xtask: {problem}; `cargo xtask --help` lists verbs and flags");
            ExitCode::from(2)
        }
        Err(Failure::Failed(problem)) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<ExitCode, Failure> {
    let Some((verb, flags)) = words.split_first() else {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    if words
        .iter()
        .any(|word| matches!(word.as_str(), "--help" | "-h" | "help"))
    {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    match verb.as_str() {
        "build" => build::run(flags),
        "oci" => oci::run(flags),
        "test" => test::run(flags),
        "demo" => demo::run(flags),
        "bench" => bench::run(flags),
        "release" => release::run(flags),
        other => Err(Failure::Usage(format!("`{other}` is no verb"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, run};

    fn usage_error(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        match run(&words) {
            Err(Failure::Usage(problem)) => problem,
            other => panic!("expected a usage error, got {other:?}"),
        }
    }

    #[test]
    fn an_unknown_verb_or_flag_is_refused_before_any_work() {
        assert_eq!(usage_error(&["biuld"]), "`biuld` is no verb");
        assert_eq!(
            usage_error(&["build", "--onyl", "noop"]),
            "build has no flag `--onyl`"
        );
        assert_eq!(
            usage_error(&["build", "--only"]),
            "build: `--only` needs a name"
        );
        assert_eq!(
            usage_error(&["build", "--manifest-path"]),
            "build: `--manifest-path` needs the path of a Cargo.toml"
        );
        assert_eq!(
            usage_error(&["test", "--fast"]),
            "test has no flag `--fast`"
        );
        assert_eq!(
            usage_error(&["test", "--envoy", "new"]),
            "test: `new` is no version of Envoy; write `1.40`, `1.40.0` or `all`"
        );
        assert_eq!(
            usage_error(&["oci", "--src", "x"]),
            "oci has no flag `--src`"
        );
        assert_eq!(
            usage_error(&["oci", "--source"]),
            "oci: `--source` needs an address"
        );
        assert_eq!(
            usage_error(&["demo", "--kepe"]),
            "demo has no flag `--kepe`"
        );
        assert_eq!(
            usage_error(&["bench", "--rounds"]),
            "bench: `--rounds` needs a value"
        );
        assert_eq!(
            usage_error(&["bench", "--round", "3"]),
            "bench has no flag `--round`"
        );
    }

    #[test]
    fn help_is_not_an_error() {
        assert!(run(&[]).is_ok());
        assert!(run(&["--help".to_owned()]).is_ok());
        assert!(run(&["build".to_owned(), "--help".to_owned()]).is_ok());
    }
}
