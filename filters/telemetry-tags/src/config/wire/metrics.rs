//! `metrics[]` as a user writes it.

use sdk_helpers::config::Node;

use super::{Mode, number, providers};

#[derive(Debug, Default)]
pub(in crate::config) struct MetricsWire {
    pub(in crate::config) providers: Vec<Option<String>>,
    pub(in crate::config) overrides: Vec<Option<OverrideWire>>,
    pub(in crate::config) reporting_interval: Option<String>,
}

#[derive(Debug, Default)]
pub(in crate::config) struct OverrideWire {
    /// A place in [`METRICS`].
    pub(in crate::config) metric: Option<usize>,
    pub(in crate::config) custom_metric: Option<String>,
    pub(in crate::config) mode: Mode,
    pub(in crate::config) disabled: Option<bool>,
    pub(in crate::config) tags: Vec<(String, Option<TagOverrideWire>)>,
}

#[derive(Debug, Default)]
pub(in crate::config) struct TagOverrideWire {
    pub(in crate::config) remove: bool,
    pub(in crate::config) value: Option<String>,
    pub(in crate::config) claim: Option<String>,
    pub(in crate::config) bound: BoundWire,
}

/// How many values there may be, and what stands for the rest.
#[derive(Debug, Default, Clone)]
pub(in crate::config) struct BoundWire {
    pub(in crate::config) max_values: Option<u32>,
    pub(in crate::config) overflow: Option<String>,
}

/// Istio's names of the metrics; behind the first the HTTP ones in the order of
/// [`Metric::ALL`](crate::metric::Metric::ALL), then those of TCP.
pub(in crate::config) const METRICS: [&str; 11] = [
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

pub(super) fn metrics_of(node: Node<'_>) -> MetricsWire {
    let mut wire = MetricsWire::default();
    let known = ["providers", "overrides", "reportingInterval"];
    node.fields(&known, &mut |place, node| match place {
        0 => wire.providers = providers(node),
        1 => node.elements(&mut |node| {
            wire.overrides
                .push((!node.is_null()).then(|| override_of(node)));
        }),
        _ => {
            wire.reporting_interval = Some(node.spelling());
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
                _ => wire.mode = Mode::read(node),
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
    let known = ["operation", "value", "maxValues", "overflow", "claim"];
    node.fields(&known, &mut |place, node| match place {
        0 => wire.remove = node.one_of(&["UPSERT", "REMOVE"]) == 1,
        1 => wire.value = Some(node.text()),
        2 => wire.bound.max_values = Some(number(node)),
        3 => wire.bound.overflow = Some(node.text()),
        _ => wire.claim = Some(node.text()),
    });
    wire
}
