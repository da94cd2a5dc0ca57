//! Envoy's own `local_ratelimit` and ours in one Envoy: the same buckets, the same load, the same
//! number of requests; and the same answer to those that are refused.

use std::fmt::Debug;
use std::time::Duration;

use integration::client::{Client, Request, Response};
use integration::envoy::Envoy;
use integration::listener::{Listener, bootstrap};
use integration::shared::Shared;
use serde_json::{Value, json};

use crate::rate_limit::counts::Run;
use crate::rate_limit::ours;

pub(crate) fn native(fields: Value) -> Listener {
    native_at("native", fields)
}

/// Envoy's own filter, in a listener of this name.
pub(crate) fn native_at(name: &str, fields: Value) -> Listener {
    filter(Listener::new(name), fields)
}

/// A listener with Envoy's own filter, which counts every request.
pub(crate) fn filter(listener: Listener, fields: Value) -> Listener {
    let always = json!({"default_value": {"numerator": 100, "denominator": "HUNDRED"}});
    let mut config = json!({
        "stat_prefix": "native",
        "filter_enabled": always.clone(),
        "filter_enforced": always,
    });
    for (field, value) in fields.as_object().unwrap() {
        config[field] = value.clone();
    }
    listener.filter(
        "envoy.filters.http.local_ratelimit",
        "local_ratelimit.v3.LocalRateLimit",
        config,
    )
}

fn bucket(burst: u64, per_second: u64) -> (Value, Value) {
    (
        json!({"token_bucket": {"max_tokens": burst, "tokens_per_fill": per_second, "fill_interval": "1s"}}),
        json!({"limits": [{"name": "all", "requests": per_second, "per": "1s", "burst": burst, "rateLimitHeaders": false}]}),
    )
}

#[test]
fn bursts_and_steady_load_admit_as_many() {
    for (burst, per_second) in [(20, 10), (60, 40), (100, 50)] {
        let (theirs, mine) = bucket(burst, per_second);
        let envoy = Envoy::builder(bootstrap([native(theirs), ours(&mine)], []))
            .workers(2)
            .start();
        for listener in ["native", "ours"] {
            let client = Client::http1(envoy.addr(listener));
            let run = Run::of(&client, Duration::from_secs(2), || Request::get("/"));
            run.is(burst, per_second);
        }
    }
}

/// A bucket that holds as much as comes back in its time lets twice that through in the first such
/// time, in both: what it holds, and what comes back while that is used up.
#[test]
fn the_first_interval_lets_twice_the_rate_through() {
    let (theirs, _) = bucket(50, 50);
    let mine = json!({"limits": [{"name": "all", "requests": 50, "per": "1s"}]});
    let envoy = Shared::start([native(theirs), ours(&mine)], []);
    for listener in ["native", "ours"] {
        let client = Client::http1(envoy.addr(listener));
        let run = Run::of(&client, Duration::from_secs(1), || Request::get("/"));
        run.is(50, 50);
        assert!(run.admitted > 70, "{listener}: {run:?}");
    }
}

/// What a client can tell of an answer: the time and the server's name aside, and `retry-after`,
/// which only ours has.
fn visible(mut response: Response) -> impl Debug + PartialEq {
    let headers = &mut response.headers;
    headers.retain(|(name, _)| !matches!(name.as_str(), "date" | "server" | "retry-after"));
    headers.sort();
    (response.status, response.headers, response.body)
}

#[test]
fn a_refusal_looks_the_same() {
    let once = json!({"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"});
    for (theirs, mine) in [
        (
            json!({"token_bucket": once}),
            json!({"grpcStatus": "UNAVAILABLE"}),
        ),
        (
            json!({"token_bucket": once, "rate_limited_as_resource_exhausted": true}),
            json!({}),
        ),
        (
            json!({"token_bucket": once, "status": {"code": 503}}),
            json!({"status": 503, "grpcStatus": "UNAVAILABLE"}),
        ),
        (
            json!({"token_bucket": once, "response_headers_to_add": [{"header": {"key": "x-limit", "value": "all"}}]}),
            json!({"headers": {"x-limit": "all"}, "grpcStatus": "UNAVAILABLE"}),
        ),
    ] {
        let mut limit =
            json!({"name": "all", "requests": 1, "per": "1h", "rateLimitHeaders": false});
        for (name, value) in mine.as_object().unwrap() {
            limit[name] = value.clone();
        }
        let listeners = [native(theirs), ours(&json!({"limits": [limit]}))];
        let envoy = Shared::start(listeners, []);
        let (theirs, mine) = (envoy.addr("native"), envoy.addr("ours"));
        for addr in [theirs, mine] {
            assert_eq!(Client::http1(addr).get("/").send().status, 200);
        }
        for http2 in [false, true] {
            for request in [
                Request::get("/"),
                Request::new("HEAD", "/"),
                Request::post("/upload", vec![b'x'; 10_000]),
                Request::grpc("/pkg.Service/Method", b"ping"),
            ] {
                let send = |addr| {
                    let client = if http2 {
                        Client::http2(addr)
                    } else {
                        Client::http1(addr)
                    };
                    visible(client.send(request.clone()))
                };
                assert_eq!(send(mine), send(theirs), "http2: {http2}, {request:?}");
            }
        }
    }
}

/// Both tell what is left of a bucket, in the same words.
#[test]
fn the_headers_tell_the_same_of_a_bucket() {
    let (mut theirs, _) = bucket(3, 3);
    theirs["token_bucket"]["fill_interval"] = json!("3600s");
    theirs["enable_x_ratelimit_headers"] = json!("DRAFT_VERSION_03");
    let mine = json!({"limits": [{"name": "all", "requests": 3, "per": "1h"}]});
    let envoy = Shared::start([native(theirs), ours(&mine)], []);
    let told = |listener| {
        let client = Client::http1(envoy.addr(listener));
        let answers = (0..5).map(|_| client.get("/").send());
        answers.map(what_is_left).collect::<Vec<_>>()
    };
    assert_eq!(told("ours"), told("native"));
}

fn what_is_left(answer: Response) -> (u16, Option<String>, Option<String>) {
    let header = |name| answer.header(name).map(str::to_owned);
    (
        answer.status,
        header("x-ratelimit-limit"),
        header("x-ratelimit-remaining"),
    )
}

/// Of two buckets the one that refuses is told of, and the other has lost nothing: in Envoy the
/// slower one is asked first, in ours neither is charged.
#[test]
fn the_headers_of_a_refusal_are_those_of_the_bucket_that_refused() {
    let theirs = json!({
        "token_bucket": {"max_tokens": 5, "tokens_per_fill": 5, "fill_interval": "3600s"},
        "descriptors": [{
            "entries": [{"key": "header_match", "value": "dear"}],
            "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"},
        }],
        "rate_limits": [{"actions": [{"header_value_match": {
            "descriptor_value": "dear",
            "headers": [{"name": ":path", "string_match": {"prefix": "/dear"}}],
        }}]}],
        "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
    });
    let mine = json!({"limits": [
        {"name": "all", "requests": 5, "per": "1h"},
        {"name": "dear", "match": [{"headers": {":path": {"prefix": "/dear"}}}], "requests": 1, "per": "1h"},
    ]});
    let envoy = Shared::start([native(theirs), ours(&mine)], []);
    let told = |listener| {
        let client = Client::http1(envoy.addr(listener));
        let paths = [
            "/dear", "/dear", "/dear?x", "/", "/dear", "/", "/", "/", "/",
        ];
        paths.map(|path| what_is_left(client.get(path).send()))
    };
    let seen = told("ours");
    assert_eq!(seen, told("native"));
    assert_eq!(
        seen.map(|(status, ..)| status),
        [200, 429, 429, 200, 429, 200, 200, 200, 429]
    );
}

#[test]
fn a_time_to_come_back_that_is_configured_is_the_only_one() {
    let theirs = json!({
        "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"},
        "response_headers_to_add": [{"header": {"key": "retry-after", "value": "5"}}],
    });
    let mine = json!({"limits": [
        {"name": "all", "requests": 1, "per": "1h", "headers": {"Retry-After": "5"}},
    ]});
    let envoy = Shared::start([native(theirs), ours(&mine)], []);
    for listener in ["native", "ours"] {
        let client = Client::http1(envoy.addr(listener));
        assert_eq!(client.get("/").send().status, 200);
        let refused = client.get("/").send();
        let found = refused
            .headers
            .iter()
            .filter(|(name, _)| name == "retry-after");
        let found: Vec<_> = found.map(|(_, value)| value.as_slice()).collect();
        assert_eq!(
            (refused.status, found),
            (429, vec![&b"5"[..]]),
            "{listener}"
        );
    }
}
