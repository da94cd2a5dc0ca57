//! What each built module is from the outside: what it exports, imports and weighs, and how many
//! host calls a request costs it.
//!
//! Each host call costs Envoy a tenth of a microsecond, or half of one if it returns bytes, so the
//! counts here are the price of a filter; a change that raises one should mean to.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use integration::envoy::repository;
use wasm_host::{Host, Level, Module, State, Stream};

/// The end of the list: what every module exports.
const ALWAYS: [&str; 7] = [
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_memory_allocate",
    "proxy_on_vm_start",
];

/// A module, the callbacks it exports besides [`ALWAYS`], and the bytes it may have.
struct Pinned {
    name: &'static str,
    callbacks: &'static [&'static str],
    budget: u64,
}

const MODULES: [Pinned; 8] = [
    Pinned {
        name: "authorization-policy",
        callbacks: &[
            "proxy_on_grpc_close",
            "proxy_on_grpc_receive",
            "proxy_on_http_call_response",
            "proxy_on_request_headers",
            // Headers that a provider wants in the response.
            "proxy_on_response_headers",
        ],
        budget: 390_000,
    },
    Pinned {
        name: "beyond",
        callbacks: &["proxy_on_request_headers"],
        budget: 210_000,
    },
    Pinned {
        name: "fault-injection",
        callbacks: &[
            "proxy_on_queue_ready",
            "proxy_on_request_headers",
            "proxy_on_tick",
        ],
        budget: 370_000,
    },
    Pinned {
        name: "noop",
        callbacks: &["proxy_on_request_headers"],
        budget: 210_000,
    },
    Pinned {
        name: "probe",
        callbacks: &[
            "proxy_on_grpc_close",
            "proxy_on_grpc_receive",
            "proxy_on_http_call_response",
            "proxy_on_log",
            "proxy_on_queue_ready",
            "proxy_on_request_headers",
            "proxy_on_response_headers",
            "proxy_on_tick",
        ],
        budget: 250_000,
    },
    Pinned {
        name: "rate-limit",
        callbacks: &[
            "proxy_on_grpc_close",
            "proxy_on_grpc_receive",
            "proxy_on_request_headers",
            "proxy_on_response_headers",
        ],
        // A regex engine is in it.
        budget: 420_000,
    },
    Pinned {
        name: "request-authentication",
        callbacks: &[
            "proxy_on_http_call_response",
            "proxy_on_queue_ready",
            "proxy_on_request_headers",
            "proxy_on_tick",
        ],
        budget: 610_000,
    },
    Pinned {
        name: "telemetry-tags",
        callbacks: &[
            "proxy_on_log",
            "proxy_on_request_headers",
            "proxy_on_response_headers",
        ],
        budget: 380_000,
    },
];

/// The folders of what is shipped and of what only tests load.
const FOLDERS: [&str; 2] = ["dist", "target/test-modules"];

/// The noop as the compiler leaves it, which only the benchmark loads.
const UNSTRIPPED: &str = "noop-unstripped";

/// Every module there is, by name.
fn built() -> BTreeMap<String, PathBuf> {
    let files = FOLDERS.iter().flat_map(|folder| {
        let folder = repository().join(folder);
        fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}; {BUILD}", folder.display()))
            .map(|entry| entry.expect("an entry of a folder").path())
    });
    files
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .map(|file| (file.file_stem().unwrap().to_str().unwrap().to_owned(), file))
        .filter(|(name, _)| name != UNSTRIPPED)
        .collect()
}

const BUILD: &str = "run `cargo xtask build` first";

fn module(name: &str) -> Module {
    let built = built();
    let file = built.get(name);
    Module::load(file.unwrap_or_else(|| panic!("no module `{name}`: {BUILD}"))).unwrap()
}

#[test]
fn every_module_there_is_is_pinned_here() {
    let built: Vec<String> = built().into_keys().collect();
    let pinned: Vec<&str> = MODULES.iter().map(|module| module.name).collect();
    assert_eq!(built, pinned, "add the new one to this file, or {BUILD}");
}

#[test]
fn exports_are_what_envoy_needs_and_no_more() {
    for pinned in MODULES {
        let mut expected: Vec<&str> = [pinned.callbacks, &ALWAYS].concat();
        expected.sort_unstable();
        let mut exports = module(pinned.name).exports();
        exports.sort_unstable();
        assert_eq!(exports, expected, "{}", pinned.name);
    }
}

#[test]
fn imports_are_what_envoy_grants() {
    for pinned in MODULES {
        let refused = module(pinned.name).refused_imports();
        assert_eq!(refused, Vec::<String>::new(), "{}", pinned.name);
    }
}

#[test]
fn no_module_is_larger_than_its_budget() {
    for Pinned { name, budget, .. } in MODULES {
        let size = module(name).size();
        assert!(size <= budget, "{name}: {size} bytes of {budget}");
    }
}

fn loaded(name: &str, configuration: &str) -> Host {
    let host = Host::new(&module(name)).unwrap();
    // Envoy's own default.
    host.log_level(Level::Info);
    assert!(host.configure(configuration.as_bytes()), "{:?}", host.log());
    host
}

/// The gauge of held streams is of the filters that hold them by time, and of no other.
#[test]
fn only_filters_that_delay_have_the_gauge_of_it() {
    for (host, name, delays) in [
        (authorization(POLICIES), "authorization-policy", false),
        (fault(DELAY), "fault-injection", true),
        (limits(KEYED), "rate-limit", false),
        (loaded("noop", ""), "noop", false),
        (loaded("probe", r#"{ "cluster": "silent" }"#), "probe", true),
        (
            loaded("request-authentication", RULE),
            "request-authentication",
            false,
        ),
        (telemetry("{}"), "telemetry-tags", false),
    ] {
        let metric = |suffix: &str| {
            host.world()
                .metric(&format!("mesh_filters.{name}.{suffix}"))
        };
        assert!(metric("config_hash").is_some(), "{name}");
        assert_eq!(metric("active").is_some(), delays, "{name}");
    }
}

/// Whether Envoy reads an expression is known only by asking it, and a configuration that it refuses leaves
/// no trace of having been in force.
#[test]
fn a_configuration_that_envoy_cannot_use_has_no_statistics() {
    let host = Host::new(&module("telemetry-tags")).unwrap();
    host.log_level(Level::Info);
    // This host has no CEL.
    let config = r#"{"tags": [{"name": "a", "expression": "request.path + request.host"}]}"#;
    assert!(!host.configure(config.as_bytes()));
    let log = host.log();
    let errors = log.iter().filter(|(level, _)| *level == Level::Error);
    assert_eq!(errors.count(), 1, "{log:?}");
    assert!(!log.iter().any(|(_, line)| line.contains("configured")));
    for metric in ["config_hash", "series_overflow"] {
        let name = format!("mesh_filters.telemetry-tags.{metric}");
        assert_eq!(host.world().metric(&name), None, "{name}");
    }
}

fn fault(rule: &str) -> Host {
    loaded(
        "fault-injection",
        &format!(r#"{{ "http": [{{ {rule} }}] }}"#),
    )
}

fn authorization(policies: &str) -> Host {
    loaded(
        "authorization-policy",
        &format!(r#"{{ "policies": [{policies}] }}"#),
    )
}

const GET: &[(&str, &str)] = &[
    (":method", "GET"),
    (":path", "/path?q=1"),
    (":scheme", "http"),
    (":authority", "app.example"),
    ("user-agent", "test"),
    ("x-request-id", "1"),
];
/// One path is allowed, and asked for with all that a policy can look at.
const POLICIES: &str = r#"{"name": "p", "namespace": "ns", "rules": [{
    "from": [{"source": {"notPrincipals": ["x"], "notRemoteIpBlocks": ["10.0.0.0/8"]}}],
    "to": [{"operation": {"paths": ["/a"], "hosts": ["*"], "methods": ["GET"]}}],
    "when": [{"key": "request.auth.claims[sub]", "notValues": ["x"]}]
}]}"#;
const DELAY: &str =
    r#""fault": { "delay": { "fixedDelay": "1s", "percentage": { "value": 100 } } }"#;
const ABORT: &str =
    r#""fault": { "abort": { "httpStatus": 503, "percentage": { "value": 100 } } }"#;

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

fn limits(limits: &str) -> Host {
    loaded("rate-limit", &format!(r#"{{ "limits": [{limits}] }}"#))
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

/// RFC 8037 appendix A: a key, and a token made with it that says `{"iss":"joe"}`.
const RULE: &str = r#"{"jwtRules": [{"issuer": "joe", "jwks": "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"}]}"#;
const TOKEN: &str = "Bearer eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJqb2UifQ.eUs_28qQd2lc6CAHx3g_XtGr28zC8e_sImejXS9ofEBoTVlSXiYjvqcmx7yuoF_ghhT_nBFTEorkJ4PuDeR6Ag";

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

fn telemetry(config: &str) -> Host {
    loaded("telemetry-tags", config)
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

/// A page of wasm's memory.
const PAGE: u64 = 64 * 1024;

/// A limit with all that a request may need memory for.
const KEYED: &str = r#"{ "key": [{ "header": "user-agent" }, { "path": {} }], "requests": 99, "per": "1s", "candidate": { "requests": 9, "per": "1s" } }"#;

/// Twenty requests at once, time enough for all that holds them to end, and their end.
fn round(host: &Host, path: &str, clients_leave: bool) {
    let headers: Vec<_> = GET
        .iter()
        .map(|(name, value)| (*name, if *name == ":path" { path } else { *value }))
        .collect();
    let streams = [0; 20].map(|_| host.request(&*headers, true));
    if clients_leave {
        streams.iter().for_each(Stream::disconnect);
    }
    host.advance(Duration::from_secs(2));
    streams.iter().for_each(Stream::done);
}

#[test]
fn a_thousand_requests_leave_nothing_in_memory() {
    let probe = || loaded("probe", r#"{ "cluster": "silent" }"#);
    for (host, path) in [
        (loaded("noop", ""), "/"),
        (fault(ABORT), "/"),
        (fault(DELAY), "/"),
        (authorization(POLICIES), "/a"),
        (authorization(POLICIES), "/b"),
        (limits(KEYED), "/"),
        (
            telemetry(
                r#"{"metrics": [{}], "tags": [{"name": "a", "expression": "request.path"}]}"#,
            ),
            "/",
        ),
        (probe(), "/edits"),
        (probe(), "/reply"),
        (probe(), "/wait"),
        (probe(), "/http"),
        (probe(), "/grpc"),
        (probe(), "/delay-ask"),
        (probe(), "/cell"),
    ] {
        (0..6).for_each(|n| round(&host, path, n % 2 == 0));
        let before = host.memory();
        (0..50).for_each(|n| round(&host, path, n % 2 == 0));
        let grown = host.memory() - before;
        assert!(grown <= PAGE, "{path}: grown by {grown} bytes");
        assert_eq!(host.dead(), None, "{path}");
    }
}
