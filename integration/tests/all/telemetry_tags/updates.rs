//! The life of a configuration: refused at start, refused at an update, replaced while requests come.

use integration::client::Client;
use integration::envoy::{Envoy, read_config};
use integration::service::wait::until;
use integration::updates;
use serde_json::{Value, json};

use crate::telemetry_tags::rig::{SHIPPED, client, ours, requests_by, wait_counted};
use crate::telemetry_tags::{FILTER, SOON};

/// Counts requests, with the tenant for a label, from a header of this name.
fn counting(header: &str) -> Value {
    json!({
        "tags": [{"name": "tag", "header": {"name": header, "defaultValue": header}}],
        "metrics": [{"overrides": [{"match": {"metric": "REQUEST_COUNT"}}]}],
    })
}

fn bad() -> Value {
    json!({
        "tags": [
            {"name": "two", "literal": {"value": "1"}, "header": {"name": "x"}},
            {"name": "cel", "expression": "request.pth == 1"},
        ],
        "metrics": [{"overrides": [{"tagOverrides": {"response_code": {"operation": "UPSERT"}}}]}],
    })
}

/// What only Envoy can tell to be wrong.
fn unreadable() -> Value {
    json!({
        "tags": [{"name": "fine", "expression": "request.path.matches('a+')"}],
        "metrics": [{"overrides": [{"tagOverrides": {"shape": {"value": "request.path.matches('(')"}}}]}],
    })
}

/// The lines that say what is wrong with it, from their field paths on.
const ERRORS: [&str; 3] = [
    "tags[0]: must have exactly one of `literal`, `environment`, `header`, `formatter`, `expression` or `claim`",
    "tags[1].expression: ",
    "metrics[0].overrides[0].tagOverrides.response_code.value: must be set when `operation` is `UPSERT`",
];

#[test]
fn a_bad_configuration_is_refused_at_start_with_every_error() {
    let log = updates::refused_at_start(ours(&bad(), &[]));
    for error in ERRORS {
        let line = format!("{FILTER}: {error}");
        updates::told_once(&log, &line, |logged, part| logged.contains(part));
    }
}

/// What only Envoy finds out when it reads an expression is told of at its place too.
#[test]
fn an_expression_that_envoy_does_not_read_is_refused_at_its_place() {
    let log = updates::refused_at_start(ours(&unreadable(), &[]));
    let place = "metrics[0].overrides[0].tagOverrides.shape.value: ";
    let line = format!("{FILTER}: {place}");
    assert!(log.contains(&line), "{log}");
    assert!(!log.contains("tags[0]"), "{}", log);
}

fn updatable(config: &Value) -> Envoy {
    let mut stats = read_config(SHIPPED).value()["stats_config"].clone();
    let tag = json!({"tag_name": "tag", "regex": r"(\[tag=([^\]]*)\])"});
    stats["stats_tags"].as_array_mut().unwrap().push(tag);
    let listener = ours(config, &[]).build();
    updates::builder(&[listener], |bootstrap| bootstrap["stats_config"] = stats).start()
}

fn update(envoy: &Envoy, config: &Value) {
    updates::update(envoy, &[ours(config, &[]).build()]);
}

#[test]
fn a_bad_update_is_refused_and_a_good_one_goes_on_counting() {
    let envoy = updatable(&counting("x-first"));
    client(&envoy).get("/").send();
    wait_counted(&envoy, 1);
    let config_hash = "wasmcustom.mesh_filters.telemetry-tags.config_hash";
    let in_force = envoy.admin().stat(config_hash);

    for (refused, config) in (1..).zip([bad(), unreadable()]) {
        update(&envoy, &config);
        let rejected = "listener_manager.lds.update_rejected";
        envoy.admin().wait_stat(rejected, |n| n >= refused, SOON);
        assert_eq!(envoy.admin().stat(config_hash), in_force, "{config}");
    }
    envoy.wait_log(&format!("{FILTER}: {}", ERRORS[0]), SOON);
    client(&envoy).get("/").send();
    wait_counted(&envoy, 2);
    assert_eq!(
        requests_by(&envoy, "tag"),
        [("x-first".to_owned(), 2)].into()
    );

    update(&envoy, &counting("x-second"));
    let taken = || {
        Client::http1(envoy.addr("ours")).get("/").try_send().ok()?;
        requests_by(&envoy, "tag")
            .contains_key("x-second")
            .then_some(())
    };
    assert!(
        until(SOON, taken).is_some(),
        "the good update was not taken"
    );
    // What was counted before stays: the statistics are the process's.
    assert!(requests_by(&envoy, "tag")["x-first"] >= 2);
    let hash = envoy.admin().stat(config_hash);
    assert_ne!(hash, in_force);
    envoy.wait_log(&format!("config_hash {hash}"), SOON);
}

/// Each connection goes to one of two workers, and all of them count in one place.
#[test]
fn two_workers_count_in_one_place() {
    let envoy = updatable(&counting("x-tag"));
    let answers = client(&envoy).burst(1_000, 20, |n| {
        let value = format!("v{}", n % 7);
        integration::client::Request::get("/").header("x-tag", value)
    });
    assert!(answers.iter().all(|answer| answer.status == 200));
    wait_counted(&envoy, 1_000);
    let counts = requests_by(&envoy, "tag");
    let expected = (0..7).map(|n| (format!("v{n}"), (1_000_u64 - n).div_ceil(7)));
    assert_eq!(counts, expected.collect());
}
