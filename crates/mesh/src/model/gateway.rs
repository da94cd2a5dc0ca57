//! Gateways: where the mesh is called from outside.

use std::collections::{BTreeMap, BTreeSet};

use crate::field::Field;
use crate::model::protocol::Protocol;
use crate::model::server_tls::{self, ServerTls};
use crate::model::{name_of, namespace_of};
use crate::routes::covers;

/// A Gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub namespace: String,
    /// The proxies that it is for.
    pub selector: BTreeMap<String, String>,
    /// Where they listen.
    pub servers: Vec<Server>,
    /// Where it stands in the files.
    pub place: String,
}

/// A port that a gateway listens on, for some hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The port.
    pub port: u16,
    /// The port's name.
    pub port_name: String,
    /// What it speaks.
    pub protocol: Protocol,
    /// For which hosts, each with the namespace whose VirtualServices may serve it, `*` for any.
    pub hosts: Vec<(String, String)>,
    /// Whether plaintext is sent to HTTPS.
    pub https_redirect: bool,
    /// How it proves who it is; none speaks plaintext.
    pub tls: Option<ServerTls>,
    /// Where it stands in the files.
    pub place: String,
}

impl Gateway {
    /// `istio-system/public`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The name of the routes of a server: `http.80`, or `https.443.https.public.default`.
    #[must_use]
    pub fn route_name(&self, server: &Server) -> String {
        match server.tls {
            None => format!("http.{}", server.port),
            Some(_) => format!(
                "https.{}.{}.{}.{}",
                server.port, server.port_name, self.name, self.namespace
            ),
        }
    }
}

impl Server {
    /// Which of its hosts a host of a VirtualService of a namespace is served by, each by the narrower name of both:
    /// `*.shop.example` is for every host of the server that ends so.
    #[must_use]
    pub fn serves(&self, own_namespace: &str, host: &str, namespace: &str) -> BTreeSet<String> {
        let all = self.hosts.iter().filter_map(|(of, served)| {
            let allowed = of == "*" || of == namespace || of == "." && namespace == own_namespace;
            let narrower = match (covers(served, host), covers(host, served)) {
                (true, _) => Some(host),
                (false, true) => Some(served.as_str()),
                (false, false) => None,
            };
            narrower.filter(|_| allowed).map(str::to_owned)
        });
        all.collect()
    }
}

/// Reads a `Gateway`.
pub(crate) fn read(root: &Field<'_>) -> Option<Gateway> {
    let spec = root.get("spec")?;
    let namespace = namespace_of(root);
    let servers = spec.list("servers");
    Some(Gateway {
        selector: spec
            .get("selector")
            .map(|labels| labels.texts())
            .unwrap_or_default(),
        servers: servers.iter().filter_map(server).collect(),
        name: name_of(root)?,
        namespace,
        place: root.place(),
    })
}

fn server(field: &Field<'_>) -> Option<Server> {
    let port = field.get("port")?;
    let protocol = Protocol::parse(port.word("protocol").unwrap_or_default());
    let _ = port.get("targetPort");
    let _ = field.get("name");
    let hosts = field.list("hosts");
    let hosts =
        hosts
            .iter()
            .filter_map(|host| host.text())
            .map(|host| match host.split_once('/') {
                Some((namespace, host)) => (namespace.to_owned(), host.to_ascii_lowercase()),
                None => ("*".to_owned(), host.to_ascii_lowercase()),
            });
    let hosts = hosts.collect();
    let tls = field.get("tls");
    let https_redirect = tls.as_ref().and_then(|tls| tls.is("httpsRedirect")) == Some(true);
    let tls = match (protocol, tls) {
        (Protocol::Tcp, _) => {
            field.take();
            field.say(
                "a server for connections",
                "it is not there; only HTTP is routed here",
            );
            return None;
        }
        (Protocol::Tls, None) => {
            field.say(
                "a server for HTTPS without tls",
                "Istio refuses the Gateway; the server is not there",
            );
            return None;
        }
        (Protocol::Tls, Some(tls)) => Some(server_tls::read(&tls)?),
        _ => None,
    };
    Some(Server {
        port: port.whole("number")?,
        port_name: port.word("name").unwrap_or_default().to_owned(),
        protocol,
        hosts,
        https_redirect,
        tls,
        place: field.place(),
    })
}
