//! The graph as a table.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Counts, Graph};

/// What stands in a row.
struct Row {
    from: String,
    to: String,
    requests: String,
    rate: String,
    errors: String,
    notes: String,
}

pub(super) fn table(graph: &Graph) -> String {
    if graph.edges.is_empty() && graph.own.is_empty() {
        return match graph.seconds {
            Some(seconds) => format!("nobody called anybody in {seconds:.1} s\n"),
            None => "nobody has called anybody yet: `mesh-filters mesh curl` does\n".to_owned(),
        };
    }
    let mut rows = vec![Row {
        from: "FROM".to_owned(),
        to: "TO".to_owned(),
        requests: "REQUESTS".to_owned(),
        rate: "RATE".to_owned(),
        errors: "ERRORS".to_owned(),
        notes: String::new(),
    }];
    let own = graph.own.keys().map(String::as_str);
    let all: BTreeSet<&str> = graph
        .edges
        .iter()
        .map(|edge| edge.from.as_str())
        .chain(own)
        .collect();
    for from in all {
        let mut of = rows_of(graph, from);
        if let Some(first) = of.first_mut() {
            from.clone_into(&mut first.from);
        }
        rows.extend(of);
    }
    laid_out(&rows, graph.seconds.is_some())
}

/// Whom somebody called, and who was asked for it.
fn rows_of(graph: &Graph, from: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for edge in graph.edges.iter().filter(|edge| edge.from == from) {
        rows.push(Row {
            to: edge.service.clone(),
            notes: notes(&edge.counts, edge.tls),
            ..counted(graph, edge.counts.requests(), edge.counts.classes[4])
        });
        for asked in &edge.to {
            let ejected = match asked.ejected {
                0 => String::new(),
                1 => "a replica is left out, because it failed".to_owned(),
                several => format!("{several} replicas are left out, because they failed"),
            };
            rows.push(Row {
                to: format!("  └─ {}", asked.name),
                notes: ejected,
                ..counted(graph, asked.requests, asked.errors)
            });
        }
    }
    if let Some(counts) = graph.own.get(from) {
        rows.push(Row {
            to: "nobody: answered by its proxy".to_owned(),
            notes: notes(counts, None),
            ..counted(graph, counts.requests(), counts.classes[4])
        });
    }
    rows
}

fn counted(graph: &Graph, requests: u64, errors: u64) -> Row {
    let rate = graph.rate(requests);
    Row {
        from: String::new(),
        to: String::new(),
        requests: requests.to_string(),
        rate: rate.map_or_else(String::new, |rate| format!("{rate:.1}/s")),
        errors: match errors {
            0 => "-".to_owned(),
            errors => errors.to_string(),
        },
        notes: String::new(),
    }
}

/// What is beside the numbers: how it is encrypted, and what is out of the ordinary.
fn notes(counts: &Counts, tls: Option<bool>) -> String {
    let mut notes = Vec::new();
    match tls {
        Some(true) => notes.push("mTLS".to_owned()),
        Some(false) => notes.push("plaintext".to_owned()),
        None => {}
    }
    let some = [
        (counts.classes[2], "redirected (3xx)"),
        (counts.classes[3], "refused (4xx)"),
        (counts.retries, "sent again"),
        (counts.overflows, "beyond the pool"),
        (counts.timeouts, "too slow"),
    ];
    let some = some.iter().filter(|(count, _)| *count > 0);
    notes.extend(some.map(|(count, what)| format!("{count} {what}")));
    notes.join(", ")
}

fn laid_out(rows: &[Row], has_rates: bool) -> String {
    let width = |of: fn(&Row) -> &str| {
        let widths = rows.iter().map(|row| of(row).chars().count());
        widths.max().unwrap_or_default()
    };
    let (from, to) = (width(|row| &row.from), width(|row| &row.to));
    let (requests, rate) = (width(|row| &row.requests), width(|row| &row.rate));
    let errors = width(|row| &row.errors);
    let mut text = String::new();
    for row in rows {
        let mut line = format!(
            "{:from$}  {:to$}  {:>requests$}",
            row.from, row.to, row.requests
        );
        // Into memory, which does not fail.
        if has_rates {
            let _ = write!(line, "  {:>rate$}", row.rate);
        }
        let _ = write!(line, "  {:>errors$}  {}", row.errors, row.notes);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
