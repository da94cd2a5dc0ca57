//! The life of a configuration: refused at start, refused at an update, replaced with its keys.

use integration::client::Client;
use integration::envoy::Envoy;
use integration::jwt::{Algorithm, Key, jwks};
use integration::service::wait;
use integration::updates;
use serde_json::{Value, json};

use crate::request_authentication::differential::good_claims;
use crate::request_authentication::rules::A;
use crate::request_authentication::{FILTER, SOON, ours};

fn key(name: &str) -> Key {
    Key::new(Algorithm::Es256, name)
}

fn rules(key: &Key) -> Value {
    json!([{"name": "a", "issuer": A, "jwks": jwks([key]).to_string()}])
}

#[test]
fn a_bad_configuration_is_refused_at_start_with_every_error() {
    let rules = json!([
        {"issuer": A, "jwks": "{}"},
        {"issuer": "b", "jwksUri": "ftp://keys.example/"},
        {"issuer": "c", "jwks": jwks([&key("c")]).to_string(), "audiences": [""], "timeout": "soon"},
    ]);
    let log = updates::refused_at_start(ours(&rules));
    for path in [
        "jwtRules[0].jwks",
        "jwtRules[1].jwksUri",
        "jwtRules[2].audiences[0]",
        "jwtRules[2].timeout",
    ] {
        let line = format!("{FILTER}: {path}: ");
        updates::told_once(&log, &line, |logged, part| logged.contains(part));
    }
}

fn updatable(rules: &Value) -> Envoy {
    updates::builder(&[ours(rules).build()], |_| {}).start()
}

fn update(envoy: &Envoy, rules: &Value) {
    updates::update(envoy, &[ours(rules).build()]);
}

fn status(envoy: &Envoy, key: &Key) -> Option<u16> {
    let bearer = format!("Bearer {}", key.token(&good_claims()));
    let call = Client::http1(envoy.addr("ours")).get("/");
    let answer = call.header("authorization", bearer).try_send();
    answer.ok().map(|answer| answer.status)
}

#[test]
fn a_bad_update_is_refused_and_the_last_good_one_stays() {
    let (first, second) = (key("first"), key("second"));
    let envoy = updatable(&rules(&first));
    assert_eq!(status(&envoy, &first), Some(200));
    update(&envoy, &json!([{"issuer": A, "jwks": r#"{"keys":[]}"#}]));
    envoy.wait_log(&format!("{FILTER}: jwtRules[0].jwks: "), SOON);
    envoy
        .admin()
        .wait_stat("listener_manager.lds.update_rejected", |n| n == 1, SOON);
    assert_eq!(status(&envoy, &first), Some(200));
    // A good one after it is taken, and the tokens that were verified by the old key are not good
    // any more, remembered or not.
    update(&envoy, &rules(&second));
    let taken = wait::until(SOON, || {
        (status(&envoy, &second) == Some(200)).then_some(())
    });
    assert!(taken.is_some(), "the good update was not taken");
    for _ in 0..8 {
        assert_eq!(status(&envoy, &first), Some(401));
    }
    let hash = envoy
        .admin()
        .stat("wasmcustom.mesh_filters.request-authentication.config_hash");
    envoy.wait_log(
        &format!("{FILTER}: configured: 1 rule, config_hash {hash}"),
        SOON,
    );
}
