//! `mesh-filters man`: the program's pages for `man`, made of what `--help` says.

use std::fs;
use std::io;
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{Args, Command};
use clap_mangen::roff::{Roff, bold, roman};
use serde_json::json;

use crate::ending::{Ending, Failure};
use crate::output::{GOOD, Output};

/// What the page of the whole program is called.
const PROGRAM: &str = "mesh-filters";

/// Print the page for `man`, or write that of each verb into a folder
///
/// `man` finds pages in the folder `man1` of each folder that `manpath` names, as `~/.local/share/man`. It then has
/// `man mesh-filters`, and `man mesh-filters-check` for a verb.
#[derive(Args)]
#[command(after_help = "Examples:
  $ mesh-filters man ~/.local/share/man/man1
  $ mesh-filters man | man -l -")]
pub(crate) struct Man {
    /// The folder that the pages go to, which is made where there is none; without it the program's own page is printed
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl Man {
    /// Says the page of a program, or writes all of them.
    pub(crate) fn run(&self, mut program: Command, output: Output) -> Result<Ending, Failure> {
        // Verbs learn their whole names and the options that they all have.
        program.build();
        let Some(folder) = &self.folder else {
            let page = page(&program).map_err(Failure::new)?;
            output.say(|| page.clone(), || json!({ "page": page }));
            return Ok(Ending::Fine);
        };
        fs::create_dir_all(folder).map_err(|error| Failure::at(folder, error))?;
        let mut files = Vec::new();
        for command in commands(&program) {
            let file = folder.join(format!("{}.1", name(command)));
            let written = page(command).and_then(|page| fs::write(&file, page));
            written.map_err(|error| Failure::at(&file, error))?;
            files.push(file.display().to_string());
        }
        let count = files.len();
        output.say(
            || {
                format!(
                    "{GOOD}written{GOOD:#} {count} pages to {}\n",
                    folder.display()
                )
            },
            || json!({ "files": files }),
        );
        Ok(Ending::Fine)
    }
}

/// A command and all below it.
fn commands(command: &Command) -> Vec<&Command> {
    let below = command.get_subcommands().flat_map(commands);
    [command].into_iter().chain(below).collect()
}

/// What its page is called: `mesh-filters-image-build`.
fn name(command: &Command) -> &str {
    command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
}

/// Its page: what clap knows of it, and the text behind it under the headings that pages for `man` have.
fn page(command: &Command) -> io::Result<String> {
    let behind = command.get_after_help().map(ToString::to_string);
    // What stands there would come under a heading of clap's own, with its lines joined.
    let plain = command.clone().after_help(Resettable::Reset);
    let page = clap_mangen::Man::new(plain)
        .source(concat!("mesh-filters ", env!("CARGO_PKG_VERSION")))
        .manual(PROGRAM);
    let mut bytes = Vec::new();
    page.render(&mut bytes)?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    text.push_str(&sections(&behind.unwrap_or_default()));
    if name(command) != PROGRAM {
        let mut see = Roff::new();
        see.control("SH", ["SEE ALSO"]);
        see.text([bold(PROGRAM), roman("(1)")]);
        text.push_str(&see.to_roff());
    }
    Ok(text)
}

/// The paragraphs behind a verb's options, each under its heading.
fn sections(behind: &str) -> String {
    let mut roff = Roff::new();
    for paragraph in behind.split("\n\n").filter(|text| !text.trim().is_empty()) {
        if let Some(examples) = paragraph.strip_prefix("Examples:\n") {
            roff.control("SH", ["EXAMPLES"]);
            // Lines as they are: a command may be longer than a line of the page.
            roff.control("nf", []);
            for line in examples.lines() {
                roff.text([roman(line.trim_start())]);
            }
            roff.control("fi", []);
        } else if let Some(codes) = paragraph.strip_prefix("Exit codes: ") {
            roff.control("SH", ["EXIT STATUS"]);
            roff.text([roman(codes)]);
        } else {
            roff.control("PP", []);
            roff.text([roman(paragraph)]);
        }
    }
    roff.to_roff()
}
