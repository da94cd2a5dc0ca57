//! Envoy configuration for tests, written as what a test wants to say: a listener with these
//! filters, logging these fields, in front of that upstream.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use crate::Config;

/// An HTTP listener on a free port of 127.0.0.1. Its access log goes to standard output, one JSON
/// object a line.
#[derive(Debug, Clone)]
pub struct Listener {
    name: String,
    filters: Vec<Value>,
    routes: Vec<Value>,
    log: Map<String, Value>,
    manager: Map<String, Value>,
    tls: Option<Value>,
}

impl Listener {
    /// A listener that answers 200 to everything.
    pub fn new(name: &str) -> Self {
        let mut log = Map::new();
        log.insert("listener".to_owned(), Value::from(name));
        log.insert("path".to_owned(), Value::from("%REQ(:PATH)%"));
        log.insert("details".to_owned(), Value::from("%RESPONSE_CODE_DETAILS%"));
        Listener {
            name: name.to_owned(),
            filters: Vec::new(),
            routes: vec![json!({
                "name": "all",
                "match": {"prefix": "/"},
                "direct_response": {"status": 200},
            })],
            log,
            manager: Map::new(),
            tls: None,
        }
    }

    /// Adds an HTTP filter of Envoy's, by the name of its message.
    #[must_use]
    pub fn filter(mut self, name: &str, message: &str, fields: Value) -> Self {
        let config = typed(&format!("envoy.extensions.filters.http.{message}"), fields);
        self.filters
            .push(json!({"name": name, "typed_config": config}));
        self
    }

    /// Adds one of our modules from `dist/`, with its configuration as plain YAML gives it, and
    /// logs its reason.
    #[must_use]
    pub fn module(self, filter: &str, config: &Value) -> Self {
        let path = format!("dist/{filter}.wasm");
        self.module_at(filter, &path, config, "FAIL_CLOSED")
    }

    /// Adds a module with a failure policy.
    #[must_use]
    pub fn module_at(self, filter: &str, path: &str, config: &Value, failure_policy: &str) -> Self {
        let reason = format!("%FILTER_STATE(wasm.mesh_filters.{filter}:PLAIN)%");
        let fields = json!({"config": {
            "name": filter,
            "root_id": filter,
            "failure_policy": failure_policy,
            "vm_config": {
                "vm_id": format!("{filter}-{failure_policy}"),
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": path}},
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.Struct",
                "value": config,
            },
        }});
        self.filter(filter, "wasm.v3.Wasm", fields)
            .log("reason", &reason)
    }

    /// Logs a field.
    #[must_use]
    pub fn log(mut self, field: &str, format: &str) -> Self {
        self.log.insert(field.to_owned(), Value::from(format));
        self
    }

    /// Replaces the routes.
    #[must_use]
    pub fn routes(mut self, routes: Vec<Value>) -> Self {
        self.routes = routes;
        self
    }

    /// Sends everything to a cluster.
    #[must_use]
    pub fn to(self, cluster: &str) -> Self {
        let route = json!({
            "name": "all",
            "match": {"prefix": "/"},
            "route": {"cluster": cluster, "timeout": "0s"},
        });
        self.routes(vec![route])
    }

    /// Sets a field of the HTTP connection manager.
    #[must_use]
    pub fn manager(mut self, field: &str, value: Value) -> Self {
        self.manager.insert(field.to_owned(), value);
        self
    }

    /// Speaks TLS with this certificate, and takes clients with a certificate of this authority; with
    /// `Clients::Any` also those that show none.
    #[must_use]
    pub fn tls<'a>(
        mut self,
        server: impl Into<Certificate<'a>>,
        authority: &str,
        clients: Clients,
    ) -> Self {
        self.tls = Some(downstream_tls(server, authority, clients));
        self
    }

    /// The listener as Envoy reads it.
    pub fn build(self) -> Value {
        let log = typed(
            "envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
            json!({"log_format": {"json_format": self.log}}),
        );
        let mut filters = self.filters;
        let router = typed("envoy.extensions.filters.http.router.v3.Router", json!({}));
        filters.push(json!({"name": "envoy.filters.http.router", "typed_config": router}));
        let mut manager = typed(
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            json!({
                "stat_prefix": self.name,
                "access_log": [{"name": "log", "typed_config": log}],
                "route_config": {"virtual_hosts": [
                    {"name": "all", "domains": ["*"], "routes": self.routes},
                ]},
                "http_filters": filters,
            }),
        );
        for (field, value) in self.manager {
            manager[field] = value;
        }
        let mut chain = json!({"filters": [
            {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager},
        ]});
        let mut listener_filters = Vec::new();
        if let Some(tls) = self.tls {
            chain["transport_socket"] =
                json!({"name": "envoy.transport_sockets.tls", "typed_config": tls});
            // Without it the name that the client asked for stays unknown.
            let inspector = typed(
                "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
                json!({}),
            );
            listener_filters.push(json!({"name": "tls_inspector", "typed_config": inspector}));
        }
        json!({
            "name": self.name,
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
            "listener_filters": listener_filters,
            "filter_chains": [chain],
        })
    }
}

/// The TLS context of a listener: its certificate, and the authority of its clients.
pub fn downstream_tls<'a>(
    server: impl Into<Certificate<'a>>,
    authority: &str,
    clients: Clients,
) -> Value {
    let server = server.into();
    typed(
        "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        json!({
            "require_client_certificate": clients == Clients::Certified,
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_certificates": [{
                    "certificate_chain": {"inline_string": server.chain},
                    "private_key": {"inline_string": server.key},
                }],
                "validation_context": {"trusted_ca": {"inline_string": authority}},
            },
        }),
    )
}

/// What a server shows to its clients.
#[derive(Debug, Clone, Copy)]
pub struct Certificate<'a> {
    /// The certificate and those between it and the authority, as PEM.
    pub chain: &'a str,
    /// The private key, as PEM.
    pub key: &'a str,
}

/// Who may connect to a listener that speaks TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// Those with a certificate.
    Certified,
    /// Everybody; a certificate that is shown must still be good.
    Any,
}

/// A bootstrap of listeners and clusters.
pub fn bootstrap(
    listeners: impl IntoIterator<Item = Listener>,
    clusters: impl IntoIterator<Item = Value>,
) -> Config {
    let listeners: Vec<Value> = listeners.into_iter().map(Listener::build).collect();
    let clusters: Vec<Value> = clusters.into_iter().collect();
    Config::from_value(json!({
        "static_resources": {"listeners": listeners, "clusters": clusters},
    }))
}

/// A static cluster of one endpoint that speaks HTTP/1, or HTTP/2 by prior knowledge.
pub fn cluster(name: &str, endpoint: SocketAddr, http2: bool) -> Value {
    let protocol = if http2 {
        json!({"http2_protocol_options": {}})
    } else {
        json!({"http_protocol_options": {}})
    };
    let options = typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        json!({"explicit_http_config": protocol}),
    );
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options,
        },
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": {"socket_address": {
                "address": endpoint.ip().to_string(), "port_value": endpoint.port(),
            }}}},
        ]}]},
    })
}

/// A message with its type.
pub fn typed(message: &str, mut fields: Value) -> Value {
    fields["@type"] = Value::from(format!("type.googleapis.com/{message}"));
    fields
}
