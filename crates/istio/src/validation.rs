//! What stands between an object and a mesh: the API server's schema of its kind, and istiod's webhook.
//!
//! ```text
//! Spot ── schema/<Kind>.json ── what is of the wrong kind, unknown, missing     (the API server refuses it)
//!      └─ istiod's rules ────── what cannot be meant, and what istiod warns of   (pkg/config/validation)
//! ```
//!
//! AuthorizationPolicy, RequestAuthentication, Telemetry, and the faults of a VirtualService are not here:
//! the filters that apply them read them by the same rules.

mod address;
mod destination_rule;
mod export;
mod gateway;
mod header;
mod headers;
mod http_answer;
mod http_match;
mod http_route;
mod locality;
mod names;
mod numbers;
mod peer_authentication;
mod pool;
mod probe;
mod protocol;
mod proxy_config;
mod retries;
mod schema;
mod selector;
mod service_entry;
mod sidecar;
mod tls;
mod traffic_policy;
mod virtual_service;
mod workload;

pub use names::{is_subset, matches};

use sdk_helpers::ConfigError;
use sdk_helpers::config::{At, Problem, Problems, Remedy};
use serde_json::{Map, Value};

use crate::spot::Spot;

/// The kinds that [`validate`] knows, each with its group and the versions that there are of it.
pub const KINDS: [(&str, &str, &[&str]); 9] = [
    ("DestinationRule", NETWORKING, &NETWORKING_VERSIONS),
    ("Gateway", NETWORKING, &NETWORKING_VERSIONS),
    (
        "PeerAuthentication",
        "security.istio.io",
        &["v1", "v1beta1"],
    ),
    ("ProxyConfig", NETWORKING, &["v1beta1"]),
    ("ServiceEntry", NETWORKING, &NETWORKING_VERSIONS),
    ("Sidecar", NETWORKING, &NETWORKING_VERSIONS),
    ("VirtualService", NETWORKING, &NETWORKING_VERSIONS),
    ("WorkloadEntry", NETWORKING, &NETWORKING_VERSIONS),
    ("WorkloadGroup", NETWORKING, &NETWORKING_VERSIONS),
];
const NETWORKING: &str = "networking.istio.io";
const NETWORKING_VERSIONS: [&str; 3] = ["v1", "v1beta1", "v1alpha3"];

/// What is said of an object before a mesh has it. Places are paths of the document that it stands in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validation {
    /// Why it is refused.
    pub errors: Vec<ConfigError>,
    /// What istiod takes, and shows whoever applies it as a warning.
    pub warnings: Vec<ConfigError>,
}

/// Holds an object of one of [`KINDS`] against the schema of its kind and istiod's rules; of another kind
/// nothing is said. What is of the wrong kind is told, and not looked at further: the API server, which
/// stands before istiod, has refused it then.
#[must_use]
pub fn validate(object: &Spot<'_>) -> Validation {
    let told = all(object);
    Validation {
        errors: told.0.errors(),
        warnings: told.0.warnings(),
    }
}

/// Why an object is refused, as [`validate`] has it, with what would mend it.
#[must_use]
pub fn refusals(object: &Spot<'_>) -> Vec<Problem> {
    all(object).0.errors_in_full()
}

fn all(object: &Spot<'_>) -> Told {
    let kind = object.text("kind");
    let told = Told::default();
    version(kind, object, &told);
    schema::check(kind, object, &told);
    if told.0.errors().is_empty() {
        rules(kind, object, &told);
    }
    told
}

fn version(kind: &str, object: &Spot<'_>, told: &Told) {
    let Some((_, group, versions)) = KINDS.iter().find(|(name, ..)| *name == kind) else {
        return;
    };
    let known: Vec<String> = versions.iter().map(|it| format!("{group}/{it}")).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let given = object.text("apiVersion");
    if !known.contains(&given) {
        told.none_of(&object.path_of("apiVersion"), given, &known);
    }
}

fn rules(kind: &str, object: &Spot<'_>, told: &Told) {
    let metadata = object.field("metadata");
    let text = |name: &str| metadata.as_ref().map_or("", |metadata| metadata.text(name));
    let namespace = match text("namespace") {
        "" => "default",
        namespace => namespace,
    };
    // One without a spec is one that says nothing, which is enough for a PeerAuthentication.
    let nothing = Value::Object(Map::new());
    let spec = object.field("spec");
    let spec = spec.unwrap_or_else(|| Spot::with_path(&nothing, &object.path_of("spec")));
    if let Some(annotation) = object.at(&["metadata", "annotations", "istio.io/dry-run"]) {
        told.error(
            &annotation,
            "only an AuthorizationPolicy can be tried without effect; remove the annotation",
        );
    }
    match kind {
        "DestinationRule" => destination_rule::check(&spec, namespace, told),
        "Gateway" => gateway::check(object, &spec, told),
        "PeerAuthentication" => peer_authentication::check(&spec, told),
        "ProxyConfig" => proxy_config::check(&spec, told),
        "ServiceEntry" => service_entry::check(object, &spec, namespace, told),
        "Sidecar" => sidecar::check(&spec, namespace, told),
        "VirtualService" => virtual_service::check(&spec, namespace, told),
        "WorkloadEntry" => workload::entry(&spec, None, true, told),
        "WorkloadGroup" => workload::group(&spec, told),
        _ => {}
    }
}

/// What was told so far.
#[derive(Default)]
struct Told(Problems);

impl Told {
    /// A reason to refuse the object, at a place of it.
    fn error(&self, spot: &Spot<'_>, problem: impl Into<String>) {
        self.at(spot.path(), problem);
    }

    /// A reason to refuse the object, at a path of it, which need not be there.
    fn at(&self, path: impl AsRef<str>, problem: impl Into<String>) {
        self.0.error(&At::written(path.as_ref()), problem);
    }

    /// A value of the wrong kind.
    fn misfit(&self, spot: &Spot<'_>, problem: String, remedy: Option<Remedy>) {
        self.0
            .error_with(&At::written(spot.path()), problem, remedy);
    }

    /// A text that is none of those it may be.
    fn none_of(&self, path: &str, text: &str, known: &[&str]) {
        self.0.none_of(&At::written(path), text, known);
    }

    /// A field that there is not, of the mapping at a path.
    fn unknown(&self, path: &str, name: &str, known: &[&str]) {
        self.0.unknown(&At::written(path), name, known);
    }

    /// What istiod warns of.
    fn warn(&self, spot: &Spot<'_>, problem: impl Into<String>) {
        self.0.warn(&At::written(spot.path()), problem);
    }

    /// Tells a problem, where there is one, at a place.
    fn result(&self, spot: &Spot<'_>, result: Result<(), String>) {
        if let Err(problem) = result {
            self.error(spot, problem);
        }
    }
}
