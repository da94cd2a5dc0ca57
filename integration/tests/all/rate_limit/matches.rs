//! Which requests a limit counts, beside the actions of Envoy's own `local_ratelimit` that mean the
//! same: addresses, and the ends and parts of texts.

use integration::client::{Client, Request};
use integration::envoy::{Capability, lacks};
use integration::shared::Shared;
use serde_json::{Value, json};

use crate::rate_limit::native::native;
use crate::rate_limit::ours;

/// Sends `first`, which takes the only token, and then each request to both: whoever counts it
/// refuses it. Answers which were counted.
fn counted(action: Value, matched: Value, first: &Request, requests: &[Request]) -> Vec<bool> {
    let bucket = json!({"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"});
    let theirs = json!({
        "descriptors": [{"entries": [{"key": "who", "value": "me"}], "token_bucket": bucket}],
        "rate_limits": [{"actions": [action]}],
    });
    let mine = json!({"limits": [{"name": "me", "match": [matched], "requests": 1, "per": "1h"}]});
    let trusted = |listener: integration::listener::Listener| {
        listener
            .manager("use_remote_address", json!(true))
            .manager("xff_num_trusted_hops", json!(1))
    };
    let listeners = [native(theirs), ours(&mine)].map(trusted);
    let envoy = Shared::start(listeners, []);
    let [theirs, mine] = ["native", "ours"].map(|listener| {
        let client = Client::http2(envoy.addr(listener));
        assert_eq!(client.send(first.clone()).status, 200, "{listener}");
        let refused = |request: &Request| client.send(request.clone()).status == 429;
        requests.iter().map(refused).collect::<Vec<_>>()
    });
    assert_eq!(mine, theirs, "{matched}: {requests:?}");
    mine
}

fn from(address: &str) -> Request {
    Request::get("/").header("x-forwarded-for", address)
}

#[test]
fn an_address_is_in_a_block_as_envoy_has_it() {
    if lacks(Capability::RemoteAddressMatch) {
        return;
    }
    let range = |address: &str, bits: u32| json!({"address_prefix": address, "prefix_len": bits});
    let ranges = [range("198.51.100.0", 24), range("2001:db8::", 32)];
    let blocks = ["198.51.100.0/24", "2001:db8::/32"];
    let action = |invert: bool| {
        json!({"remote_address_match": {
            "descriptor_key": "who", "descriptor_value": "me",
            "address_matcher": {"ranges": ranges, "invert_match": invert},
        }})
    };
    let requests = [
        "198.51.100.7",
        "198.51.101.7",
        "203.0.113.1, 198.51.100.7",
        "198.51.100.7, 203.0.113.1",
        "::ffff:198.51.100.7",
        "2001:db8::7",
        "2001:db9::7",
        "nobody",
    ]
    .map(from);
    let inside = counted(
        action(false),
        json!({"sourceCIDR": blocks}),
        &from("198.51.100.1"),
        &requests,
    );
    assert_eq!(inside[..4], [true, false, true, false]);
    let outside = counted(
        action(true),
        json!({"notSourceCIDR": blocks}),
        &from("203.0.113.1"),
        &requests,
    );
    assert!(
        inside
            .iter()
            .zip(&outside)
            .all(|(inside, outside)| inside != outside)
    );
}

#[test]
fn an_end_and_a_part_are_what_envoy_takes_for_them() {
    let requests: Vec<Request> = [
        &b"some bot"[..],
        b"bot",
        b"bo",
        b"bot/1",
        b"BOT",
        b"a bot\xff",
        b"\xffbot",
        b"b\xc3\xb6t",
        b"",
    ]
    .iter()
    .map(|value| Request::get("/").header("user-agent", *value))
    .chain([
        Request::get("/"),
        Request::get("/")
            .header("user-agent", "x")
            .header("user-agent", "a bot"),
    ])
    .collect();
    for field in ["suffix", "contains"] {
        let text = json!({field: "bot"});
        let headers = json!([{"name": "user-agent", "string_match": text}]);
        let action = json!({"header_value_match": {
            "descriptor_key": "who", "descriptor_value": "me", "headers": headers,
        }});
        let seen = counted(
            action,
            json!({"headers": {"user-agent": text}}),
            &requests[0],
            &requests,
        );
        assert_eq!(seen[..3], [true, true, false], "{field}");
    }
}

/// Pseudo headers are headers to a match.
#[test]
fn pseudo_headers_match_as_in_envoy() {
    let requests = [
        Request::new("DELETE", "/api/1?x=1"),
        Request::new("DELETE", "/other"),
        Request::get("/api/1?x=1"),
        Request::new("delete", "/api/1?x=1"),
    ];
    let headers = json!([
        {"name": ":method", "string_match": {"exact": "DELETE"}},
        {"name": ":path", "string_match": {"suffix": "?x=1"}},
        {"name": ":authority", "present_match": true},
    ]);
    let action = json!({"header_value_match": {
        "descriptor_key": "who", "descriptor_value": "me", "headers": headers,
    }});
    let matched = json!({"headers": {
        ":method": {"exact": "DELETE"}, ":path": {"suffix": "?x=1"}, ":authority": {},
    }});
    let seen = counted(action, matched, &requests[0], &requests);
    assert_eq!(seen[..3], [true, false, false]);
}
