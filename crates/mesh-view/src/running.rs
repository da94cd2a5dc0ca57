//! A mesh that runs, as the file `mesh.json` in its folder says it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Running {
    /// The folder of the mesh.
    pub folder: PathBuf,
    /// Where requests come in.
    #[serde(default)]
    pub gateways: Vec<Gateway>,
    /// Who answers them.
    #[serde(default)]
    pub workloads: Vec<Workload>,
    /// By which names.
    #[serde(default)]
    pub services: Vec<Service>,
}

/// A service that workloads answer for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Service {
    /// `reviews.default.svc.cluster.local`.
    pub host: String,
    /// Where it is called.
    #[serde(default)]
    pub ports: Vec<ServicePort>,
}

/// A port of a service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServicePort {
    /// The number that clients call.
    pub port: u16,
    /// Who answers, on this machine.
    #[serde(default)]
    pub endpoints: Vec<SocketAddr>,
}

/// A gateway.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Gateway {
    /// `istio-ingressgateway`.
    pub name: String,
    /// Where it runs.
    pub namespace: String,
    /// What it serves.
    #[serde(default)]
    pub ports: Vec<GatewayPort>,
    /// Its Envoy.
    #[serde(flatten)]
    pub proxy: Proxy,
}

/// A port of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GatewayPort {
    /// As its Gateway says it.
    pub port: u16,
    /// `HTTP`, `HTTPS`, …
    pub protocol: String,
    /// Where it is on this machine.
    pub address: SocketAddr,
}

/// A workload.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Workload {
    /// `reviews-v1`.
    pub name: String,
    /// Where it runs.
    pub namespace: String,
    /// Those of its pods.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its SPIFFE identity; none without a sidecar.
    pub identity: Option<String>,
    /// One for each that there is of it.
    #[serde(default)]
    pub replicas: Vec<Replica>,
}

/// A replica of a workload.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Replica {
    /// By which it is told apart.
    pub name: String,
    /// Where others call it.
    pub address: IpAddr,
    /// What it listens on.
    #[serde(default)]
    pub ports: Vec<ReplicaPort>,
    /// Where its sidecar takes what it calls; none without a sidecar.
    pub outbound: Option<SocketAddr>,
    /// Its sidecar.
    #[serde(flatten)]
    pub proxy: Proxy,
}

/// A port of a replica.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ReplicaPort {
    /// As its container says it.
    pub port: u16,
    /// Where others call it on this machine.
    pub address: SocketAddr,
}

/// Where an Envoy is asked, and read of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Proxy {
    /// Its administration interface; none where there is no Envoy.
    pub admin: Option<SocketAddr>,
    /// What it says of itself.
    pub log: Option<PathBuf>,
    /// Its folder, with its access log.
    pub folder: Option<PathBuf>,
}

impl Running {
    /// Reads `mesh.json`.
    ///
    /// # Errors
    /// It is not that.
    pub fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The workload that is meant: by its name, or by its label `app`, with its namespace behind a dot or without.
    ///
    /// # Errors
    /// There is none, with those that there are.
    pub fn workload(&self, said: &str) -> Result<&Workload, String> {
        let named = |workload: &&Workload| is_called(said, workload, Some(&workload.name));
        let of_app = |workload: &&Workload| {
            let app = workload.labels.get("app").map(String::as_str);
            is_called(said, workload, app)
        };
        let mut all = self.workloads.iter();
        let found = all.clone().find(named).or_else(|| all.find(of_app));
        found.ok_or_else(|| {
            let names = self.workloads.iter().map(|workload| workload.name.as_str());
            let names: Vec<&str> = names.collect();
            format!(
                "no workload of the mesh is called `{said}`; there are {}",
                names.join(", ")
            )
        })
    }

    /// The service that a client in a namespace means by a name: `reviews`, `reviews.shop`, or all of it.
    #[must_use]
    pub fn service(&self, name: &str, namespace: &str) -> Option<&Service> {
        let beginnings = [format!("{name}.{namespace}.svc."), format!("{name}.svc.")];
        let own = |service: &&Service, beginning: &String| service.host.starts_with(beginning);
        let whole = self.services.iter().find(|service| service.host == name);
        let short = beginnings.iter().find_map(|beginning| {
            let mut all = self.services.iter();
            all.find(|service| own(service, beginning))
        });
        whole.or(short)
    }

    /// The name of every Envoy and where it is asked: `istio-ingressgateway`, `reviews-v1`, and with a number where
    /// there are several of one.
    #[must_use]
    pub fn proxies(&self) -> Vec<(String, &Proxy)> {
        let gateways = self.gateways.iter();
        let gateways = gateways.map(|gateway| (gateway.name.clone(), &gateway.proxy));
        let sidecars = self.workloads.iter().flat_map(|workload| {
            let several = workload.replicas.len() > 1;
            let replicas = workload.replicas.iter().enumerate();
            replicas.map(move |(index, replica)| {
                let name = match several {
                    true => format!("{}-{index}", workload.name),
                    false => workload.name.clone(),
                };
                (name, &replica.proxy)
            })
        });
        let all = gateways.chain(sidecars);
        all.filter(|(_, proxy)| proxy.admin.is_some()).collect()
    }

    /// Whose replica is at an address of the mesh.
    #[must_use]
    pub fn at(&self, address: IpAddr) -> Option<&Workload> {
        let mut all = self.workloads.iter();
        all.find(|workload| {
            let mut replicas = workload.replicas.iter();
            replicas.any(|replica| replica.address == address)
        })
    }
}

fn is_called(said: &str, workload: &Workload, own: Option<&str>) -> bool {
    let rest = own.and_then(|own| said.strip_prefix(own));
    rest.is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('.') == Some(workload.namespace.as_str())
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A gateway, productpage, and two versions of reviews, the second twice.
    pub(crate) fn shop() -> Running {
        let proxy = |at: &str| {
            format!(
                r#""admin": "{at}:15000", "log": "/run/m/{at}/envoy.log", "folder": "/run/m/{at}""#
            )
        };
        let replica = |at: &str| {
            format!(
                r#"{{"name": "r-{at}", "address": "{at}", "ports": [{{"port": 9080, "address": "{at}:9080", "process": "127.11.1.0:9080"}}], "outbound": "{at}:15080", {}}}"#,
                proxy(at)
            )
        };
        let workload = |name: &str, app: &str, replicas: &[String]| {
            format!(
                r#"{{"name": "{name}", "namespace": "default", "labels": {{"app": "{app}"}}, "identity": "spiffe://cluster.local/ns/default/sa/{app}", "sidecar": true, "replicas": [{}]}}"#,
                replicas.join(", ")
            )
        };
        let text = format!(
            r#"{{"folder": "/run/m", "pid": 1, "notes": [], "gateways": [{{"name": "istio-ingressgateway", "namespace": "istio-system", "address": "127.10.0.1", "ports": [{{"port": 80, "protocol": "HTTP", "address": "127.10.0.1:8080"}}], {}}}], "workloads": [{}, {}, {}, {}]}}"#,
            proxy("127.10.0.1"),
            workload("productpage-v1", "productpage", &[replica("127.10.1.0")]),
            workload("reviews-v1", "reviews", &[replica("127.10.1.1")]),
            workload(
                "reviews-v2",
                "reviews",
                &[replica("127.10.1.2"), replica("127.10.1.3")]
            ),
            r#"{"name": "legacy", "namespace": "old", "identity": null, "sidecar": false, "replicas": [{"name": "legacy.old", "address": "127.10.1.4", "ports": []}]}"#,
        );
        Running::read(&text).unwrap()
    }

    #[test]
    fn a_workload_is_found_by_what_people_call_it() {
        let shop = shop();
        let found = |said| shop.workload(said).map(|workload| workload.name.as_str());
        assert_eq!(found("reviews-v2"), Ok("reviews-v2"));
        assert_eq!(found("reviews"), Ok("reviews-v1"));
        assert_eq!(found("productpage.default"), Ok("productpage-v1"));
        assert_eq!(found("legacy.old"), Ok("legacy"));
        let problem = found("legacy.default").unwrap_err();
        assert!(
            problem.ends_with("productpage-v1, reviews-v1, reviews-v2, legacy"),
            "{problem}"
        );
    }

    #[test]
    fn every_envoy_has_a_name() {
        let shop = shop();
        let names: Vec<String> = shop.proxies().into_iter().map(|(name, _)| name).collect();
        let expected = [
            "istio-ingressgateway",
            "productpage-v1",
            "reviews-v1",
            "reviews-v2-0",
            "reviews-v2-1",
        ];
        assert_eq!(names, expected);
        let at = shop.at("127.10.1.3".parse().unwrap());
        assert_eq!(
            at.map(|workload| workload.name.as_str()),
            Some("reviews-v2")
        );
    }

    #[test]
    fn a_service_is_meant_by_a_short_name_or_a_long_one() {
        let text = r#"{"folder": "/", "services": [
            {"host": "a.one.svc.cluster.local", "ports": [{"port": 80, "endpoints": ["127.10.1.0:8080"]}]},
            {"host": "a.two.svc.cluster.local"}, {"host": "b.example"}]}"#;
        let running = Running::read(text).unwrap();
        let host = |name, namespace| {
            let found = running.service(name, namespace);
            found.map(|service| service.host.as_str())
        };
        let (one, two) = ("a.one.svc.cluster.local", "a.two.svc.cluster.local");
        assert_eq!([host("a", "one"), host("a", "two")], [Some(one), Some(two)]);
        assert_eq!(
            [host("a.one", "two"), host(two, "one")],
            [Some(one), Some(two)]
        );
        assert_eq!(
            [host("b.example", "one"), host("b", "one")],
            [Some("b.example"), None]
        );
    }

    #[test]
    fn another_file_is_refused() {
        for text in ["", "[]", "{}", r#"{"folder": 1}"#] {
            assert!(Running::read(text).is_err(), "{text}");
        }
    }
}
