//! Mends that are certain: what is written in a file in place of what is wrong.
//!
//! ```text
//! finding + Mend { path, remedy } ─resolve→ Edit { start, end, text } ─apply→ the file without the finding
//! ```
//!
//! A mend is certain where nothing decides otherwise afterwards, or where what stands there is taken by nobody and
//! can be read in one way alone. Whatever else stands in the file, comments and layout among it, stays as it is.

mod certain;
mod edit;
mod nodes;
mod path;
mod remedy;
mod resolve;

use sdk_helpers::config::Remedy;

use crate::finding::Finding;
use crate::report::Report;
use crate::source::Source;
use crate::{Options, check};
use istio::Position;

pub use certain::fixed_where;
pub use edit::Edit;
pub(crate) use resolve::resolve;

/// What would mend a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mend {
    /// Of a field of the document that starts there.
    Field {
        document: Position,
        path: String,
        remedy: Remedy,
    },
    /// Of what says nothing, such as a comment.
    Aside(Edit),
}

/// Files after all certain mends.
#[derive(Debug, Clone, Default)]
pub struct Fixed {
    /// The files as they are then, in the order they were given.
    pub sources: Vec<Source>,
    /// What was mended, each where it stood at that moment.
    pub mended: Vec<Finding>,
    /// What is found in them then.
    pub report: Report,
}

/// One mend may bring another to light, as a field that is known says what else is wrong in it.
const ROUNDS: usize = 20;

/// Mends what can be mended for certain, until nothing more can. A mend that would leave its finding is not made.
#[must_use]
pub fn fix(sources: &[Source], options: &Options) -> Fixed {
    let mut fixed = Fixed {
        sources: sources.to_vec(),
        mended: Vec::new(),
        report: check(sources, options),
    };
    let mut in_vain: Vec<Finding> = Vec::new();
    for _ in 0..ROUNDS {
        let findings = fixed.report.findings.iter();
        let may = findings.filter(|it| !in_vain.iter().any(|other| same(it, other)));
        let chosen = apart(may);
        if chosen.is_empty() {
            break;
        }
        let mended = written(&fixed.sources, &chosen);
        let report = check(&mended, options);
        let stays = |it: &Finding| report.findings.iter().any(|other| same(it, other));
        let (stay, gone): (Vec<_>, Vec<_>) = chosen.into_iter().partition(stays);
        if !stay.is_empty() {
            in_vain.extend(stay);
            continue;
        }
        fixed.sources = mended;
        fixed.mended.extend(gone);
        fixed.report = report;
    }
    fixed
}

/// Those whose edits do not touch each other, or are one and the same.
fn apart<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<Finding> {
    let mut chosen: Vec<Finding> = Vec::new();
    for finding in findings {
        let Some(edit) = &finding.edit else {
            continue;
        };
        let mut others = chosen.iter().filter(|it| it.source == finding.source);
        let is_free = others.all(|it| {
            let other = it.edit.as_ref();
            other.is_none_or(|other| other == edit || !other.touches(edit))
        });
        if is_free {
            chosen.push(finding.clone());
        }
    }
    chosen
}

fn written(sources: &[Source], findings: &[Finding]) -> Vec<Source> {
    let sources = sources.iter().enumerate();
    sources
        .map(|(place, source)| {
            let findings = findings.iter().filter(|it| it.source == place);
            let edits = findings.filter_map(|it| it.edit.clone());
            Source {
                name: source.name.clone(),
                text: edit::apply(&source.text, edits.collect()),
            }
        })
        .collect()
}

/// Whether two are the same, before and after a mend.
fn same(one: &Finding, other: &Finding) -> bool {
    let document = |it: &Finding| match it.mend {
        Some(Mend::Field { document, .. }) => Some(document),
        _ => None,
    };
    one.source == other.source
        && one.code == other.code
        && one.path == other.path
        && one.message == other.message
        && document(one) == document(other)
}
