//! The configuration as a user writes it: Istio's names, every field optional. What must be there,
//! and what a value may say, is checked afterwards.
//!
//! Read by hand: what serde derives for these types weighs more than all that is done with them.

use sdk_helpers::config::{FromNode, Node};

mod metrics;
mod tags;

use super::Reporter;
use metrics::metrics_of;
use tags::{custom_tag, tag};

pub(super) use metrics::{BoundWire, METRICS, MetricsWire, OverrideWire, TagOverrideWire};
pub(super) use tags::{NamedWire, SourceWire, TagWire};

/// What a user writes: the fields of a Telemetry's `spec`, and ours beside them.
#[derive(Debug, Default)]
pub struct Wire {
    pub(super) tags: Vec<TagWire>,
    pub(super) labels: Option<Vec<String>>,
    pub(super) metric_prefix: Option<String>,
    pub(super) max_series: Option<u32>,
    pub(super) max_values: Option<u32>,
    pub(super) disable_host_header_fallback: Option<bool>,
    pub(super) reporter: Option<Reporter>,
    pub(super) metrics: Option<Vec<MetricsWire>>,
    pub(super) tracing: Vec<TracingWire>,
    pub(super) access_logging: Option<Vec<LoggingWire>>,
}

#[derive(Debug, Default)]
pub(super) struct TracingWire {
    pub(super) mode: Mode,
    pub(super) providers: Vec<Option<String>>,
    pub(super) custom_tags: Option<Vec<(String, Option<SourceWire>)>>,
    /// Fields that steer the tracer, by name.
    pub(super) of_tracer: Vec<&'static str>,
    pub(super) sampling: Option<f64>,
}

#[derive(Debug, Default)]
pub(super) struct LoggingWire {
    pub(super) providers: Vec<Option<String>>,
    pub(super) expression: Option<String>,
}

/// For which side something is meant.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Both,
    Client,
    Server,
}

impl Mode {
    fn read(node: Node<'_>) -> Self {
        match node.one_of(&["CLIENT_AND_SERVER", "CLIENT", "SERVER"]) {
            1 => Mode::Client,
            2 => Mode::Server,
            _ => Mode::Both,
        }
    }

    /// Whether it is meant for a client's side, and for a server's.
    pub(super) fn sides(self) -> [bool; 2] {
        [self != Mode::Server, self != Mode::Client]
    }
}

/// All fields; those of `spec` come first.
const FIELDS: [&str; 13] = [
    "metrics",
    "tracing",
    "accessLogging",
    "selector",
    "targetRef",
    "targetRefs",
    "tags",
    "labels",
    "metricPrefix",
    "maxSeries",
    "disableHostHeaderFallback",
    "reporter",
    "maxValues",
];
/// Those of `spec`.
pub(super) const SPEC: &[&str] = FIELDS.split_at(6).0;
/// The lists among them.
pub(super) const LISTS: &[&str] = FIELDS.split_at(3).0;

impl FromNode for Wire {
    fn from_node(node: Node<'_>) -> Self {
        let mut wire = Wire::default();
        node.fields(&FIELDS, &mut |place, node| match place {
            0 => {
                let metrics = wire.metrics.get_or_insert_default();
                node.elements(&mut |node| metrics.push(metrics_of(node)));
            }
            1 => node.elements(&mut |node| wire.tracing.push(tracing(node))),
            2 => {
                let logging = wire.access_logging.get_or_insert_default();
                node.elements(&mut |node| logging.push(logging_of(node)));
            }
            6 => node.elements(&mut |node| wire.tags.push(tag(node))),
            7 => wire.labels = Some(node.texts()),
            8 => wire.metric_prefix = Some(node.text()),
            9 => wire.max_series = Some(number(node)),
            10 => wire.disable_host_header_fallback = Some(node.flag()),
            11 => wire.reporter = Some(reporter(node)),
            12 => wire.max_values = Some(number(node)),
            // Where it applies was checked with the object it stands in.
            _ => {}
        });
        wire
    }
}

fn reporter(node: Node<'_>) -> Reporter {
    match node.one_of(&["source", "destination", "waypoint"]) {
        0 => Reporter::Source,
        1 => Reporter::Destination,
        _ => Reporter::Waypoint,
    }
}

fn number(node: Node<'_>) -> u32 {
    u32::try_from(node.whole(0, u32::MAX.into())).unwrap_or_default()
}

fn providers(node: Node<'_>) -> Vec<Option<String>> {
    let mut providers = Vec::new();
    node.elements(&mut |node| {
        let mut name = None;
        if !node.is_null() {
            node.fields(&["name"], &mut |_, node| name = Some(node.text()));
        }
        providers.push(name);
    });
    providers
}

/// The fields of a tracing element; the last ones steer the tracer itself.
const TRACING: [&str; 8] = [
    "match",
    "providers",
    "customTags",
    "randomSamplingPercentage",
    "disableSpanReporting",
    "useRequestIdForTraceSampling",
    "enableIstioTags",
    "disableContextPropagation",
];

fn tracing(node: Node<'_>) -> TracingWire {
    let mut wire = TracingWire::default();
    node.fields(&TRACING, &mut |place, node| match place {
        0 => node.fields(&["mode"], &mut |_, node| wire.mode = Mode::read(node)),
        1 => wire.providers = providers(node),
        2 => {
            let tags = wire.custom_tags.get_or_insert_default();
            node.entries(&mut |name, node| {
                let source = (!node.is_null()).then(|| custom_tag(node));
                tags.push((name.to_owned(), source));
            });
        }
        _ => {
            wire.of_tracer.extend(TRACING.get(place));
            match place {
                3 => wire.sampling = Some(node.fraction()),
                _ => {
                    node.flag();
                }
            }
        }
    });
    wire
}

fn logging_of(node: Node<'_>) -> LoggingWire {
    let mut wire = LoggingWire::default();
    let known = ["match", "providers", "disabled", "filter"];
    node.fields(&known, &mut |place, node| match place {
        0 => node.fields(&["mode"], &mut |_, node| {
            Mode::read(node);
        }),
        1 => wire.providers = providers(node),
        2 => {
            node.flag();
        }
        _ => node.fields(&["expression"], &mut |_, node| {
            wire.expression = Some(node.text());
        }),
    });
    wire
}
