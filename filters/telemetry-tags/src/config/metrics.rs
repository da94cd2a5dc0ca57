//! Istio's `metrics[].overrides`: later ones refine earlier ones, for each side and each metric.

use std::rc::Rc;

use sdk_helpers::config::{Scope, duration};
use sdk_helpers::{At, Problems};

use super::names::{self, Labels};
use super::tag::{BoundWire, bound, check_providers, expression};
use super::wire::{
    MatchWire, MetricWord, MetricsWire, OperationWord, OverrideWire, TagOverrideWire,
};
use super::{MetricConfig, Override, TagConfig};
use crate::expression::Expression;
use crate::label::Label;
use crate::metric::Metric;

/// What is known of one side so far.
struct Side {
    /// All metrics together are turned off.
    off: bool,
    metrics: Vec<MetricConfig>,
    dropped: Vec<Metric>,
}

/// Checks overrides against the tags and labels there are.
pub(super) struct Overrides<'a> {
    pub(super) tags: &'a [TagConfig],
    pub(super) labels: &'a [Label],
    pub(super) names: Labels,
    pub(super) problems: &'a Problems,
}

impl Overrides<'_> {
    /// Checks the elements. No list at all asks for no metrics.
    pub(super) fn check(
        mut self,
        elements: Option<Vec<MetricsWire>>,
        at: &At<'_>,
    ) -> [Vec<MetricConfig>; 2] {
        if elements.as_ref().is_some_and(Vec::is_empty) {
            let problem = "is empty: there are no metrics; `[{}]` are all of Istio's for HTTP";
            self.problems.warn(at, problem);
        }
        let mut sides = [Side::new(), Side::new()];
        let wanted = elements
            .as_ref()
            .is_some_and(|elements| !elements.is_empty());
        for (index, element) in elements.into_iter().flatten().enumerate() {
            let at = at.index(index);
            check_providers(&element.providers.unwrap_or_default(), &at, self.problems);
            if let Some(text) = element.reporting_interval {
                let at = at.field("reportingInterval");
                match duration(&text) {
                    Err(problem) => self.problems.error(&at, problem),
                    Ok(_) => self.problems.warn_of(
                        Scope::Filter,
                        &at,
                        "changes nothing here: HTTP metrics are reported when a stream ends",
                    ),
                }
            }
            for (index, entry) in element
                .overrides
                .unwrap_or_default()
                .into_iter()
                .enumerate()
            {
                let at = at.field("overrides");
                let at = at.index(index);
                match entry {
                    Some(entry) => self.merge(entry, &at, &mut sides),
                    None => self.problems.error(&at, "may not be null"),
                }
            }
        }
        sides.map(|side| side.metrics(wanted))
    }

    fn merge(&mut self, wire: OverrideWire, at: &At<'_>, sides: &mut [Side; 2]) {
        let asked = wire.r#match.unwrap_or_default();
        let metrics = matched(&asked, &at.field("match"), self.problems);
        let mut overrides = Vec::new();
        for (name, entry) in wire.tag_overrides.unwrap_or_default() {
            let at = at.field("tagOverrides");
            let at = at.field(&name);
            match entry {
                None => self.problems.error(&at, "may not be null"),
                Some(entry) => overrides.extend(self.change(name.clone(), entry, &at)),
            }
        }
        let picked = asked.mode.unwrap_or_default().sides();
        let mut all_again = false;
        for (side, picked) in sides.iter_mut().zip(picked) {
            if picked {
                let was_off = side.off;
                side.merge(&metrics, wire.disabled, &overrides);
                let asked = wire.disabled == Some(false) && metrics.len() == Metric::ALL.len();
                all_again |= was_off && !side.off && !asked;
            }
        }
        if all_again {
            self.problems.warn(
                at,
                "turns all metrics on again, as in Istio: `ALL_METRICS` stays disabled only while no override \
                 comes after it; disable by name those that are not wanted",
            );
        }
    }

    /// What becomes of one label.
    fn change(
        &mut self,
        name: String,
        entry: TagOverrideWire,
        at: &At<'_>,
    ) -> Option<(String, Override)> {
        if name.is_empty() {
            // As in Istio.
            self.problems
                .warn(at, "changes nothing: a label has a name");
            return None;
        }
        if let Err(problem) = names::check(&name) {
            self.problems.error(at, problem);
            return None;
        }
        let change = tag_override(&name, entry, at, self.problems)?;
        let label = Label::find(&name);
        let known = self.tags.iter().any(|tag| tag.name == name)
            || label.is_some_and(|label| self.labels.contains(&label));
        match change {
            Override::Upsert(..) => self.names.claim(&name, at, self.problems),
            Override::Remove if known => {}
            Override::Remove => {
                let problem = format!("there is no label `{name}` to remove");
                self.problems.warn(at, problem);
            }
        }
        Some((name, change))
    }
}

impl Side {
    fn new() -> Self {
        let all = Metric::ALL.iter().map(|metric| MetricConfig {
            metric: *metric,
            overrides: vec![],
        });
        Side {
            off: false,
            metrics: all.collect(),
            dropped: vec![],
        }
    }

    fn merge(
        &mut self,
        metrics: &[Metric],
        disabled: Option<bool>,
        overrides: &[(String, Override)],
    ) {
        let all = metrics.len() == Metric::ALL.len();
        // When all are turned off, Istio drops what else the override says. Any other override turns
        // them on again, whatever it is for.
        self.off = all && disabled == Some(true);
        if self.off {
            return;
        }
        for one in &mut self.metrics {
            if !metrics.contains(&one.metric) {
                continue;
            }
            if disabled.is_some() {
                self.dropped.retain(|metric| *metric != one.metric);
            }
            if disabled == Some(true) {
                self.dropped.push(one.metric);
            }
            for (name, change) in overrides {
                one.replace(name, change);
            }
        }
    }

    fn metrics(mut self, wanted: bool) -> Vec<MetricConfig> {
        let wanted = wanted && !self.off;
        self.metrics
            .retain(|one| wanted && !self.dropped.contains(&one.metric));
        self.metrics
    }
}

impl MetricConfig {
    /// Keeps what becomes of a label in place of what was known of it, by name.
    fn replace(&mut self, name: &str, change: &Override) {
        let there = self.overrides.iter_mut().find(|(known, _)| known == name);
        match there {
            Some((_, known)) => *known = change.clone(),
            None => {
                let at = self
                    .overrides
                    .partition_point(|(known, _)| known.as_str() < name);
                self.overrides.insert(at, (name.to_owned(), change.clone()));
            }
        }
    }
}

/// The metrics of this filter that an override is for.
fn matched(wire: &MatchWire, at: &At<'_>, problems: &Problems) -> Vec<Metric> {
    if let Some(name) = &wire.custom_metric {
        let at = at.field("customMetric");
        if wire.metric.is_some() {
            problems.error(&at, "only one of `metric` and `customMetric` can be set");
        }
        if name.is_empty() {
            problems.error(&at, "may not be empty");
            return vec![];
        }
        let metric = Metric::find(name);
        if metric.is_none() {
            let bare = name.strip_prefix("istio_").and_then(Metric::find);
            let remedy = match bare {
                Some(metric) => format!("; write `{}`", metric.name()),
                None => String::new(),
            };
            problems.warn(
                &at,
                format!(
                    "changes nothing: no metric is called `{name}`, here or in Istio's own filter{remedy}"
                ),
            );
        }
        return metric.into_iter().collect();
    }
    let Some(word) = wire.metric.filter(|word| *word != MetricWord::All) else {
        return Metric::ALL.to_vec();
    };
    let metric = word.metric();
    if metric.is_none() {
        let name = word.word();
        problems.warn_of(
            Scope::Filter,
            &at.field("metric"),
            format!("changes nothing here: this filter sees HTTP, and {name} counts TCP"),
        );
    }
    metric.into_iter().collect()
}

impl MetricWord {
    /// The one metric it names, unless that counts TCP.
    fn metric(self) -> Option<Metric> {
        Some(match self {
            MetricWord::RequestCount => Metric::RequestCount,
            MetricWord::RequestDuration => Metric::RequestDuration,
            MetricWord::RequestSize => Metric::RequestSize,
            MetricWord::ResponseSize => Metric::ResponseSize,
            MetricWord::GrpcRequestMessages => Metric::GrpcRequestMessages,
            MetricWord::GrpcResponseMessages => Metric::GrpcResponseMessages,
            MetricWord::All
            | MetricWord::TcpOpenedConnections
            | MetricWord::TcpClosedConnections
            | MetricWord::TcpSentBytes
            | MetricWord::TcpReceivedBytes => return None,
        })
    }
}

fn tag_override(
    name: &str,
    wire: TagOverrideWire,
    at: &At<'_>,
    problems: &Problems,
) -> Option<Override> {
    let at_value = at.field("value");
    let value = wire.value.filter(|value| !value.is_empty());
    let bound = BoundWire {
        max_values: wire.max_values,
        overflow: wire.overflow,
    };
    if wire.operation.unwrap_or_default() == OperationWord::Remove {
        for (field, there) in [("value", value.is_some()), ("claim", wire.claim.is_some())] {
            if there {
                problems.error(
                    &at.field(field),
                    "may only be set when `operation` is `UPSERT`",
                );
            }
        }
        return Some(Override::Remove);
    }
    if let Some(claim) = wire.claim {
        let at_claim = at.field("claim");
        if value.is_some() {
            problems.error(&at_claim, "stands in place of `value`, not beside it");
        }
        let bound = self::bound(bound, at, problems);
        let claim = Expression::of_claim(&claim, &at_claim);
        let claim = claim.map_err(|problem| problems.error(&at_claim, problem));
        return Some(Override::Upsert(Rc::new(claim.ok()?), bound));
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
    let bound = self::bound(bound, at, problems);
    let expression = expression(&text, &at_value, problems)?;
    Some(Override::Upsert(Rc::new(expression), bound))
}
