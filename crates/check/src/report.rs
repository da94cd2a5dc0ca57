//! What was found, for programs.

use serde_json::{Value, json};

use crate::finding::{Finding, Severity};
use crate::fix::Edit;
use crate::rules;
use crate::source::Source;

/// Everything found, in the order of files and lines.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings there are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings.filter(|it| it.severity == severity).count()
    }

    /// How many of them have a mend that is certain.
    #[must_use]
    pub fn fixable(&self) -> usize {
        let findings = self.findings.iter();
        findings.filter(|it| it.edit.is_some()).count()
    }
}

/// A list of `{severity, code, file, line, column, path, message, help, fixable}`.
#[must_use]
pub fn json(report: &Report) -> Value {
    let findings = report.findings.iter();
    findings
        .map(|it| {
            json!({
                "severity": it.severity.name(),
                "code": it.code,
                "file": it.file,
                "line": it.line,
                "column": it.column,
                "path": it.path,
                "message": it.message,
                "help": it.help,
                "fixable": it.edit.is_some(),
            })
        })
        .collect()
}

/// A log of SARIF 2.1.0, which hosts of code show beside the lines. `sources` are the files that were checked, `version`
/// is the program's.
#[must_use]
pub fn sarif(report: &Report, sources: &[Source], version: &str) -> Value {
    let rules = rules::rules().iter().map(|rule| {
        json!({
            "id": rule.code,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.text},
            "help": {"text": rule.help},
            "defaultConfiguration": {"level": level(rule.severity)},
        })
    });
    let results = report.findings.iter().map(|it| {
        let source = sources.get(it.source);
        let fixes: Vec<Value> = source
            .zip(it.edit.as_ref())
            .map(|(source, edit)| {
                json!({
                    "artifactChanges": [{
                        "artifactLocation": {"uri": uri(&it.file)},
                        "replacements": [replacement(source, edit)],
                    }],
                })
            })
            .into_iter()
            .collect();
        json!({
            "ruleId": it.code,
            "level": level(it.severity),
            "message": {"text": format!("{}. {}", it.message, it.help)},
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": {"uri": uri(&it.file)},
                    "region": {"startLine": it.line, "startColumn": it.column},
                },
                "logicalLocations": [{"fullyQualifiedName": it.path}],
            }],
            "fixes": fixes,
        })
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "mesh-filters",
                "version": version,
                "rules": rules.collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

/// An edit by lines and columns.
fn replacement(source: &Source, edit: &Edit) -> Value {
    let (start_line, start_column) = source.place(edit.start);
    let (end_line, end_column) = source.place(edit.end);
    json!({
        "deletedRegion": {
            "startLine": start_line,
            "startColumn": start_column,
            "endLine": end_line,
            "endColumn": end_column,
        },
        "insertedContent": {"text": edit.text},
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A path as the reference of an URI: what cannot stand in one is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'\\' => uri.push('/'),
            b'/' | b'.' | b'-' | b'_' | b'~' => uri.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
