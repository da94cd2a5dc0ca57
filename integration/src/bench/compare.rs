//! This run beside an earlier one: what changed, and by how much.

use super::figure::Figure;
use super::report::{Footprint, Measured, Report, Series};
use super::table::aligned;

/// Figures that are compared, with their names, units and digits.
const FIGURES: [(Figure, &str, f64, usize); 4] = [
    (Figure::Cost, "µs/request", 1.0, 2),
    (Figure::P99, "p99 ms", 1_000.0, 2),
    (Figure::Calls, "host calls", 1.0, 1),
    (Figure::Instructions, "instructions", 1.0, 0),
];

/// A table of the figures that both have.
pub fn differences(before: &Report, now: &Report) -> String {
    let head = ["", "", "before", "now", "change"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for scenario in &now.scenarios {
        let Some(earlier) = before
            .scenarios
            .iter()
            .find(|one| one.name == scenario.name)
        else {
            continue;
        };
        for series in &scenario.variants {
            if let Some(old) = earlier.variant(&series.name) {
                rows.extend(series_rows((earlier, old), (scenario, series)));
            }
        }
    }
    for footprint in &now.footprints {
        let same = |one: &&Footprint| one.modules == footprint.modules;
        if let Some(earlier) = before.footprints.iter().find(same) {
            rows.extend(weights(earlier, footprint));
        }
    }
    let mut text = format!("compared with {}\n", before.machine);
    if before.machine.cpu != now.machine.cpu || before.machine.cores != now.machine.cores {
        text += "another machine: only ratios and counts can be compared\n";
    }
    text + &aligned(&rows)
}

fn series_rows(before: (&Measured, &Series), now: (&Measured, &Series)) -> Vec<Vec<String>> {
    let name = format!("  {} / {}", now.0.name, now.1.name);
    let mut rows = Vec::new();
    for (figure, unit, size, digits) in FIGURES {
        let median = |(measured, series): (&Measured, &Series)| {
            let spread = measured.spread(&series.name, figure);
            spread.map(|spread| spread.median / size)
        };
        // Zero in both: a chain without modules has no host calls to speak of.
        if let (Some(old), Some(new)) = (median(before), median(now))
            && (old, new) != (0.0, 0.0)
        {
            rows.push(row(name.clone(), unit, old, new, digits));
        }
    }
    let ratio = |(measured, series): (&Measured, &Series)| measured.ratio(series);
    if let (Some(old), Some(new)) = (ratio(before), ratio(now)) {
        rows.push(row(name, "ratio", old.median, new.median, 2));
    }
    rows
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn weights(before: &Footprint, now: &Footprint) -> [Vec<String>; 2] {
    let name = format!("  {}", now.modules.join(" + "));
    let (kilo, mega) = (
        |bytes: u64| bytes as f64 / 1e3,
        |bytes: i64| bytes as f64 / 1e6,
    );
    [
        row(
            name.clone(),
            "file kB",
            kilo(before.bytes),
            kilo(now.bytes),
            0,
        ),
        row(
            name,
            "MB at 1 worker",
            mega(before.memory),
            mega(now.memory),
            1,
        ),
    ]
}

fn row(name: String, unit: &str, before: f64, now: f64, digits: usize) -> Vec<String> {
    let change = if before == 0.0 {
        "-".to_owned()
    } else {
        format!("{:+.1} %", (now / before - 1.0) * 100.0)
    };
    let shown = |value: f64| format!("{value:.digits$}");
    vec![name, unit.to_owned(), shown(before), shown(now), change]
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn every_figure_of_both_is_a_line() {
        let before = sample::report();
        let mut now = before.clone();
        for round in &mut now.scenarios[0].variants[2].rounds {
            *round = sample::round(23_000);
        }
        now.footprints[0].bytes = 537_000;
        let text = differences(&before, &now);
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert!(lines[0].starts_with("compared with 2 cores of a processor"));
        for line in [
            "idle / native µs/request 1.00 1.00 +0.0 %",
            "idle / ours µs/request 1.50 2.00 +33.3 %",
            "idle / ours p99 ms 2.00 2.00 +0.0 %",
            "idle / ours ratio 1.50 2.00 +33.3 %",
            "fault-injection file kB 439 537 +22.3 %",
        ] {
            assert!(lines.iter().any(|found| found == line), "{line}: {text}");
        }
    }

    #[test]
    fn another_machine_is_named() {
        let before = sample::report();
        let mut now = before.clone();
        now.machine.cores = 8;
        assert!(differences(&before, &now).contains("another machine"));
    }
}
