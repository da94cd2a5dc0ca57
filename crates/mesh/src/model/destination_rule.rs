//! DestinationRules: the parts of a service, and how its endpoints are used.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::field::Field;
use crate::model::{Export, full_host, name_of, namespace_of};

/// A DestinationRule.
#[derive(Debug, Clone, PartialEq)]
pub struct DestinationRule {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub namespace: String,
    /// The service, written out in full; it may be a wildcard.
    pub host: String,
    /// Who sees it.
    pub export: Export,
    /// The workloads whose calls it is for; of all where there are none.
    pub selector: BTreeMap<String, String>,
    /// For every part of the service.
    pub policy: TrafficPolicy,
    /// Its parts.
    pub subsets: Vec<Subset>,
    /// Where it stands in the files.
    pub place: String,
}

/// A part of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Subset {
    /// `v2`.
    pub name: String,
    /// Endpoints with all of these belong to it.
    pub labels: BTreeMap<String, String>,
    /// In place of the rule's, part by part.
    pub policy: TrafficPolicy,
}

/// How endpoints are used. Each part is as it is written; what is not there is left as it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrafficPolicy {
    /// `loadBalancer`.
    pub load_balancer: Option<Value>,
    /// `connectionPool`.
    pub connection_pool: Option<Value>,
    /// `outlierDetection`.
    pub outlier_detection: Option<Value>,
    /// `tls`.
    pub tls: Option<Value>,
    /// For single ports, in place of all the others together.
    pub ports: BTreeMap<u16, TrafficPolicy>,
}

impl TrafficPolicy {
    /// What holds for a port. Settings for a port take the place of all others: those that they leave out are Istio's
    /// defaults.
    #[must_use]
    pub fn of_port(&self, port: u16) -> &TrafficPolicy {
        self.ports.get(&port).unwrap_or(self)
    }

    /// This, with the parts of another in place of its own.
    #[must_use]
    pub fn with(&self, other: &TrafficPolicy) -> TrafficPolicy {
        let part =
            |other: &Option<Value>, own: &Option<Value>| other.clone().or_else(|| own.clone());
        TrafficPolicy {
            load_balancer: part(&other.load_balancer, &self.load_balancer),
            connection_pool: part(&other.connection_pool, &self.connection_pool),
            outlier_detection: part(&other.outlier_detection, &self.outlier_detection),
            tls: part(&other.tls, &self.tls),
            ports: match other.ports.is_empty() {
                true => self.ports.clone(),
                false => other.ports.clone(),
            },
        }
    }
}

/// Reads a `DestinationRule`.
pub(crate) fn read(root: &Field<'_>, domain: &str) -> Option<DestinationRule> {
    let namespace = namespace_of(root);
    let spec = root.get("spec")?;
    let selector = spec.at(&["workloadSelector", "matchLabels"]);
    let subsets = spec.list("subsets");
    let subsets = subsets.iter().filter_map(|subset| {
        Some(Subset {
            name: subset.word("name")?.to_owned(),
            labels: subset
                .get("labels")
                .map(|labels| labels.texts())
                .unwrap_or_default(),
            policy: subset
                .get("trafficPolicy")
                .map(|field| policy(&field))
                .unwrap_or_default(),
        })
    });
    Some(DestinationRule {
        host: full_host(spec.word("host")?, &namespace, domain),
        export: Export::of_spec(&spec),
        selector: selector.map(|labels| labels.texts()).unwrap_or_default(),
        policy: spec
            .get("trafficPolicy")
            .map(|field| policy(&field))
            .unwrap_or_default(),
        subsets: subsets.collect(),
        name: name_of(root)?,
        namespace,
        place: root.place(),
    })
}

/// What is used of `loadBalancer`.
const LOAD_BALANCER: [&str; 9] = [
    "simple",
    "warmup.duration",
    "warmupDurationSecs",
    "consistentHash.httpHeaderName",
    "consistentHash.httpQueryParameterName",
    "consistentHash.useSourceIp",
    "consistentHash.httpCookie",
    "consistentHash.ringHash",
    "consistentHash.maglev",
];

/// What is used of `connectionPool`.
const CONNECTION_POOL: [&str; 12] = [
    "tcp.maxConnections",
    "tcp.connectTimeout",
    "tcp.idleTimeout",
    "tcp.maxConnectionDuration",
    "http.http1MaxPendingRequests",
    "http.http2MaxRequests",
    "http.maxRetries",
    "http.maxRequestsPerConnection",
    "http.maxConcurrentStreams",
    "http.idleTimeout",
    "http.h2UpgradePolicy",
    "http.useClientProtocol",
];

/// What is used of `outlierDetection`.
const OUTLIER_DETECTION: [&str; 9] = [
    "consecutive5xxErrors",
    "consecutiveGatewayErrors",
    OLD_ERRORS,
    "interval",
    "baseEjectionTime",
    "maxEjectionPercent",
    "minHealthPercent",
    "splitExternalLocalOriginErrors",
    "consecutiveLocalOriginFailures",
];

/// What is used of `tls`.
const TLS: [&str; 8] = [
    "mode",
    "credentialName",
    "sni",
    "subjectAltNames",
    "caCertificates",
    "clientCertificate",
    "privateKey",
    "insecureSkipVerify",
];

/// The older name of `consecutive5xxErrors`, which tutorials still print.
const OLD_ERRORS: &str = "consecutiveErrors";

fn policy(field: &Field<'_>) -> TrafficPolicy {
    let part = |name: &str, used: &[&str]| field.get(name).map(|part| part.keep(used).clone());
    let ports = field.list("portLevelSettings");
    let ports = ports.iter().filter_map(|settings| {
        let number: u16 = settings.get("port")?.whole("number")?;
        Some((number, policy(settings)))
    });
    if let Some(seed) = field.at(&["loadBalancer", "consistentHash", "minimumRingSize"]) {
        seed.take();
    }
    if let Some(simple) = field.at(&["loadBalancer", "simple"])
        && simple.text() == Some("PASSTHROUGH")
    {
        simple.say(
            "PASSTHROUGH leaves the choice to the client",
            "here a client says no address, so the endpoint with the fewest requests is called, as without a word",
        );
    }
    TrafficPolicy {
        load_balancer: part("loadBalancer", &LOAD_BALANCER),
        connection_pool: part("connectionPool", &CONNECTION_POOL),
        outlier_detection: field.get("outlierDetection").map(|part| outliers(&part)),
        tls: part("tls", &TLS),
        ports: ports.collect(),
    }
}

fn outliers(field: &Field<'_>) -> Value {
    let mut said = field.keep(&OUTLIER_DETECTION).clone();
    let Some(old) = field.get(OLD_ERRORS) else {
        return said;
    };
    old.say(
        format!("{OLD_ERRORS} is an old name"),
        "here it counts as consecutive5xxErrors; today's Istio passes over it, and Envoy's own default holds, five",
    );
    if let Value::Object(fields) = &mut said {
        let errors = old.take().clone();
        fields.entry("consecutive5xxErrors").or_insert(errors);
    }
    said
}
