//! How many host calls a request costs.
//!
//! Each of them costs Envoy a tenth of a microsecond, or half of one and more if it returns bytes, so the
//! counts here are the price of a filter; a change that raises one should mean to.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use wasm_host::{Host, Level, State};

use super::{ABORT, DELAY, GET, RULE};
use super::{authorization, fault, limits, loaded, module, telemetry};

fn cost(host: &Host) -> Vec<(String, u64)> {
    cost_of(host, &[])
}

/// One request from its arrival to its end, with what it cost. The first one of a module is left
/// out: it may pay for what all others use.
fn cost_of(host: &Host, more: &[(&str, &str)]) -> Vec<(String, u64)> {
    let mut cost = BTreeMap::new();
    for _ in 0..2 {
        let stream = host.request(&*[GET, more].concat(), true);
        while stream.state() == State::Paused {
            host.advance(Duration::from_millis(100));
        }
        if stream.state() == State::Continued {
            stream
                .response_headers(&[(":status", "200")], true)
                .unwrap();
        }
        stream.done();
        cost = stream.host_calls();
    }
    assert_eq!(host.dead(), None);
    assert_eq!(host.crashed(), None);
    assert_eq!(host.violations(), Vec::<String>::new());
    cost.into_iter().collect()
}

#[track_caller]
fn costs(host: &Host, expected: &[(&str, u64)]) {
    assert_eq!(cost(host), named(expected));
}

fn named(costs: &[(&str, u64)]) -> Vec<(String, u64)> {
    let named = costs
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count));
    named.collect()
}

#[test]
fn nothing_to_do_costs_no_host_call() {
    costs(&loaded("noop", ""), &[]);
}

#[test]
fn a_fault_that_cannot_fire_costs_no_host_call() {
    let never = DELAY.replace("100", "0");
    costs(&fault(&never), &[]);
}

#[test]
fn a_header_that_is_not_there_costs_one_question() {
    let rule = format!(r#""match": [{{ "headers": {{ "x-a": {{ "exact": "b" }} }} }}], {ABORT}"#);
    costs(&fault(&rule), &[("proxy_get_header_map_value", 1)]);
}

#[test]
fn a_path_that_does_not_match_costs_the_path() {
    let rule = format!(r#""match": [{{ "uri": {{ "prefix": "/other" }} }}], {ABORT}"#);
    costs(&fault(&rule), &[("proxy_get_header_map_value", 1)]);
}

#[test]
fn an_abort_costs_its_reply_its_reason_and_its_count() {
    costs(
        &fault(ABORT),
        &[
            ("proxy_increment_metric", 1),
            ("proxy_send_local_response", 1),
            ("proxy_set_property", 1),
        ],
    );
}

#[test]
fn a_delay_costs_its_clock_timer_and_gauge_as_well() {
    costs(
        &fault(DELAY),
        &[
            // When it begins, and when its timer fires.
            ("clock_time_get", 2),
            ("proxy_continue_stream", 1),
            // The fault, and the gauge up and down.
            ("proxy_increment_metric", 3),
            // To the stream and back.
            ("proxy_set_effective_context", 2),
            ("proxy_set_property", 1),
            ("proxy_set_tick_period_milliseconds", 2),
        ],
    );
}

/// What every answer of a policy costs: its reason for logs, and its count.
const REASON: [(&str, u64); 2] = [("proxy_increment_metric", 1), ("proxy_set_property", 1)];

/// The order in which costs are compared.
fn sorted(mut costs: Vec<(&'static str, u64)>) -> Vec<(&'static str, u64)> {
    costs.sort_unstable();
    costs
}

#[test]
fn a_policy_costs_what_it_looks_at_and_its_reason() {
    let allow = |rule: &str| format!(r#"{{"name": "p", "namespace": "ns", "rules": [{rule}]}}"#);
    let rule = |path: &str| format!(r#"{{"to": [{{"operation": {{"paths": ["{path}"]}}}}]}}"#);
    let path = ("proxy_get_header_map_value", 1);
    costs(&authorization(&allow("{}")), &REASON);
    let by_path = sorted([&REASON[..], &[path]].concat());
    costs(&authorization(&allow(&rule("/path"))), &by_path);
    // However many rules there are.
    let many: Vec<String> = (0..500).map(|number| rule(&format!("/{number}"))).collect();
    let many = format!("{}, {}", many.join(", "), rule("/path"));
    costs(&authorization(&allow(&many)), &by_path);
}

#[test]
fn a_policy_that_denies_nothing_costs_what_it_looks_at() {
    let rule = r#"{"to": [{"operation": {"paths": ["/other"]}}]}"#;
    let deny =
        format!(r#"{{"name": "p", "namespace": "ns", "action": "DENY", "rules": [{rule}]}}"#);
    costs(&authorization(&deny), &[("proxy_get_header_map_value", 1)]);
}

#[test]
fn a_denial_costs_its_answer_as_well() {
    let deny = r#"{"name": "p", "namespace": "ns"}"#;
    let reply = ("proxy_send_local_response", 1);
    costs(
        &authorization(deny),
        &sorted([&REASON[..], &[reply]].concat()),
    );
}

/// The certificate's other names are not asked for once one of them allows.
#[test]
fn a_principal_costs_one_property_and_a_question_whether_envoy_left_more() {
    let rule = r#"{"from": [{"source": {"principals": ["cluster.local/ns/default/sa/sleep"]}}]}"#;
    let policy = format!(r#"{{"name": "p", "namespace": "ns", "rules": [{rule}]}}"#);
    for (single, properties) in [(false, 2), (true, 1)] {
        let config = format!(r#"{{ "singleUriSan": {single}, "policies": [{policy}] }}"#);
        let host = loaded("authorization-policy", &config);
        let uri = "spiffe://cluster.local/ns/default/sa/sleep";
        host.property(&["connection", "uri_san_peer_certificate"], uri);
        let asked = [("proxy_get_property", properties)];
        costs(&host, &sorted([&REASON[..], &asked].concat()));
    }
}

#[test]
fn a_request_that_no_limit_matches_costs_the_path() {
    let other = r#"{ "match": [{ "uri": { "prefix": "/other" } }], "requests": 9, "per": "1s" }"#;
    costs(&limits(other), &[("proxy_get_header_map_value", 1)]);
}

#[test]
fn a_bucket_costs_its_cell_and_the_clock() {
    let silent = r#"{ "requests": 9, "per": "1s", "rateLimitHeaders": false }"#;
    costs(
        &limits(silent),
        &[
            ("clock_time_get", 1),
            ("proxy_get_shared_data", 1),
            ("proxy_set_shared_data", 1),
        ],
    );
}

#[test]
fn telling_what_is_left_costs_its_five_headers() {
    costs(
        &limits(r#"{ "requests": 9, "per": "1s" }"#),
        &[
            ("clock_time_get", 1),
            ("proxy_add_header_map_value", 5),
            ("proxy_get_shared_data", 1),
            ("proxy_set_shared_data", 1),
        ],
    );
}

#[test]
fn a_refusal_writes_nothing() {
    costs(
        &limits(r#"{ "requests": 1, "per": "1h" }"#),
        &[
            ("clock_time_get", 1),
            ("proxy_get_shared_data", 1),
            ("proxy_increment_metric", 1),
            ("proxy_send_local_response", 1),
            ("proxy_set_property", 1),
        ],
    );
}

#[test]
fn a_request_without_a_token_costs_its_headers_its_reason_and_its_count() {
    costs(
        &loaded("request-authentication", RULE),
        &[
            ("proxy_get_header_map_pairs", 1),
            ("proxy_increment_metric", 1),
            ("proxy_set_property", 1),
        ],
    );
}

/// What the key of [`RULE`] has signed: `{"iss":"joe"}`.
const TOKEN: &str = "Bearer eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJqb2UifQ.eUs_28qQd2lc6CAHx3g_XtGr28zC8e_sImejXS9ofEBoTVlSXiYjvqcmx7yuoF_ghhT_nBFTEorkJ4PuDeR6Ag";

#[test]
fn a_known_token_costs_its_removal_and_its_claims_as_well() {
    assert_eq!(
        cost_of(
            &loaded("request-authentication", RULE),
            &[("authorization", TOKEN)]
        ),
        named(&[
            ("proxy_get_current_time_nanoseconds", 1),
            ("proxy_get_header_map_pairs", 1),
            ("proxy_increment_metric", 1),
            ("proxy_remove_header_map_value", 1),
            // The reason and the claims.
            ("proxy_set_property", 2),
        ])
    );
}

const TWO_METRICS: &str = r#""metrics": [{"overrides": [
    {"match": {"metric": "REQUEST_SIZE"}, "disabled": true},
    {"match": {"metric": "RESPONSE_SIZE"}, "disabled": true},
    {"match": {"metric": "GRPC_REQUEST_MESSAGES"}, "disabled": true},
    {"match": {"metric": "GRPC_RESPONSE_MESSAGES"}, "disabled": true}]}]"#;

#[test]
fn telemetry_without_anything_to_do_costs_no_host_call() {
    costs(&telemetry("{}"), &[]);
}

#[test]
fn a_literal_tag_costs_its_state() {
    let tag = r#"{"tags": [{"name": "a", "literal": {"value": "b"}}]}"#;
    costs(&telemetry(tag), &[("proxy_set_property", 1)]);
}

#[test]
fn one_header_as_a_tag_costs_that_header_and_its_state() {
    let tag = r#"{"tags": [{"name": "a", "header": {"name": "user-agent"}}]}"#;
    let costs_of_it = [("proxy_get_header_map_value", 1), ("proxy_set_property", 1)];
    costs(&telemetry(tag), &costs_of_it);
}

/// Envoy with CEL, and how many expressions it keeps for the module.
fn telemetry_with_cel(expression: &str) -> (Host, Rc<Cell<u32>>) {
    let host = Host::new(&module("telemetry-tags")).unwrap();
    host.log_level(Level::Info);
    let kept = Rc::new(Cell::new(0_u32));
    let (created, deleted) = (Rc::clone(&kept), Rc::clone(&kept));
    host.foreign("expr_create", move |_| {
        created.set(created.get() + 1);
        Ok(7_u32.to_le_bytes().to_vec())
    });
    host.foreign("expr_delete", move |_| {
        deleted.set(deleted.get() - 1);
        Ok(Vec::new())
    });
    host.foreign("expr_evaluate", |_| Ok(vec![1]));
    let config = format!(r#"{{"tags": [{{"name": "a", "expression": "{expression}"}}]}}"#);
    assert!(host.configure(config.as_bytes()), "{:?}", host.log());
    (host, kept)
}

/// Envoy reads every expression at load; one that the module evaluates itself costs what it reads, and Envoy
/// keeps nothing of it.
#[test]
fn a_simple_expression_asks_envoy_to_evaluate_nothing() {
    let state = ("proxy_set_property", 1);
    for (expression, cost) in [
        (
            "request.url_path.startsWith('/path') ? 'api' : 'web'",
            ("proxy_get_header_map_value", 1),
        ),
        (
            "request.method == 'GET' && !('x-none' in request.headers) ? request.host + '!' : 'none'",
            ("proxy_get_header_map_pairs", 1),
        ),
        // With the answer's headers, and once more at the end.
        (
            "response.code >= 200 && response.code <= 299 ? '2xx' : 'other'",
            ("proxy_get_property", 2),
        ),
        (
            "'x-cache' in response.headers ? response.headers['x-cache'] : 'none'",
            ("proxy_get_header_map_pairs", 2),
        ),
    ] {
        let (host, kept) = telemetry_with_cel(expression);
        costs(&host, &[cost, state]);
        assert_eq!(kept.get(), 0, "{expression}");
    }
    let (host, kept) = telemetry_with_cel("request.path.matches('^/p') ? 'p' : 'other'");
    costs(&host, &[("proxy_call_foreign_function", 1), state]);
    assert_eq!(kept.get(), 1);
}

/// All that is read of the request is read at one look at its headers.
#[test]
fn three_tags_and_two_metrics_cost_one_look_at_the_headers_and_two_numbers() {
    let config = format!(
        r#"{{"labels": ["response_code"], "tags": [
            {{"name": "route", "expression": "request.url_path"}},
            {{"name": "agent", "header": {{"name": "user-agent"}}}},
            {{"name": "my_tag", "literal": {{"value": "123"}}}}], {TWO_METRICS}}}"#
    );
    let host = telemetry(&config);
    // How long it took is all that the stub of an Envoy does not know by itself.
    host.property(&["request", "duration"], 12_000_000_i64.to_le_bytes());
    costs(
        &host,
        &[
            ("proxy_get_header_map_pairs", 1),
            // The code, and how long it took.
            ("proxy_get_property", 2),
            ("proxy_record_metric", 2),
            ("proxy_set_property", 3),
        ],
    );
}

#[test]
fn istios_metrics_cost_what_their_labels_ask_for() {
    let host = telemetry(r#"{"metrics": [{}]}"#);
    host.property(&["request", "duration"], 12_000_000_i64.to_le_bytes());
    host.property(&["request", "total_size"], 200_i64.to_le_bytes());
    host.property(&["response", "total_size"], 300_i64.to_le_bytes());
    costs(
        &host,
        &[
            // Whether it is gRPC.
            ("proxy_get_header_map_value", 1),
            ("proxy_get_property", 11),
            ("proxy_record_metric", 4),
        ],
    );
}
