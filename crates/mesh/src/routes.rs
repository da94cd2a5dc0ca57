//! The routes of a proxy: which cluster a request goes to.
//!
//! In a mesh every port has a listener of its own. Here a workload sends all that it calls to one, which tells services
//! apart by the authority, as Istio's listener for `http_proxy` does; so each port's virtual hosts are there with the
//! port in their domains, and those of port 80 without it as well.

mod action;
mod domains;
mod gateway;
mod matching;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::clusters::cluster_name;
use crate::model::service::{Service, ServicePort};
use crate::model::virtual_service::{MESH, TargetService, VirtualService};
use crate::model::workload::Workload;
use crate::scope::Scope;
use domains::domains;
use matching::Client;

pub(crate) use action::{Services, duration};
pub(crate) use domains::covers;
pub(crate) use gateway::gateway;

/// What becomes of a request for a host that nobody knows: MeshConfig's `outboundTrafficPolicy.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outside {
    /// `ALLOW_ANY`: it goes where its authority says.
    #[default]
    AllowAny,
    /// `REGISTRY_ONLY`: 502.
    RegistryOnly,
}

/// The most that a route may answer by itself: what istiod's own validation lets through, where Envoy would stop at 4 KiB.
pub(crate) const MOST_OF_AN_ANSWER: u32 = 1024 * 1024;

/// The route configuration of a sidecar, and its listener for what its workload calls.
pub(crate) const SIDECAR: &str = "http_proxy";

/// The cluster that leads wherever the authority says.
pub const PASSTHROUGH: &str = "PassthroughCluster";

/// The route configuration of what a workload calls.
pub(crate) fn sidecar(scope: &Scope<'_>, client: &Workload, outside: Outside) -> Value {
    let services = &scope.services;
    let routes = Sidecar {
        scope,
        virtual_services: scope.model.virtual_services_of(client),
        client,
    };
    let ports: BTreeSet<u16> = services
        .iter()
        .flat_map(|service| &service.ports)
        .filter(|port| port.protocol.is_http())
        .map(|port| port.number)
        .chain([80])
        .collect();
    let mut taken = BTreeSet::new();
    let mut hosts: Vec<Value> = ports
        .into_iter()
        .flat_map(|port| routes.of_port(port, &mut taken))
        .collect();
    hosts.push(catch_all(outside));
    json!({
        "name": SIDECAR,
        "virtual_hosts": hosts,
        "validate_clusters": false,
        "max_direct_response_body_size_bytes": MOST_OF_AN_ANSWER,
    })
}

fn catch_all(outside: Outside) -> Value {
    let (name, action) = match outside {
        Outside::AllowAny => (
            "allow_any",
            ("route", json!({"cluster": PASSTHROUGH, "timeout": "0s"})),
        ),
        Outside::RegistryOnly => ("block_all", ("direct_response", json!({"status": 502}))),
    };
    let mut route = json!({"name": name, "match": {"prefix": "/"}});
    if let Value::Object(fields) = &mut route {
        fields.insert(action.0.to_owned(), action.1);
    }
    json!({"name": name, "domains": ["*"], "routes": [route], "include_request_attempt_count": true})
}

/// The routes of one workload.
struct Sidecar<'a> {
    scope: &'a Scope<'a>,
    /// Those for sidecars that this one sees.
    virtual_services: Vec<&'a VirtualService>,
    client: &'a Workload,
}

impl Sidecar<'_> {
    /// The virtual hosts of a port; `taken` are the domains that others have.
    fn of_port(&self, port: u16, taken: &mut BTreeSet<String>) -> Vec<Value> {
        let mut hosts = Vec::new();
        let mut spoken_for = BTreeSet::new();
        for virtual_service in &self.virtual_services {
            let routes = self.routes(virtual_service, port);
            // Where no route is for this client, the service is as if nobody spoke of it.
            if routes.is_empty() {
                continue;
            }
            let mut speaks = false;
            for host in &virtual_service.hosts {
                let served = self.scope.services.iter().filter(|service| {
                    covers(host, &service.host)
                        && self.is_http(service, port)
                        && (*host == service.host
                            || self.speaker(service) == Some(*virtual_service))
                });
                for service in served {
                    speaks = true;
                    if spoken_for.insert(&service.host) {
                        let domains = domains(service, &self.client.namespace, port);
                        hosts.extend(virtual_host(&service.host, port, domains, &routes, taken));
                    }
                }
            }
            // A host that no service has may be said at the ports of those that have one, else at port 80.
            for host in virtual_service
                .hosts
                .iter()
                .filter(|_| speaks || port == 80)
            {
                if !self
                    .scope
                    .services
                    .iter()
                    .any(|one| covers(host, &one.host))
                {
                    let domains = domains::of_host(host, port);
                    hosts.extend(virtual_host(host, port, domains, &routes, taken));
                }
            }
        }
        for service in &self.scope.services {
            if spoken_for.contains(&service.host) || !self.is_http(service, port) {
                continue;
            }
            let cluster = cluster_name(port, "", &service.host);
            let target = TargetService {
                host: service.host.clone(),
                subset: String::new(),
                port: Some(port),
            };
            let route = json!({
                "name": "default",
                "match": {"prefix": "/"},
                "decorator": {"operation": format!("{}:{port}/*", service.host)},
                "route": action::default_action(&cluster, self.scope.hash_policy(&target)),
            });
            let domains = domains(service, &self.client.namespace, port);
            hosts.extend(virtual_host(&service.host, port, domains, &[route], taken));
        }
        hosts
    }

    fn is_http(&self, service: &Service, port: u16) -> bool {
        service
            .port(port)
            .is_some_and(|port: &ServicePort| port.protocol.is_http())
    }

    /// The VirtualService that speaks for a service: the one whose host says most of its name, the first of those.
    fn speaker(&self, service: &Service) -> Option<&VirtualService> {
        let mut best: Option<(usize, &VirtualService)> = None;
        for &one in &self.virtual_services {
            for host in one.hosts.iter().filter(|host| covers(host, &service.host)) {
                let says = match host.starts_with('*') {
                    true => host.len(),
                    false => usize::MAX,
                };
                if best.is_none_or(|(most, _)| says > most) {
                    best = Some((says, one));
                }
            }
        }
        best.map(|(_, one)| one)
    }

    fn routes(&self, virtual_service: &VirtualService, port: u16) -> Vec<Value> {
        let client = Client {
            gateways: [MESH.to_owned()].into(),
            labels: &self.client.labels,
            namespace: &self.client.namespace,
        };
        routes(virtual_service, &client, self.scope, port, false)
    }
}

/// The routes that a VirtualService has for a client and a port.
fn routes(
    virtual_service: &VirtualService,
    client: &Client<'_>,
    services: &dyn Services,
    port: u16,
    is_tls: bool,
) -> Vec<Value> {
    let mut all = Vec::new();
    for route in &virtual_service.http {
        let conditions: Vec<Option<&Value>> = match route.matches.is_empty() {
            true => vec![None],
            false => route.matches.iter().map(Some).collect(),
        };
        for (condition, name) in conditions.into_iter().zip(route.names()) {
            let may =
                condition.is_none_or(|one| client.may_match(one, port, &virtual_service.namespace));
            if !may {
                continue;
            }
            let matched = matching::route_match(condition);
            let takes_all = matching::takes_all(&matched);
            let mut out = Map::new();
            // Envoy counts such requests by this name.
            let counted = condition.and_then(|one| one.get("statPrefix"));
            if let Some(prefix) = counted.and_then(Value::as_str).filter(|it| !it.is_empty()) {
                out.insert("stat_prefix".to_owned(), json!(prefix));
            }
            if !name.is_empty() {
                out.insert("name".to_owned(), json!(name));
            }
            action::apply(&mut out, route, services, port, is_tls);
            let cluster = out.get("route").and_then(|route| route.get("cluster"));
            let called = cluster.and_then(Value::as_str).and_then(called_by);
            let called = called.unwrap_or_else(|| format!("{}:{port}", virtual_service.name));
            let operation = format!("{called}{}", path_of(&matched));
            out.insert("match".to_owned(), matched);
            out.insert("decorator".to_owned(), json!({"operation": operation}));
            all.push(Value::Object(out));
            // No request comes to those behind it.
            if takes_all {
                return all;
            }
        }
    }
    all
}

/// What a span is called: `reviews.default.svc.cluster.local:9080/*`; where several may be called, by the
/// VirtualService's name.
fn called_by(cluster: &str) -> Option<String> {
    let mut parts = cluster.split('|');
    let (_, port, _, host) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{host}:{port}"))
}

fn path_of(matched: &Value) -> String {
    let text = |pointer: &str| matched.pointer(pointer).and_then(Value::as_str);
    match (text("/path"), text("/safe_regex/regex"), text("/prefix")) {
        (Some(path), ..) => path.to_owned(),
        (_, Some(regex), _) => regex.to_owned(),
        (_, _, prefix) => format!("{}*", prefix.unwrap_or("/")),
    }
}

fn virtual_host(
    host: &str,
    port: u16,
    domains: Vec<String>,
    routes: &[Value],
    taken: &mut BTreeSet<String>,
) -> Option<Value> {
    // Envoy refuses a configuration that has a domain twice; the first one keeps it, as istiod has it.
    let domains: Vec<String> = domains
        .into_iter()
        .filter(|domain| taken.insert(domain.clone()))
        .collect();
    (!domains.is_empty()).then(|| {
        json!({
            "name": format!("{host}:{port}"),
            "domains": domains,
            "routes": routes,
            "include_request_attempt_count": true,
        })
    })
}
