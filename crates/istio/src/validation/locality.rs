//! Which localities traffic goes to: `region/zone/subzone`, each of them or `*` at the end.

use super::Told;
use crate::spot::Spot;

/// The labels of nodes that say where they are.
const TOPOLOGY: [&str; 3] = [
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "topology.istio.io/subzone",
];

pub(super) fn check(setting: &Spot<'_>, has_outlier: bool, told: &Told) {
    let (distribute, failover) = (setting.list("distribute"), setting.list("failover"));
    if !distribute.is_empty() && !failover.is_empty() {
        told.at(
            setting.path_of("failover"),
            "stands beside `distribute`, and only one of them may be",
        );
        return;
    }
    for label in setting.list("failoverPriority") {
        let text = label.value().as_str().unwrap_or_default();
        if !failover.is_empty() && TOPOLOGY.contains(&text) {
            told.error(
                &label,
                format!("`{text}` and `failover` say two things of the same; remove one"),
            );
            return;
        }
    }
    for entry in &distribute {
        let targets = entry.field("to").map(|to| to.fields()).unwrap_or_default();
        let weight = |spot: &Spot<'_>| spot.value().as_u64().unwrap_or_default();
        let wrong = targets
            .iter()
            .find(|(_, share)| !(1..=100).contains(&weight(share)));
        if let Some((_, share)) = wrong {
            told.error(share, "is no weight: 1 to 100");
            return;
        }
        let total: u64 = targets.iter().map(|(_, share)| weight(share)).sum();
        if total != 100 {
            told.at(
                entry.path_of("to"),
                format!("weights add up to {total}, not to 100"),
            );
            return;
        }
        let names: Vec<_> = targets
            .iter()
            .map(|(name, spot)| (*name, spot.path().to_owned()))
            .collect();
        distinct(&names, false, told);
    }
    let from: Vec<_> = distribute
        .iter()
        .map(|entry| (entry.text("from"), entry.path_of("from")))
        .collect();
    distinct(&from, true, told);
    regions(setting, has_outlier, told);
}

pub(super) fn zone(setting: &Spot<'_>, has_outlier: bool, told: &Told) {
    for label in setting.list("failoverPriority") {
        let text = label.value().as_str().unwrap_or_default();
        if TOPOLOGY.contains(&text) {
            told.error(
                &label,
                format!("`{text}`: regions and zones are seen to without it; remove it"),
            );
        }
    }
    regions(setting, has_outlier, told);
}

/// Where traffic goes when a region fails.
fn regions(setting: &Spot<'_>, has_outlier: bool, told: &Told) {
    let entries = setting.list("failover");
    let fails_over = !entries.is_empty() || !setting.list("failoverPriority").is_empty();
    if fails_over && !has_outlier {
        told.warn(
            setting,
            "does not fail over: without `outlierDetection` no endpoint is ever found to fail",
        );
    }
    for entry in entries {
        let (from, to) = (entry.text("from"), entry.text("to"));
        if from == to {
            told.error(&entry, "fails over to the region itself");
        }
        for (name, text) in [("from", from), ("to", to)] {
            if text.contains(['/', '*']) {
                told.at(
                    entry.path_of(name),
                    "is to be the name of a region alone, with neither `/` nor `*`",
                );
            }
        }
    }
}

/// Tells localities that are none, and those that another one has in it already. Those of a mapping have no
/// order, and istiod takes them in any: there, only what is refused in each order is told.
fn distinct(localities: &[(&str, String)], is_ordered: bool, told: &Told) {
    let mut seen: Vec<Vec<&str>> = Vec::new();
    for (locality, path) in localities {
        let shown = locality.escape_debug();
        let parts: Vec<&str> = locality.splitn(3, '/').collect();
        let stars = locality.matches('*').count();
        let is_told = |other: &Vec<&str>| has(other, &parts) && (is_ordered || has(&parts, other));
        let problem = if stars > 1 || stars == 1 && !locality.ends_with('*') {
            format!("`{shown}`: an asterisk stands at the end, once")
        } else if parts.contains(&"") {
            format!("`{shown}` has an empty part")
        } else if seen.iter().any(is_told) {
            format!("`{shown}` is named before, or a part of one that is")
        } else {
            seen.push(parts);
            continue;
        };
        told.at(path, problem);
        return;
    }
}

/// Whether istiod finds a locality in one that was named before it. What is behind an asterisk, or not said, is
/// any; a region alone meets all that was said of the region.
fn has(before: &[&str], locality: &[&str]) -> bool {
    for (index, part) in before.iter().enumerate() {
        match locality.get(index) {
            _ if *part == "*" => return true,
            Some(other) if other == part => {}
            Some(_) => return false,
            None => return true,
        }
    }
    true
}
