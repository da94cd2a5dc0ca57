//! An answer for people: filter by filter, and then what the client sees.

use std::fmt::Write as _;

use explain::{Answer, Change, FilterAnswer, Line, RuleVerdict};

use crate::outcome::word;

pub(super) fn told(line: &Line, answer: &Answer, all: bool) -> String {
    let mut text = String::new();
    // Into memory, which does not fail.
    let _ = write(&mut text, line, answer, all);
    text
}

fn write(text: &mut String, line: &Line, answer: &Answer, all: bool) -> std::fmt::Result {
    let shown = |name: &str| answer.request.first(name).unwrap_or_default();
    let (scheme, authority, path) = (shown(":scheme"), shown(":authority"), shown(":path"));
    writeln!(text, "{} {scheme}://{authority}{path}", shown(":method"))?;
    let who = line.peer.as_deref().unwrap_or("nobody: plaintext");
    writeln!(
        text,
        "from {who}, {}",
        line.from_ip.as_deref().unwrap_or("127.0.0.1")
    )?;
    writeln!(text)?;
    let width = answer
        .filters
        .iter()
        .map(|filter| filter.filter.len())
        .max()
        .unwrap_or(0);
    for filter in &answer.filters {
        filter_told(text, filter, width)?;
    }
    if !answer.filters.is_empty() {
        writeln!(text)?;
    }
    let (style, word) = word(answer.decision);
    write!(text, "{style}{word}{style:#} {}", answer.status)?;
    if let Some(status) = answer.grpc_status {
        write!(text, ", grpc-status {status}")?;
    }
    if let (Some(by), Some(reason)) = (answer.by, &answer.reason) {
        write!(text, " by {by}: {reason}")?;
    }
    if let Some(delay) = answer.delay_ms {
        write!(text, ", {delay} ms later")?;
    }
    writeln!(text)?;
    for (name, value) in &answer.tags {
        writeln!(text, "  tag {name}={value}")?;
    }
    for rule in &answer.rules {
        writeln!(text, "  {}", rule_told(rule))?;
    }
    if all {
        for (what, message) in [
            ("request to the upstream", &answer.request),
            ("response to the client", &answer.response),
        ] {
            writeln!(text, "\n{what}")?;
            for name in message.names() {
                for value in message.values(name) {
                    writeln!(text, "  {name}: {value}")?;
                }
            }
        }
    }
    Ok(())
}

fn rule_told(rule: &RuleVerdict) -> String {
    let whose = match (&rule.action, &rule.policy) {
        (Some(action), Some(policy)) => format!("{action} {policy}"),
        _ => rule.filter.to_owned(),
    };
    let verdict = match (rule.matches, &rule.failed) {
        (true, _) => "matches".to_owned(),
        (false, None) => "does not match".to_owned(),
        (false, Some(failed)) => format!(
            "fails at {}: wanted {}, seen {}",
            failed.condition,
            failed.wanted.join(", "),
            failed.seen.as_deref().unwrap_or("nothing")
        ),
    };
    let facts = rule.facts.to_string();
    let between = if facts.is_empty() { "" } else { "; " };
    format!("{whose} {}: {verdict}{between}{facts}", rule.rule)
}

fn filter_told(text: &mut String, filter: &FilterAnswer, width: usize) -> std::fmt::Result {
    let (style, word) = word(filter.decision);
    let reason = &filter.reason;
    let line = format!(
        "{:width$}  {style}{word:5}{style:#}  {reason}",
        filter.filter
    );
    writeln!(text, "{}", line.trim_end())?;
    if let Some(delay) = filter.delay_ms {
        writeln!(text, "  holds the request for {delay} ms")?;
    }
    if let Some(cluster) = &filter.unreachable {
        writeln!(
            text,
            "  asks `{cluster}`, which is not there: this is what is decided without an answer"
        )?;
    }
    if let Some(closest) = &filter.closest {
        writeln!(
            text,
            "  closest is {} of policy {}, but:",
            closest.condition, closest.policy
        )?;
        if let Some(key) = &closest.key {
            writeln!(text, "    key     {key}")?;
        }
        writeln!(text, "    wanted  {}", closest.wanted.join(", "))?;
        writeln!(
            text,
            "    seen    {}",
            closest.seen.as_deref().unwrap_or("nothing")
        )?;
    }
    for roll in &filter.rolls {
        writeln!(text, "  for {} % of requests: {}", roll.below, roll.then)?;
    }
    for (what, changes) in [("request", &filter.request), ("response", &filter.response)] {
        for change in changes {
            match change {
                Change::Set(name, value) => writeln!(text, "  {what}: {name}: {value}")?,
                Change::Add(name, value) => writeln!(text, "  {what}: + {name}: {value}")?,
                Change::Remove(name) => writeln!(text, "  {what}: - {name}")?,
            }
        }
    }
    Ok(())
}
