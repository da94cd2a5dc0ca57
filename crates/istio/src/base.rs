//! Bootstraps with the names and the order Istio gives things, made to start in stock Envoy.
//!
//! What differs from a mesh, and why:
//!
//! - Listeners are on 127.0.0.1:0 and nothing redirects traffic to them, so filter chains match any
//!   port. The port Istio would use stays in their names, where match clauses find it.
//! - Routes are inline and clusters have one fixed endpoint, because there is no control plane.
//! - Filters that only Istio's Envoy has are left out: `istio.metadata_exchange`, `istio.alpn`,
//!   `istio.stats`. So are mutual TLS and the original-destination filters.
//!
//! Everything takes a destination's host from its caller, and outbound and gateway requests must carry
//! it in `:authority`, as they would in a mesh.

use super::json;
use crate::Error;
use serde_json::{Value, json};
use std::net::SocketAddr;

/// Istio's HTTP filters that stock Envoy has, in Istio's order.
const HTTP_FILTER_ORDER: &[&str] = &[
    "envoy.filters.http.jwt_authn",
    "envoy.filters.http.rbac",
    "envoy.filters.http.grpc_web",
    "envoy.filters.http.grpc_stats",
    "envoy.filters.http.fault",
    "envoy.filters.http.cors",
    "envoy.filters.http.router",
];

/// A service that a sidecar or gateway forwards to.
#[derive(Clone, Copy, Debug)]
pub struct Destination<'a> {
    /// Its host, such as `reviews.default.svc.cluster.local`.
    pub host: &'a str,
    /// Its service port.
    pub port: u16,
    /// Where its one endpoint listens.
    pub endpoint: SocketAddr,
}

impl Destination<'_> {
    fn cluster(&self) -> String {
        format!("outbound|{}||{}", self.port, self.host)
    }

    fn domains(&self) -> Vec<String> {
        let short = self.host.split('.').next().unwrap_or(self.host);
        let mut domains = vec![
            self.host.to_string(),
            format!("{}:{}", self.host, self.port),
        ];
        if short != self.host {
            domains.extend([short.to_string(), format!("{short}:{}", self.port)]);
        }
        domains
    }
}

/// The place of one of Istio's HTTP filters in their order.
pub(crate) fn rank(name: &str) -> Option<usize> {
    HTTP_FILTER_ORDER.iter().position(|known| *known == name)
}

/// The inbound half of a sidecar whose workload listens on `port`, reached at `endpoint`.
pub fn sidecar_inbound(port: u16, endpoint: SocketAddr) -> Value {
    let cluster = format!("inbound|{port}||");
    let routes = json!({
        "name": cluster,
        "virtual_hosts": [{
            "name": format!("inbound|http|{port}"),
            "domains": ["*"],
            "routes": [forward("default", &cluster, &format!(":{port}/*"))],
        }],
        "validate_clusters": false,
    });
    let manager = connection_manager(
        &format!("inbound_0.0.0.0_{port};"),
        routes,
        [
            ("forward_client_cert_details", json!("APPEND_FORWARD")),
            (
                "set_current_client_cert_details",
                json!({ "subject": true, "dns": true, "uri": true }),
            ),
        ],
    );
    let listener_filters = [
        plain(
            "envoy.filters.listener.tls_inspector",
            "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        ),
        plain(
            "envoy.filters.listener.http_inspector",
            "envoy.extensions.filters.listener.http_inspector.v3.HttpInspector",
        ),
    ];
    let listener = json!({
        "name": "virtualInbound",
        "address": any_port(),
        "traffic_direction": "INBOUND",
        "listener_filters": listener_filters,
        "filter_chains": [{
            "name": format!("0.0.0.0_{port}"),
            "filter_chain_match": { "transport_protocol": "raw_buffer" },
            "filters": [manager],
        }],
    });
    bootstrap(
        "sidecar",
        vec![listener],
        vec![fixed_cluster(&cluster, endpoint)],
    )
}

/// The outbound half of a sidecar that knows one service.
pub fn sidecar_outbound(destination: &Destination<'_>) -> Value {
    let Destination {
        host,
        port,
        endpoint,
    } = *destination;
    let cluster = destination.cluster();
    let routes = json!({
        "name": port.to_string(),
        "virtual_hosts": [
            {
                "name": format!("{host}:{port}"),
                "domains": destination.domains(),
                "routes": [forward("default", &cluster, &format!("{host}:{port}/*"))],
                "include_request_attempt_count": true,
            },
            {
                "name": "block_all",
                "domains": ["*"],
                "routes": [{
                    "name": "block_all",
                    "match": { "prefix": "/" },
                    "direct_response": { "status": 502 },
                }],
                "include_request_attempt_count": true,
            },
        ],
        "validate_clusters": false,
    });
    let http = json!({
        "name": format!("0.0.0.0_{port}"),
        "address": any_port(),
        "traffic_direction": "OUTBOUND",
        "filter_chains": [{
            "filters": [connection_manager(&format!("outbound_0.0.0.0_{port};"), routes, [])],
        }],
    });
    // Where Istio sends what no other listener takes; here it shows that a patch without a port
    // clause reaches more than one listener.
    let catch_all = json!({
        "name": "virtualOutbound",
        "address": any_port(),
        "traffic_direction": "OUTBOUND",
        "filter_chains": [{
            "name": "virtualOutbound-catchall-tcp",
            "filters": [{
                "name": "envoy.filters.network.tcp_proxy",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                    "stat_prefix": "BlackHoleCluster",
                    "cluster": "BlackHoleCluster",
                },
            }],
        }],
    });
    let black_hole = json!({ "name": "BlackHoleCluster", "type": "STATIC" });
    let clusters = vec![fixed_cluster(&cluster, endpoint), black_hole];
    bootstrap("sidecar", vec![http, catch_all], clusters)
}

/// A gateway that listens on `port` and forwards every host's requests to one service.
pub fn gateway(port: u16, destination: &Destination<'_>) -> Value {
    let Destination {
        host,
        port: service_port,
        endpoint,
    } = *destination;
    let cluster = destination.cluster();
    let routes = json!({
        "name": format!("http.{port}"),
        "virtual_hosts": [{
            "name": format!("*:{port}"),
            "domains": ["*"],
            "routes": [forward("default", &cluster, &format!("{host}:{service_port}/*"))],
            "include_request_attempt_count": true,
        }],
        "validate_clusters": false,
    });
    let manager = connection_manager(
        &format!("outbound_0.0.0.0_{port};"),
        routes,
        [
            ("use_remote_address", json!(true)),
            ("forward_client_cert_details", json!("SANITIZE_SET")),
            (
                "set_current_client_cert_details",
                json!({ "subject": true, "cert": true, "dns": true, "uri": true }),
            ),
        ],
    );
    let listener = json!({
        "name": format!("0.0.0.0_{port}"),
        "address": any_port(),
        "traffic_direction": "OUTBOUND",
        "filter_chains": [{ "filters": [manager] }],
    });
    bootstrap(
        "router",
        vec![listener],
        vec![fixed_cluster(&cluster, endpoint)],
    )
}

/// A waypoint that serves one service. In a mesh, what its tunnels carry comes to this listener, which
/// has a chain for each service.
pub fn waypoint(destination: &Destination<'_>) -> Value {
    let Destination {
        host,
        port,
        endpoint,
    } = *destination;
    let cluster = format!("inbound-vip|{port}|http|{host}");
    let routes = json!({
        "name": cluster,
        "virtual_hosts": [{
            "name": format!("inbound|http|{port}"),
            "domains": ["*"],
            "routes": [forward("default", &cluster, &format!("{host}:{port}/*"))],
        }],
        "validate_clusters": false,
    });
    let listener = json!({
        "name": "main_internal",
        "address": any_port(),
        "traffic_direction": "INBOUND",
        "filter_chains": [{
            "name": cluster,
            "filters": [connection_manager(&cluster, routes, [])],
        }],
    });
    bootstrap(
        "waypoint",
        vec![listener],
        vec![fixed_cluster(&cluster, endpoint)],
    )
}

/// Adds one of the HTTP filters that Istio has only where a policy asks for it, in Istio's place:
/// `envoy.filters.http.jwt_authn`, `envoy.filters.http.rbac` or `envoy.filters.http.grpc_web`.
///
/// # Errors
/// The filter is none of Istio's.
pub fn add_http_filter(
    bootstrap: &mut Value,
    name: &str,
    typed_config: Value,
) -> Result<(), Error> {
    let Some(own) = rank(name) else {
        let known = HTTP_FILTER_ORDER.join("`, `");
        let problem = format!("`{name}` has no place in Istio's order, which is `{known}`");
        return Err(Error::Bootstrap(problem));
    };
    let filter = json!({ "name": name, "typed_config": typed_config });
    let listeners = json::existing_object(bootstrap, "static_resources")
        .and_then(|resources| json::existing_list(resources, "listeners"));
    let chains = listeners
        .into_iter()
        .flatten()
        .filter_map(|listener| json::existing_list(listener, "filter_chains"))
        .flatten();
    let managers = chains
        .filter_map(|chain| json::existing_list(chain, "filters"))
        .flatten();
    for manager in managers {
        let Some(filters) = json::existing_object(manager, "typed_config")
            .and_then(|configuration| json::existing_list(configuration, "http_filters"))
        else {
            continue;
        };
        let later = |other: &Value| rank(json::name(other)) > Some(own);
        let place = filters.iter().position(later).unwrap_or(filters.len());
        filters.insert(place, filter.clone());
    }
    Ok(())
}

fn bootstrap(role: &str, listeners: Vec<Value>, clusters: Vec<Value>) -> Value {
    json!({
        "node": {
            "id": format!("{role}~127.0.0.1~app.default~default.svc.cluster.local"),
            "cluster": "app.default",
        },
        "admin": { "address": any_port() },
        "static_resources": { "listeners": listeners, "clusters": clusters },
    })
}

/// Istio's connection manager with these routes, and these fields besides.
fn connection_manager<const N: usize>(
    stat_prefix: &str,
    routes: Value,
    fields: [(&str, Value); N],
) -> Value {
    let grpc_stats = json!({
        "name": "envoy.filters.http.grpc_stats",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.grpc_stats.v3.FilterConfig",
            "emit_filter_state": true,
        },
    });
    let mut configuration = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": stat_prefix,
        "server_name": "istio-envoy",
        "use_remote_address": false,
        "normalize_path": true,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "upgrade_configs": [{ "upgrade_type": "websocket" }],
        "route_config": routes,
        "http_filters": [
            grpc_stats,
            plain("envoy.filters.http.fault", "envoy.extensions.filters.http.fault.v3.HTTPFault"),
            plain("envoy.filters.http.cors", "envoy.extensions.filters.http.cors.v3.Cors"),
            plain("envoy.filters.http.router", "envoy.extensions.filters.http.router.v3.Router"),
        ],
    });
    for (field, value) in fields {
        json::set(&mut configuration, field, value);
    }
    json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": configuration,
    })
}

/// A filter with the defaults of its type.
fn plain(name: &str, type_name: &str) -> Value {
    json!({
        "name": name,
        "typed_config": { "@type": format!("type.googleapis.com/{type_name}") },
    })
}

fn forward(name: &str, cluster: &str, operation: &str) -> Value {
    json!({
        "name": name,
        "match": { "prefix": "/" },
        "route": { "cluster": cluster, "timeout": "0s" },
        "decorator": { "operation": operation },
    })
}

fn fixed_cluster(name: &str, endpoint: SocketAddr) -> Value {
    let address = json!({
        "socket_address": { "address": endpoint.ip().to_string(), "port_value": endpoint.port() },
    });
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "10s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }],
        },
    })
}

fn any_port() -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": 0 } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_put_their_filters_in_istios_place() {
        let mut bootstrap = sidecar_inbound(8080, SocketAddr::from(([127, 0, 0, 1], 1)));
        add_http_filter(&mut bootstrap, "envoy.filters.http.rbac", json!({})).unwrap();
        add_http_filter(&mut bootstrap, "envoy.filters.http.jwt_authn", json!({})).unwrap();
        let chain = &bootstrap["static_resources"]["listeners"][0]["filter_chains"][0];
        let filters = json::items(&chain["filters"][0]["typed_config"], "http_filters");
        let names: Vec<&str> = filters.iter().map(json::name).collect();
        let all = HTTP_FILTER_ORDER
            .iter()
            .filter(|name| !name.ends_with("grpc_web"));
        assert_eq!(names, all.copied().collect::<Vec<_>>());
        let problem = add_http_filter(&mut bootstrap, "mine", json!({})).unwrap_err();
        let text = problem.to_string();
        assert!(
            text.starts_with("`mine` has no place in Istio's order"),
            "{text}"
        );
    }
}
