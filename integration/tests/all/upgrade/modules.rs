//! A newer module in a running Envoy, from a file.

use std::fs;

use integration::client::Client;
use integration::envoy::{Config, Envoy, Scratch};
use integration::listener::Listener;
use integration::module::{built, relabelled};
use integration::service::wait::until;
use integration::updates;
use serde_json::{Value, json};

use super::SOON;

const FILTER: &str = "rate-limit";

/// One request a day, and then this answer. The `vm_id` is the same in all.
fn listener(file: &str, body: &str) -> Value {
    let limit = json!({"name": "daily", "requests": 1, "per": "24h", "body": body});
    let config = json!({"limits": [limit]});
    let listener = Listener::new("one").module_at(FILTER, file, &config, "FAIL_RELOAD");
    listener.build()
}

fn answer(envoy: &Envoy) -> (u16, String) {
    let answer = Client::http1(envoy.addr("one")).get("/").send();
    (answer.status, answer.text())
}

#[test]
fn a_newer_module_goes_on_counting_and_a_file_is_read_with_its_listener() {
    let scratch = Scratch::new().unwrap();
    let folder = scratch.path().to_owned();
    let module = |name: &str, bytes: &[u8]| {
        let file = folder.join(name);
        fs::write(&file, bytes).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let old = module("0.1.0.wasm", &built(FILTER));
    let new = module("0.2.0.wasm", &relabelled(&built(FILTER), "0.2.0"));
    let mut bootstrap = Config::from_value(json!({}));
    updates::watch(&scratch, &[listener(&old, "old")], &mut bootstrap);
    let builder = Envoy::builder(bootstrap).scratch(scratch);
    let envoy = builder.args(["--drain-time-s", "1"]).workers(1).start();
    assert_eq!(answer(&envoy).0, 200);
    assert_eq!(answer(&envoy), (429, "old".to_owned()));

    updates::update(&envoy, &[listener(&new, "new")]);
    let come = until(SOON, || (answer(&envoy).1 == "new").then_some(()));
    assert!(come.is_some(), "{:?}", answer(&envoy));
    assert_eq!(answer(&envoy).0, 429, "counts belong to the vm_id");

    module("0.2.0.wasm", b"no module");
    assert_eq!(answer(&envoy), (429, "new".to_owned()));
    updates::update(&envoy, &[listener(&new, "newer")]);
    let rejected = "listener_manager.lds.update_rejected";
    envoy
        .admin()
        .wait_stat(rejected, |rejected| rejected == 1, SOON);
    assert_eq!(answer(&envoy), (429, "new".to_owned()));
}
