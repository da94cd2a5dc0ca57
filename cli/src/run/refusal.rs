//! Why files are not the policies that run: shown as `check` shows it.

use std::path::PathBuf;

use check::{Finding, Options, Report, Severity, Source};
use documents::File;
use sdk_helpers::Timestamp;
use serde_json::{Value, json};

use crate::check::text;
use crate::ending::Failure;
use crate::policies::{PolicyOptions, REFUSED};

/// Why.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// For people.
    pub(super) text: String,
    /// For programs, as `check` has them.
    pub(super) findings: Vec<Value>,
}

impl Refusal {
    /// What keeps files from being policies: each problem as `check` finds it, and as it is told where `check` does not.
    pub(super) fn of(
        failure: &Failure,
        paths: &[PathBuf],
        options: &PolicyOptions,
        now: Timestamp,
    ) -> Self {
        let failure = failure.to_string();
        let mut problems: Vec<&str> = failure.lines().filter(|line| *line != REFUSED).collect();
        let mut refusal = Self::default();
        if let Some((mut report, sources)) = checked(paths, options, now) {
            let findings = &mut report.findings;
            findings.retain(|finding| problems.iter().any(|line| is_about(finding, line)));
            problems.retain(|line| !findings.iter().any(|finding| is_about(finding, line)));
            if !findings.is_empty() {
                refusal.text = text::report(&report, &sources);
                refusal.findings = check::json(&report).as_array().cloned().unwrap_or_default();
            }
        }
        for problem in problems {
            refusal.tell(problem);
        }
        refusal
    }

    /// What the filters take and Envoy does not, such as an expression.
    pub(super) fn by_envoy(why: &str) -> Self {
        let mut refusal = Self::default();
        refusal.tell(&format!("Envoy refuses them\n{why}"));
        refusal
    }

    fn tell(&mut self, problem: &str) {
        self.text += problem;
        self.text += "\n";
        let severity = Severity::Error.name();
        self.findings
            .push(json!({"severity": severity, "message": problem}));
    }
}

/// Whether a finding is of the line of a file that a problem is told of.
fn is_about(finding: &Finding, problem: &str) -> bool {
    let place = format!("{}:{}:", finding.file, finding.line);
    finding.severity == Severity::Error && problem.starts_with(&place)
}

/// What `check` says of the files, if they can be read.
fn checked(
    paths: &[PathBuf],
    options: &PolicyOptions,
    now: Timestamp,
) -> Option<(Report, Vec<Source>)> {
    let files = File::read_all(paths, &mut std::io::empty()).ok()?;
    let sources = files.into_iter().map(|file| Source {
        name: file.name,
        text: file.text,
    });
    let sources: Vec<Source> = sources.collect();
    let filter = options.filter().ok()?;
    Some((check::check(&sources, &Options { filter, now }), sources))
}
