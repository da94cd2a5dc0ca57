//! The configuration as a user writes it: Istio's names, every field optional. What must be there,
//! and what a value may say, is checked afterwards.
//!
//! Read by hand: what serde derives for these types weighs more than all that is done with them.

use sdk_helpers::config::{FromNode, Node};

/// What a user writes: the fields of a Telemetry's `spec` and ours beside them, or the whole object
/// as `kubectl` prints it in their place.
#[derive(Debug, Default)]
pub struct Wire {
    pub(super) tags: Vec<TagWire>,
    pub(super) labels: Option<Vec<String>>,
    pub(super) metric_prefix: Option<String>,
    pub(super) max_series: Option<u32>,
    pub(super) disable_host_header_fallback: Option<bool>,
    pub(super) reporter: Option<usize>,
    /// The fields of `spec`, where they stand beside ours.
    pub(super) beside: SpecWire,
    pub(super) object: Option<ObjectWire>,
}

/// What only a whole object has.
#[derive(Debug, Default)]
pub(super) struct ObjectWire {
    pub(super) kind: Option<String>,
    pub(super) spec: SpecWire,
}

/// `Telemetry.spec`.
#[derive(Debug, Default)]
pub(super) struct SpecWire {
    /// Whether any of its fields is there.
    pub(super) any: bool,
    pub(super) metrics: Option<Vec<MetricsWire>>,
    pub(super) tracing: Vec<TracingWire>,
    pub(super) access_logging: Option<Vec<LoggingWire>>,
    /// Fields by which a mesh finds the workloads.
    pub(super) selectors: Vec<&'static str>,
}

#[derive(Debug, Default)]
pub(super) struct MetricsWire {
    pub(super) providers: Vec<Option<String>>,
    pub(super) overrides: Vec<Option<OverrideWire>>,
    pub(super) reporting_interval: bool,
}

#[derive(Debug, Default)]
pub(super) struct OverrideWire {
    /// A place in [`METRICS`].
    pub(super) metric: Option<usize>,
    pub(super) custom_metric: Option<String>,
    /// A place in [`MODES`].
    pub(super) mode: usize,
    pub(super) disabled: Option<bool>,
    pub(super) tags: Vec<(String, Option<TagOverrideWire>)>,
}

#[derive(Debug, Default)]
pub(super) struct TagOverrideWire {
    pub(super) remove: bool,
    pub(super) value: Option<String>,
    pub(super) bound: BoundWire,
}

/// How many values there may be, and what stands for the rest.
#[derive(Debug, Default, Clone)]
pub(super) struct BoundWire {
    pub(super) max_values: Option<u32>,
    pub(super) overflow: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct TracingWire {
    pub(super) mode: usize,
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

/// Where a value comes from; exactly one must be there.
#[derive(Debug, Default)]
pub(super) struct SourceWire {
    pub(super) literal: Option<Option<String>>,
    pub(super) environment: Option<NamedWire>,
    pub(super) header: Option<NamedWire>,
    pub(super) formatter: Option<Option<String>>,
    pub(super) expression: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct NamedWire {
    pub(super) name: Option<String>,
    pub(super) default: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct TagWire {
    pub(super) name: Option<String>,
    pub(super) source: SourceWire,
    pub(super) templates: Vec<String>,
    pub(super) bound: BoundWire,
    pub(super) label: Option<bool>,
}

/// Istio's names of the metrics; behind the first the HTTP ones in the order of
/// [`Metric::ALL`](crate::metric::Metric::ALL), then those of TCP.
pub(super) const METRICS: [&str; 11] = [
    "ALL_METRICS",
    "REQUEST_COUNT",
    "REQUEST_DURATION",
    "REQUEST_SIZE",
    "RESPONSE_SIZE",
    "GRPC_REQUEST_MESSAGES",
    "GRPC_RESPONSE_MESSAGES",
    "TCP_OPENED_CONNECTIONS",
    "TCP_CLOSED_CONNECTIONS",
    "TCP_SENT_BYTES",
    "TCP_RECEIVED_BYTES",
];

pub(super) const MODES: [&str; 3] = ["CLIENT_AND_SERVER", "CLIENT", "SERVER"];

pub(super) const REPORTERS: [&str; 3] = ["source", "destination", "waypoint"];

/// The fields of `spec`, which come first wherever they stand.
const SPEC: [&str; 6] = [
    "metrics",
    "tracing",
    "accessLogging",
    "selector",
    "targetRef",
    "targetRefs",
];

impl FromNode for Wire {
    fn from_node(node: Node<'_>) -> Self {
        let mut wire = Wire::default();
        let known = [
            SPEC[0],
            SPEC[1],
            SPEC[2],
            SPEC[3],
            SPEC[4],
            SPEC[5],
            "tags",
            "labels",
            "metricPrefix",
            "maxSeries",
            "disableHostHeaderFallback",
            "reporter",
            "apiVersion",
            "kind",
            "metadata",
            "spec",
        ];
        node.fields(&known, &mut |place, node| match place {
            0..=5 => spec_field(&mut wire.beside, place, node),
            6 => node.elements(&mut |node| wire.tags.push(tag(node))),
            7 => wire.labels = Some(node.texts()),
            8 => wire.metric_prefix = Some(node.text()),
            9 => wire.max_series = Some(number(node)),
            10 => wire.disable_host_header_fallback = Some(node.flag()),
            11 => wire.reporter = Some(node.one_of(&REPORTERS)),
            12 => {
                node.text();
                wire.object.get_or_insert_default();
            }
            13 => wire.object.get_or_insert_default().kind = Some(node.text()),
            14 => {
                node.entries(&mut |_, _| {});
                wire.object.get_or_insert_default();
            }
            _ => {
                let spec = &mut wire.object.get_or_insert_default().spec;
                node.fields(&SPEC, &mut |place, node| spec_field(spec, place, node));
            }
        });
        wire
    }
}

fn spec_field(spec: &mut SpecWire, place: usize, node: Node<'_>) {
    spec.any = true;
    match place {
        0 => {
            let metrics = spec.metrics.get_or_insert_default();
            node.elements(&mut |node| metrics.push(metrics_of(node)));
        }
        1 => node.elements(&mut |node| spec.tracing.push(tracing(node))),
        2 => {
            let logging = spec.access_logging.get_or_insert_default();
            node.elements(&mut |node| logging.push(logging_of(node)));
        }
        _ => spec.selectors.extend(SPEC.get(place)),
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

fn metrics_of(node: Node<'_>) -> MetricsWire {
    let mut wire = MetricsWire::default();
    let known = ["providers", "overrides", "reportingInterval"];
    node.fields(&known, &mut |place, node| match place {
        0 => wire.providers = providers(node),
        1 => node.elements(&mut |node| {
            wire.overrides
                .push((!node.is_null()).then(|| override_of(node)));
        }),
        _ => {
            node.text();
            wire.reporting_interval = true;
        }
    });
    wire
}

fn override_of(node: Node<'_>) -> OverrideWire {
    let mut wire = OverrideWire::default();
    let known = ["match", "disabled", "tagOverrides"];
    node.fields(&known, &mut |place, node| match place {
        0 => node.fields(
            &["metric", "customMetric", "mode"],
            &mut |place, node| match place {
                0 => wire.metric = Some(node.one_of(&METRICS)),
                1 => wire.custom_metric = Some(node.text()),
                _ => wire.mode = node.one_of(&MODES),
            },
        ),
        1 => wire.disabled = Some(node.flag()),
        _ => node.entries(&mut |name, node| {
            let tag = (!node.is_null()).then(|| tag_override(node));
            wire.tags.push((name.to_owned(), tag));
        }),
    });
    wire
}

fn tag_override(node: Node<'_>) -> TagOverrideWire {
    let mut wire = TagOverrideWire::default();
    let known = ["operation", "value", "maxValues", "overflow"];
    node.fields(&known, &mut |place, node| match place {
        0 => wire.remove = node.one_of(&["UPSERT", "REMOVE"]) == 1,
        1 => wire.value = Some(node.text()),
        2 => wire.bound.max_values = Some(number(node)),
        _ => wire.bound.overflow = Some(node.text()),
    });
    wire
}

/// The fields of a tracing element that steer the tracer itself.
const OF_TRACER: [&str; 5] = [
    "randomSamplingPercentage",
    "disableSpanReporting",
    "useRequestIdForTraceSampling",
    "enableIstioTags",
    "disableContextPropagation",
];

fn tracing(node: Node<'_>) -> TracingWire {
    let mut wire = TracingWire::default();
    let known = [
        "match",
        "providers",
        "customTags",
        OF_TRACER[0],
        OF_TRACER[1],
        OF_TRACER[2],
        OF_TRACER[3],
        OF_TRACER[4],
    ];
    node.fields(&known, &mut |place, node| match place {
        0 => node.fields(&["mode"], &mut |_, node| wire.mode = node.one_of(&MODES)),
        1 => wire.providers = providers(node),
        2 => {
            let tags = wire.custom_tags.get_or_insert_default();
            node.entries(&mut |name, node| {
                let source = (!node.is_null()).then(|| custom_tag(node));
                tags.push((name.to_owned(), source));
            });
        }
        3 => {
            wire.of_tracer.extend(OF_TRACER.first());
            wire.sampling = node.read();
        }
        _ => {
            node.flag();
            wire.of_tracer
                .extend(OF_TRACER.get(place.saturating_sub(3)));
        }
    });
    wire
}

fn logging_of(node: Node<'_>) -> LoggingWire {
    let mut wire = LoggingWire::default();
    let known = ["match", "providers", "disabled", "filter"];
    node.fields(&known, &mut |place, node| match place {
        0 => node.fields(&["mode"], &mut |_, node| {
            node.one_of(&MODES);
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

const SOURCE: [&str; 4] = ["literal", "environment", "header", "formatter"];

fn custom_tag(node: Node<'_>) -> SourceWire {
    let mut wire = SourceWire::default();
    node.fields(&SOURCE, &mut |place, node| {
        source_field(&mut wire, place, node);
    });
    wire
}

fn source_field(wire: &mut SourceWire, place: usize, node: Node<'_>) {
    match place {
        0 => wire.literal = Some(value(node)),
        1 => wire.environment = Some(named(node)),
        2 => wire.header = Some(named(node)),
        _ => wire.formatter = Some(value(node)),
    }
}

fn value(node: Node<'_>) -> Option<String> {
    let mut text = None;
    node.fields(&["value"], &mut |_, node| text = Some(node.text()));
    text
}

fn named(node: Node<'_>) -> NamedWire {
    let mut wire = NamedWire::default();
    node.fields(&["name", "defaultValue"], &mut |place, node| match place {
        0 => wire.name = Some(node.text()),
        _ => wire.default = Some(node.text()),
    });
    wire
}

fn tag(node: Node<'_>) -> TagWire {
    let mut wire = TagWire::default();
    let known = [
        SOURCE[0],
        SOURCE[1],
        SOURCE[2],
        SOURCE[3],
        "expression",
        "name",
        "templates",
        "maxValues",
        "overflow",
        "label",
    ];
    node.fields(&known, &mut |place, node| match place {
        0..=3 => source_field(&mut wire.source, place, node),
        4 => wire.source.expression = Some(node.text()),
        5 => wire.name = Some(node.text()),
        6 => wire.templates = node.texts(),
        7 => wire.bound.max_values = Some(number(node)),
        8 => wire.bound.overflow = Some(node.text()),
        _ => wire.label = Some(node.flag()),
    });
    wire
}
