//! Findings and rules as people read them.

use anstyle::Style;
use check::{Finding, Fixed, Report, Rule, Severity, Source};

use crate::output::{BAD, DOUBTFUL, GOOD, QUIET};

/// The findings, each with its line, and their number.
pub(crate) fn report(report: &Report, sources: &[Source]) -> String {
    let findings = report.findings.iter();
    let mut text: String = findings
        .map(|it| finding(it, sources.get(it.source)))
        .collect();
    let files = counted(sources.len(), "file", "files");
    let severities = [
        (Severity::Error, "error", "errors"),
        (Severity::Warning, "warning", "warnings"),
        (Severity::Info, "note", "notes"),
    ];
    let counts = severities.map(|(severity, one, many)| (report.count(severity), one, many));
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| counted(count, one, many))
        .collect();
    text += &match counts.as_slice() {
        [] => format!("{GOOD}nothing found{GOOD:#} in {files}\n"),
        counts => {
            let fixable = match report.fixable() {
                0 => String::new(),
                count => format!("; `check --fix` mends {count}"),
            };
            format!("{} in {files}{fixable}\n", counts.join(", "))
        }
    };
    text
}

/// How much was mended, or would be.
pub(super) fn mended(fixed: &Fixed, verb: &str) -> String {
    let mut files: Vec<usize> = fixed.mended.iter().map(|it| it.source).collect();
    files.sort_unstable();
    files.dedup();
    match fixed.mended.len() {
        0 => format!("{verb} nothing"),
        count => {
            let findings = counted(count, "finding", "findings");
            let files = counted(files.len(), "file", "files");
            format!("{verb} {findings} in {files}")
        }
    }
}

fn finding(finding: &Finding, source: Option<&Source>) -> String {
    let Finding {
        severity,
        code,
        file,
        line,
        column,
        path,
        message,
        help,
        ..
    } = finding;
    let style = style(*severity);
    let shown = source.map_or("", |source| source.line(*line));
    let (shown, mark) = excerpt(shown, *column);
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let path = match path.as_str() {
        "" => String::new(),
        path => format!("  {path}"),
    };
    format!(
        "{style}{severity}[{code}]{style:#}: {message}
{margin}{QUIET}-->{QUIET:#} {file}:{line}:{column}{path}
{QUIET}{number} |{QUIET:#} {shown}
{margin} {QUIET}|{QUIET:#} {mark}{style}^{style:#}
{margin} {QUIET}={QUIET:#} {help}

"
    )
}

/// The part of a line that a terminal shows, and blanks up to the column.
fn excerpt(line: &str, column: u64) -> (String, String) {
    const WIDTH: usize = 110;
    let column = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
    let skipped = match column > WIDTH - 20 {
        true => column - WIDTH / 2,
        false => 0,
    };
    let plain = |letter: char| if letter.is_control() { ' ' } else { letter };
    let mut shown: String = line.chars().skip(skipped).take(WIDTH).map(plain).collect();
    let mut blanks = column - skipped;
    if skipped > 0 {
        shown.insert(0, '…');
        blanks += 1;
    }
    if line.chars().count() > skipped + WIDTH {
        shown.push('…');
    }
    (shown, " ".repeat(blanks))
}

/// A rule at length.
pub(super) fn rule(rule: &Rule) -> String {
    let style = style(rule.severity);
    let fixed = match check::fixed_where(rule.code) {
        Some(when) => wrapped(&format!("`--fix` does it where {when}.")) + "\n",
        None => String::new(),
    };
    format!(
        "{style}{}[{}]{style:#}: {}\n\n{}\nTo mend it: {}.\n\n{fixed}Found:\n\n{}\nNot found:\n\n{}",
        rule.severity,
        rule.code,
        rule.title,
        wrapped(rule.text),
        rule.help,
        indented(rule.bad),
        indented(rule.good)
    )
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Error => BAD,
        Severity::Warning => DOUBTFUL,
        Severity::Info => QUIET,
    }
}

fn wrapped(text: &str) -> String {
    const WIDTH: usize = 90;
    let mut lines = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if length > 0 && length + 1 + width > WIDTH {
            lines.push('\n');
            length = 0;
        } else if length > 0 {
            lines.push(' ');
            length += 1;
        }
        lines.push_str(word);
        length += width;
    }
    lines.push('\n');
    lines
}

fn indented(text: &str) -> String {
    let lines = text.trim().lines();
    lines.map(|line| format!("    {line}\n")).collect()
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
