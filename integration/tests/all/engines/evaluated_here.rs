//! What the filter evaluates by itself, beside Envoy's own `expr_evaluate`: two tags of one stream in one Envoy, of
//! which the second wraps the same expression into what only Envoy evaluates. With the request, with the answer's
//! headers, and at the end; over requests and answers that nobody thought of, hostile bytes among them.

mod generate;

use std::time::Duration;

use integration::client::raw;
use integration::envoy::{Capability, Config, Envoy, lacks};
use integration::listener::{Listener, bootstrap, cluster};
use integration::service::wait::until;
use integration::upstream::{Answer, Recorded, Upstream};
use serde_json::{Value, json};

use generate::{envoys, expressions, one};

const SOON: Duration = Duration::from_secs(20);

/// So many requests a listener.
const REQUESTS: usize = 60;

/// Between the values that the answer carries; no value has it.
const BETWEEN: &str = "[";

#[test]
fn an_evaluated_expression_is_what_envoy_makes_of_it() {
    if lacks(Capability::Booleans) {
        return;
    }
    let listeners: Vec<(String, Vec<String>)> = (1..=4)
        .map(|seed| (format!("seed-{seed}"), expressions(seed)))
        .collect();
    let upstream = Upstream::with(|request| answer(&request));
    let config = bootstrap(
        listeners
            .iter()
            .map(|(name, expressions)| listener(name, expressions)),
        [cluster("echo", upstream.addr(), false)],
    );
    let envoy = start(config);
    let mut seen = Seen::default();
    for (seed, (name, expressions)) in listeners.iter().enumerate() {
        let mut dice = fastrand::Rng::with_seed(100 + seed as u64);
        for number in 0..REQUESTS {
            let bytes = request(&mut dice, number);
            raw(envoy.addr(name), &bytes, SOON);
        }
        for line in lines(&envoy, name) {
            seen.compare(&line, expressions);
        }
    }
    let first = &seen.wrong[..seen.wrong.len().min(20)];
    assert!(
        seen.wrong.is_empty(),
        "{} differ: {first:#?}",
        seen.wrong.len()
    );
    assert!(seen.pairs > 20_000, "{} pairs", seen.pairs);
    assert!(seen.early > 3_000, "{} pairs on the way back", seen.early);
    assert!(
        seen.known > seen.pairs / 3,
        "{} of {}",
        seen.known,
        seen.pairs
    );
}

#[derive(Default)]
struct Seen {
    pairs: usize,
    /// Of these with the answer's headers.
    early: usize,
    /// Of these without an error.
    known: usize,
    wrong: Vec<String>,
}

impl Seen {
    fn compare(&mut self, line: &Value, expressions: &[String]) {
        // Of an answer that Envoy gives itself there is none.
        let early = line["early"].as_str().unwrap_or_default();
        let early: Vec<&str> = early.split(BETWEEN).collect();
        for (number, expression) in expressions.iter().enumerate() {
            let value = |side: &str| line[format!("{side}-{number}")].as_str();
            self.pair(expression, "at last", value("here"), value("envoy"));
            if let (Some(here), Some(envoy)) = (early.get(2 * number), early.get(2 * number + 1)) {
                self.early += 1;
                self.pair(expression, "on the way back", Some(here), Some(envoy));
            }
        }
    }

    fn pair(&mut self, expression: &str, when: &str, here: Option<&str>, envoy: Option<&str>) {
        self.pairs += 1;
        self.known += usize::from(here.is_some_and(|value| value != "unknown" && value != "-"));
        if here != envoy {
            self.wrong
                .push(format!("{expression}: {here:?} {when}, Envoy {envoy:?}"));
        }
    }
}

fn start(config: Config) -> Envoy {
    Envoy::builder(config)
        .args(["--file-flush-interval-msec", "20"])
        .start()
}

/// The lines of the access log of a listener, when all are there.
fn lines(envoy: &Envoy, listener: &str) -> Vec<Value> {
    let about = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["listener"] == listener).then_some(line)
    };
    let all = || -> Vec<Value> { envoy.log().lines().filter_map(about).collect() };
    until(SOON, || Some(all()).filter(|lines| lines.len() >= REQUESTS))
        .unwrap_or_else(|| panic!("{} lines of {listener}", all().len()))
}

fn format_of(side: &str, number: usize) -> String {
    format!("%FILTER_STATE(wasm.mesh_filters.tag.{side}-{number}:PLAIN)%")
}

/// What answers before our filter, so that it sees the stream at its end alone; what carries the tags of the answer;
/// and our filter.
fn listener(name: &str, expressions: &[String]) -> Listener {
    let mut tags = Vec::new();
    let mut early = Vec::new();
    for (number, expression) in expressions.iter().enumerate() {
        let other = envoys(expression);
        for (side, text) in [("here", expression), ("envoy", &other)] {
            let name = format!("{side}-{number}");
            tags.push(json!({"name": name, "expression": text, "label": false}));
            early.push(format_of(side, number));
        }
    }
    let abort = json!({
        "abort": {"http_status": 418, "percentage": {"numerator": 100}},
        "headers": [{"name": "x-abort", "string_match": {"exact": "yes"}}],
    });
    let carry = json!({"mutations": {"response_mutations": [
        {"append": {"header": {"key": "x-early", "value": early.join(BETWEEN)}}},
    ]}});
    let mut listener = Listener::new(name)
        .filter("fault", "fault.v3.HTTPFault", abort)
        .filter("carry", "header_mutation.v3.HeaderMutation", carry)
        .module("telemetry-tags", &json!({"tags": tags}))
        .log("early", "%RESP(x-early)%")
        // Bytes that Envoy leaves unread make it wait so long for the client to go.
        .manager("delayed_close_timeout", json!("0.02s"))
        .routes(vec![
            json!({"name": "direct", "match": {"prefix": "/direct"}, "direct_response": {"status": 503}}),
            json!({"name": "echo", "match": {"prefix": "/"}, "route": {"cluster": "echo"}}),
        ]);
    for number in 0..expressions.len() {
        for side in ["here", "envoy"] {
            listener = listener.log(&format!("{side}-{number}"), &format_of(side, number));
        }
    }
    listener
}

/// Header values that a client or an upstream may send.
const VALUES: [&[u8]; 22] = [
    b"",
    b"a",
    b"b",
    b"a,b",
    b"GET",
    b"api",
    b"/api",
    b"12",
    b"-7",
    b"+5",
    b"00",
    b"9223372036854775807",
    b"9223372036854775808",
    b"1_0",
    b"caf\xc3\xa9",
    b"\xff",
    b"a\xff\xfe",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\xf0\x9f\x98\x80",
    b"\xf0\x9f\x98a\xf0\x9f",
];

const NAMES: [&str; 11] = [
    "x-a",
    "x-b",
    "X-A",
    "x_a",
    "x.a",
    "x-many",
    "cookie",
    "referer",
    "user-agent",
    "x-request-id",
    "content-type",
];

/// What Envoy does not read to its end, and then has no headers; what has no path; and gRPC that Envoy answers
/// itself, with an error that becomes a 200 on its way.
const ODD: [&[u8]; 6] = [
    b"GET /\x01 HTTP/1.1\r\nhost: a\r\n\r\n",
    b"no request\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    b"CONNECT a.b:80 HTTP/1.1\r\nhost: a.b:80\r\nconnection: close\r\n\r\n",
    b"POST /direct HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\nconnection: close\r\n\r\n",
];

fn request(dice: &mut fastrand::Rng, number: usize) -> Vec<u8> {
    if let Some(bytes) = ODD.get(number) {
        return bytes.to_vec();
    }
    let paths = [
        "/",
        "/api",
        "/api/orders/7?x=1",
        "/a?b?c",
        "/?",
        "/%ff",
        "/a?x#y",
        "/status/204",
        "/status/503",
        "/status/999",
        "/direct",
        "/direct?grpc",
        "http://other.example/p?q",
    ];
    let methods = ["GET", "GET", "PUT", "POST", "HEAD", "X"];
    let hosts = ["app.example", "app.example:80", "APP", "[::1]:80"];
    let mut bytes = format!(
        "{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: 0\r\n",
        one(dice, &methods),
        one(dice, &paths),
        one(dice, &hosts)
    )
    .into_bytes();
    if dice.u8(..8) == 0 {
        bytes.extend_from_slice(b"x-abort: yes\r\n");
    }
    for _ in 0..dice.usize(..10) {
        bytes.extend_from_slice(one(dice, &NAMES).as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(one(dice, &VALUES));
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// The request's own headers, and the status that its path names.
fn answer(request: &Recorded) -> Answer {
    let status = request.path.strip_prefix("/status/").unwrap_or("200");
    let mut answer = Answer::status(status.parse().unwrap_or(200));
    for (name, value) in &request.headers {
        if name.starts_with("x-") && name != "x-early" || name == "content-type" {
            answer = answer.header(name, value);
        }
    }
    answer.header("host", "a header like any other")
}
