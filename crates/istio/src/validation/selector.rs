//! Labels, and what is selected by them.

use regex_lite::Regex;

use super::Told;
use crate::spot::Spot;

/// What may stand in a label: a name, with a domain before it or not; and a value, which may be empty.
const NAME: &str = "^(?:[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[-A-Za-z0-9]*[A-Za-z0-9])?)*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$";
const VALUE: &str = "^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$";
const LONGEST_NAME: usize = 63;
const LONGEST_DOMAIN: usize = 253;

/// Labels as Kubernetes has them.
pub(super) fn labels(labels: Option<Spot<'_>>, told: &Told) {
    let is = |pattern: &str, text: &str| Regex::new(pattern).is_ok_and(|it| it.is_match(text));
    for (name, value) in labels.iter().flat_map(Spot::fields) {
        let (domain, short) = name.rsplit_once('/').unwrap_or(("", name));
        if !is(NAME, name) || short.len() > LONGEST_NAME || domain.len() > LONGEST_DOMAIN {
            let name = name.escape_debug();
            told.error(&value, format!("`{name}` cannot be the name of a label"));
        }
        let text = value.value().as_str().unwrap_or_default();
        if !is(VALUE, text) {
            let text = text.escape_debug();
            told.error(&value, format!("`{text}` cannot be the value of a label"));
        }
    }
}

/// A selector, whose labels are in the field of this name.
pub(super) fn check(selector: Option<Spot<'_>>, labels: &str, told: &Told) {
    let Some(selector) = selector else {
        return;
    };
    let labels = selector.field(labels).map(|labels| labels.fields());
    let labels = labels.unwrap_or_default();
    for (name, value) in &labels {
        let text = value.value().as_str().unwrap_or_default();
        if name.is_empty() {
            told.error(value, "a label without a name selects nothing");
        } else if name.contains('*') || text.contains('*') {
            told.error(
                value,
                "an asterisk is no wildcard in a selector: labels are compared as they stand",
            );
        }
    }
    if labels.is_empty() {
        told.warn(
            &selector,
            "selects by no label, which is every workload of the namespace",
        );
    }
}
