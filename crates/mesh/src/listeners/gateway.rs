//! The listeners of a gateway: one for each port, with a chain for each certificate.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::manager::{Filter, Side, manager, plain};
use super::socket;
use crate::model::gateway::{Gateway, Server};

/// The files of a server's certificate. Whoever runs a mesh writes Secrets into files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFiles {
    /// Its certificate and those above it, PEM.
    pub chain: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// Whose clients are taken, PEM; anybody's where there is none.
    pub roots: Option<PathBuf>,
}

/// A server of a port, with its routes, `route_config` or `rds` as a field of its own.
#[derive(Debug, Clone)]
pub struct Served<'a> {
    /// Whose server it is.
    pub gateway: &'a Gateway,
    /// The server.
    pub server: &'a Server,
    /// Its routes.
    pub routes: Value,
    /// Its certificate, where it speaks TLS.
    pub files: Option<ServerFiles>,
}

/// The listener of a port. Of servers in plaintext there is one chain, with the routes of the first of them: they share
/// theirs.
#[must_use]
pub fn gateway(
    address: SocketAddr,
    port: u16,
    servers: &[Served<'_>],
    filter: Option<&Filter>,
) -> Value {
    let prefix = format!("outbound_0.0.0.0_{port};");
    let chain = |served: &Served<'_>| {
        let manager = manager(&prefix, served.routes.clone(), Side::Gateway, filter);
        json!({"filters": [manager]})
    };
    let mut chains = Vec::new();
    let plaintext = servers.iter().find(|served| served.files.is_none());
    chains.extend(plaintext.map(chain));
    let secured = servers
        .iter()
        .filter_map(|served| Some((served, served.files.as_ref()?)));
    let mut has_tls = false;
    for (served, files) in secured {
        has_tls = true;
        let mut chain = chain(served);
        if let Value::Object(fields) = &mut chain {
            let names = served.server.hosts.iter().map(|(_, host)| host);
            let names: Vec<&String> = names.filter(|host| *host != "*").collect();
            if names.len() == served.server.hosts.len() {
                fields.insert(
                    "filter_chain_match".to_owned(),
                    json!({"server_names": names}),
                );
            }
            fields.insert("transport_socket".to_owned(), downstream(files));
        }
        chains.push(chain);
    }
    let mut listener = json!({
        "name": format!("0.0.0.0_{port}"),
        "address": socket(address),
        "traffic_direction": "OUTBOUND",
        "filter_chains": chains,
    });
    if let (true, Value::Object(fields)) = (has_tls, &mut listener) {
        let inspector = plain(
            "envoy.filters.listener.tls_inspector",
            "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
        );
        fields.insert("listener_filters".to_owned(), json!([inspector]));
    }
    listener
}

fn downstream(files: &ServerFiles) -> Value {
    let mut context = json!({
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificates": [{
            "certificate_chain": {"filename": files.chain},
            "private_key": {"filename": files.key},
        }],
    });
    if let (Some(roots), Value::Object(fields)) = (&files.roots, &mut context) {
        fields.insert(
            "validation_context".to_owned(),
            json!({"trusted_ca": {"filename": roots}}),
        );
    }
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": files.roots.is_some(),
            "common_tls_context": context,
        },
    })
}
