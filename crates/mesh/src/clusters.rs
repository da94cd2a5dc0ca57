//! The clusters of a proxy: who answers for a service, and how they are used.

mod endpoints;
mod load;
pub(crate) mod pool;
mod rule;
mod tls;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use crate::addresses::Addresses;
use crate::certificates::Certificates;
use crate::model::Model;
use crate::model::service::{Backing, Service, ServicePort};
use crate::routes::{Outside, PASSTHROUGH};
use crate::scope::Scope;
use crate::secrets::Secrets;
use endpoints::Endpoints;

pub use rule::Rule;
pub(crate) use tls::tls_params;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// A workload's sidecar.
    Sidecar,
    /// A gateway.
    Gateway,
}

/// `outbound|9080|v2|reviews.default.svc.cluster.local`.
#[must_use]
pub fn cluster_name(port: u16, subset: &str, host: &str) -> String {
    format!("outbound|{port}|{subset}|{host}")
}

/// What clusters need beside the objects.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// Where the proxy itself is.
    pub(crate) address: Ipv4Addr,
    /// Where workloads are.
    pub(crate) addresses: &'a Addresses,
    /// The files of the client's own certificate.
    pub(crate) certificates: &'a Certificates,
    /// Those of the Secrets that DestinationRules name.
    pub(crate) secrets: &'a Secrets<'a>,
    /// `cluster.local`.
    pub(crate) trust_domain: &'a str,
    /// What the proxy is.
    pub(crate) caller: Caller,
}

/// The clusters of what a proxy calls.
pub(crate) fn outbound(
    scope: &Scope<'_>,
    around: Surroundings<'_>,
    outside: Outside,
) -> Vec<Value> {
    let model = scope.model;
    let mut all = Vec::new();
    for service in &scope.services {
        let rule = scope.rule(service);
        for port in &service.ports {
            let one = |subset: &str| cluster(model, service, port, rule.as_ref(), subset, around);
            all.push(one(""));
            let subsets = rule.iter().flat_map(Rule::subsets);
            all.extend(subsets.map(|subset| one(&subset.name)));
        }
    }
    // Of two that have one name the first counts: a Service and a ServiceEntry of one host, say. Envoy refuses both.
    let mut taken = BTreeSet::new();
    all.retain(|cluster| {
        taken.insert(cluster.get("name").cloned().unwrap_or_default().to_string())
    });
    if outside == Outside::AllowAny {
        all.push(passthrough());
    }
    all
}

fn cluster(
    model: &Model,
    service: &Service,
    port: &ServicePort,
    rule: Option<&Rule<'_>>,
    subset: &str,
    around: Surroundings<'_>,
) -> Value {
    let name = cluster_name(port.number, subset, &service.host);
    let policy = rule
        .map(|rule| rule.policy(subset, port.number))
        .unwrap_or_default();
    let labels = rule.and_then(|rule| rule.labels(subset));
    let endpoints = Endpoints::of(model, service, port, labels, around.addresses);
    let mut out = Map::new();
    let mut set = |name: &str, value: Value| out.insert(name.to_owned(), value);
    set("name", json!(name));
    set("alt_stat_name", json!(name));
    set("connect_timeout", json!("10s"));
    set("metadata", service_metadata(service));
    let kind = match &service.backing {
        Backing::Names(_) => "STRICT_DNS",
        Backing::Anybody => "",
        _ => "STATIC",
    };
    match kind {
        "" => {
            // Where a rule says which names are taken, Envoy asks for this before it goes by them.
            let mut kind = forward_proxy();
            if let Some(Value::Object(fields)) = kind.get_mut("typed_config") {
                fields.insert("allow_insecure_cluster_options".to_owned(), json!(true));
            }
            set("cluster_type", kind);
        }
        kind => {
            set("type", json!(kind));
            if kind == "STRICT_DNS" {
                set("dns_lookup_family", json!("V4_PREFERRED"));
            }
            set("load_assignment", endpoints.load_assignment(&name));
        }
    }
    if let Backing::Workloads(_) = service.backing {
        // Who is called sees the address of the pod that calls, and not that of the loopback network as a whole:
        // `ipBlocks` of an AuthorizationPolicy, and access logs.
        let address = json!({"address": around.address, "port_value": 0});
        set("upstream_bind_config", json!({"source_address": address}));
    }
    let pool = policy.connection_pool.as_ref();
    pool::apply(&mut out, pool, port.protocol, around.caller);
    pool::outliers(&mut out, policy.outlier_detection.as_ref());
    match kind {
        // Whoever is called decides, and nobody chooses.
        "" => {
            out.insert("lb_policy".to_owned(), json!("CLUSTER_PROVIDED"));
        }
        _ => load::apply(&mut out, policy.load_balancer.as_ref()),
    }
    let server_name = format!("outbound_.{}_.{subset}_.{}", port.number, service.host);
    let who = tls::Who {
        identities: endpoints.identities(around.trust_domain),
        names: service.names.clone(),
    };
    let tls = policy.tls.as_ref();
    tls::apply(&mut out, tls, &server_name, &who, around);
    Value::Object(out)
}

/// Which service a cluster is of, as istiod writes it for whoever counts requests.
pub(crate) fn service_metadata(service: &Service) -> Value {
    let name = service.host.split('.').next();
    let service = json!({"host": service.host, "name": name, "namespace": service.namespace});
    json!({"filter_metadata": {"istio": {"services": [service]}}})
}

/// Where a request goes whose host nobody knows: to whoever its authority names. In a mesh it goes to the address that
/// the client called; here the client has no other word for it.
fn passthrough() -> Value {
    json!({
        "name": PASSTHROUGH,
        "connect_timeout": "10s",
        "lb_policy": "CLUSTER_PROVIDED",
        "cluster_type": forward_proxy(),
    })
}

fn forward_proxy() -> Value {
    json!({
        "name": "envoy.clusters.dynamic_forward_proxy",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig",
            "dns_cache_config": crate::dns_cache(),
        },
    })
}
