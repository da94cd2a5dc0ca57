//! Istio's `metrics[].overrides`: later ones refine earlier ones, for each side and each metric.

use std::collections::BTreeMap;
use std::rc::Rc;

use sdk_helpers::{At, Problems};

use super::tag::{bound, check_name, check_providers};
use super::wire::{METRICS, MetricsWire, OverrideWire, TagOverrideWire};
use super::{MetricConfig, Override};
use crate::expression::Expression;
use crate::label::Label;
use crate::metric::Metric;

/// What is known of one side so far.
#[derive(Default)]
struct Side {
    /// All metrics together are turned off.
    off: bool,
    dropped: [bool; Metric::ALL.len()],
    overrides: [BTreeMap<String, Override>; Metric::ALL.len()],
}

/// Checks the elements. No list at all asks for no metrics.
pub(super) fn check(
    elements: Option<Vec<MetricsWire>>,
    at: &At<'_>,
    problems: &Problems,
    tags: &[String],
    labels: &[Label],
) -> [Vec<MetricConfig>; 2] {
    let mut sides = [Side::default(), Side::default()];
    let wanted = elements
        .as_ref()
        .is_some_and(|elements| !elements.is_empty());
    for (index, element) in elements.into_iter().flatten().enumerate() {
        let at = at.index(index);
        check_providers(&element.providers, &at, problems);
        if element.reporting_interval {
            problems.warn(
                &at.field("reportingInterval"),
                "changes nothing here: HTTP metrics are reported when a stream ends",
            );
        }
        for (index, entry) in element.overrides.into_iter().enumerate() {
            let at = at.field("overrides");
            let at = at.index(index);
            match entry {
                Some(entry) => merge(entry, &at, problems, (tags, labels), &mut sides),
                None => problems.error(&at, "may not be null"),
            }
        }
    }
    sides.map(|side| match wanted && !side.off {
        true => side.metrics(),
        false => vec![],
    })
}

impl Side {
    fn metrics(self) -> Vec<MetricConfig> {
        let all = Metric::ALL
            .into_iter()
            .zip(self.dropped)
            .zip(self.overrides);
        all.filter(|((_, dropped), _)| !dropped)
            .map(|((metric, _), overrides)| MetricConfig {
                metric,
                overrides: overrides.into_iter().collect(),
            })
            .collect()
    }
}

fn merge(
    wire: OverrideWire,
    at: &At<'_>,
    problems: &Problems,
    (tags, labels): (&[String], &[Label]),
    sides: &mut [Side; 2],
) {
    let Some(metrics) = matched(&wire, &at.field("match"), problems) else {
        return;
    };
    let all = metrics.len() == Metric::ALL.len();
    let mut overrides = Vec::new();
    for (name, entry) in wire.tags {
        let at = at.field("tagOverrides");
        let at = at.field(&name);
        let Some(entry) = entry else {
            problems.error(&at, "may not be null");
            continue;
        };
        if let Err(problem) = check_name(&name) {
            problems.error(&at, problem);
        } else if let Some(change) = tag_override(&name, entry, &at, problems) {
            let label = Label::find(&name);
            let known = tags.contains(&name) || label.is_some_and(|label| labels.contains(&label));
            if matches!(change, Override::Remove) && !known {
                problems.warn(&at, format!("there is no label `{name}` to remove"));
            }
            overrides.push((name, change));
        }
    }
    let picked = [wire.mode != 2, wire.mode != 1];
    for (side, _) in sides.iter_mut().zip(picked).filter(|(_, picked)| *picked) {
        if all && wire.disabled == Some(true) {
            // Istio drops what else the override says.
            side.off = true;
            continue;
        }
        side.off = false;
        let each = Metric::ALL
            .into_iter()
            .zip(&mut side.dropped)
            .zip(&mut side.overrides);
        for ((metric, dropped), so_far) in each {
            if metrics.contains(&metric) {
                *dropped = wire.disabled.unwrap_or(*dropped);
                so_far.extend(overrides.iter().cloned());
            }
        }
    }
}

/// The metrics an override is for; `None` if none of this filter's.
fn matched(wire: &OverrideWire, at: &At<'_>, problems: &Problems) -> Option<Vec<Metric>> {
    if let Some(name) = &wire.custom_metric {
        let at = at.field("customMetric");
        if wire.metric.is_some() {
            problems.error(&at, "only one of `metric` and `customMetric` can be set");
        }
        if name.is_empty() {
            problems.error(&at, "may not be empty");
            return None;
        }
        let metric = Metric::find(name);
        if metric.is_none() {
            problems.warn(
                &at,
                format!(
                    "changes nothing: no metric is called `{name}`, here or in Istio's own filter"
                ),
            );
        }
        return metric.map(|metric| vec![metric]);
    }
    let Some(place) = wire.metric.filter(|place| *place > 0) else {
        return Some(Metric::ALL.to_vec());
    };
    let metric = Metric::ALL.get(place.saturating_sub(1)).copied();
    if metric.is_none() {
        let name = METRICS.get(place).copied().unwrap_or_default();
        problems.warn(
            &at.field("metric"),
            format!("changes nothing here: this filter sees HTTP, and {name} counts TCP"),
        );
    }
    metric.map(|metric| vec![metric])
}

fn tag_override(
    name: &str,
    wire: TagOverrideWire,
    at: &At<'_>,
    problems: &Problems,
) -> Option<Override> {
    let at_value = at.field("value");
    let value = wire.value.filter(|value| !value.is_empty());
    if wire.remove {
        if value.is_some() {
            problems.error(&at_value, "may only be set when `operation` is `UPSERT`");
        }
        return Some(Override::Remove);
    }
    let Some(text) = value else {
        problems.error(&at_value, "must be set when `operation` is `UPSERT`");
        return None;
    };
    if Label::find(name).and_then(Label::attribute) == Some(text.trim()) {
        problems.warn(
            &at_value,
            format!("changes nothing: `{name}` is `{}` already", text.trim()),
        );
    }
    let bound = bound(wire.bound, at, problems);
    match Expression::parse(&text) {
        Ok(expression) => Some(Override::Upsert(Rc::new(expression), text, bound)),
        Err(problem) => {
            problems.error(&at_value, format!("`{text}` {problem}"));
            None
        }
    }
}
