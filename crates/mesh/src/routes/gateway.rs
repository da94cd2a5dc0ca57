//! The routes of a gateway: what it serves of which host.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::matching::Client;
use super::matching::takes_all;
use super::{MOST_OF_AN_ANSWER, routes};
use crate::model::Model;
use crate::model::gateway::{Gateway, Server};
use crate::model::virtual_service::VirtualService;
use crate::scope::Scope;

/// The route configuration of servers that share one: those of a port that speak plaintext, or a single one with TLS.
/// `scope` is what the proxy sees.
pub(crate) fn gateway(scope: &Scope<'_>, servers: &[(&Gateway, &Server)]) -> Value {
    let Scope {
        model,
        namespace,
        labels,
        ..
    } = *scope;
    let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
    let (mut name, mut port) = (String::new(), 0);
    for (gateway, server) in servers {
        name = gateway.route_name(server);
        port = server.port;
        for virtual_service in bound(model, gateway) {
            for host in &virtual_service.hosts {
                let served = server.serves(&gateway.namespace, host, &virtual_service.namespace);
                if served.is_empty() {
                    continue;
                }
                let client = Client {
                    gateways: [gateway.full_name()].into(),
                    labels,
                    namespace,
                };
                let routes = routes(virtual_service, &client, scope, port, server.tls.is_some());
                for host in served {
                    let entry = hosts.entry(host).or_default();
                    entry.redirects |= server.https_redirect;
                    // One VirtualService may be bound to several gateways of this port.
                    if entry.from.insert((
                        virtual_service.namespace.clone(),
                        virtual_service.name.clone(),
                    )) {
                        entry.routes.extend(routes.clone());
                    }
                }
            }
        }
        if server.https_redirect {
            for (_, host) in &server.hosts {
                hosts.entry(host.clone()).or_default().redirects = true;
            }
        }
    }
    let hosts = hosts
        .into_iter()
        .filter_map(|(host, of)| of.write(&host, port));
    let mut hosts: Vec<Value> = hosts.collect();
    if hosts.is_empty() {
        // Nobody serves anything: without a route Envoy answers 404, and its flag is NR.
        hosts.push(json!({
            "name": format!("blackhole:{port}"),
            "domains": ["*"],
            "routes": [],
        }));
    }
    json!({
        "name": name,
        "virtual_hosts": hosts,
        "validate_clusters": false,
        "ignore_port_in_host_matching": true,
        "max_direct_response_body_size_bytes": MOST_OF_AN_ANSWER,
    })
}

/// The VirtualServices that are bound to a gateway.
fn bound<'a>(model: &'a Model, gateway: &'a Gateway) -> impl Iterator<Item = &'a VirtualService> {
    let name = gateway.full_name();
    model.virtual_services.iter().filter(move |one| {
        one.gateways.contains(&name) && one.export.reaches(&one.namespace, &gateway.namespace)
    })
}

/// A virtual host, from several VirtualServices perhaps.
#[derive(Default)]
struct Host {
    routes: Vec<Value>,
    from: BTreeSet<(String, String)>,
    redirects: bool,
}

impl Host {
    /// None where nothing is served: Envoy answers 404.
    fn write(mut self, host: &str, port: u16) -> Option<Value> {
        if self.routes.is_empty() && !self.redirects {
            return None;
        }
        // Those that take everything come last, whichever VirtualService they are of.
        self.routes
            .sort_by_key(|route| route.get("match").is_some_and(takes_all));
        let mut out = json!({
            "name": format!("{host}:{port}"),
            "domains": [host],
            "routes": self.routes,
            "include_request_attempt_count": true,
        });
        if let (true, Value::Object(fields)) = (self.redirects, &mut out) {
            fields.insert("require_tls".to_owned(), json!("ALL"));
        }
        Some(out)
    }
}
