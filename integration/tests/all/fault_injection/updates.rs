//! The life of a configuration: refused at start, refused at an update, replaced under held
//! requests.

use std::time::Duration;

use integration::client::Client;
use integration::envoy::{Config, Envoy};
use integration::listener::Listener;
use integration::updates;
use serde_json::{Value, json};

use crate::fault_injection::{FILTER, SOON, abort_all, ours};

const BAD: &str = "http[0].fault.abort.httpStatus: 600 is not a status between 200 and 599";

#[test]
fn a_bad_configuration_is_refused_at_start_with_every_error() {
    let config = json!({"http": [
        {"fault": {"abort": {"percentage": {"value": 1}, "httpStatus": 600}}},
        {"fault": {"delay": {"percentage": {"value": 1}, "fixedDelay": "soon"}}},
    ]});
    let log = updates::refused_at_start(ours(&config));
    for error in [
        BAD,
        "http[1].fault.delay.fixedDelay: `soon` is not a duration such as `250ms`, `5s` or `1m30s`",
    ] {
        let line = format!("{FILTER}: {error}");
        updates::told_once(&log, &line, |logged, part| logged.ends_with(part));
    }
}

/// Plain YAML arrives as protobuf, what Istio sends as text, and bytes as they are.
#[test]
fn every_form_of_a_configuration_is_the_same() {
    let config = abort_all(502);
    let text = config.to_string();
    let forms = [
        (
            "struct",
            json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": config}),
        ),
        (
            "text",
            json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": text}),
        ),
        (
            "bytes",
            json!({
                "@type": "type.googleapis.com/google.protobuf.BytesValue",
                "value": base64(text.as_bytes()),
            }),
        ),
    ];
    let listeners: Vec<Value> = forms
        .into_iter()
        .map(|(name, form)| {
            let mut listener = Listener::new(name).module(FILTER, &json!({})).build();
            let filters = "/filter_chains/0/filters/0/typed_config/http_filters/0/typed_config/config/configuration";
            *listener.pointer_mut(filters).unwrap() = form;
            listener
        })
        .collect();
    let config = json!({"static_resources": {"listeners": listeners}});
    let envoy = Envoy::builder(Config::from_value(config)).start();
    for name in ["struct", "text", "bytes"] {
        let answer = Client::http1(envoy.addr(name)).get("/").send();
        assert_eq!(answer.status, 502, "{name}");
    }
    // One hash for all three, so one line says so.
    let said = envoy
        .log()
        .matches("configured: 1 rule, config_hash")
        .count();
    assert_eq!(said, 1, "{}", envoy.log());
}

/// As protobuf's JSON form has bytes.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let word = chunk
                .iter()
                .fold(0u32, |word, byte| word << 8 | u32::from(*byte));
            let word = word << (8 * (3 - chunk.len()));
            (0..4).map(move |place| match place {
                place if place > chunk.len() => '=',
                place => char::from(ALPHABET[(word >> (18 - 6 * place)) as usize & 63]),
            })
        })
        .collect()
}

fn updatable(config: &Value) -> Envoy {
    updates::builder(&[ours(config).build()], |_| {}).start()
}

fn update(envoy: &Envoy, config: &Value) {
    updates::update(envoy, &[ours(config).build()]);
}

#[test]
fn a_bad_update_is_refused_and_the_last_good_one_stays() {
    let envoy = updatable(&abort_all(501));
    let status = || Client::http1(envoy.addr("ours")).get("/").send().status;
    assert_eq!(status(), 501);
    update(&envoy, &abort_all(600));
    envoy.wait_log(&format!("{FILTER}: {BAD}"), SOON);
    envoy
        .admin()
        .wait_stat("listener_manager.lds.update_rejected", |n| n == 1, SOON);
    assert_eq!(status(), 501);
    // And a good one after it is taken.
    update(&envoy, &abort_all(502));
    let taken = integration::service::wait::until(SOON, || (status() == 502).then_some(()));
    assert!(taken.is_some(), "the good update was not taken");
    let hash = envoy
        .admin()
        .stat("wasmcustom.mesh_filters.fault-injection.config_hash");
    envoy.wait_log(
        &format!("{FILTER}: configured: 1 rule, config_hash {hash}"),
        SOON,
    );
}

#[test]
fn a_held_request_ends_as_it_began_when_the_configuration_changes() {
    let slow = json!({"http": [{"name": "old", "fault": {
        "delay": {"percentage": {"value": 100}, "fixedDelay": "900ms"},
        "abort": {"percentage": {"value": 100}, "httpStatus": 503},
    }}]});
    let envoy = updatable(&slow);
    let addr = envoy.addr("ours");
    let active = "wasmcustom.mesh_filters.fault-injection.active";
    std::thread::scope(|scope| {
        let held = scope.spawn(move || Client::http1(addr).get("/").send());
        envoy.admin().wait_stat(active, |held| held == 1, SOON);
        update(&envoy, &abort_all(502));
        let fresh = || {
            Client::http1(envoy.addr("ours"))
                .get("/")
                .try_send()
                .ok()
                .map(|a| a.status)
        };
        let taken =
            integration::service::wait::until(SOON, || (fresh() == Some(502)).then_some(()));
        assert!(taken.is_some(), "the update was not taken");
        let answer = held.join().unwrap();
        assert_eq!(answer.status, 503);
        assert!(answer.elapsed >= Duration::from_millis(900));
    });
    envoy.admin().wait_stat(active, |held| held == 0, SOON);
}
