//! Load from a peer with a certificate, though the load generator has none: the plaintext listener
//! hands every connection to a cluster of its own, which speaks mutual TLS to the listener that is
//! measured. All of it is one Envoy, so the baseline pays for the same detour.

use serde_json::{Value, json};

use crate::listener::{Clients, downstream_tls, typed};
use crate::tls::{Authority, Names};

/// The certificates of one scenario.
pub(super) struct Peer {
    downstream: Value,
    upstream: Value,
}

impl Peer {
    /// A peer with this identity (`cluster.local/ns/default/sa/sleep`).
    pub(super) fn new(principal: &str) -> Self {
        let authority = Authority::new("bench");
        let server = authority.issue(&Names::none().dns("localhost"));
        let client = authority.issue(&Names::spiffe(principal));
        let upstream = typed(
            "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            json!({
                "sni": "localhost",
                "common_tls_context": {
                    "tls_certificates": [{
                        "certificate_chain": {"inline_string": client.certificate},
                        "private_key": {"inline_string": client.key},
                    }],
                    "validation_context": {"trusted_ca": {"inline_string": authority.pem()}},
                },
            }),
        );
        Self {
            downstream: downstream_tls(&server, &authority.pem(), Clients::Certified),
            upstream,
        }
    }

    /// The listener that the load meets, in place of this one, which moves behind it.
    pub(super) fn before(&self, inner: &mut Value) -> Value {
        let name = inner["name"].as_str().unwrap_or_default().to_owned();
        let behind = behind(&name);
        let proxy = typed(
            "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            json!({"stat_prefix": behind, "cluster": behind}),
        );
        let mut outer = inner.clone();
        outer["filter_chains"] = json!([{"filters": [
            {"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy},
        ]}]);
        inner["name"] = json!(behind);
        inner["filter_chains"][0]["transport_socket"] =
            json!({"name": "envoy.transport_sockets.tls", "typed_config": self.downstream});
        if let Some(fields) = inner.as_object_mut() {
            fields.remove("address");
            fields.remove("tcp_backlog_size");
            fields.insert("internal_listener".to_owned(), json!({}));
        }
        outer
    }

    /// The cluster that leads from one to the other.
    pub(super) fn cluster(&self, name: &str) -> Value {
        let behind = behind(name);
        json!({
            "name": behind,
            "type": "STATIC",
            "connect_timeout": "5s",
            "load_assignment": {"cluster_name": behind, "endpoints": [{"lb_endpoints": [{"endpoint": {
                "address": {"envoy_internal_address": {"server_listener_name": behind}},
            }}]}]},
            "transport_socket": {
                "name": "envoy.transport_sockets.tls",
                "typed_config": self.upstream,
            },
        })
    }
}

/// What an Envoy with such listeners needs in its bootstrap.
pub(super) fn extensions() -> Value {
    let internal = typed(
        "envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
        json!({}),
    );
    json!([{"name": "envoy.bootstrap.internal_listener", "typed_config": internal}])
}

fn behind(name: &str) -> String {
    format!("{name}-behind")
}
