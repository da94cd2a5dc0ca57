//! One Envoy with a listener for each chain and configuration, and what is to be seen of requests to them.

use std::collections::BTreeMap;
use std::time::Duration;

use integration::client::{Client, Talk};
use integration::envoy::Envoy;
use integration::jwt::Issuer;
use integration::listener::{Listener, bootstrap, cluster};
use integration::service::spans::Spans;
use integration::service::wait::until;
use integration::upstream::Upstream;
use serde_json::{Value, json};

use crate::one_module::chains::{Chain, FILTERS};
use crate::one_module::configurations::TAGS;
use crate::one_module::observed::{Exchange, LISTENER};
use crate::one_module::sent::Sent;
use crate::one_module::{SOON, limiter, service, tokens};

/// Counters and gauges of ours that tell of a configuration or of fetches, and not of requests.
const OTHERS: [&str; 3] = ["build_info", "config_hash", "jwks_"];

/// What runs.
pub(crate) struct Rig {
    pub(crate) envoy: Envoy,
    upstream: Upstream,
    authorizer: Upstream,
    limiter: Upstream,
    _issuer: Issuer,
    spans: Spans,
}

/// What came of some requests to one listener.
pub(crate) struct Batch {
    pub(crate) listener: String,
    pub(crate) exchanges: Vec<Exchange>,
    /// By how much our counters and gauges changed, where they did.
    pub(crate) counted: BTreeMap<String, i64>,
}

impl Rig {
    /// With these chains: their listeners' names, and configurations.
    pub(crate) fn start(chains: &[(Chain, String, &Value)]) -> Self {
        let upstream = Upstream::start();
        let authorizer = Upstream::with(|request| service::answer(&request));
        let limiter = Upstream::with(|request| limiter::answer(&request));
        let issuer = tokens::issuer();
        let spans = Spans::start();
        let listeners = chains
            .iter()
            .map(|(chain, name, config)| chain.filters(observed(Listener::new(name)), config));
        let clusters = [
            cluster("upstream", upstream.addr(), false),
            cluster(service::CLUSTER, authorizer.addr(), false),
            cluster(limiter::CLUSTER, limiter.addr(), true),
            issuer.cluster(tokens::ISSUER),
            spans.cluster(),
        ];
        let mut config = bootstrap(listeners, clusters);
        config.value_mut()["layered_runtime"] = Spans::runtime();
        let envoy = Envoy::builder(config)
            .workers(2)
            .args(["--file-flush-interval-msec", "10"])
            // istiod's metadata matchers are deprecated, of which a line tells for each.
            .args(["--component-log-level", "misc:error"])
            // Envoy tries each configuration in a VM of its own, on machines that may do more than this.
            .ready_within(Duration::from_secs(300))
            .start();
        Self {
            envoy,
            upstream,
            authorizer,
            limiter,
            _issuer: issuer,
            spans,
        }
    }

    /// Sends these one after the other through a listener.
    pub(crate) fn send(&self, listener: &str, requests: &[Sent]) -> Batch {
        let before = self.counters();
        let addr = self.envoy.addr(listener);
        let mut talks = [Client::http1, Client::http2].map(|client| Talk::of(client(addr)));
        let exchanges = requests.iter().map(|sent| {
            self.upstream.forget();
            self.authorizer.forget();
            self.limiter.forget();
            let answer = talks[usize::from(sent.http2)].ask(&sent.request);
            let passed = self.upstream.requests();
            let mut exchange = Exchange::default();
            exchange.got(&answer, !passed.is_empty());
            exchange.came("upstream", &passed);
            exchange.came("asked", &self.authorizer.requests());
            exchange.came("counted", &self.limiter.requests());
            exchange
        });
        let exchanges = exchanges.collect();
        // What is counted at the end of a stream is counted after its client has its answer.
        let active = format!("http.{listener}.downstream_rq_active");
        self.envoy
            .admin()
            .wait_stat(&active, |active| active == 0, SOON);
        let after = self.counters();
        let count = |counters: &BTreeMap<String, u64>, name| {
            counters.get(name).copied().unwrap_or_default() as i64
        };
        let changes = after
            .keys()
            .map(|name| (name.clone(), count(&after, name) - count(&before, name)));
        Batch {
            listener: listener.to_owned(),
            exchanges,
            counted: changes.filter(|(_, change)| *change != 0).collect(),
        }
    }

    fn counters(&self) -> BTreeMap<String, u64> {
        let mut counters = self.envoy.admin().stats(r"^wasmcustom\.");
        counters.retain(|name, _| !OTHERS.iter().any(|part| name.contains(part)));
        counters
    }

    /// Adds what the access log and the spans tell, as soon as they tell of each request.
    #[track_caller]
    pub(crate) fn complete(&self, batches: &mut [Batch], requests: &[&[Sent]]) {
        let mut wanted: usize = batches.iter().map(|batch| batch.exchanges.len()).sum();
        let lines = until(SOON, || {
            Some(self.lines()).filter(|lines| lines.len() >= wanted)
        });
        let lines = lines.unwrap_or_else(|| panic!("{} of {wanted} lines", self.lines().len()));
        // No tracer hears of what is refused before it has begun.
        wanted = lines.len();
        let traced = || {
            self.spans
                .all()
                .into_iter()
                .filter_map(|span| {
                    let key = (
                        span.tag(LISTENER)?.to_owned(),
                        plain(span.tag("guid:x-request-id")?),
                    );
                    Some((key, span))
                })
                .collect::<BTreeMap<_, _>>()
        };
        let spans = until(SOON, || {
            Some(traced()).filter(|spans| spans.len() >= wanted)
        });
        let spans = spans.unwrap_or_else(|| panic!("{} of {wanted} spans", traced().len()));
        for (batch, sent) in batches.iter_mut().zip(requests) {
            for (exchange, sent) in batch.exchanges.iter_mut().zip(*sent) {
                let key = (batch.listener.clone(), plain(&sent.id));
                exchange.logged(&lines[&key]);
                exchange.traced(&spans[&key]);
            }
        }
    }

    /// The lines of the access log, by listener and id.
    fn lines(&self) -> BTreeMap<(String, String), Value> {
        let log = self.envoy.log();
        let lines = log.lines().filter_map(|line| {
            let line: Value = serde_json::from_str(line.get(line.find('{')?..)?).ok()?;
            let key = (
                line[LISTENER].as_str()?.to_owned(),
                plain(line["id"].as_str()?),
            );
            Some((key, line))
        });
        lines.collect()
    }
}

/// Logs and traces all that filters leave behind.
fn observed(listener: Listener) -> Listener {
    let mut formats: Vec<(String, String)> = FILTERS
        .iter()
        .map(|(_, filter)| (*filter).to_owned())
        .chain(["claims".to_owned()])
        .chain(
            TAGS.iter()
                .chain(["traced"].iter())
                .map(|tag| format!("tag.{tag}")),
        )
        .map(|name| {
            (
                name.clone(),
                format!("%FILTER_STATE(wasm.mesh_filters.{name}:PLAIN)%"),
            )
        })
        .collect();
    formats.push(("route".to_owned(), "%ROUTE_NAME%".to_owned()));
    formats.push(("flags".to_owned(), "%RESPONSE_FLAGS%".to_owned()));
    formats.push(("status".to_owned(), "%RESPONSE_CODE%".to_owned()));
    formats.push(("custom".to_owned(), "%REQ(x-custom)%".to_owned()));
    formats.push(("sub".to_owned(), "%REQ(x-sub)%".to_owned()));
    let tags: Vec<(&str, &str)> = formats
        .iter()
        .map(|(name, format)| (name.as_str(), format.as_str()))
        .collect();
    let name = listener.name().to_owned();
    let mut traced = tags.clone();
    traced.push((LISTENER, &name));
    let listener = tags.iter().fold(listener, |listener, (name, format)| {
        listener.log(name, format)
    });
    listener
        .log("id", "%REQ(x-request-id)%")
        .manager("tracing", Spans::tracing(&traced))
        // The ids are the requests' own.
        .manager("generate_request_id", json!(true))
        .manager("preserve_external_request_id", json!(true))
        // Envoy waits a second for a client that could still be sending; this one is not.
        .manager("delayed_close_timeout", json!("0s"))
        .to("upstream")
}

/// The part of a request's id in which Envoy notes nothing about its trace.
fn plain(id: &str) -> String {
    id.chars().take(13).collect()
}
