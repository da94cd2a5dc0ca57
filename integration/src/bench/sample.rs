//! A report with round figures, for tests.

use super::machine::Machine;
use super::report::{Footprint, Measured, Report, Round, Series};

/// A round of 1,000 requests at this many nanoseconds each.
pub(super) fn round(cpu: u64) -> Round {
    Round {
        requests: 1_000,
        duration: 50_000,
        cpu: cpu * 1_000,
        min: 100,
        p50: 400,
        p90: 900,
        p99: 2_000,
        max: 9_000,
    }
}

fn series(name: &str, modules: &[&str], costs: [u64; 3]) -> Series {
    Series {
        name: name.to_owned(),
        over: (name != "empty").then(|| "empty".to_owned()),
        against: (name == "ours").then(|| "native".to_owned()),
        modules: modules.iter().map(ToString::to_string).collect(),
        host_calls: modules
            .iter()
            .map(|_| ("proxy_log".to_owned(), 2.0))
            .collect(),
        with_bytes: if modules.is_empty() { 0.0 } else { 1.0 },
        instructions: if modules.is_empty() { 0.0 } else { 2_739.0 },
        rounds: costs.map(round).into(),
    }
}

pub(super) fn report() -> Report {
    Report {
        machine: Machine {
            cores: 2,
            cpu: "a processor".to_owned(),
            envoy: "1.40.0".to_owned(),
            commit: Some("abc1234".to_owned()),
            load: Some("0.10".to_owned()),
        },
        footprints: vec![Footprint {
            modules: vec!["fault-injection".to_owned()],
            bytes: 439_000,
            memory: 25_000_000,
            memory_two: 26_000_000,
            memory_four: Some(26_500_000),
        }],
        scenarios: vec![Measured {
            name: "idle".to_owned(),
            description: "nothing happens".to_owned(),
            connections: 16,
            seconds: 2,
            budget: vec![
                "ours <= 2 * native".to_owned(),
                "ours.memory <= 30 MB".to_owned(),
            ],
            variants: vec![
                series("empty", &[], [20_000, 30_000, 21_000]),
                series("native", &[], [21_000, 31_000, 22_000]),
                series("ours", &["fault-injection"], [21_500, 32_500, 22_400]),
            ],
        }],
    }
}
