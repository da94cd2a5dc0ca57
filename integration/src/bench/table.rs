//! The report as a person reads it: aligned columns, units in the head, and what the budget says.

use super::figure::Figure;
use super::report::{Footprint, Measured, Series};
use super::stats::Spread;
use super::verdict::verdict;

/// What is not measured, or makes no sense here.
const NONE: &str = "-";

/// A scenario's figures and its budget.
pub fn scenario(measured: &Measured, footprints: &[Footprint]) -> String {
    let adds = measured.variants.iter().any(|series| series.over.is_some());
    let cost = if adds {
        "added µs/request"
    } else {
        "µs/request"
    };
    let mut head = vec!["", cost, "ratio"];
    if adds {
        head.push("all µs");
    }
    head.extend(["requests/s", "min ms", "p50 ms", "p90 ms", "p99 ms"]);
    let mut rows = vec![head.into_iter().map(str::to_owned).collect()];
    rows.extend(
        measured
            .variants
            .iter()
            .map(|series| row(measured, series, adds)),
    );
    let mut text = format!(
        "{}: {}\n{} connections, {} rounds of {} s: medians, and the half of the rounds around them\n{}",
        measured.name,
        measured.description,
        measured.connections,
        measured.rounds(),
        measured.seconds,
        aligned(&rows)
    );
    text += &modules(measured, footprints);
    for line in &measured.budget {
        text += &format!("  {}\n", verdict(line, measured, footprints));
    }
    text
}

fn row(measured: &Measured, series: &Series, adds: bool) -> Vec<String> {
    let name = series.name.as_str();
    let of = |figure| measured.spread(name, figure);
    let median = |figure, unit: f64, digits| match of(figure) {
        Some(spread) => format!("{:.digits$}", spread.median / unit),
        None => NONE.to_owned(),
    };
    let cost = of(Figure::Cost).filter(|_| series.over.is_some() || !adds);
    let ratio = measured.ratio(series).map(with_spread);
    let mut cells = vec![
        format!("  {name}"),
        cost.map_or_else(|| NONE.to_owned(), with_spread),
        match (ratio, &series.against) {
            (Some(ratio), Some(against)) => format!("{ratio} × {against}"),
            (None, Some(against)) => format!("{against} too small"),
            _ => NONE.to_owned(),
        },
    ];
    if adds {
        cells.push(median(Figure::Cpu, 1.0, 2));
    }
    cells.push(median(Figure::Rate, 1.0, 0));
    for figure in [Figure::Min, Figure::P50, Figure::P90, Figure::P99] {
        cells.push(median(figure, 1_000.0, 2));
    }
    cells
}

fn with_spread(spread: Spread) -> String {
    let Spread { low, median, high } = spread;
    format!("{median:.2} ({low:.2} to {high:.2})")
}

/// A count, with a digit after the point only where it has one.
pub(super) fn short(number: f64) -> String {
    if number.fract() == 0.0 {
        format!("{number:.0}")
    } else {
        format!("{number:.1}")
    }
}

/// What the modules of each variant weigh, in their files and in RAM over an Envoy without wasm, and what a
/// request costs in them that can be counted; nothing where there are none.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn modules(measured: &Measured, footprints: &[Footprint]) -> String {
    let head = [
        "",
        "file kB",
        "MB, 1 worker",
        "2 workers",
        "4 workers",
        "each more",
        "host calls",
        "with bytes",
        "instructions",
    ];
    let with_modules = measured.variants.iter();
    let with_modules = with_modules.filter(|series| !series.modules.is_empty());
    let rows = with_modules.map(|series| {
        let found = footprints.iter().find(|one| one.modules == series.modules);
        let weight = |shown: fn(&Footprint) -> Option<f64>, digits: usize| {
            let weight = found.and_then(shown);
            weight.map_or_else(|| NONE.to_owned(), |weight| format!("{weight:.digits$}"))
        };
        vec![
            format!("  {}", series.name),
            weight(|one| Some(one.bytes as f64 / 1e3), 0),
            weight(|one| Some(one.memory as f64 / 1e6), 1),
            weight(|one| Some(one.memory_two as f64 / 1e6), 1),
            weight(|one| one.memory_four.map(|four| four as f64 / 1e6), 1),
            weight(|one| Some(one.worker() as f64 / 1e6), 1),
            short(series.calls()),
            short(series.with_bytes),
            format!("{:.0}", series.instructions),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    let head = vec![head.map(str::to_owned).to_vec()];
    aligned(&[head, rows].concat())
}

/// Rows as columns: the first one flush left, the others flush right.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            text += &match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_scenario_is_a_table_with_its_budget_below() {
        let report = sample::report();
        let text = scenario(&report.scenarios[0], &report.footprints);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "idle: nothing happens");
        assert!(lines[2].ends_with("p99 ms"), "{text}");
        assert!(lines[3].starts_with("  empty  "), "{text}");
        assert!(lines[5].contains("1.50 (1.45 to 2.00)"), "{text}");
        assert!(lines[5].contains("× native"), "{text}");
        assert!(lines[6].ends_with("with bytes  instructions"), "{text}");
        let words: Vec<&str> = lines[7].split_whitespace().collect();
        let counts = ["2", "1", "2739"];
        let weights = ["ours", "439", "25.0", "26.0", "26.5", "0.5"];
        assert_eq!(words, [&weights[..], &counts].concat());
        // The second of the three rounds is over twice the native cost.
        assert_eq!(
            lines[8],
            "  budget ours <= 2 * native: met (1.50 µs against 2.00 µs, in 2 of 3 rounds)"
        );
        assert_eq!(
            lines[9],
            "  budget ours.memory <= 30 MB: met (25.0 MB against 30.0 MB)"
        );
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["a", "µs", "x"], ["long", "1", "22"]].map(|row| row.map(str::to_owned).into());
        assert_eq!(aligned(&rows), "a     µs   x\nlong   1  22\n");
    }
}
