//! Limits of Envoy's and what they are converted to, in one Envoy: in the proxy, the same requests are refused; by a
//! service, it is asked the same.

use std::collections::BTreeMap;

use fastrand::Rng;
use integration::client::{Client, Request};
use integration::listener::{Listener, cluster};
use integration::shared::Shared;
use integration::upstream::{Answer, Upstream};
use sdk_helpers::protobuf::Message;
use serde_json::{Value, json};

use super::pair;
use crate::rate_limit::limiter;

const SEED: u64 = 20_261_130;
const CONFIGS: usize = 24;
const REQUESTS: usize = 60;

/// One token comes back in an hour, so that only what is taken counts.
fn bucket(tokens: usize) -> Value {
    json!({"max_tokens": tokens, "tokens_per_fill": 1, "fill_interval": "3600s"})
}

/// An action of its own name, so that no two configurations share buckets, and the values that it can have.
fn action(dice: &mut Rng, key: &str) -> (Value, &'static [&'static str]) {
    let is_optional = dice.u8(..3) == 0;
    match dice.u8(..5) {
        0 => (
            json!({"generic_key": {"descriptor_key": key, "descriptor_value": "v"}}),
            &["v", "other"],
        ),
        1 | 2 => (
            json!({"request_headers": {"header_name": "X-Client", "descriptor_key": key, "skip_if_absent": is_optional}}),
            &["a", "b"],
        ),
        3 => (
            // A parameter's value cannot be said not to be one, so it is in no exact descriptor.
            json!({"query_parameters": {"query_parameter_name": "q", "descriptor_key": key}}),
            &[],
        ),
        _ => {
            let matcher = match dice.u8(..4) {
                0 => json!({"present_match": true}),
                1 => json!({"string_match": {"prefix": "g"}}),
                2 => json!({"string_match": {"safe_regex": {"regex": "(gold|silver)"}}}),
                _ => json!({"exact_match": "gold", "invert_match": dice.bool()}),
            };
            let mut headers = matcher;
            headers["name"] = json!("x-plan");
            (
                json!({"header_value_match": {
                    "descriptor_key": key, "descriptor_value": "v", "expect_match": dice.bool(), "headers": [headers],
                }}),
                &["v"],
            )
        }
    }
}

/// A filter, and what its route says.
fn local(dice: &mut Rng, index: usize) -> (Value, Vec<Value>) {
    let mut actions: Vec<_> = (0..=dice.usize(..3))
        .map(|place| {
            let key = format!("k{index}-{place}");
            let (action, values) = action(dice, &key);
            (key, action, values)
        })
        .collect();
    // A match can ask for one thing of a header.
    for kind in ["header_value_match", "request_headers"] {
        let mut seen = false;
        actions.retain(|(_, action, _)| {
            action.get(kind).is_none() || !std::mem::replace(&mut seen, true)
        });
    }
    // One with blank values: of several Envoy takes whichever it finds first.
    let mut descriptors = vec![json!({
        "entries": actions.iter().map(|(key, ..)| json!({"key": key})).collect::<Vec<_>>(),
        "token_bucket": bucket(1 + dice.usize(..3)),
    })];
    if actions.iter().all(|(_, _, values)| !values.is_empty()) && dice.bool() {
        let entries = actions.iter().map(
            |(key, _, values)| json!({"key": key, "value": values[dice.usize(..values.len())]}),
        );
        descriptors.push(json!({
            "entries": entries.collect::<Vec<_>>(),
            "token_bucket": bucket(1 + dice.usize(..3)),
        }));
    }
    let always = json!({"default_value": {"numerator": 100}});
    let mut filter = json!({
        "stat_prefix": format!("all{index}"), "filter_enabled": always, "filter_enforced": always,
        "descriptors": descriptors,
    });
    let has_parameter = actions
        .iter()
        .any(|(_, action, _)| action.get("query_parameters").is_some());
    match dice.u8(..3) {
        0 => {}
        // A match cannot say that a parameter is not there.
        kind if kind == 1 || has_parameter => filter["token_bucket"] = bucket(20),
        _ => {
            filter["token_bucket"] = bucket(6);
            filter["always_consume_default_token_bucket"] = json!(false);
        }
    }
    let limits =
        json!([{"actions": actions.into_iter().map(|(_, action, _)| action).collect::<Vec<_>>()}]);
    let mut route =
        json!({"name": "all", "match": {"prefix": "/"}, "direct_response": {"status": 200}});
    // Nor of which route a request is not.
    let is_rest = filter.get("always_consume_default_token_bucket").is_some();
    if is_rest || dice.bool() {
        filter["rate_limits"] = limits;
    } else {
        route = json!({"name": "all", "match": {"prefix": "/"}, "route": {"cluster": "upstream", "rate_limits": limits}});
    }
    (filter, vec![route])
}

fn request(dice: &mut Rng) -> Request {
    let paths = ["/", "/?q=1", "/?q=2", "/x?q=1"];
    let mut request = Request::get(paths[dice.usize(..paths.len())]);
    for (name, values) in [
        ("x-client", ["a", "b", "c"]),
        ("x-plan", ["gold", "silver", "green"]),
    ] {
        if dice.u8(..4) > 0 {
            request = request.header(name, values[dice.usize(..values.len())]);
        }
    }
    request
}

#[test]
fn buckets_of_descriptors_refuse_the_same_requests() {
    let mut dice = Rng::with_seed(SEED);
    let upstream = Upstream::start();
    let mut listeners = Vec::new();
    let mut filters = Vec::new();
    for index in 0..CONFIGS {
        let (filter, routes) = local(&mut dice, index);
        let native = |listener: Listener| {
            listener.filter(
                "envoy.filters.http.local_ratelimit",
                "local_ratelimit.v3.LocalRateLimit",
                filter.clone(),
            )
        };
        listeners.extend(pair(
            &index.to_string(),
            native,
            &routes,
            &["no action makes a descriptor"],
        ));
        filters.push((filter, routes));
    }
    let envoy = Shared::start(listeners, [cluster("upstream", upstream.addr(), false)]);
    let (mut refused, mut total) = (0, 0);
    for (index, (filter, routes)) in filters.iter().enumerate() {
        let clients =
            ["native", "ours"].map(|side| Client::http1(envoy.addr(&format!("{side}-{index}"))));
        let mut sent = Vec::new();
        for _ in 0..REQUESTS {
            let request = request(&mut dice);
            sent.push(request.clone());
            let [theirs, mine] = clients
                .each_ref()
                .map(|client| client.send(request.clone()).status);
            assert_eq!(
                mine,
                theirs,
                "{request:?}\n{filter}\n{routes:?}\n{} before it",
                sent.len() - 1
            );
            total += 1;
            refused += usize::from(theirs == 429);
        }
    }
    println!("{total} requests, {refused} refused");
    assert!(
        refused * 5 > total && refused * 5 < total * 4,
        "{refused} of {total} refused"
    );
}

#[test]
fn a_service_is_asked_the_same() {
    let mut dice = Rng::with_seed(SEED);
    let service = Upstream::with(|request| {
        let (_, descriptors, _) = limiter::read(&request.messages()[0]);
        let is_over = descriptors
            .iter()
            .any(|entries| entries.values().any(|value| value == "b"));
        let message = Message::new().number(1, if is_over { 2 } else { 1 });
        Answer::grpc(&message.into_bytes())
    });
    let upstream = Upstream::start();
    let filter = json!({
        "domain": "shop", "timeout": "10s", "failure_mode_deny": true,
        "rate_limit_service": {"transport_api_version": "V3", "grpc_service": {"envoy_grpc": {"cluster_name": "rls"}}},
    });
    let limits = json!([
        {"actions": [{"request_headers": {"header_name": "x-client", "descriptor_key": "client"}}, {"destination_cluster": {}}]},
        {"actions": [{"generic_key": {"descriptor_value": "plan"}}, {"request_headers": {"header_name": "x-plan", "descriptor_key": "plan", "skip_if_absent": true}}]},
        {"actions": [{"header_value_match": {"descriptor_value": "green", "expect_match": false, "headers": [{"name": "x-plan", "string_match": {"exact": "green"}}]}}]},
        {"actions": [{"query_parameters": {"query_parameter_name": "q", "descriptor_key": "q"}}, {"remote_address": {}}]},
        {"actions": [{"masked_remote_address": {"v4_prefix_mask_len": 16, "v6_prefix_mask_len": 48}}]},
    ]);
    let routes = [
        json!({"name": "all", "match": {"prefix": "/"}, "route": {"cluster": "upstream", "rate_limits": limits}}),
    ];
    let native = |listener: Listener| {
        listener.filter(
            "envoy.filters.http.ratelimit",
            "ratelimit.v3.RateLimit",
            filter.clone(),
        )
    };
    let listeners = pair("service", native, &routes, &[]);
    let clusters = [
        cluster("rls", service.addr(), true),
        cluster("upstream", upstream.addr(), false),
    ];
    let envoy = Shared::start(listeners, clusters);
    let clients =
        ["native-service", "ours-service"].map(|listener| Client::http1(envoy.addr(listener)));
    let mut refused = 0;
    for _ in 0..80 {
        let request = request(&mut dice);
        let [theirs, mine] = clients.each_ref().map(|client| {
            service.forget();
            let answer = client.send(request.clone());
            let asked: Vec<_> = service
                .requests()
                .iter()
                .map(|request| {
                    let (domain, descriptors, hits) = limiter::read(&request.messages()[0]);
                    let mut descriptors: Vec<BTreeMap<_, _>> = descriptors
                        .into_iter()
                        .map(|it| it.into_iter().collect())
                        .collect();
                    descriptors.sort();
                    (domain, descriptors, hits.max(1))
                })
                .collect();
            (
                answer.status,
                answer.header("x-envoy-ratelimited").map(str::to_owned),
                asked,
            )
        });
        assert_eq!(mine, theirs, "{request:?}");
        refused += u32::from(theirs.0 == 429);
    }
    assert!(refused > 5 && refused < 60, "{refused}");
}
