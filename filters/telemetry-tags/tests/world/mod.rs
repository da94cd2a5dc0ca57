//! A stream and the world around it, as Envoy shows them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeMap;

use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{
    Decision, Exchange, Filter, Headers, Loaded, Record, Request, Response, Timestamp, load,
};
use telemetry_tags::TelemetryTags;
use telemetry_tags::policy::Memory;

/// Where istiod writes the service of a cluster.
pub(crate) const SERVICE: [&str; 6] = [
    "xds",
    "cluster_metadata",
    "filter_metadata",
    "istio",
    "services",
    "0",
];

/// Where istiod writes the workload of an endpoint.
pub(crate) const ENDPOINT: [&str; 5] = [
    "xds",
    "upstream_host_metadata",
    "filter_metadata",
    "istio",
    "workload",
];

/// A loaded filter with what its streams came to.
pub(crate) struct Proxy {
    pub(crate) filter: TelemetryTags,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) reasons: Vec<String>,
    /// What Envoy's log tells.
    pub(crate) log: Vec<String>,
    /// By the whole name of each series the sum of its samples.
    pub(crate) series: BTreeMap<String, u64>,
}

pub(crate) fn errors(config: &str) -> Vec<String> {
    let errors = load::<TelemetryTags>(config.as_bytes(), &FakeWorld::new())
        .err()
        .unwrap_or_default();
    errors.iter().map(ToString::to_string).collect()
}

pub(crate) fn warnings(config: &str) -> Vec<String> {
    let Loaded { warnings, .. } =
        load::<TelemetryTags>(config.as_bytes(), &FakeWorld::new()).expect("it is accepted");
    warnings.iter().map(ToString::to_string).collect()
}

/// A world with what Envoy knows of every request.
pub(crate) fn world() -> FakeWorld {
    let world = FakeWorld::new();
    world.set_now(Timestamp::from_secs(1_790_000_000));
    for (path, text) in [
        ("path", "/api/orders/7?x=1"),
        ("url_path", "/api/orders/7"),
        ("query", "x=1"),
        ("host", "app.example"),
        ("method", "GET"),
        ("scheme", "http"),
        ("protocol", "HTTP/1.1"),
    ] {
        world.set_property(&["request", path], text);
    }
    for (root, path, number) in [
        ("request", "duration", 12_345_678),
        ("request", "time", 1_790_000_000_000_000_000),
        ("request", "total_size", 321),
        ("response", "total_size", 654),
        ("response", "code", 200),
        ("response", "flags", 0),
        ("connection", "id", 5),
    ] {
        world.set_property(&[root, path], i64::to_le_bytes(number));
    }
    world.set_property(&["connection", "mtls"], [0]);
    world.set_property(&["connection_id"], 5u64.to_le_bytes());
    world
}

pub(crate) fn request(headers: &[(&str, &[u8])]) -> Request {
    let pseudo: [(&str, &[u8]); 4] = [
        (":method", b"GET"),
        (":path", b"/api/orders/7?x=1"),
        (":scheme", b"http"),
        (":authority", b"app.example"),
    ];
    Request::new(Headers::from_pairs(pseudo.iter().chain(headers).copied()))
}

impl Proxy {
    pub(crate) fn new(config: &str) -> Self {
        let Loaded { filter, .. } = load::<TelemetryTags>(config.as_bytes(), &FakeWorld::new())
            .unwrap_or_else(|errors| panic!("{errors:?}"));
        Proxy {
            filter,
            tags: BTreeMap::new(),
            reasons: Vec::new(),
            log: Vec::new(),
            series: BTreeMap::new(),
        }
    }

    /// A whole stream.
    pub(crate) fn send(&mut self, world: &FakeWorld, headers: &[(&str, &[u8])]) {
        let request = request(headers);
        let mut memory = Memory::default();
        self.tags.clear();
        let Decision::Continue(edits) = self.filter.on_request(&request, world, &mut memory) else {
            panic!("telemetry never answers a request");
        };
        self.note(&edits.record);
        self.send_rest(world, &request, &mut memory);
    }

    /// What is left of a stream behind its request.
    pub(crate) fn send_rest(&mut self, world: &FakeWorld, request: &Request, memory: &mut Memory) {
        let response = response();
        let edits = self.filter.on_response(&response, world, memory);
        self.note(&edits.record);
        let exchange = Exchange {
            request,
            response: &response,
        };
        let record = self.filter.on_end(&exchange, world, memory);
        self.note(&record);
    }

    /// A stream that an earlier filter answered.
    pub(crate) fn send_answered(&mut self, world: &FakeWorld, headers: &[(&str, &[u8])]) {
        self.tags.clear();
        let exchange = Exchange {
            request: &request(headers),
            response: &response(),
        };
        let record = self
            .filter
            .on_end(&exchange, world, &mut Default::default());
        self.note(&record);
    }

    pub(crate) fn note(&mut self, record: &Record) {
        for (outcome, _) in record.noted() {
            let outcome = self.filter.outcomes().find(outcome).unwrap();
            self.reasons.push(outcome.to_string());
        }
        for (key, value) in &record.state {
            let name = key.strip_prefix("mesh_filters.tag.").expect("a tag");
            let value = String::from_utf8(value.to_vec()).expect("a tag is text");
            let before = self.tags.insert(name.to_owned(), value.clone());
            assert_ne!(before, Some(value), "written twice");
        }
        self.log.extend_from_slice(&record.warnings);
        for (id, value) in &record.samples {
            let series = self.filter.series(*id).expect("a series");
            *self.series.entry(series.name).or_default() += value;
        }
    }

    pub(crate) fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name).map(String::as_str)
    }

    /// The only series of a metric, as its labels.
    pub(crate) fn labels(&self, metric: &str) -> BTreeMap<String, String> {
        let mut found = self
            .series
            .keys()
            .filter_map(|name| name.strip_prefix(metric)?.strip_prefix('['));
        let labels = found
            .next()
            .unwrap_or_else(|| panic!("no `{metric}`: {:?}", self.series));
        assert_eq!(found.next(), None, "several series of `{metric}`");
        let labels = labels.strip_suffix(']').unwrap().split("][");
        labels
            .map(|label| label.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }
}

pub(crate) fn response() -> Response {
    Response::new(Headers::from_pairs([
        (":status", "200"),
        ("x-cache", "hit"),
    ]))
}
