//! What is said of a run, a line or more as it happens: for people, or a line of JSON each.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::decision::Decision;
use super::first::First;
use super::refusal::Refusal;
use crate::output::{BAD, GOOD, Output, QUIET};

/// Says it on standard output. An error is that nobody reads any more, which ends the run.
#[derive(Clone, Copy)]
pub(super) struct Say(pub(super) Output);

impl Say {
    pub(super) fn listening(
        self,
        address: &str,
        upstream: &str,
        first: &[First],
    ) -> io::Result<()> {
        let requests: Vec<Value> = first.iter().map(First::json).collect();
        self.say(
            || {
                let requests = First::told(first);
                format!(
                    "{GOOD}listening{GOOD:#} on {address}, in front of {upstream}; Ctrl-C ends it\n{requests}"
                )
            },
            || json!({"event": "listening", "address": address, "upstream": upstream, "try": requests}),
        )
    }

    pub(super) fn decision(self, decision: &Decision) -> io::Result<()> {
        self.say(|| decision.told() + "\n", || decision.json())
    }

    pub(super) fn reloaded(self, is_other: bool) -> io::Result<()> {
        let what = match is_other {
            true => "what the files say now is in force",
            false => "what the files say is in force already",
        };
        self.say(
            || format!("{GOOD}reloaded{GOOD:#}: {what}\n"),
            || json!({"event": "reloaded", "changed": is_other}),
        )
    }

    pub(super) fn refused(self, refusal: &Refusal) -> io::Result<()> {
        self.say(
            || {
                let Refusal { text, .. } = refusal;
                format!("{BAD}refused{BAD:#}: the last good policies stay in force\n{text}")
            },
            || json!({"event": "refused", "findings": refusal.findings}),
        )
    }

    pub(super) fn note(self, note: &str) -> io::Result<()> {
        self.say(
            || format!("{QUIET}note{QUIET:#}: {note}\n"),
            || json!({"event": "note", "note": note}),
        )
    }

    fn say(self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) -> io::Result<()> {
        let mut out = anstream::stdout().lock();
        match self.0.is_human() {
            true => write!(out, "{}", text())?,
            false => writeln!(out, "{}", json())?,
        }
        out.flush()
    }
}
