//! The demo's output: plain text, at most a hundred columns.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use super::perform::{Reasons, Seen};
use super::script::{Scene, Step};
use super::stage::Stage;

/// How often the log is looked at while Envoy is kept.
const LOOK: Duration = Duration::from_millis(100);

/// Names the columns.
pub(super) fn heading(is_chain: bool) {
    let reason = (!is_chain).then_some("reason");
    line("   request (GET)", "status", "latency", "upstream", reason);
    println!("{}", "-".repeat(98));
}

/// A request in plain words, then as it was sent, and what came of it.
///
/// What several filters said stands below it: it is too long for a column.
pub(super) fn row(number: usize, step: &Step, seen: &Seen, is_chain: bool, problems: &[String]) {
    println!("{number}. {}", step.what);
    let headers: String = step
        .headers
        .iter()
        .map(|(name, value)| format!("  {name}: {value}"))
        .collect();
    let request = format!("   {}{headers}", step.path);
    let upstream = if seen.reached_upstream { "yes" } else { "no" };
    let (status, latency) = (seen.status.to_string(), latency(seen.elapsed));
    let said = seen.text();
    let reason = (!is_chain).then_some(said.as_str());
    line(&request, &status, &latency, upstream, reason);
    if is_chain {
        below(&said);
    }
    if !problems.is_empty() {
        println!("   EXPECTED: {}", problems.join(", "));
    }
}

fn line(request: &str, status: &str, latency: &str, upstream: &str, reason: Option<&str>) {
    match reason {
        Some(reason) => {
            println!("{request:<44} {status:>6}  {latency:>7}  {upstream:<8}  {reason}");
        }
        // Its column is the request's.
        None => println!("{request:<72} {status:>6}  {latency:>7}  {upstream}"),
    }
}

/// The widest line.
const COLUMNS: usize = 98;
/// What stands below a request is set off from it.
const INDENT: &str = "        ";

/// What was said, in as many lines as it takes.
fn below(said: &str) {
    let mut line = String::new();
    for part in said.split("  ") {
        if !line.is_empty() && INDENT.len() + line.len() + 2 + part.len() > COLUMNS {
            println!("{INDENT}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push_str("  ");
        }
        line.push_str(part);
    }
    println!("{INDENT}{line}");
}

/// What the columns mean that do not say it themselves.
pub(super) fn legend() {
    println!("\nupstream: whether the request reached the service behind Envoy");
    println!(
        "token, policy, limit, fault: what each filter said, as Envoy's access log has it; a filter"
    );
    println!("that an earlier answer spared, or that had nothing to say, is left out");
    println!("user, class: tags, for logs, spans and metrics\n");
}

/// As short as a latency is read.
pub(super) fn latency(time: Duration) -> String {
    if time < Duration::from_millis(1) {
        "< 1 ms".to_owned()
    } else if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

/// The counters that moved, and whether they are as many as the log has reasons.
pub(super) fn counters(stage: &Stage, scene: &Scene, reasons: &Reasons) -> bool {
    println!("The same in Envoy's metrics, with the policy as a label (/stats/prometheus):");
    let page = stage.admin().prometheus();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for ((name, reason), count) in reasons {
        let filter = scene.filters.iter().find(|(known, _)| known == name);
        let counter = filter.and_then(|(_, filter)| counter(filter, reason));
        if let Some(counter) = counter {
            *counts.entry(counter).or_default() += count;
        }
    }
    let mut well = true;
    for (name, count) in counts {
        let found = page.lines().find(|line| line.starts_with(&name));
        println!("  {}", found.unwrap_or(&name));
        if found != Some(&format!("{name} {count}")) {
            println!("  EXPECTED: {count}");
            well = false;
        }
    }
    println!();
    well
}

/// The counter of `reason:policy`, whatever place in the policy follows.
fn counter(filter: &str, reason: &str) -> Option<String> {
    let (outcome, policy) = reason.split_once(':')?;
    let policy = policy.split(".rules[").next()?;
    let filter = filter.replace('-', "_");
    Some(format!(
        "mesh_filters_{filter}_{outcome}{{policy=\"{policy}\"}}"
    ))
}

/// Prints what is added to the access log, for as long as Envoy is there.
pub(super) fn access_log(stage: &Stage) {
    let lines = |log: String| -> Vec<String> {
        let lines = log.lines().filter(|line| line.contains(" reason="));
        lines.map(str::to_owned).collect()
    };
    let mut shown = stage
        .ask(|envoy| lines(envoy.log()).len())
        .unwrap_or_default();
    while let Some(lines) = stage.ask(|envoy| lines(envoy.log())) {
        for line in &lines[shown.min(lines.len())..] {
            println!("{line}");
        }
        shown = lines.len();
        thread::sleep(LOOK);
    }
}
