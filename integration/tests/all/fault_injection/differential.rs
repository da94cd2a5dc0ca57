//! Envoy's own fault filter and ours in one Envoy: the same request, the same answer.

use integration::client::{Client, Request, Response};
use integration::shared::Shared;
use serde_json::{Value, json};

use crate::fault_injection::{native, ours};

/// Names and values in the order of their names.
type Fields = Vec<(String, Vec<u8>)>;

/// What a client can tell of an answer: the time and the server's name aside.
fn visible(response: Response) -> (u16, Fields, Vec<u8>, Fields) {
    let mut headers = response.headers;
    headers.retain(|(name, _)| !matches!(name.as_str(), "date" | "server"));
    headers.sort();
    (response.status, headers, response.body, response.trailers)
}

fn assert_alike(native_config: &Value, our_config: &Value, requests: &[Request]) {
    let envoy = Shared::start([native(native_config), ours(our_config)], []);
    for http2 in [false, true] {
        let client = |listener| {
            let addr = envoy.addr(listener);
            if http2 {
                Client::http2(addr)
            } else {
                Client::http1(addr)
            }
        };
        let (theirs, mine) = (client("native"), client("ours"));
        for request in requests {
            assert_eq!(
                visible(mine.send(request.clone())),
                visible(theirs.send(request.clone())),
                "http2: {http2}, {request:?}"
            );
        }
    }
}

/// Requests that differ in all that an answer could depend on.
fn plain_and_grpc() -> Vec<Request> {
    vec![
        Request::get("/"),
        Request::new("HEAD", "/"),
        Request::new("OPTIONS", "/x?y=z"),
        Request::post("/upload", vec![b'x'; 100_000]),
        Request::grpc("/pkg.Service/Method", b"ping"),
        Request::post("/pkg.Service/Method", "").header("content-type", "application/grpc+json"),
        Request::post("/pkg.Service/Method", "").header("content-type", "application/grpc-web"),
        Request::post("/pkg.Service/Method", "").header("content-type", "application/grpcx"),
    ]
}

fn hundred(part: Value) -> Value {
    let mut part = part;
    part["percentage"] = json!({"numerator": 100});
    part
}

#[test]
fn nothing_injected() {
    assert_alike(
        &json!({"abort": {"http_status": 503, "percentage": {"numerator": 0}}}),
        &json!({"http": [{"fault": {"abort": {"httpStatus": 503, "percentage": {"value": 0}}}}]}),
        &plain_and_grpc(),
    );
}

#[test]
fn http_aborts() {
    for status in [
        200, 204, 304, 400, 401, 403, 404, 418, 429, 500, 502, 503, 504, 599,
    ] {
        assert_alike(
            &json!({"abort": hundred(json!({"http_status": status}))}),
            &json!({"http": [{"fault": {"abort": hundred(json!({"httpStatus": status}))}}]}),
            &plain_and_grpc(),
        );
    }
}

#[test]
fn grpc_aborts() {
    for (code, name) in [
        (0, "OK"),
        (4, "DEADLINE_EXCEEDED"),
        (14, "UNAVAILABLE"),
        (16, "UNAUTHENTICATED"),
    ] {
        assert_alike(
            &json!({"abort": hundred(json!({"grpc_status": code}))}),
            &json!({"http": [{"fault": {"abort": hundred(json!({"grpcStatus": name}))}}]}),
            &plain_and_grpc(),
        );
    }
}

#[test]
fn a_delay_and_an_abort() {
    assert_alike(
        &json!({
            "delay": hundred(json!({"fixed_delay": "0.02s"})),
            "abort": hundred(json!({"http_status": 503})),
        }),
        &json!({"http": [{"fault": {
            "delay": hundred(json!({"fixedDelay": "20ms"})),
            "abort": hundred(json!({"httpStatus": 503})),
        }}]}),
        &plain_and_grpc(),
    );
}

/// Every header that asks for a fault, with values that are none.
#[test]
fn header_triggered_faults() {
    let mut requests = Vec::new();
    let values = [
        "",
        "0",
        "1",
        "5",
        "199",
        "200",
        "418",
        "503",
        "599",
        "600",
        "999",
        "65535",
        "65536",
        "-1",
        "+7",
        "0x10",
        "1.5",
        "1e2",
        "99999999999999999999",
        "18446744073709551616",
        "4294967296",
        "abc",
        "5 5",
        "٣",
    ];
    for header in [
        "x-envoy-fault-abort-request",
        "x-envoy-fault-abort-grpc-request",
        "x-envoy-fault-abort-request-percentage",
        "x-envoy-fault-delay-request-percentage",
    ] {
        for value in values {
            for base in [
                Request::get("/"),
                Request::grpc("/pkg.Service/Method", b"ping"),
            ] {
                requests.push(base.clone().header(header, value));
                if header.ends_with("-percentage") && !matches!(value, "1" | "5" | "+7") {
                    requests.push(
                        base.header("x-envoy-fault-abort-request", "418")
                            .header("x-envoy-fault-delay-request", "1")
                            .header(header, value),
                    );
                }
            }
        }
    }
    for value in [
        "",
        "0",
        "5",
        "-5",
        "+5",
        "abc",
        "1.5",
        "99999999999999999999999",
    ] {
        requests.push(Request::get("/").header("x-envoy-fault-delay-request", value));
    }
    requests.retain(|request| !is_random(request) && !is_unknown_grpc_status(request));
    assert_alike(
        &json!({"delay": hundred(json!({"header_delay": {}})), "abort": hundred(json!({"header_abort": {}}))}),
        &json!({"http": [{"fault": {
            "delay": hundred(json!({"headerDelay": {}})),
            "abort": hundred(json!({"headerAbort": {}})),
        }}]}),
        &requests,
    );
}

/// Beyond 16 gRPC has no status: Envoy's filter sends the number as it is, ours UNKNOWN, which is
/// what a client makes of the number anyway.
fn is_unknown_grpc_status(request: &Request) -> bool {
    let value = request
        .first("x-envoy-fault-abort-grpc-request")
        .and_then(|value| std::str::from_utf8(value).ok());
    value
        .and_then(|value| value.parse::<u64>().ok())
        .is_some_and(|code| code > 16)
}

#[test]
fn a_grpc_status_that_does_not_exist_is_unknown() {
    let config = json!({"http": [{"fault": {"abort": hundred(json!({"headerAbort": {}}))}}]});
    let envoy = Shared::start([ours(&config)], []);
    let request = Request::grpc("/pkg.Service/Method", b"ping");
    for (code, sent) in [("16", 16), ("17", 2), ("199", 2), ("4294967295", 2)] {
        let request = request
            .clone()
            .header("x-envoy-fault-abort-grpc-request", code);
        let answer = Client::http2(envoy.addr("ours")).send(request);
        assert_eq!(
            (answer.status, answer.grpc_status()),
            (200, Some(sent)),
            "{code}"
        );
    }
}

/// A share between nothing and all is left to the dice.
fn is_random(request: &Request) -> bool {
    let text = format!("{request:?}");
    text.contains("percentage")
        && text.contains("418")
        && ["\"1\"", "\"5\"", "\"+7\""]
            .iter()
            .any(|v| text.contains(v))
}

#[test]
fn repeated_headers_count_by_their_first_value() {
    let first = Request::get("/")
        .header("x-envoy-fault-abort-request", "418")
        .header("x-envoy-fault-abort-request", "503");
    let none = Request::get("/")
        .header("x-envoy-fault-abort-request", "none")
        .header("x-envoy-fault-abort-request", "503");
    assert_alike(
        &json!({"abort": hundred(json!({"header_abort": {}}))}),
        &json!({"http": [{"fault": {"abort": hundred(json!({"headerAbort": {}}))}}]}),
        &[first, none],
    );
}

/// Envoy's clocks for a stream run on while it is held, by either filter; but for the one for a
/// request to come in, which Envoy's filter lets a body stop, and a wasm filter cannot.
#[test]
fn a_delay_beyond_the_time_of_a_stream_ends_it() {
    let delay = hundred(json!({"fixed_delay": "2s"}));
    let mine = hundred(json!({"fixedDelay": "2s"}));
    let listeners = [
        native(&json!({"delay": delay})),
        ours(&json!({"http": [{"fault": {"delay": mine}}]})),
    ];
    for (field, body_by_envoys) in [("stream_idle_timeout", 504), ("request_timeout", 200)] {
        let listeners = listeners
            .clone()
            .map(|listener| listener.manager(field, json!("0.3s")));
        let envoy = Shared::start(listeners, []);
        for (listener, body) in [("native", body_by_envoys), ("ours", 504)] {
            let client = Client::http2(envoy.addr(listener));
            assert_eq!(client.get("/").send().status, 504, "{listener}, {field}");
            let post = client.send(Request::post("/", vec![b'x'; 100_000]));
            assert_eq!(post.status, body, "{listener}, {field}");
        }
    }
}
