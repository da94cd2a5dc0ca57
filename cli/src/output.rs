//! What is said on standard output: text for people, or JSON for programs.
//!
//! Colours are for terminals alone, and never where `NO_COLOR` is set.

use anstyle::{AnsiColor, Style};
use clap::{Args, ValueEnum};
use serde_json::Value;

/// How it is said.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Output {
    /// Text for people, one JSON document, or what hosts of code show (SARIF, of `check` alone)
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
    Sarif,
}

/// For what is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// For what may not be.
pub(crate) const DOUBTFUL: Style = AnsiColor::Yellow.on_default().bold();
/// For what is around it.
pub(crate) const QUIET: Style = AnsiColor::Cyan.on_default();
/// For what is not.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

impl Output {
    /// Says it in the form that was asked for.
    pub(crate) fn say(self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) {
        match self.format {
            Format::Human => anstream::print!("{}", text()),
            Format::Json | Format::Sarif => anstream::println!("{:#}", json()),
        }
    }

    /// Whether it is for people.
    pub(crate) fn is_human(self) -> bool {
        self.format == Format::Human
    }

    /// Whether all that is said is to be one document of JSON.
    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }

    /// Whether it is to be a log of SARIF, which not every verb has.
    pub(crate) fn is_sarif(self) -> bool {
        self.format == Format::Sarif
    }
}

/// Rows of a name and what there is to say, in two columns.
pub(crate) fn rows(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| format!("  {name:width$}  {value}\n");
    rows.iter().map(line).collect()
}
