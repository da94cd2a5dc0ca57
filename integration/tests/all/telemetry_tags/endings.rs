//! What is only final when a stream is over is in the tag what it is in Envoy's own access log, however it
//! ends: an upstream that breaks off, one that takes too long, a client that leaves, trailers.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use integration::client::{Client, Request};
use integration::listener::{Listener, cluster};
use integration::upstream::Upstream;
use serde_json::{Value, json};
use telemetry_tags::clean::clean;

use crate::telemetry_tags::rig::{labelled, lines, requests_by, start, tag_format, wait_counted};

/// A tag and the format that says the same in Envoy's log.
const PAIRS: [(&str, &str, &str); 10] = [
    (
        "expression",
        "response.code_details",
        "%RESPONSE_CODE_DETAILS%",
    ),
    (
        "expression",
        "'' + response.code_details",
        "%RESPONSE_CODE_DETAILS%",
    ),
    (
        "formatter",
        "%RESPONSE_CODE_DETAILS%",
        "%RESPONSE_CODE_DETAILS%",
    ),
    ("formatter", "%RESPONSE_FLAGS%", "%RESPONSE_FLAGS%"),
    ("formatter", "%RESPONSE_CODE%", "%RESPONSE_CODE%"),
    ("formatter", "%RESP(x-cache)%", "%RESP(x-cache)%"),
    ("formatter", "%GRPC_STATUS_NUMBER%", "%GRPC_STATUS_NUMBER%"),
    ("formatter", "%UPSTREAM_HOST%", "%UPSTREAM_HOST%"),
    (
        "expression",
        "'x-sum' in response.trailers ? response.trailers['x-sum'] : ''",
        "%TRAILER(x-sum)%",
    ),
    (
        "expression",
        "has(response.code) && response.code > 0 ? string(response.code) : '0'",
        "%RESPONSE_CODE%",
    ),
];

/// An upstream that ends its answers as their paths say. It lives as long as the process.
fn unreliable() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    addr
}

fn answer(mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut buffer = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => head.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    if path == "/early" {
        return;
    }
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\nx-cache: hit\r\n\r\nten bytes!";
    let _ = stream.write_all(begun);
    match path {
        "/whole" => {
            let _ = stream.write_all(b"ten bytes!");
        }
        "/reset" => std::thread::sleep(Duration::from_millis(50)),
        // Until the other side has had enough.
        _ => while stream.read(&mut buffer).is_ok_and(|count| count > 0) {},
    }
}

/// A client that reads some of the body and leaves.
fn leave(addr: SocketAddr, path: &str) {
    let mut stream = TcpStream::connect(addr).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: app.example\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut read = Vec::new();
    let mut buffer = [0; 1024];
    while !read.ends_with(b"ten bytes!") {
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&buffer[..count]);
    }
}

fn routes() -> Vec<Value> {
    let to = |prefix: &str, cluster: &str, timeout: &str| {
        json!({
            "match": {"prefix": prefix},
            "route": {"cluster": cluster, "timeout": timeout},
        })
    };
    vec![
        to("/hang", "unreliable", "0.3s"),
        to("/trailers", "upstream", "0s"),
        to("/shop.Gone", "nowhere", "0s"),
        to("/shop.", "upstream", "0s"),
        to("/", "unreliable", "0s"),
    ]
}

#[test]
fn a_tag_says_what_the_access_log_says_however_a_stream_ends() {
    let tag = |(index, (kind, text, _)): (usize, &(&str, &str, &str))| {
        let source = match *kind {
            "formatter" => json!({"value": text}),
            _ => json!(text),
        };
        json!({"name": format!("t{index}"), *kind: source, "label": false})
    };
    let mut tags: Vec<Value> = PAIRS.iter().enumerate().map(tag).collect();
    tags.push(json!({"name": "shape", "expression": "response.code_details"}));
    let config = json!({"tags": tags, "labels": ["reporter"], "metrics": [{}]});
    // On the way back it comes after ours.
    let changes = json!({"mutations": {"response_mutations": [{"append": {
        "header": {"key": "x-cache", "value": "changed"},
        "append_action": "OVERWRITE_IF_EXISTS",
    }}]}});
    let mut listener = Listener::new("ours")
        .filter("changes", "header_mutation.v3.HeaderMutation", changes)
        .module(crate::telemetry_tags::FILTER, &config)
        .routes(routes())
        .manager("http_protocol_options", json!({"enable_trailers": true}));
    for (index, (_, _, native)) in PAIRS.iter().enumerate() {
        listener = listener
            .log(&format!("native{index}"), native)
            .log(&format!("ours{index}"), &tag_format(&format!("t{index}")));
    }
    let upstream = Upstream::start();
    let clusters = [
        cluster("unreliable", unreliable(), false),
        cluster("upstream", upstream.addr(), true),
        json!({"name": "nowhere", "type": "STATIC", "connect_timeout": "1s"}),
    ];
    let envoy = start(labelled([listener], clusters));
    let addr = envoy.addr("ours");

    for path in ["/whole", "/reset", "/hang", "/early"] {
        // Of a broken answer the client sees as much as there was.
        let _ = Client::http1(addr).get(path).try_send();
    }
    leave(addr, "/leave");
    let trailers = Request::get("/trailers").header("x-echo-trailer", "x-sum=abc");
    Client::http2(addr).burst(1, 1, |_| trailers.clone());
    for path in ["/shop.Orders/Get", "/shop.Gone/Get"] {
        Client::http2(addr).burst(1, 1, |_| Request::grpc(path, b"message"));
    }
    wait_counted(&envoy, 8);

    let paths = [
        ("/whole", "via_upstream"),
        ("/reset", "upstream_reset_after_response_started"),
        ("/hang", "response_timeout"),
        ("/early", "upstream_reset_before_response_started"),
        ("/leave", "downstream_remote_disconnect"),
        ("/trailers", "via_upstream"),
        ("/shop.Orders/Get", "via_upstream"),
        ("/shop.Gone/Get", "no_healthy_upstream"),
    ];
    let by_details = requests_by(&envoy, "shape");
    for (path, details) in paths {
        let line = &lines(&envoy, path, 1)[0];
        for (index, (_, text, _)) in PAIRS.iter().enumerate() {
            let value = |field: String| match &line[field] {
                Value::String(text) => clean(text.as_bytes()).into_owned(),
                Value::Null => String::new(),
                other => other.to_string(),
            };
            let (native, ours) = (
                value(format!("native{index}")),
                value(format!("ours{index}")),
            );
            assert_eq!(native, ours, "{path}: `{text}` in {line}");
        }
        let native = line["native0"].as_str().unwrap();
        assert!(native.starts_with(details), "{path}: {native}");
        // The label is the same.
        let label = clean(native.as_bytes()).into_owned();
        assert!(by_details.contains_key(&label), "{label}: {by_details:?}");
    }
    let line = &lines(&envoy, "/whole", 1)[0];
    assert_eq!(line["ours5"], "changed");
    let line = &lines(&envoy, "/trailers", 1)[0];
    assert_eq!(line["ours8"], "abc");
}
