//! The listeners of a gateway: one for each port, with a chain for each certificate.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::manager::{Side, manager, plain};
use super::socket;
use crate::model::gateway::{Gateway, Server};
use crate::model::server_tls::{Clients, ServerTls};

/// The files of a server's certificate.
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
pub fn gateway(address: SocketAddr, port: u16, servers: &[Served<'_>]) -> Value {
    let prefix = format!("outbound_0.0.0.0_{port};");
    let chain = |served: &Served<'_>| {
        let manager = manager(&prefix, served.routes.clone(), Side::Gateway);
        json!({"filters": [manager]})
    };
    let mut chains = Vec::new();
    let plaintext = servers.iter().find(|served| served.files.is_none());
    chains.extend(plaintext.map(chain));
    let secured = servers
        .iter()
        .filter_map(|served| Some((served, served.server.tls.as_ref()?, served.files.as_ref()?)));
    let mut has_tls = false;
    for (served, tls, files) in secured {
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
            fields.insert("transport_socket".to_owned(), downstream(tls, files));
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

fn downstream(tls: &ServerTls, files: &ServerFiles) -> Value {
    let mut context = Map::new();
    let mut set = |name: &str, value: Value| context.insert(name.to_owned(), value);
    set("alpn_protocols", json!(["h2", "http/1.1"]));
    set(
        "tls_certificates",
        json!([{
            "certificate_chain": {"filename": files.chain},
            "private_key": {"filename": files.key},
        }]),
    );
    if let (Some(roots), true) = (&files.roots, tls.clients != Clients::Anybody) {
        let mut validation = json!({"trusted_ca": {"filename": roots}});
        let names = tls.subject_alt_names.iter();
        // Istio does not say of which kind a name is.
        let names: Vec<Value> = names
            .flat_map(|name| {
                ["URI", "DNS"].map(|kind| json!({"san_type": kind, "matcher": {"exact": name}}))
            })
            .collect();
        if let (false, Value::Object(fields)) = (names.is_empty(), &mut validation) {
            fields.insert("match_typed_subject_alt_names".to_owned(), json!(names));
        }
        set("validation_context", validation);
    }
    let (oldest, newest) = tls.versions;
    let mut versions = Map::new();
    for (name, version) in [
        ("tls_minimum_protocol_version", oldest),
        ("tls_maximum_protocol_version", newest),
    ] {
        versions.extend(version.map(|version| (name.to_owned(), json!(version))));
    }
    if !tls.cipher_suites.is_empty() {
        versions.insert("cipher_suites".to_owned(), json!(tls.cipher_suites));
    }
    if !versions.is_empty() {
        set("tls_params", Value::Object(versions));
    }
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": tls.clients == Clients::Required,
            "common_tls_context": context,
        },
    })
}
