//! The configuration, checked.

mod metrics;
mod names;
mod tag;
mod wire;

use sdk_helpers::config::{Envelope, Layout, Scope};
use sdk_helpers::{At, Problems, words};

use crate::expression::Expression;
use crate::label::Label;
use crate::metric::Metric;
use crate::tag_source::{TagSource, Template};
use metrics::Overrides;
use names::Labels;
pub use wire::Wire;

/// The lists of Telemetries add up, in their order.
pub const ENVELOPE: Envelope = Envelope {
    kind: "Telemetry",
    spec: Wire::SPEC,
    passed_over: Wire::PASSED_OVER,
    layout: Layout::Fields(Wire::LISTS),
};

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// The tags, in order.
    pub tags: Vec<TagConfig>,
    /// The metrics of a client's side and of a server's.
    pub metrics: [Vec<MetricConfig>; 2],
    /// The standard labels that metrics have.
    pub labels: Vec<Label>,
    /// The most values of each of them, over all workers.
    pub max_values: u32,
    /// Before the name of each metric.
    pub prefix: String,
    /// The most series, over all workers.
    pub max_series: u32,
    /// Whether the host header names the service where nothing better does; as Istio has it where
    /// not said.
    pub host_header_fallback: Option<bool>,
    /// Whose side this is; by the direction of the listener where not said.
    pub reporter: Option<Reporter>,
}

words! {
    /// Whose side of a request a proxy is on.
    pub enum Reporter {
        /// The client's: an outbound listener or a gateway.
        Source = "source",
        /// The server's: an inbound listener.
        Destination = "destination",
        /// The server's, ahead of its proxy.
        Waypoint = "waypoint",
    }
}

/// One checked tag.
#[derive(Debug)]
pub struct TagConfig {
    /// The user's.
    pub name: String,
    /// Where its value comes from.
    pub source: TagSource,
    /// What stands for the paths that match.
    pub templates: Vec<Template>,
    /// How many values, if it is a label too.
    pub bound: Option<BoundConfig>,
    /// Whether there is one on a client's side and on a server's.
    pub modes: [bool; 2],
}

/// How many values a label may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundConfig {
    /// At most so many, over all workers.
    pub max_values: u32,
    /// What stands for the rest.
    pub overflow: String,
}

impl Default for BoundConfig {
    fn default() -> Self {
        BoundConfig {
            max_values: 100,
            overflow: "other".to_owned(),
        }
    }
}

/// One metric of one side.
#[derive(Debug)]
pub struct MetricConfig {
    /// Which.
    pub metric: Metric,
    /// What else its labels are, by their names.
    pub overrides: Vec<(String, Override)>,
}

/// What becomes of a label. The expression of an override may serve several metrics.
#[derive(Debug, Clone)]
pub enum Override {
    /// It is dropped.
    Remove,
    /// It is what an expression gives.
    Upsert(std::rc::Rc<Expression>, BoundConfig),
}

const MOST_SERIES: u32 = 100_000;

/// Of each of Istio's labels: a gateway knows hundreds of services and workloads.
const LABEL_VALUES: u32 = 1_000;

/// More than this of tags, or of labels, is no list that a person wrote.
const MOST_TAGS: usize = 200;

impl Wire {
    /// Checks the configuration that stands at `root` and reports every problem.
    pub fn check(self, root: &At<'_>, problems: &Problems) -> Config {
        let mut names = Labels::new();
        let mut tags = Vec::new();
        for (index, tag) in self.tags.unwrap_or_default().into_iter().enumerate() {
            let at = root.field("tags");
            tag::check(tag, &at.index(index), problems, &mut names, &mut tags);
        }
        let custom = tag::check_tracing(
            self.tracing.unwrap_or_default(),
            &root.field("tracing"),
            problems,
            &tags,
        );
        tags.extend(custom);
        tag::check_logging(self.access_logging, &root.field("accessLogging"), problems);
        let labels = labels(self.labels, &root.field("labels"), problems);
        let metrics = Overrides {
            tags: &tags,
            labels: &labels,
            names,
            problems,
        };
        let metrics = metrics.check(self.metrics, &root.field("metrics"));
        if tags.len() > MOST_TAGS {
            let problem = format!("there are {} tags, more than {MOST_TAGS}", tags.len());
            problems.error(root, problem);
        }
        let is_empty = tags.is_empty() && metrics.iter().all(Vec::is_empty);
        if is_empty && !problems.has_errors_at(root) {
            problems.warn_of(
                Scope::Filter,
                root,
                "no `tags`, no `customTags` and no `metrics`: nothing is done",
            );
        }
        let max_series = within(
            self.max_series,
            (5_000, MOST_SERIES),
            &root.field("maxSeries"),
            problems,
        );
        let least = metrics.iter().map(Vec::len).max().unwrap_or(0);
        if max_series as usize <= least {
            problems.error(
                &root.field("maxSeries"),
                format!(
                    "{max_series} is too few: each of the {least} metrics needs a series for what is beyond, and \
                     they need one more at least"
                ),
            );
        }
        Config {
            tags,
            metrics,
            labels,
            max_values: within(
                self.max_values,
                (LABEL_VALUES, tag::MOST_VALUES),
                &root.field("maxValues"),
                problems,
            ),
            prefix: prefix(self.metric_prefix, &root.field("metricPrefix"), problems),
            max_series,
            host_header_fallback: self.disable_host_header_fallback.map(|disabled| !disabled),
            reporter: self.reporter,
        }
    }
}

fn within(
    number: Option<u32>,
    (default, most): (u32, u32),
    at: &At<'_>,
    problems: &Problems,
) -> u32 {
    match number {
        Some(number) if !(1..=most).contains(&number) => {
            problems.error(at, format!("{number} is not between 1 and {most}"));
            default
        }
        number => number.unwrap_or(default),
    }
}

fn labels(names: Option<Vec<String>>, at: &At<'_>, problems: &Problems) -> Vec<Label> {
    let Some(names) = names else {
        return Label::ALL.to_vec();
    };
    for (index, name) in names.iter().enumerate() {
        if Label::find(name).is_none() {
            problems.none_of(&at.index(index), name, &Label::NAMES);
        }
    }
    let mut labels = Label::ALL.to_vec();
    labels.retain(|label| names.iter().any(|name| name == label.name()));
    labels
}

fn prefix(prefix: Option<String>, at: &At<'_>, problems: &Problems) -> String {
    let prefix = prefix.unwrap_or_else(|| "istio_".to_owned());
    let legal = |(at, c): (usize, char)| {
        c == '_' || c.is_ascii_alphabetic() || at > 0 && c.is_ascii_digit()
    };
    if !prefix.char_indices().all(legal) || prefix.len() > 64 {
        problems.error(
            at,
            format!("`{prefix}` is no start of a Prometheus name: letters, digits and `_`"),
        );
    }
    prefix
}
