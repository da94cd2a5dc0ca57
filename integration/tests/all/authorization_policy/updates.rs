//! The life of a configuration: refused at start, refused at an update, replaced.

use std::time::Duration;

use integration::client::Client;
use integration::envoy::Envoy;
use integration::listener::{Listener, bootstrap};
use integration::service::wait::until;
use integration::updates;
use serde_json::{Value, json};

use crate::authorization_policy::FILTER;

const SOON: Duration = Duration::from_secs(10);

fn listener(config: &Value) -> Listener {
    Listener::new("ours").module(FILTER, config)
}

/// Denies this path, and every other one is allowed.
fn denies(path: &str) -> Value {
    json!({"policies": [{
        "name": "p", "namespace": "ns", "action": "DENY",
        "rules": [{"to": [{"operation": {"paths": [path]}}]}],
    }]})
}

#[test]
fn a_bad_configuration_is_refused_at_start_with_every_error() {
    let config = json!({"policies": [
        {"name": "a", "namespace": "ns", "action": "DENY"},
        {"name": "b", "namespace": "ns", "rules": [
            {"from": [{"source": {"ipBlocks": ["10.0.0.0/33"]}}]},
            {"when": [{"key": "request.header[x]", "values": ["1"]}]},
        ]},
    ]});
    let log = updates::refused_at_start(listener(&config));
    for path in [
        "policies[0]",
        "policies[1].rules[0].from[0].source.ipBlocks[0]",
        "policies[1].rules[1].when[0].key",
    ] {
        let start = format!("{FILTER}: {path}: ");
        updates::told_once(&log, &start, |logged, part| logged.contains(part));
    }
}

#[test]
fn a_bad_update_is_refused_and_the_last_good_one_stays() {
    let envoy = updates::builder(&[listener(&denies("/one")).build()], |_| {}).start();
    let update = |config: &Value| updates::update(&envoy, &[listener(config).build()]);
    let status = |path: &str| Client::http1(envoy.addr("ours")).get(path).send().status;
    assert_eq!([status("/one"), status("/two")], [403, 200]);

    update(&denies("/{two}"));
    envoy.wait_log("policies[0].rules[0].to[0].operation.paths[0]: ", SOON);
    envoy
        .admin()
        .wait_stat("listener_manager.lds.update_rejected", |n| n == 1, SOON);
    assert_eq!([status("/one"), status("/two")], [403, 200]);

    update(&denies("/two"));
    let taken = until(SOON, || (status("/two") == 403).then_some(()));
    assert!(taken.is_some(), "the good update was not taken");
    assert_eq!(status("/one"), 200);
    let hash = envoy
        .admin()
        .stat("wasmcustom.mesh_filters.authorization-policy.config_hash");
    envoy.wait_log(&format!("config_hash {hash}"), SOON);
}

/// Path templates that Envoy's own filter dies of at start.
#[test]
fn what_envoy_itself_would_die_of_is_refused_with_a_message() {
    for path in ["foo/{*}", "{*}/b", "{**}", "//a/{*}", "/a/{**}//"] {
        let started = Envoy::builder(bootstrap([listener(&denies(path))], [])).try_start();
        let failure = started
            .err()
            .unwrap_or_else(|| panic!("`{path}` was taken"));
        assert_eq!(failure.exit, Some(1), "{path}: {}", failure.log);
        let at = "policies[0].rules[0].to[0].operation.paths[0]: ";
        assert!(failure.log.contains(at), "{path}: {}", failure.log);
    }
}
