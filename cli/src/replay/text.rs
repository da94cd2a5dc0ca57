//! What a replay found, for people.

use std::fmt::Write as _;

use replay::{Decided, Example, Report, Side, Unjudged};

use crate::outcome::word;
use crate::output::{BAD, DOUBTFUL, GOOD};

/// So many conditions are named that ask for a field.
const MOST_CONDITIONS: usize = 3;

pub(super) fn told(report: &Report, has_old: bool) -> String {
    let mut text = String::new();
    // Into memory, which does not fail.
    let _ = write(&mut text, report, has_old);
    text
}

fn write(text: &mut String, report: &Report, has_old: bool) -> std::fmt::Result {
    let judged = report.changed.saturating_add(report.alike);
    let style = if report.changed == 0 { GOOD } else { BAD };
    writeln!(
        text,
        "{style}{} of {}{style:#} decided otherwise{}",
        report.changed,
        counted(judged, "request"),
        match has_old {
            true => "",
            false => " than the log says they were",
        }
    )?;
    for change in &report.changes {
        writeln!(text, "\n{}", counted(change.count, "request"))?;
        decided(text, "was", &change.before)?;
        decided(text, "is ", &change.after)?;
        example(text, &change.example)?;
    }
    if report.unjudged > 0 {
        writeln!(
            text,
            "\n{DOUBTFUL}{} not judged{DOUBTFUL:#}: it depends on what the log does not say",
            counted(report.unjudged, "request")
        )?;
        report
            .missing
            .iter()
            .try_for_each(|one| missing(text, one))?;
    }
    if report.disagreed > 0 {
        writeln!(
            text,
            "\n{DOUBTFUL}{} answered otherwise than the old policies say{DOUBTFUL:#}, of {} that can be compared:",
            counted(report.disagreed, "request"),
            report.compared
        )?;
        writeln!(
            text,
            "the log's fields do not suffice, or other policies were in force"
        )?;
    } else if report.compared > 0 {
        writeln!(
            text,
            "\n{} answered as the old policies say, all that can be compared",
            counted(report.compared, "request")
        )?;
    }
    for one in &report.disagreements {
        writeln!(text, "\n{}", counted(one.count, "request"))?;
        decided(text, "logged", &one.logged)?;
        decided(text, "judged", &one.judged)?;
        example(text, &one.example)?;
    }
    if report.unlisted > 0 {
        writeln!(
            text,
            "\n{} counted and in no list: there are too many different reasons",
            counted(report.unlisted, "request")
        )?;
    }
    let lines = &report.lines;
    let others = [
        (
            report.token_refused,
            "refused for their token, which no log has",
        ),
        (report.before_filters, "refused by Envoy before any policy"),
        (
            report.unanswered,
            "of which the log does not say who answered them",
        ),
        (lines.earlier, "earlier than asked for"),
        (lines.untimed, "without a time"),
    ];
    let others = others.iter().filter(|(count, _)| *count > 0);
    let mut others: Vec<String> = others
        .map(|(count, what)| format!("{} {what}", counted(*count, "request")))
        .collect();
    match lines.unreadable {
        0 => {}
        1 => others.push("1 line that is no entry".to_owned()),
        count => others.push(format!("{count} lines that are no entries")),
    }
    if !others.is_empty() {
        writeln!(text, "\nleft out: {}", others.join(", "))?;
    }
    Ok(())
}

fn decided(text: &mut String, when: &str, decided: &Decided) -> std::fmt::Result {
    let (style, word) = word(decided.outcome);
    let reason = match decided.reason.as_str() {
        "" => "no policy speaks of it".to_owned(),
        reason => plain(reason),
    };
    writeln!(text, "  {when} {style}{word:5}{style:#}  {reason}")
}

fn example(text: &mut String, example: &Example) -> std::fmt::Result {
    let or = |said: &Option<String>, other: &str| said.as_deref().map_or(other.to_owned(), plain);
    writeln!(
        text,
        "  as {} {}{}",
        or(&example.method, "?"),
        or(&example.authority, ""),
        or(&example.path, "?")
    )?;
    writeln!(
        text,
        "     from {}, {}  ({}:{})",
        or(&example.peer, "nobody that is named"),
        or(&example.address, "an address that is not logged"),
        example.file,
        example.line
    )?;
    if let Some(closest) = &example.closest {
        if let Some(key) = &closest.key {
            writeln!(text, "     key     {}", plain(key))?;
        }
        writeln!(text, "     wanted  {}", plain(&closest.wanted.join(", ")))?;
        let seen = closest.seen.as_deref().map_or("nothing".to_owned(), plain);
        writeln!(text, "     seen    {seen}")?;
    }
    Ok(())
}

fn missing(text: &mut String, one: &Unjudged) -> std::fmt::Result {
    let whose = match one.policies {
        Side::Old => "old",
        Side::New => "new",
    };
    let named: Vec<&str> = one
        .conditions
        .iter()
        .take(MOST_CONDITIONS)
        .map(String::as_str)
        .collect();
    let more = match one.conditions.len().saturating_sub(MOST_CONDITIONS) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    writeln!(
        text,
        "  {} without {}, which the {whose} policies ask for: {}{more}",
        one.count,
        plain(&one.field.to_string()),
        plain(&named.join(", "))
    )
}

/// `1 request`, `2 requests`.
fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// What came from outside, without what a terminal would obey.
fn plain(text: &str) -> String {
    let each = text.chars().map(|letter| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    });
    each.collect()
}
