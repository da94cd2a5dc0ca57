//! Values that try to break out: of a line of the log, of a label, of a header.

use integration::envoy::{Capability, Envoy, lacks};
use integration::hostile;
use integration::listener::cluster;
use integration::service::spans::Spans;
use integration::upstream::Upstream;
use serde_json::{Value, json};

use crate::telemetry_tags::SOON;
use crate::telemetry_tags::rig::{
    client, labelled, lines, ours, requests_by, series, start, tag_format, wait_counted,
};

/// What is sent, and what is left of it.
const VALUES: [(&[u8], &str); 12] = [
    (b"plain", "plain"),
    (b"a\"b", "a_b"),
    (b"a][response_code=999", "a__response_code=999"),
    (b"a\\", "a_"),
    (b"{x=\"y\"} 1", "{x=_y_} 1"),
    (b"%0aistio_requests_total 7", "%0aistio_requests_total 7"),
    (b"tab\there", "tab_here"),
    (b"caf\xc3\xa9", "caf\u{e9}"),
    (b"\xff\xfe", "__"),
    (b"caf\xe9", "caf_"),
    (b"\xe2\x80\xa8new line", "_new line"),
    (b"'; drop", "_; drop"),
];

fn config() -> Value {
    json!({
        "tags": [
            {"name": "tenant", "header": {"name": "x-tenant"}},
            {"name": "agent", "formatter": {"value": "%REQ(user-agent)%"}, "label": false},
            {"name": "shape", "expression": "request.headers['x-tenant']", "label": false},
        ],
        "metrics": [{"overrides": [{"match": {"metric": "REQUEST_COUNT"}}]}],
    })
}

/// Asserts that the module lives and that the page for Prometheus is one.
fn assert_sound(envoy: &Envoy) {
    for _ in 0..8 {
        assert_eq!(client(envoy).get("/sound").send().status, 200);
    }
    let log = envoy.log();
    assert!(!log.contains("Function: proxy_"), "a VM failed");
    assert!(!log.contains("panicked at"), "the module panicked");
    let page = envoy.admin().prometheus();
    for line in page
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let name = line.split(['{', ' ']).next().unwrap();
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        assert!(!name.is_empty() && name.chars().all(legal), "{line}");
    }
    assert!(!series(&page, "istio_requests_total").is_empty());
}

#[test]
fn no_value_breaks_a_line_a_label_a_span_or_a_header() {
    if lacks(Capability::FormatsInSpans) {
        return;
    }
    let upstream = Upstream::start();
    let spans = Spans::start();
    let tags = ["tenant", "agent", "shape"];
    let format = tag_format("tenant");
    let mut listener = ours(&config(), &tags)
        .to("upstream")
        .manager("tracing", Spans::tracing(&[("tenant", &format)]));
    listener = listener.routes(vec![json!({
        "name": "all", "match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "0s"},
        "request_headers_to_add": [{"header": {"key": "x-tag", "value": format}}],
        "response_headers_to_add": [{"header": {"key": "x-tag", "value": format}}],
    })]);
    let clusters = [cluster("upstream", upstream.addr(), false), spans.cluster()];
    let mut config = labelled([listener], clusters);
    config.value_mut()["layered_runtime"] = Spans::runtime();
    let envoy = start(config);

    for (index, (sent, left)) in VALUES.iter().enumerate() {
        let path = format!("/{index}");
        let call = client(&envoy)
            .get(&path)
            .header("x-tenant", sent)
            .header("user-agent", sent);
        let answer = call.send();
        assert_eq!(answer.status, 200, "{left}");
        // The header that is made of it, on both sides.
        let back: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| name == "x-tag")
            .collect();
        assert_eq!(back, [&("x-tag".to_owned(), left.as_bytes().to_vec())]);
        let forth = upstream.requests().pop().unwrap();
        assert_eq!(forth.values("x-tag"), [left.as_bytes()]);
        // The line that has it.
        let line = &lines(&envoy, &path, 1)[0];
        for tag in tags {
            assert_eq!(line[tag], *left, "{tag}: {line}");
        }
        let span = spans.wait(SOON, |span| span.tag("tenant") == Some(left));
        assert!(span.is_some(), "{left}: {:#?}", spans.all());
    }
    wait_counted(&envoy, VALUES.len() as u64);
    let expected = VALUES
        .iter()
        .map(|(_, left)| ((*left).to_owned(), 1))
        .collect();
    assert_eq!(requests_by(&envoy, "tenant"), expected);
    assert_eq!(
        requests_by(&envoy, "response_code")
            .into_keys()
            .collect::<Vec<_>>(),
        ["200"],
        "a value made a label of its own"
    );
    assert_sound(&envoy);
}

#[test]
fn hostile_requests_leave_a_good_one_served_and_counted() {
    let listener = hostile::admit(ours(&config(), &["tenant"]));
    let envoy = start(labelled([listener], []));
    let addr = envoy.addr("ours");
    hostile::values(addr, "/", &["x-tenant: ", "user-agent: "], &[]);
    hostile::targets(addr, "");
    hostile::many(addr, "/", "x-tenant: one\r\n");
    // A label is no longer than what a SPIFFE identity takes.
    let labels = requests_by(&envoy, "tenant");
    assert!(labels.keys().all(|value| value.len() <= 256), "{labels:?}");
    assert_sound(&envoy);
}
