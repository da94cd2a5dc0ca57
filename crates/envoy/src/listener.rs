//! Bootstrap configuration written as what it is to say: a listener with these filters, logging these
//! fields, in front of that cluster.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::config::address;
use crate::{Config, resources};

/// An HTTP listener, on a free port of 127.0.0.1 unless told. Its access log goes to standard output,
/// one JSON object a line.
#[derive(Debug, Clone)]
pub struct Listener {
    name: String,
    addr: SocketAddr,
    filters: Vec<Value>,
    routes: Vec<Value>,
    log: Map<String, Value>,
    manager: Map<String, Value>,
    tls: Option<Value>,
}

/// The message of a filter that is a module.
const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

/// A module as Envoy is told of it: `envoy.extensions.wasm.v3.PluginConfig`.
#[derive(Debug, Clone, Copy)]
pub struct Plugin<'a> {
    /// Its name. Plugins of one name and one VM share what they count.
    pub name: &'a str,
    /// What its lines in Envoy's log begin with, before `vm_id`.
    pub root_id: &'a str,
    /// Those of one module with the same share a VM in each worker.
    pub vm_id: &'a str,
    /// The module's file.
    pub path: &'a str,
    /// `FAIL_CLOSED`, `FAIL_OPEN` or `FAIL_RELOAD`.
    pub failure_policy: &'a str,
}

impl Plugin<'_> {
    /// What a file of [`Listener::discovered`] says: the plugin of a filter, with its configuration as plain YAML gives
    /// it.
    pub fn file(&self, filter: &str, config: &Value) -> String {
        let config = typed(WASM, self.fields(config));
        let resource = json!({"name": filter, "typed_config": config});
        resources::file("envoy.config.core.v3.TypedExtensionConfig", [resource])
    }

    fn fields(&self, config: &Value) -> Value {
        json!({"config": {
            "name": self.name,
            "root_id": self.root_id,
            "failure_policy": self.failure_policy,
            "vm_config": {
                "vm_id": self.vm_id,
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": self.path}},
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.Struct",
                "value": config,
            },
        }})
    }
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
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
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

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Listens at this address; port 0 is a free one.
    #[must_use]
    pub fn at(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// Adds an HTTP filter of Envoy's, by the name of its message.
    #[must_use]
    pub fn filter(mut self, name: &str, message: &str, fields: Value) -> Self {
        let config = typed(&format!("envoy.extensions.filters.http.{message}"), fields);
        self.filters
            .push(json!({"name": name, "typed_config": config}));
        self
    }

    /// Adds one of our modules, with its configuration as plain YAML gives it, and logs its reason. Its
    /// file is `dist/<filter>.wasm`, below [`Builder::folder`](crate::Builder::folder).
    #[must_use]
    pub fn module(self, filter: &str, config: &Value) -> Self {
        let path = format!("dist/{filter}.wasm");
        self.module_at(filter, &path, config, "FAIL_CLOSED")
    }

    /// The same for a file that is elsewhere, with a failure policy: `FAIL_CLOSED`, `FAIL_OPEN` or
    /// `FAIL_RELOAD`.
    #[must_use]
    pub fn module_at(self, filter: &str, path: &str, config: &Value, failure_policy: &str) -> Self {
        self.plugin(
            filter,
            &Plugin {
                name: filter,
                root_id: filter,
                vm_id: &format!("{filter}-{failure_policy}"),
                path,
                failure_policy,
            },
            config,
        )
    }

    /// The same for one that Envoy knows by names of its own.
    #[must_use]
    pub fn plugin(self, filter: &str, plugin: &Plugin<'_>, config: &Value) -> Self {
        let reason = format!("%FILTER_STATE(wasm.mesh_filters.{filter}:PLAIN)%");
        self.filter(filter, "wasm.v3.Wasm", plugin.fields(config))
            .log("reason", &reason)
    }

    /// Adds a module whose plugin Envoy reads from a file: see [`Plugin::file`]. Another one that is moved there is in
    /// force for the next request, also on connections that are open.
    #[must_use]
    pub fn discovered(mut self, filter: &str, file: &Path) -> Self {
        self.filters
            .push(json!({"name": filter, "config_discovery": {
                "config_source": resources::source(file),
                "type_urls": [format!("type.googleapis.com/{WASM}")],
            }}));
        self
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
        if let Some(fields) = manager.as_object_mut() {
            fields.extend(self.manager);
        }
        let mut chain = Map::new();
        let manager = json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": manager});
        chain.insert("filters".to_owned(), json!([manager]));
        let mut listener_filters = Vec::new();
        if let Some(tls) = self.tls {
            let socket = json!({"name": "envoy.transport_sockets.tls", "typed_config": tls});
            chain.insert("transport_socket".to_owned(), socket);
            // Without it the name that the client asked for stays unknown.
            let inspector = typed(
                "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
                json!({}),
            );
            listener_filters.push(json!({"name": "tls_inspector", "typed_config": inspector}));
        }
        json!({
            "name": self.name,
            "address": address(self.addr),
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
            {"endpoint": {"address": address(endpoint)}},
        ]}]},
    })
}

/// A message with its type, as `google.protobuf.Any` has it in JSON; what are no fields is left out.
pub fn typed(message: &str, fields: Value) -> Value {
    let mut typed = match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let name = format!("type.googleapis.com/{message}");
    typed.insert("@type".to_owned(), Value::from(name));
    Value::Object(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_says_what_it_was_told() {
        let addr = SocketAddr::from(([0, 0, 0, 0], 8080));
        let listener = Listener::new("http")
            .at(addr)
            .module("fault-injection", &json!({"abort": 1}))
            .to("backend")
            .manager("stat_prefix", json!("edge"))
            .build();
        let bound = json!({"socket_address": {"address": "0.0.0.0", "port_value": 8080}});
        assert_eq!(listener["address"], bound);
        let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
        assert_eq!(manager["stat_prefix"], "edge");
        let wasm = &manager["http_filters"][0]["typed_config"]["config"];
        let code = &wasm["vm_config"]["code"]["local"];
        assert_eq!(code["filename"], "dist/fault-injection.wasm");
        assert_eq!(wasm["configuration"]["value"], json!({"abort": 1}));
        let route = &manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"];
        assert_eq!(route["cluster"], "backend");
        let log = &manager["access_log"][0]["typed_config"]["log_format"]["json_format"];
        let reason = "%FILTER_STATE(wasm.mesh_filters.fault-injection:PLAIN)%";
        assert_eq!(log["reason"], reason);
    }
}
