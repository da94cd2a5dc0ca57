//! What a request costs in instructions of wasm and in host calls, by scenario of the benchmark.
//!
//! ```text
//! cargo xtask build
//! MESH_FILTERS_REWRITE=1 cargo test --workspace --test all -- modules::instructions
//! ```
//!
//! writes `instructions.txt` anew. Fewer instructions are a failure too: what has become cheaper is to stay so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::{env, fs};

use integration::bench::counts::Counts;
use integration::bench::{counts, files, tokens};
use integration::envoy::repository;

const FILE: &str = "integration/tests/all/modules/instructions.txt";
const REWRITE: &str = "MESH_FILTERS_REWRITE";
/// Instructions may differ by this share from what is pinned.
const TOLERANCE: f64 = 0.02;
const HEAD: &str = "\
# One request, warm: instructions, host calls, how many of these give bytes, the scenario and its variant.
# Written by the test beside this file.
";

/// Scenario, variant, and the most instructions that it may ever have, where that was reached.
const PINS: [(&str, &str, Option<f64>); 12] = [
    ("floor", "noop", Some(900.0)),
    ("fault-idle", "ours-percentage", Some(1_100.0)),
    ("authorization-path", "ours-10", None),
    ("authorization-path", "ours-10000", None),
    ("rate-limit-one", "ours-bucket", Some(3_500.0)),
    ("rate-limit-one", "ours-headers", Some(6_500.0)),
    ("telemetry-two", "ours-here", None),
    ("jwt-known", "ours", None),
    ("chain", "five", None),
    ("chain", "five-headers", None),
    ("chain", "one", None),
    ("chain", "one-headers", None),
];

/// What 10,000 rules may cost beside ten.
const MANY_RULES: f64 = 1.2;

/// One line of the file.
struct Pin {
    instructions: f64,
    host_calls: f64,
    with_bytes: f64,
}

impl Pin {
    fn read(line: &str) -> (String, Self) {
        let mut words = line.split_whitespace();
        let mut number = || words.next().unwrap().parse().unwrap();
        let pin = Self {
            instructions: number(),
            host_calls: number(),
            with_bytes: number(),
        };
        (words.collect::<Vec<_>>().join(" "), pin)
    }

    /// What is wrong with the counts.
    fn problem(&self, counts: &Counts) -> Option<String> {
        let now = counts.instructions();
        if (now / self.instructions - 1.0).abs() > TOLERANCE {
            let pinned = self.instructions;
            let by = (now / pinned - 1.0) * 100.0;
            return Some(format!(
                "{now:.0} instructions, {pinned:.0} are pinned: {by:+.1} %"
            ));
        }
        let (calls, with_bytes) = (counts.calls(), counts.with_bytes);
        let same = |a: f64, b: f64| (a - b).abs() < 0.05;
        if same(calls, self.host_calls) && same(with_bytes, self.with_bytes) {
            return None;
        }
        Some(format!(
            "{calls:.1} host calls, {with_bytes:.1} of them with bytes: {:?}",
            counts.host_calls
        ))
    }
}

/// The counts of all pins by name, for all tests of this file.
static MEASURED: LazyLock<BTreeMap<String, Counts>> = LazyLock::new(|| {
    let names: BTreeSet<String> = PINS.map(|(scenario, ..)| scenario.to_owned()).into();
    let mut measured = BTreeMap::new();
    for scenario in files::select(&Vec::from_iter(names)).unwrap() {
        let scenario = tokens::mint(scenario).unwrap();
        for (_, variant, _) in PINS.iter().filter(|(of, ..)| *of == scenario.name) {
            let name = format!("{} {variant}", scenario.name);
            let variant = scenario.variant(variant).unwrap();
            measured.insert(name, counts(&scenario, variant).unwrap());
        }
    }
    measured
});

fn instructions(name: &str) -> f64 {
    MEASURED[name].instructions()
}

fn line(counts: &Counts, name: &str) -> String {
    let (instructions, calls) = (counts.instructions(), counts.calls());
    let with_bytes = counts.with_bytes;
    format!("{instructions:>7.0} {calls:>5.1} {with_bytes:>5.1}  {name}")
}

#[test]
fn a_request_costs_what_is_pinned() {
    let all = PINS.map(|(scenario, variant, most)| {
        let name = format!("{scenario} {variant}");
        let counts = &MEASURED[&name];
        (name, counts, most)
    });
    let path = repository().join(FILE);
    if env::var_os(REWRITE).is_some() {
        let mut text = HEAD.to_owned();
        for (name, counts, _) in &all {
            writeln!(text, "{}", line(counts, name)).unwrap();
        }
        fs::write(&path, text).unwrap();
    }
    let text = fs::read_to_string(&path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pinned: Vec<(String, Pin)> = lines.map(Pin::read).collect();
    let names: Vec<&str> = pinned.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, all.each_ref().map(|(name, ..)| name.as_str()));
    let mut problems = Vec::new();
    for ((name, counts, most), (_, pin)) in all.iter().zip(&pinned) {
        let over = most.filter(|most| counts.instructions() > *most);
        let over = over.map(|most| format!("more than {most:.0} instructions"));
        for problem in pin.problem(counts).into_iter().chain(over) {
            problems.push(format!("{name}: {problem}"));
        }
    }
    let how = format!("if it is meant: {REWRITE}=1, see {FILE}");
    assert!(problems.is_empty(), "{}\n{how}", problems.join("\n"));
}

#[test]
fn ten_thousand_rules_are_read_no_longer_than_ten() {
    let rules = |rules| instructions(&format!("authorization-path ours-{rules}"));
    let (ten, many) = (rules(10), rules(10_000));
    assert!(many <= MANY_RULES * ten, "{many} against {ten}");
}
