//! What the Envoys of a mesh have counted so far.

use std::collections::BTreeMap;

use serde_json::Value;

/// The page with the counters of what is called: of clusters, and of the listeners that take it.
pub const STATS: &str = "/stats?format=json&filter=^(cluster%5C.(outbound%7CPassthroughCluster)%7Chttp%5C.(http_proxy%7Coutbound_).*downstream_rq_)";
/// The page with the endpoints of clusters.
pub const CLUSTERS: &str = "/clusters?format=json";

/// Who asks, and the cluster.
type Place = (String, String);

/// What each Envoy has counted, by the name of its workload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    clusters: BTreeMap<Place, Counts>,
    hosts: BTreeMap<Place, BTreeMap<String, Host>>,
    /// Of each Envoy, what was answered to whoever called through it.
    answered: BTreeMap<String, [u64; 5]>,
}

/// What is counted of a cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answers, by the first digit of their status.
    pub classes: [u64; 5],
    /// Requests that were sent again.
    pub retries: u64,
    /// Requests beyond what the cluster may have at once.
    pub overflows: u64,
    /// Requests that took too long.
    pub timeouts: u64,
    /// Connections.
    pub connections: u64,
    /// Those of them that are encrypted.
    pub handshakes: u64,
}

/// What is counted of an endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) is_ejected: bool,
}

impl Snapshot {
    /// Adds what an Envoy says at [`STATS`] and at [`CLUSTERS`]. Those of one name are counted together.
    pub fn add(&mut self, name: &str, stats: &Value, clusters: &Value) {
        for stat in list(stats, "stats") {
            let found = stat.get("name").and_then(Value::as_str);
            let value = stat.get("value").and_then(Value::as_u64);
            let (Some(found), Some(value)) = (found, value) else {
                continue;
            };
            if let Some(class) = found.strip_prefix("http.").and_then(answered) {
                let classes = self.answered.entry(name.to_owned()).or_default();
                if let Some(counted) = classes.get_mut(class) {
                    *counted = counted.saturating_add(value);
                }
            }
            let Some(found) = found.strip_prefix("cluster.") else {
                continue;
            };
            if let Some((cluster, number)) = Counter::of(found) {
                let place = (name.to_owned(), cluster.to_owned());
                let counts = self.clusters.entry(place).or_default();
                if let Some(counted) = number.in_counts(counts) {
                    *counted = counted.saturating_add(value);
                }
            }
        }
        for status in list(clusters, "cluster_statuses") {
            let Some(cluster) = status.get("name").and_then(Value::as_str) else {
                continue;
            };
            let place = (name.to_owned(), cluster.to_owned());
            for host in list(status, "host_statuses") {
                let Some(address) = address(host) else {
                    continue;
                };
                let hosts = self.hosts.entry(place.clone()).or_default();
                let counted = hosts.entry(address).or_default();
                let read = Host::read(host);
                counted.requests = counted.requests.saturating_add(read.requests);
                counted.errors = counted.errors.saturating_add(read.errors);
                counted.is_ejected |= read.is_ejected;
            }
        }
    }

    /// What was counted after an earlier one. An Envoy that began anew meanwhile counts from nothing.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut since = self.clone();
        for (place, counts) in &mut since.clusters {
            if let Some(before) = earlier.clusters.get(place) {
                *counts = counts.since(before);
            }
        }
        for (name, classes) in &mut since.answered {
            if let Some(before) = earlier.answered.get(name) {
                *classes = less_each(*classes, *before);
            }
        }
        for (place, hosts) in &mut since.hosts {
            let before = earlier.hosts.get(place);
            for (address, host) in hosts {
                if let Some(before) = before.and_then(|hosts| hosts.get(address)) {
                    host.requests = less(host.requests, before.requests);
                    host.errors = less(host.errors, before.errors);
                }
            }
        }
        since
    }

    /// Who asks which cluster, and what was counted of that.
    pub(super) fn clusters(&self) -> impl Iterator<Item = ((&str, &str), Counts)> {
        let all = self.clusters.iter();
        all.map(|((name, cluster), counts)| ((name.as_str(), cluster.as_str()), *counts))
    }

    /// What each Envoy answered itself: a request that no route takes, a fault, a policy's refusal. Copies that a route
    /// sends elsewhere are counted as answers of others, and so it may be less than it was.
    pub(super) fn own(&self) -> BTreeMap<&str, Counts> {
        let mut own: BTreeMap<&str, Counts> = BTreeMap::new();
        for (name, classes) in &self.answered {
            let mut left = Counts {
                classes: *classes,
                ..Counts::default()
            };
            let clusters = self.clusters().filter(|((from, _), _)| from == name);
            for (_, counts) in clusters {
                for (left, count) in left.classes.iter_mut().zip(counts.classes) {
                    *left = left.saturating_sub(count);
                }
            }
            if !left.is_nothing() {
                own.insert(name, left);
            }
        }
        own
    }

    pub(super) fn hosts(&self, name: &str, cluster: &str) -> impl Iterator<Item = (&str, Host)> {
        let place = (name.to_owned(), cluster.to_owned());
        let hosts = self.hosts.get(&place).into_iter().flatten();
        hosts.map(|(address, host)| (address.as_str(), *host))
    }
}

impl Counts {
    /// How many requests had an answer.
    #[must_use]
    pub fn requests(&self) -> u64 {
        let classes = self.classes.iter();
        classes.fold(0, |sum: u64, count| sum.saturating_add(*count))
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.requests() == 0
    }

    /// Whether connections are encrypted, where there were any and all are alike.
    pub(super) fn tls(&self) -> Option<bool> {
        match (self.connections, self.handshakes) {
            (0, _) => None,
            (_, 0) => Some(false),
            // One whose handshake goes on is not counted yet.
            (all, encrypted) if encrypted.saturating_mul(2) >= all => Some(true),
            _ => None,
        }
    }

    fn since(&self, before: &Self) -> Self {
        Counts {
            classes: less_each(self.classes, before.classes),
            retries: less(self.retries, before.retries),
            overflows: less(self.overflows, before.overflows),
            timeouts: less(self.timeouts, before.timeouts),
            // What is open was opened before, mostly.
            connections: self.connections,
            handshakes: self.handshakes,
        }
    }
}

impl Host {
    fn read(host: &Value) -> Self {
        let stat = |name: &str| {
            let mut stats = list(host, "stats").iter();
            let stat = stats.find(|stat| stat.get("name").and_then(Value::as_str) == Some(name));
            let value = stat.and_then(|stat| stat.get("value"));
            // A number of 64 bits is a text in Envoy's JSON, and a zero is left out.
            value.map_or(0, |value| match value {
                Value::String(text) => text.parse().unwrap_or(0),
                value => value.as_u64().unwrap_or(0),
            })
        };
        Host {
            requests: stat("rq_total"),
            errors: stat("rq_error"),
            is_ejected: host.pointer("/health_status/failed_outlier_check")
                == Some(&Value::Bool(true)),
        }
    }
}

/// A counter that matters.
#[derive(Debug, Clone, Copy)]
enum Counter {
    Class(usize),
    Retries,
    Overflows,
    Timeouts,
    Connections,
    Handshakes,
}

impl Counter {
    /// The cluster of a counter, whose name has dots itself, and which it is.
    fn of(name: &str) -> Option<(&str, Self)> {
        const ALL: [(&str, Counter); 10] = [
            (".upstream_rq_1xx", Counter::Class(0)),
            (".upstream_rq_2xx", Counter::Class(1)),
            (".upstream_rq_3xx", Counter::Class(2)),
            (".upstream_rq_4xx", Counter::Class(3)),
            (".upstream_rq_5xx", Counter::Class(4)),
            (".upstream_rq_retry", Counter::Retries),
            (".upstream_rq_pending_overflow", Counter::Overflows),
            (".upstream_rq_timeout", Counter::Timeouts),
            (".upstream_cx_total", Counter::Connections),
            (".ssl.handshake", Counter::Handshakes),
        ];
        let found = ALL.iter().find_map(|(suffix, counter)| {
            let cluster = name.strip_suffix(suffix)?;
            Some((cluster, *counter))
        });
        // Those that only count a part of it have a word between.
        let parts = [".internal", ".external", ".canary", ".retry"];
        found.filter(|(cluster, _)| !parts.iter().any(|part| cluster.ends_with(part)))
    }

    fn in_counts(self, counts: &mut Counts) -> Option<&mut u64> {
        Some(match self {
            Counter::Class(class) => counts.classes.get_mut(class)?,
            Counter::Retries => &mut counts.retries,
            Counter::Overflows => &mut counts.overflows,
            Counter::Timeouts => &mut counts.timeouts,
            Counter::Connections => &mut counts.connections,
            Counter::Handshakes => &mut counts.handshakes,
        })
    }
}

fn less_each(mut now: [u64; 5], before: [u64; 5]) -> [u64; 5] {
    for (count, before) in now.iter_mut().zip(before) {
        *count = less(*count, before);
    }
    now
}

fn less(now: u64, before: u64) -> u64 {
    now.checked_sub(before).unwrap_or(now)
}

/// `http_proxy.downstream_rq_4xx`: which class of answers it counts.
fn answered(name: &str) -> Option<usize> {
    let (_, class) = name.rsplit_once(".downstream_rq_")?;
    let all = ["1xx", "2xx", "3xx", "4xx", "5xx"];
    all.iter().position(|one| *one == class)
}

fn address(host: &Value) -> Option<String> {
    let socket = host.pointer("/address/socket_address")?;
    let address = socket.get("address")?.as_str()?;
    let port = socket.get("port_value")?.as_u64()?;
    Some(match address.contains(':') {
        true => format!("[{address}]:{port}"),
        false => format!("{address}:{port}"),
    })
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    let found = value.get(name).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}
