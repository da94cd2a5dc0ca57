//! The listeners of a sidecar: where others call its workload, and where the workload calls others.

mod gateway;
mod manager;

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Map, Value, json};

use crate::addresses::real_port;
use crate::certificates::Certificates;
use crate::clusters::{Caller, pool, tls_params};
use crate::model::Model;
use crate::model::peer_authentication::Mode;
use crate::model::protocol::Protocol;
use crate::model::workload::Workload;
pub use gateway::{Served, ServerFiles, gateway};
pub(crate) use manager::{Side, manager, plain};

/// The listener at a port of a workload: plaintext, mutual TLS or both, as PeerAuthentication says.
///
/// In a mesh one listener takes what is sent to any port of the pod. Here each port has its own, at the pod's address,
/// because nothing redirects what is sent there.
#[must_use]
pub fn inbound(
    model: &Model,
    workload: &Workload,
    address: Ipv4Addr,
    port: u16,
    certificates: &Certificates,
) -> Value {
    let cluster = inbound_cluster_name(port);
    let mut action = json!({
        "cluster": cluster,
        "timeout": "0s",
        "max_stream_duration": {"max_stream_duration": "0s", "grpc_timeout_header_max": "0s"},
    });
    let leading = model.leading_to(workload, port);
    let is_grpc = leading.is_some_and(|(_, port)| port.protocol == Protocol::Grpc);
    if let (false, Value::Object(fields)) = (is_grpc, &mut action) {
        // The workload may close a connection while a request is on its way to it, which it has not seen then.
        let retries = json!({"num_retries": 2, "retry_on": "reset-before-request"});
        fields.insert("retry_policy".to_owned(), retries);
    }
    let routes = json!({
        "name": cluster,
        "virtual_hosts": [{
            "name": format!("inbound|http|{port}"),
            "domains": ["*"],
            "routes": [{
                "name": "default",
                "match": {"prefix": "/"},
                "decorator": {"operation": format!("{}:{port}/*", workload.name)},
                "route": action,
            }],
        }],
        "validate_clusters": false,
    });
    let routes = json!({"route_config": routes});
    let prefix = format!("inbound_{address}_{port};");
    let manager = manager(&prefix, routes, Side::Inbound);
    let mutual = mutual(certificates);
    let chain = |transport: &str| {
        let mut chain = json!({
            "name": format!("{address}_{port}"),
            "filter_chain_match": {"transport_protocol": transport},
            "filters": [manager],
        });
        if let (true, Value::Object(fields)) = (transport == "tls", &mut chain) {
            fields.insert("transport_socket".to_owned(), mutual.clone());
        }
        chain
    };
    let chains = match model.mode(workload, port) {
        Mode::Strict => vec![chain("tls")],
        Mode::Permissive => vec![chain("tls"), chain("raw_buffer")],
        Mode::Disable => vec![chain("raw_buffer")],
    };
    json!({
        "name": format!("{address}_{port}"),
        "address": socket((address, real_port(port)).into()),
        "traffic_direction": "INBOUND",
        "listener_filters": [plain(
            "envoy.filters.listener.tls_inspector",
            "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        )],
        "filter_chains": chains,
    })
}

/// Mutual TLS as a workload takes it.
fn mutual(certificates: &Certificates) -> Value {
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": true,
            "common_tls_context": {
                // Not `istio`, which clients say: Envoy would read whatever is agreed on that is not `h2` as HTTP/1.1.
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": tls_params(),
                "tls_certificates": [certificates.pair()],
                "validation_context": {
                    "trusted_ca": {"filename": certificates.roots},
                    // Whoever the mesh's roots vouch for; policies ask who it is.
                    "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"prefix": "spiffe://"}}],
                },
            },
        },
    })
}

/// `inbound|9080||`.
#[must_use]
pub fn inbound_cluster_name(port: u16) -> String {
    format!("inbound|{port}||")
}

/// The cluster of the workload itself, which speaks what the port does, and takes as much as its callers may send:
/// `pool` is the `connectionPool` of the service that leads there.
#[must_use]
pub fn inbound_cluster(
    port: u16,
    workload: SocketAddr,
    protocol: Protocol,
    pool: Option<&Value>,
) -> Value {
    let name = inbound_cluster_name(port);
    let mut out = Map::new();
    let endpoint = json!({"endpoint": {"address": socket(workload)}});
    for (field, value) in [
        ("name", json!(name)),
        ("type", json!("STATIC")),
        ("connect_timeout", json!("10s")),
        (
            "load_assignment",
            json!({"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}),
        ),
    ] {
        out.insert(field.to_owned(), value);
    }
    pool::apply(&mut out, pool, protocol, Caller::Sidecar);
    Value::Object(out)
}

/// The listener that a workload sends all its calls to. Its routes come from a file, so that a change of them ends no
/// connection.
#[must_use]
pub fn outbound(address: SocketAddr, routes: &Value) -> Value {
    json!({
        "name": "http_proxy",
        "address": socket(address),
        "traffic_direction": "OUTBOUND",
        "filter_chains": [{"filters": [manager("http_proxy", routes.clone(), Side::Outbound)]}],
    })
}

pub(crate) fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip(), "port_value": address.port()}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_agrees_on_what_it_will_speak() {
        let certificates = Certificates {
            chain: "chain.pem".into(),
            key: "key.pem".into(),
            roots: "roots.pem".into(),
        };
        let context = &mutual(&certificates)["typed_config"]["common_tls_context"];
        assert_eq!(context["alpn_protocols"], json!(["h2", "http/1.1"]));
        let params = &context["tls_params"];
        assert_eq!(params["tls_maximum_protocol_version"], "TLSv1_3");
    }

    #[test]
    fn a_workload_takes_as_much_as_its_callers_may_send() {
        let of = |pool: Option<&Value>| {
            let process = ([127, 0, 0, 1], 80).into();
            let cluster = inbound_cluster(80, process, Protocol::Http, pool);
            cluster["circuit_breakers"]["thresholds"][0]["max_connections"].clone()
        };
        assert_eq!(of(None), u32::MAX);
        assert_eq!(of(Some(&json!({"tcp": {"maxConnections": 7}}))), 7);
    }
}
