//! Where rules put what they find.

use std::collections::BTreeSet;

use istio::Position;
use sdk_helpers::config::{ConfigError, Problem, Remedy};

use crate::finding::{Finding, Severity};
use crate::fix::Mend;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;
use crate::spot::Spot;

/// The findings of one rule, on their way to all others.
pub(crate) struct Found<'a> {
    rule: &'static Rule,
    mesh: &'a Mesh<'a>,
    all: &'a mut Vec<Finding>,
}

impl<'a> Found<'a> {
    pub(crate) fn new(
        rule: &'static Rule,
        mesh: &'a Mesh<'a>,
        all: &'a mut Vec<Finding>,
    ) -> Found<'a> {
        Found { rule, mesh, all }
    }

    /// Something at a place of an object.
    pub(crate) fn at(&mut self, item: &Item<'_>, spot: &Spot<'_>, message: impl Into<String>) {
        self.at_path(item, spot.path(), message);
    }

    /// Something at the path of a document, which need not be there.
    pub(crate) fn at_path(&mut self, item: &Item<'_>, path: &str, message: impl Into<String>) {
        self.tell(item.file, item.document.position(path), path, message);
    }

    /// Something to know at a place of an object, where files cannot tell whether it is wrong.
    pub(crate) fn note(&mut self, item: &Item<'_>, spot: &Spot<'_>, message: impl Into<String>) {
        self.at(item, spot, message);
        self.severity(Severity::Info);
    }

    /// The last one is as bad as this, and not as its rule says.
    pub(crate) fn severity(&mut self, severity: Severity) {
        if let Some(last) = self.all.last_mut() {
            last.severity = severity;
        }
    }

    /// What code of ours says of an object, with what mends it.
    pub(crate) fn problem(&mut self, item: &Item<'_>, problem: Problem) {
        let ConfigError { at, problem: says } = problem.error;
        self.at_path(item, &at, says);
        if let Some(remedy) = problem.remedy {
            self.mended_by(item, &at, remedy);
        }
    }

    /// What mends the last one for certain, at the path of its document.
    pub(crate) fn mended_by(&mut self, item: &Item<'_>, path: &str, remedy: Remedy) {
        self.mended(Mend::Field {
            document: item.document.position(""),
            path: path.to_owned(),
            remedy,
        });
    }

    /// What mends the last one for certain.
    pub(crate) fn mended(&mut self, mend: Mend) {
        if let Some(last) = self.all.last_mut() {
            last.mend = Some(mend);
        }
    }

    /// Something at a position of a file.
    pub(crate) fn tell(
        &mut self,
        source: usize,
        position: Position,
        path: &str,
        message: impl Into<String>,
    ) {
        self.all.push(Finding {
            severity: self.rule.severity,
            code: self.rule.code,
            source,
            file: self.mesh.name(source).to_owned(),
            line: position.line,
            column: position.column,
            path: path.to_owned(),
            message: message.into(),
            help: self.rule.help.to_owned(),
            edit: None,
            mend: None,
        });
    }
}

/// The codes of what a filter says of an object's fields: general, where others are of one matter.
const GENERAL: [&str; 2] = ["MF0102", "MF0109"];

/// Tells nothing twice: neither the same, nor in general what is told in particular.
pub(crate) fn settle(findings: &mut Vec<Finding>) {
    let place = |finding: &Finding| (finding.source, finding.line, finding.path.clone());
    let particular: BTreeSet<_> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning && !GENERAL.contains(&finding.code))
        .map(place)
        .collect();
    let mut told: BTreeSet<(usize, Position, &'static str, String)> = BTreeSet::new();
    findings.retain(|finding| {
        if GENERAL.contains(&finding.code) && particular.contains(&place(finding)) {
            return false;
        }
        let (line, column) = (finding.line, finding.column);
        let position = Position { line, column };
        let this = (
            finding.source,
            position,
            finding.code,
            finding.message.clone(),
        );
        told.insert(this)
    });
}

/// By file, place, and what is worse.
pub(crate) fn order(finding: &Finding) -> (usize, u64, u64, Severity, &'static str) {
    let Finding {
        source,
        line,
        column,
        severity,
        code,
        ..
    } = finding;
    (*source, *line, *column, *severity, code)
}
