//! Where spans go: a service of the mesh, or a host or an address outside of it.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::Telemetered;
use crate::clusters::cluster_name;
use crate::model::Model;
use crate::model::mesh_config::Collector as Asked;
use crate::said::Said;

/// A collector as a proxy calls it.
pub(crate) struct Collector {
    /// The cluster.
    pub(crate) cluster: String,
    /// The authority.
    pub(crate) host: String,
    /// The cluster itself, where no service of the mesh has one.
    own: Option<Value>,
    /// A name that only a cluster would know.
    unknown: Option<String>,
}

/// What a collector speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Http2,
}

impl Collector {
    /// Whether `host:port` is a service of the mesh.
    pub(crate) fn is_service(model: &Model, address: &str) -> bool {
        let Some((host, port)) = address.rsplit_once(':') else {
            return false;
        };
        let port = port.parse().unwrap_or(0);
        service(model, host, port).is_some()
    }

    pub(crate) fn of(model: &Model, asked: &Asked, protocol: Protocol) -> Self {
        let Asked {
            service: name,
            port,
        } = asked;
        // A namespace may stand before the host.
        let host = name.rsplit('/').next().unwrap_or(name);
        if let Some(host) = service(model, host, *port) {
            return Collector {
                cluster: cluster_name(*port, "", &host),
                host,
                own: None,
                unknown: None,
            };
        }
        let name = cluster_name(*port, "", host);
        let mut cluster = json!({
            "name": name,
            "alt_stat_name": name,
            "type": "STRICT_DNS",
            "connect_timeout": "10s",
            "load_assignment": {
                "cluster_name": name,
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {
                    "socket_address": {"address": host, "port_value": port},
                }}}]}],
            },
        });
        if let (Protocol::Http2, Value::Object(fields)) = (protocol, &mut cluster) {
            let options = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": {}},
            }});
            fields.insert("typed_extension_protocol_options".to_owned(), options);
        }
        let only_there = host.ends_with(&format!(".svc.{}", model.domain)) || !host.contains('.');
        let known = host.parse::<IpAddr>().is_ok() || host == "localhost";
        Collector {
            cluster: name,
            host: host.to_owned(),
            own: Some(cluster),
            unknown: (only_there && !known).then(|| host.to_owned()),
        }
    }

    /// Adds its cluster to the proxy's, and says that there is no such service.
    pub(crate) fn tell(&self, place: &str, out: &mut Telemetered) {
        let name = |cluster: &Value| cluster.get("name").cloned();
        let is_there = |own: &Value| out.clusters.iter().any(|one| name(one) == name(own));
        out.clusters
            .extend(self.own.clone().filter(|own| !is_there(own)));
        out.said.extend(self.unknown.as_ref().map(|host| Said {
            place: place.to_owned(),
            what: format!("no service here is called {host}"),
            consequence:
                "spans are lost; name an address such as 127.0.0.1, or add the Service".to_owned(),
        }));
    }
}

/// What a name may be short for: it may be cut before `svc`, or before the domain.
pub(super) fn names(model: &Model, host: &str) -> [String; 3] {
    let domain = &model.domain;
    [
        host.to_owned(),
        format!("{host}.svc.{domain}"),
        format!("{host}.{domain}"),
    ]
}

/// The full name of a service of the mesh with this port.
fn service(model: &Model, host: &str, port: u16) -> Option<String> {
    let names = names(model, host);
    let mut services = model.services.iter();
    let found = services.find(|one| names.contains(&one.host) && one.port(port).is_some());
    found.map(|service| service.host.clone())
}
