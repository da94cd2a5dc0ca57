//! The listeners of a sidecar: where others call its workload, and where the workload calls others.

mod gateway;
mod manager;

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};

use crate::addresses::real_port;
use crate::certificates::Certificates;
use crate::model::Model;
use crate::model::peer_authentication::Mode;
use crate::model::workload::Workload;
pub use gateway::{Served, ServerFiles, gateway};
pub use manager::Filter;
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
    filter: Option<&Filter>,
) -> Value {
    let cluster = inbound_cluster_name(port);
    let routes = json!({
        "name": cluster,
        "virtual_hosts": [{
            "name": format!("inbound|http|{port}"),
            "domains": ["*"],
            "routes": [{
                "name": "default",
                "match": {"prefix": "/"},
                "decorator": {"operation": format!("{}:{port}/*", workload.name)},
                "route": {
                    "cluster": cluster,
                    "timeout": "0s",
                    "max_stream_duration": {"max_stream_duration": "0s", "grpc_timeout_header_max": "0s"},
                },
            }],
        }],
        "validate_clusters": false,
    });
    let routes = json!({"route_config": routes});
    let manager = manager(
        &format!("inbound_{address}_{port};"),
        routes,
        Side::Inbound,
        filter,
    );
    let mutual = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": true,
            "common_tls_context": {
                "alpn_protocols": ["istio", "h2", "http/1.1"],
                "tls_certificates": [certificates.pair()],
                "validation_context": {
                    "trusted_ca": {"filename": certificates.roots},
                    // Whoever the mesh's roots vouch for; policies ask who it is.
                    "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"prefix": "spiffe://"}}],
                },
            },
        },
    });
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

/// `inbound|9080||`.
#[must_use]
pub fn inbound_cluster_name(port: u16) -> String {
    format!("inbound|{port}||")
}

/// The cluster of the workload itself.
#[must_use]
pub fn inbound_cluster(port: u16, workload: SocketAddr) -> Value {
    let name = inbound_cluster_name(port);
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "10s",
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket(workload)}}]}],
        },
    })
}

/// The listener that a workload sends all its calls to. Its routes come from a file, so that a change of them ends no
/// connection.
#[must_use]
pub fn outbound(address: SocketAddr, routes: &Value, filter: Option<&Filter>) -> Value {
    json!({
        "name": "http_proxy",
        "address": socket(address),
        "traffic_direction": "OUTBOUND",
        "filter_chains": [{"filters": [manager("http_proxy", routes.clone(), Side::Outbound, filter)]}],
    })
}

pub(crate) fn socket(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip(), "port_value": address.port()}})
}
