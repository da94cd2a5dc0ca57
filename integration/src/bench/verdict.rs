//! The budget beside what was measured. It is told and never enforced: what a busy machine says is
//! for a person to judge.

use super::budget::Budget;
use super::figure::Figure;
use super::report::{Footprint, Measured};
use super::stats::Spread;
use super::table::short;

/// Whether a line of the budget is met, by the medians of both sides and in how many rounds.
pub fn verdict(line: &str, measured: &Measured, footprints: &[Footprint]) -> String {
    let Ok(budget) = Budget::try_from(line.to_owned()) else {
        return format!("budget {line}: not understood");
    };
    let sides: Vec<(f64, f64)> = (0..measured.rounds())
        .filter_map(|round| {
            budget.sides(|name, figure| measured.value(footprints, name, figure, round))
        })
        .collect();
    let (Some(left), Some(right), Some(margin)) = (
        Spread::of(sides.iter().map(|(left, _)| *left)),
        Spread::of(sides.iter().map(|(_, right)| *right)),
        Spread::of(sides.iter().map(|(left, right)| left - right)),
    ) else {
        return format!("budget {line}: not measured");
    };
    let met = if margin.median <= 0.0 {
        "met"
    } else {
        "NOT met"
    };
    let kept = sides.iter().filter(|(left, right)| left <= right).count();
    let shown = |spread: Spread| quantity(spread.median, budget.figure());
    let rounds = match budget.figure() {
        Figure::Calls | Figure::Instructions | Figure::Bytes | Figure::Memory | Figure::Worker => {
            String::new()
        }
        _ => format!(", in {kept} of {} rounds", sides.len()),
    };
    format!(
        "budget {line}: {met} ({} against {}{rounds})",
        shown(left),
        shown(right)
    )
}

fn quantity(value: f64, figure: Figure) -> String {
    match figure {
        Figure::Calls | Figure::Instructions | Figure::Rate => short(value),
        Figure::Bytes => format!("{:.0} kB", value / 1e3),
        Figure::Memory | Figure::Worker => format!("{:.1} MB", value / 1e6),
        _ if value >= 10_000.0 => format!("{:.1} ms", value / 1e3),
        _ => format!("{value:.2} µs"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_limit_that_is_passed_is_not_met() {
        let report = sample::report();
        let line = verdict("ours <= native", &report.scenarios[0], &report.footprints);
        assert!(line.contains("NOT met"), "{line}");
        let line = verdict(
            "ours.p99 <= other.p99",
            &report.scenarios[0],
            &report.footprints,
        );
        assert!(line.ends_with("not measured"), "{line}");
    }
}
