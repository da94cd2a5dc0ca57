//! How many bytes each built module may have.

use super::{built, module};

/// A module, and the bytes it may have.
const BUDGETS: [(&str, u64); 9] = [
    ("authorization-policy", 430_000),
    ("beyond", 210_000),
    ("fault-injection", 410_000),
    ("mesh-filters", 1_400_000),
    ("noop", 210_000),
    ("probe", 250_000),
    // A regex engine is in it.
    ("rate-limit", 500_000),
    ("request-authentication", 650_000),
    ("telemetry-tags", 450_000),
];

#[test]
fn no_module_is_larger_than_its_budget() {
    for (name, budget) in BUDGETS {
        let size = module(name).size();
        assert!(size <= budget, "{name}: {size} bytes of {budget}");
    }
}

#[test]
fn every_module_has_a_budget() {
    let built: Vec<String> = built().into_keys().collect();
    assert_eq!(built, BUDGETS.map(|(name, _)| name));
}
