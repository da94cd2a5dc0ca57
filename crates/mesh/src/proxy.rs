//! A proxy with all that it is told: a sidecar beside a replica of a workload, or a gateway.

mod observed;
mod said;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use serde_json::{Value, json};

use crate::addresses::{Addresses, OUTBOUND_PORT, real_port};
use crate::certificates::Certificates;
use crate::clusters::{Rule, Surroundings, outbound, service_metadata};
use crate::listeners::{self, Served};
use crate::model::Model;
use crate::model::gateway::{Gateway, Server};
use crate::model::protocol::Protocol;
use crate::model::workload::Workload;
use crate::routes::{self, Outside};
use crate::scope::Scope;
use crate::secrets::{SecretFile, Secrets};

/// What holds for every proxy of a mesh.
#[derive(Debug, Clone, Copy)]
pub struct Mesh<'a> {
    /// The objects.
    pub model: &'a Model,
    /// Where everything is.
    pub addresses: &'a Addresses,
    /// `cluster.local`.
    pub trust_domain: &'a str,
    /// What becomes of a request for a host that nobody knows.
    pub outside: Outside,
}

/// A proxy.
#[derive(Debug, Clone, PartialEq)]
pub struct Proxy {
    /// `sidecar~127.6.1.0~reviews-v1.default~default.svc.cluster.local`.
    pub id: String,
    /// Where it is.
    pub address: Ipv4Addr,
    /// What it is told of itself, and tells whoever counts its requests.
    node: Value,
    stats_tags: Vec<Value>,
    /// The Secrets that it uses, to be written into its folder before all else.
    pub secrets: Vec<SecretFile>,
    /// Envoy's `Listener`s.
    pub listeners: Vec<Value>,
    /// Its `Cluster`s.
    pub clusters: Vec<Value>,
    /// Its `RouteConfiguration`s, but for those of what others call, which stand in their listeners.
    pub routes: Vec<Value>,
}

/// A gateway as a proxy: who it is, and what it serves.
#[derive(Debug, Clone)]
pub struct GatewayProxy<'a> {
    /// `istio-ingressgateway`.
    pub name: String,
    /// Where it runs.
    pub namespace: String,
    /// What Gateways select it by.
    pub labels: BTreeMap<String, String>,
    /// Those that do.
    pub gateways: Vec<&'a Gateway>,
}

impl Mesh<'_> {
    /// The sidecar beside a replica. Its files are below `folder`.
    #[must_use]
    pub fn sidecar(
        &self,
        workload: &Workload,
        address: Ipv4Addr,
        certificates: &Certificates,
        folder: &Path,
    ) -> Proxy {
        let Workload {
            name, namespace, ..
        } = workload;
        let scope = Scope::sidecar(self.model, workload);
        let secrets = Secrets::new(self.model, namespace, folder);
        let mut clusters = self.clusters(&scope, address, certificates, &secrets);
        let routes = routes::sidecar(&scope, workload, scope.outside(self.outside));
        let called = SocketAddr::from((address, OUTBOUND_PORT));
        let rds = rds(&routes, folder);
        let mut listeners = vec![listeners::outbound(called, &rds)];
        for port in self.ports(workload) {
            let process = self.addresses.process(address, port, true);
            clusters.push(self.inbound_cluster(workload, port, process));
            let model = self.model;
            listeners.push(listeners::inbound(
                model,
                workload,
                address,
                port,
                certificates,
            ));
        }
        let mut proxy = Proxy {
            id: self.id("sidecar", address, name, namespace),
            address,
            node: Value::Null,
            stats_tags: Vec::new(),
            secrets: secrets.files(),
            listeners,
            clusters,
            routes: vec![routes],
        };
        proxy.observe(&self.observed_sidecar(workload, folder));
        proxy
    }

    /// A gateway. Its own certificate is for the mesh; those of its servers are Secrets.
    #[must_use]
    pub fn gateway(
        &self,
        proxy: &GatewayProxy<'_>,
        address: Ipv4Addr,
        certificates: &Certificates,
        folder: &Path,
    ) -> Proxy {
        let GatewayProxy {
            name,
            namespace,
            labels,
            gateways,
        } = proxy;
        let scope = Scope::gateway(self.model, namespace, labels);
        let secrets = Secrets::new(self.model, namespace, folder);
        let files = |server: &Server| {
            let tls = server.tls.as_ref();
            tls.map(|tls| secrets.server(tls, certificates)).transpose()
        };
        let mut by_routes: BTreeMap<String, Vec<(&Gateway, &Server)>> = BTreeMap::new();
        for gateway in gateways {
            for server in &gateway.servers {
                // A server whose certificate is not there is left out, and the others go on.
                if files(server).is_ok() {
                    by_routes
                        .entry(gateway.route_name(server))
                        .or_default()
                        .push((gateway, server));
                }
            }
        }
        let mut all_routes = Vec::new();
        let mut by_port: BTreeMap<u16, Vec<Served<'_>>> = BTreeMap::new();
        for servers in by_routes.values() {
            let routes = routes::gateway(&scope, servers);
            for (gateway, server) in servers {
                by_port.entry(server.port).or_default().push(Served {
                    gateway,
                    server,
                    routes: rds(&routes, folder),
                    files: files(server).ok().flatten(),
                });
            }
            all_routes.push(routes);
        }
        let listeners = by_port.iter().map(|(port, servers)| {
            let place = SocketAddr::from((address, real_port(*port)));
            listeners::gateway(place, *port, servers)
        });
        let listeners = listeners.collect();
        let clusters = self.clusters(&scope, address, certificates, &secrets);
        let mut written = Proxy {
            id: self.id("router", address, name, namespace),
            address,
            node: Value::Null,
            stats_tags: Vec::new(),
            secrets: secrets.files(),
            listeners,
            clusters,
            routes: all_routes,
        };
        written.observe(&self.observed_gateway(proxy, folder));
        written
    }

    /// The gateways that there are: a workload of the files that a Gateway selects, else one made for the selector, in
    /// the root namespace and with the name that Istio's own has.
    #[must_use]
    pub fn gateways(&self) -> Vec<GatewayProxy<'_>> {
        let mut all: BTreeMap<(String, String), GatewayProxy<'_>> = BTreeMap::new();
        for gateway in &self.model.gateways {
            let mut selected: Vec<GatewayProxy<'_>> = Vec::new();
            for workload in &self.model.workloads {
                if workload.is_selected(&workload.namespace, &gateway.selector) {
                    selected.push(GatewayProxy::new(
                        &workload.name,
                        &workload.namespace,
                        &workload.labels,
                    ));
                }
            }
            if selected.is_empty() {
                let kind = gateway
                    .selector
                    .get("istio")
                    .or_else(|| gateway.selector.values().next());
                let name = format!("istio-{}", kind.map_or("ingressgateway", String::as_str));
                let root = &self.model.root_namespace;
                selected.push(GatewayProxy::new(&name, root, &gateway.selector));
            }
            for proxy in selected {
                let key = (proxy.namespace.clone(), proxy.name.clone());
                all.entry(key).or_insert(proxy).gateways.push(gateway);
            }
        }
        all.into_values().collect()
    }

    fn clusters(
        &self,
        scope: &Scope<'_>,
        address: Ipv4Addr,
        certificates: &Certificates,
        secrets: &Secrets<'_>,
    ) -> Vec<Value> {
        let around = Surroundings {
            address,
            addresses: self.addresses,
            certificates,
            secrets,
            trust_domain: self.trust_domain,
            caller: scope.caller(),
        };
        outbound(scope, around, scope.outside(self.outside))
    }

    /// The cluster of a workload itself. Of several services that lead to a port the first says what it speaks, and how
    /// much it takes; rules that select clients say nothing of that.
    fn inbound_cluster(&self, workload: &Workload, port: u16, process: SocketAddr) -> Value {
        let Some((service, leading)) = self.model.leading_to(workload, port) else {
            return listeners::inbound_cluster(port, process, Protocol::Unnamed, None);
        };
        let rule = Rule::find(self.model, service, &workload.namespace, &BTreeMap::new());
        let policy = rule.map(|rule| rule.policy("", leading.number));
        let pool = policy.and_then(|policy| policy.connection_pool);
        let pool = pool.as_ref();
        let mut cluster = listeners::inbound_cluster(port, process, leading.protocol, pool);
        if let Value::Object(fields) = &mut cluster {
            fields.insert("metadata".to_owned(), service_metadata(service));
        }
        cluster
    }

    /// The ports of a workload that anybody may call: those of its containers, and those that Services lead to.
    #[must_use]
    pub fn ports(&self, workload: &Workload) -> BTreeSet<u16> {
        let mut all: BTreeSet<u16> = workload.ports.iter().map(|(port, _)| *port).collect();
        for service in &self.model.services {
            for port in &service.ports {
                let backends = self.model.backends(service, port);
                let own = backends.filter(|(one, _)| *one == workload);
                all.extend(own.map(|(_, number)| number));
            }
        }
        all
    }

    fn id(&self, role: &str, address: Ipv4Addr, name: &str, namespace: &str) -> String {
        let domain = &self.model.domain;
        format!("{role}~{address}~{name}.{namespace}~{namespace}.svc.{domain}")
    }
}

impl GatewayProxy<'_> {
    fn new(name: &str, namespace: &str, labels: &BTreeMap<String, String>) -> Self {
        GatewayProxy {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            labels: labels.clone(),
            gateways: Vec::new(),
        }
    }
}

/// The files of a proxy, below its folder.
pub mod files {
    /// Where it starts from.
    pub const BOOTSTRAP: &str = "envoy.json";
    /// Its listeners, which it watches.
    pub const LISTENERS: &str = "listeners.json";
    /// Its clusters, which it watches.
    pub const CLUSTERS: &str = "clusters.json";
    /// Its routes, which it watches. Envoy reads one route configuration from a file, so where a gateway has several
    /// each has its own: [`routes`].
    pub const ROUTES: &str = "routes.json";
    /// Where requests are logged that a Telemetry or the MeshConfig says are logged: the proxy writes it. A provider
    /// with a path that ends in `.log` has the last part of that path in its place.
    pub const ACCESS_LOG: &str = "access.log";

    /// The file of a route configuration: that of a sidecar is [`ROUTES`], one of a gateway has its name in it.
    #[must_use]
    pub fn routes(name: &str) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name == crate::routes::SIDECAR {
            return ROUTES.to_owned();
        }
        match name.chars().all(is_plain) && name.len() < 200 {
            true => format!("routes.{name}.json"),
            // Ports may have odd names.
            false => {
                let mut hasher = DefaultHasher::new();
                name.hash(&mut hasher);
                format!("routes.{:016x}.json", hasher.finish())
            }
        }
    }

    /// Whether a file is one of routes.
    #[must_use]
    pub fn has_routes(file: &str) -> bool {
        file.starts_with("routes.")
    }
}

impl Proxy {
    /// Every file of the proxy, by its name. A file that is watched has to be put in place by renaming.
    #[must_use]
    pub fn files(&self, folder: &Path, admin: SocketAddr) -> Vec<(String, Value)> {
        let own = [
            (files::BOOTSTRAP, self.bootstrap(folder, admin)),
            (
                files::LISTENERS,
                discovered("config.listener.v3.Listener", &self.listeners),
            ),
            (
                files::CLUSTERS,
                discovered("config.cluster.v3.Cluster", &self.clusters),
            ),
        ];
        let own = own
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        let routes = self.routes.iter().map(|routes| {
            let only = std::slice::from_ref(routes);
            let value = discovered("config.route.v3.RouteConfiguration", only);
            (files::routes(name_of(routes)), value)
        });
        own.chain(routes).collect()
    }

    fn bootstrap(&self, folder: &Path, admin: SocketAddr) -> Value {
        let mut out = json!({
            "node": self.node,
            "admin": {"address": listeners::socket(admin)},
            "dynamic_resources": {
                "lds_config": source(folder, files::LISTENERS),
                "cds_config": source(folder, files::CLUSTERS),
            },
            // What compiling a module took is given back.
            "memory_allocator_manager": {
                "bytes_to_release": 64 << 20,
                "memory_release_interval": "1s",
            },
        });
        if let (false, Value::Object(fields)) = (self.stats_tags.is_empty(), &mut out) {
            let tags = json!({"stats_tags": self.stats_tags});
            fields.insert("stats_config".to_owned(), tags);
        }
        out
    }
}

fn rds(routes: &Value, folder: &Path) -> Value {
    let name = name_of(routes);
    json!({"rds": {"route_config_name": name, "config_source": source(folder, &files::routes(name))}})
}

fn name_of(routes: &Value) -> &str {
    let name = routes.get("name").and_then(Value::as_str);
    name.unwrap_or_default()
}

fn source(folder: &Path, file: &str) -> Value {
    json!({
        "resource_api_version": "V3",
        "path_config_source": {
            "path": folder.join(file),
            "watched_directory": {"path": folder},
        },
    })
}

/// Envoy's `DiscoveryResponse`.
fn discovered(type_name: &str, resources: &[Value]) -> Value {
    let kind = format!("type.googleapis.com/envoy.{type_name}");
    let resources = resources.iter().map(|resource| {
        let mut resource = resource.clone();
        if let Value::Object(fields) = &mut resource {
            fields.insert("@type".to_owned(), json!(kind));
        }
        resource
    });
    let resources: Vec<Value> = resources.collect();
    json!({"resources": resources})
}
