//! Who calls whom, by what the Envoys of a mesh count themselves.

mod layout;
mod snapshot;
mod svg;
mod text;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};

pub use snapshot::{CLUSTERS, Counts, STATS, Snapshot};

use crate::{Running, plain};

/// So much of a name is shown.
const WIDTH: usize = 60;

/// Who calls whom.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// In the order of their names.
    pub nodes: Vec<Node>,
    /// In the order of whom they are from and to.
    pub edges: Vec<Edge>,
    /// What was answered by somebody's own proxy, by his name: nobody else was asked.
    pub own: BTreeMap<String, Counts>,
    /// What they were counted over, in seconds; none where that is since the Envoys began.
    pub seconds: Option<f64>,
}

/// Somebody who calls or is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// `reviews-v1`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its SPIFFE identity.
    pub identity: Option<String>,
}

/// What somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Where requests come in.
    Gateway,
    /// A workload.
    Workload,
    /// A host that is none of the mesh's workloads, or a service of which nobody was asked.
    Host,
}

/// That somebody calls a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Edge {
    /// Who calls.
    pub from: String,
    /// Whom, as a client says it, with the subset: `reviews:9080 v2`.
    pub service: String,
    /// What was counted of it.
    pub counts: Counts,
    /// Whether connections were encrypted: all, none, or some of them.
    pub tls: Option<bool>,
    /// Who was asked for it.
    pub to: Vec<Asked>,
}

/// Who was asked for a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `reviews-v2`, or an address that is none of the mesh's.
    pub name: String,
    /// How many requests.
    pub requests: u64,
    /// How many of them had an answer from 500 on, or none.
    pub errors: u64,
    /// How many of its replicas are left out at the moment, because they failed.
    pub ejected: usize,
}

impl Graph {
    /// The graph of what was counted, in `seconds` if it was not since the Envoys began.
    #[must_use]
    pub fn of(running: &Running, counted: &Snapshot, seconds: Option<f64>) -> Self {
        let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
        for gateway in &running.gateways {
            // The gateway's own name says what it is; its identity is that of its account.
            node(&mut nodes, &gateway.name, Kind::Gateway, None);
        }
        for workload in &running.workloads {
            let identity = workload.identity.clone();
            node(&mut nodes, &workload.name, Kind::Workload, identity);
        }
        let mut edges = Vec::new();
        for ((from, cluster), counts) in counted.clusters() {
            let Some(service) = service(cluster) else {
                continue;
            };
            let mut to: BTreeMap<String, Asked> = BTreeMap::new();
            for (address, host) in counted.hosts(from, cluster) {
                let at = address.parse::<SocketAddr>().ok();
                let workload = at.and_then(|at| running.at(at.ip()));
                let name = workload.map_or_else(|| plain(address, WIDTH), |one| one.name.clone());
                let asked = to.entry(name.clone()).or_insert(Asked {
                    name,
                    requests: 0,
                    errors: 0,
                    ejected: 0,
                });
                asked.requests = asked.requests.saturating_add(host.requests);
                asked.errors = asked.errors.saturating_add(host.errors);
                asked.ejected = asked.ejected.saturating_add(host.is_ejected.into());
            }
            let to: Vec<Asked> = to
                .into_values()
                .filter(|asked| asked.requests > 0 || asked.ejected > 0)
                .collect();
            if counts.is_nothing() && to.is_empty() {
                continue;
            }
            node(&mut nodes, from, Kind::Workload, None);
            match to.as_slice() {
                [] => node(&mut nodes, &service, Kind::Host, None),
                to => to
                    .iter()
                    .for_each(|asked| node(&mut nodes, &asked.name, Kind::Host, None)),
            }
            edges.push(Edge {
                from: from.to_owned(),
                service,
                counts,
                tls: counts.tls(),
                to,
            });
        }
        edges.sort_by(|one, other| (&one.from, &one.service).cmp(&(&other.from, &other.service)));
        let own = counted.own().into_iter();
        Graph {
            nodes: nodes.into_values().collect(),
            edges,
            own: own
                .map(|(name, counts)| (name.to_owned(), counts))
                .collect(),
            seconds,
        }
    }

    /// A table: whom each calls, how often, and who was asked for it.
    #[must_use]
    pub fn text(&self) -> String {
        text::table(self)
    }

    /// A picture: the same graph has the same bytes.
    #[must_use]
    pub fn svg(&self) -> String {
        svg::picture(self)
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let nodes = self.nodes.iter().map(
            |node| json!({"name": node.name, "kind": node.kind.word(), "identity": node.identity}),
        );
        let edges = self.edges.iter().map(|edge| {
            let to = edge.to.iter().map(|asked| {
                json!({"name": asked.name, "requests": asked.requests, "errors": asked.errors, "ejected": asked.ejected})
            });
            json!({
                "from": edge.from,
                "service": edge.service,
                "requests": edge.counts.requests(),
                "informational": edge.counts.classes[0],
                "successful": edge.counts.classes[1],
                "redirected": edge.counts.classes[2],
                "clientErrors": edge.counts.classes[3],
                "serverErrors": edge.counts.classes[4],
                "retries": edge.counts.retries,
                "overflows": edge.counts.overflows,
                "timeouts": edge.counts.timeouts,
                "mutualTls": edge.tls,
                "to": to.collect::<Vec<_>>(),
            })
        });
        let own = self.own.iter().map(|(name, counts)| {
            json!({
                "from": name,
                "requests": counts.requests(),
                "redirected": counts.classes[2],
                "clientErrors": counts.classes[3],
                "serverErrors": counts.classes[4],
            })
        });
        json!({
            "ownProxy": own.collect::<Vec<_>>(),
            "seconds": self.seconds,
            "nodes": nodes.collect::<Vec<_>>(),
            "edges": edges.collect::<Vec<_>>(),
        })
    }

    /// Requests a second, where it is known over how many they were counted.
    fn rate(&self, requests: u64) -> Option<f64> {
        let seconds = self.seconds.filter(|seconds| *seconds > 0.0)?;
        // No mesh on one machine has as many requests as do not fit.
        Some(f64::from(u32::try_from(requests).unwrap_or(u32::MAX)) / seconds)
    }
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Gateway => "gateway",
            Kind::Workload => "workload",
            Kind::Host => "host",
        }
    }
}

/// Puts a node where none is yet.
fn node(nodes: &mut BTreeMap<String, Node>, name: &str, kind: Kind, identity: Option<String>) {
    nodes.entry(name.to_owned()).or_insert_with(|| Node {
        name: name.to_owned(),
        kind,
        identity,
    });
}

/// `outbound|9080|v2|reviews.default.svc.cluster.local` as people say it: `reviews:9080 v2`.
fn service(cluster: &str) -> Option<String> {
    if cluster == "PassthroughCluster" {
        return Some("outside of the mesh".to_owned());
    }
    let mut parts = cluster.strip_prefix("outbound|")?.splitn(3, '|');
    let (port, subset, host) = (parts.next()?, parts.next()?, parts.next()?);
    let host = match host.split_once(".svc.") {
        Some((host, _)) => host.strip_suffix(".default").unwrap_or(host),
        None => host,
    };
    let service = match subset {
        "" => format!("{host}:{port}"),
        subset => format!("{host}:{port} {subset}"),
    };
    Some(plain(&service, WIDTH))
}

#[cfg(test)]
mod tests;
