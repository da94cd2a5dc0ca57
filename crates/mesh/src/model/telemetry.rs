//! Telemetry objects: what is traced, logged and counted.
//! <https://istio.io/latest/docs/reference/config/telemetry/>

use std::collections::BTreeMap;

use serde_json::Value;

use crate::field::Field;
use crate::model::{name_of, namespace_of};

/// A Telemetry.
#[derive(Debug, Clone, PartialEq)]
pub struct Telemetry {
    /// Its name.
    pub name: String,
    /// Whose it is; the root namespace's is the whole mesh's.
    pub namespace: String,
    /// The workloads that it is for; all of the namespace where there are none.
    pub selector: BTreeMap<String, String>,
    /// `tracing`, in order.
    pub tracing: Vec<Tracing>,
    /// `accessLogging`, in order.
    pub access_logging: Vec<AccessLogging>,
    /// `metrics`, in order.
    pub metrics: Vec<Metrics>,
    /// Where it stands in the files.
    pub place: String,
}

/// Whose requests are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Those of either side.
    #[default]
    Both,
    /// Those that a workload, or a gateway, sends.
    Client,
    /// Those that a workload takes.
    Server,
}

/// An element of `tracing`. What it does not say is what an earlier one said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tracing {
    /// Whose requests are meant.
    pub mode: Mode,
    /// Names of providers, of which the first counts.
    pub providers: Vec<String>,
    /// Of a hundred requests.
    pub sampling: Option<f64>,
    /// `disableSpanReporting`.
    pub disabled: Option<bool>,
    /// As they are written; they take the place of all earlier ones.
    pub custom_tags: Option<BTreeMap<String, Value>>,
    /// `enableIstioTags`.
    pub istio_tags: Option<bool>,
    /// `useRequestIdForTraceSampling`.
    pub request_id_samples: Option<bool>,
    /// `disableContextPropagation`.
    pub hides_context: Option<bool>,
    /// Where it stands in the files.
    pub place: String,
}

/// An element of `accessLogging`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccessLogging {
    /// Whose requests are meant.
    pub mode: Mode,
    /// Names of providers; where there are none, those of the element before.
    pub providers: Vec<String>,
    /// Whether they log nothing.
    pub disabled: bool,
    /// CEL: what is logged.
    pub filter: Option<String>,
    /// Where it stands in the files.
    pub place: String,
}

/// An element of `metrics`.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// Names of providers; where there are none, those of the element before.
    pub providers: Vec<String>,
    /// As it is written.
    pub whole: Value,
    /// Where it stands in the files.
    pub place: String,
}

impl Telemetry {
    /// Those for a proxy, the widest first: of the root namespace, of its own, and those that select it. Of several
    /// for a whole namespace the first counts.
    pub(crate) fn for_proxy<'a>(
        all: &'a [Telemetry],
        root_namespace: &str,
        namespace: &str,
        labels: &BTreeMap<String, String>,
    ) -> Vec<&'a Telemetry> {
        let whole = |of: &str| {
            all.iter()
                .find(|one| one.selector.is_empty() && one.namespace == of)
        };
        let own = (namespace != root_namespace).then(|| whole(namespace));
        let selects = |one: &&Telemetry| {
            let mut asked = one.selector.iter();
            !one.selector.is_empty()
                && one.namespace == namespace
                && asked.all(|(name, value)| labels.get(name) == Some(value))
        };
        let selected = all.iter().filter(selects);
        whole(root_namespace)
            .into_iter()
            .chain(own.flatten())
            .chain(selected)
            .collect()
    }
}

/// Reads a `Telemetry`.
pub(crate) fn read(root: &Field<'_>) -> Option<Telemetry> {
    let spec = root.get("spec")?;
    for other in ["targetRef", "targetRefs"] {
        if let Some(field) = spec.get(other) {
            field.take();
            field.say(
                "a Telemetry for what it names",
                "those are waypoints and gateways of Kubernetes' own kind, of which there are none here: it does nothing",
            );
            return None;
        }
    }
    let selector = spec.at(&["selector", "matchLabels"]);
    Some(Telemetry {
        selector: selector.map(|labels| labels.texts()).unwrap_or_default(),
        tracing: spec.list("tracing").iter().map(tracing).collect(),
        access_logging: spec.list("accessLogging").iter().map(logging).collect(),
        metrics: spec.list("metrics").iter().map(metrics).collect(),
        name: name_of(root)?,
        namespace: namespace_of(root),
        place: root.place(),
    })
}

fn mode(field: &Field<'_>) -> Mode {
    let mode = field.at(&["match", "mode"]);
    match mode.and_then(|mode| mode.text()) {
        Some("CLIENT") => Mode::Client,
        Some("SERVER") => Mode::Server,
        _ => Mode::Both,
    }
}

fn providers(field: &Field<'_>) -> Vec<String> {
    let names = field.list("providers");
    let names = names.iter().filter_map(|one| one.word("name"));
    names.map(str::to_owned).collect()
}

fn tracing(field: &Field<'_>) -> Tracing {
    let tags = field.get("customTags").map(|tags| {
        let tags = tags.fields().into_iter();
        tags.map(|(name, tag)| (name, tag.take().clone())).collect()
    });
    Tracing {
        mode: mode(field),
        providers: providers(field),
        sampling: field.number("randomSamplingPercentage"),
        disabled: field.is("disableSpanReporting"),
        custom_tags: tags,
        istio_tags: field.is("enableIstioTags"),
        request_id_samples: field.is("useRequestIdForTraceSampling"),
        hides_context: field.is("disableContextPropagation"),
        place: field.place(),
    }
}

fn logging(field: &Field<'_>) -> AccessLogging {
    let filter = field.at(&["filter", "expression"]);
    let filter = filter.and_then(|filter| filter.text());
    AccessLogging {
        mode: mode(field),
        providers: providers(field),
        disabled: field.is("disabled") == Some(true),
        filter: filter.map(str::to_owned),
        place: field.place(),
    }
}

fn metrics(field: &Field<'_>) -> Metrics {
    Metrics {
        providers: providers(field),
        whole: field.take().clone(),
        place: field.place(),
    }
}
