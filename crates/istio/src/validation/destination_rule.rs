//! DestinationRule.

use std::collections::BTreeSet;

use super::export::Of;
use super::{Told, export, names, selector, traffic_policy};
use crate::spot::Spot;

pub(super) fn check(spec: &Spot<'_>, namespace: &str, told: &Told) {
    match spec.field("host") {
        Some(host) => told.result(&host, names::wildcard(spec.text("host"))),
        None => told.at(spec.path_of("host"), "is missing"),
    }
    if let Some(policy) = spec.field("trafficPolicy") {
        traffic_policy::check(&policy, namespace, told);
    }
    let mut seen = BTreeSet::new();
    for subset in spec.list("subsets") {
        let name = subset.text("name");
        if !seen.insert(name) {
            let path = subset.path_of("name");
            told.at(
                path,
                format!("another subset is called `{}` too", name.escape_debug()),
            );
        }
        subset_name(&subset, "name", told);
        selector::labels(subset.field("labels"), told);
        if let Some(policy) = subset.field("trafficPolicy") {
            traffic_policy::check(&policy, namespace, told);
        }
    }
    let is_selected = spec.field("workloadSelector").is_some();
    let of = if is_selected { Of::Selected } else { Of::Other };
    export::check(spec, namespace, of, told);
    selector::check(spec.field("workloadSelector"), "matchLabels", told);
}

/// The name of a subset, where it is defined or used.
pub(super) fn subset_name(of: &Spot<'_>, field: &str, told: &Told) {
    let name = of.text(field);
    if !names::is_label(name) {
        let name = name.escape_debug();
        let problem = format!(
            "`{name}` is no name of a subset: letters, digits and dashes inside, at most 63 of them"
        );
        told.at(of.path_of(field), problem);
    }
}
