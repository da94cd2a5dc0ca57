//! `mesh-filters`: what can be done with the filters and their policies away from a mesh.
//!
//! One file a verb. A verb reads what it is given, says what it found on standard output, as text or as
//! JSON, and ends with 0 if all is well, 1 if it found something, and 2 if it could not do its work.

mod changes;
mod check;
mod clock;
mod completions;
mod convert;
mod curl;
mod ending;
mod explain;
mod image;
mod local_envoy;
mod man;
mod mesh;
mod outcome;
mod output;
mod policies;
mod replay;
mod run;
mod schema;
mod test;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use ending::{CANNOT, Ending, Failure};
use output::Output;

/// Istio's HTTP policies as filters for any Envoy: checked, explained request by request, tested, replayed over logs, and packed as images.
#[derive(Parser)]
#[command(name = "mesh-filters", version, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 all is well, 1 something was found, 2 it could not be done.")]
struct Program {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand)]
enum Verb {
    Check(check::Check),
    // Boxed: these two have by far the most options.
    Convert(Box<convert::Convert>),
    Explain(Box<explain::Explain>),
    #[command(subcommand)]
    Image(image::Verb),
    #[command(subcommand)]
    Mesh(mesh::Verb),
    Replay(Box<replay::Replay>),
    Run(Box<run::Run>),
    Schema(schema::Schema),
    Test(test::Test),
    // What is for the machine that it is installed on stands behind what it is installed for.
    Completions(completions::Completions),
    Man(man::Man),
}

fn main() -> ExitCode {
    // Ends by itself, with 2, where the command line is wrong.
    let program = Program::parse_from(curl::arguments(std::env::args_os()));
    let output = program.output;
    let ended: Result<Ending, Failure> = match &program.verb {
        Verb::Check(check) => check.run(output),
        _ if output.is_sarif() => Err(Failure::new("only `check` has `--format sarif`")),
        Verb::Convert(verb) => verb.run(output),
        Verb::Explain(verb) => verb.run(output),
        Verb::Image(verb) => verb.run(output),
        Verb::Mesh(verb) => verb.run(output),
        Verb::Replay(verb) => verb.run(output),
        Verb::Run(verb) => verb.run(output),
        Verb::Schema(schema) => schema.run(output),
        Verb::Test(test) => test.run(output),
        Verb::Completions(verb) => verb.run(Program::command(), output),
        Verb::Man(verb) => verb.run(Program::command(), output),
    };
    match ended {
        Ok(ending) => ending.into(),
        Err(failure) => {
            failure.say();
            ExitCode::from(CANNOT)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Program;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Program::command().debug_assert();
    }

    #[test]
    fn every_verb_has_an_example() {
        fn visit(command: &clap::Command) {
            let verbs: Vec<_> = command.get_subcommands().collect();
            if verbs.is_empty() {
                let after = command.get_after_help().map(ToString::to_string);
                assert!(
                    after.is_some_and(|text| text.contains("$ mesh-filters")),
                    "{} has no example",
                    command.get_name()
                );
            }
            verbs.into_iter().for_each(visit);
        }
        visit(&Program::command());
    }
}
