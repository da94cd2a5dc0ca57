//! How often Envoy asks for a module, and that it is not ready before it has one.

use std::collections::BTreeMap;
use std::thread;

use integration::envoy::Envoy;
use integration::listener::{bootstrap, cluster};
use integration::module::{built, relabelled, sha256};
use integration::service::wait::until;
use integration::updates;
use serde_json::{Value, json};

use super::files::{Files, response};
use super::rig::{Filter, LAST, MODULE, NEW, outcome, remote, wait_stat};
use super::{SOON, page};

const SERVER: &str = "modules";
const LATE: &str = "late";

/// Where the module is, once there is a server.
const PATH: &str = "/module.wasm";

fn filter(name: &str, code: Value) -> Filter {
    Filter {
        name: name.to_owned(),
        vm_id: name.to_owned(),
        code,
        policy: "FAIL_CLOSED",
        abort: NEW,
        nack: false,
    }
}

/// What the page calls for ever.
const FOREVER: u32 = 1_000_000;

/// A retry policy that does not take long.
fn retry(count: u32) -> Value {
    let back_off = json!({"base_interval": "0.05s", "max_interval": "0.2s"});
    json!({"retry_policy": {"num_retries": count, "retry_back_off": back_off}})
}

#[test]
fn envoy_asks_as_often_as_it_is_told_and_is_not_ready_meanwhile() {
    let module = built(MODULE);
    let counted = [
        ("none", json!({})),
        ("`num_retries: 0`", retry(0)),
        ("`num_retries: 4`", retry(4)),
    ];
    let path = |number: usize| format!("/{number}.wasm");
    let mut filters: Vec<Filter> = counted
        .iter()
        .enumerate()
        .map(|(number, (_, more))| {
            let sum = sha256(path(number).as_bytes());
            let code = remote(SERVER, &path(number), &sum, more.clone());
            filter(&format!("row {number}"), code)
        })
        .collect();
    let late = remote(LATE, PATH, &sha256(&module), retry(1000));
    filters.push(filter(LATE, late));

    let server = Files::serve(BTreeMap::new());
    let nobody = Files::nowhere();
    let clusters = [
        cluster(SERVER, server.addr(), false),
        cluster(LATE, nobody, false),
    ];
    let listeners = filters.iter().map(Filter::listener);
    let config = bootstrap(listeners, clusters);
    let (envoy, came) = thread::scope(|scope| {
        // The server comes when Envoy has given up on all that it will not get.
        let coming = scope.spawn(|| {
            let given_up = || (server.asked(&path(2)) == 5).then_some(());
            until(SOON, given_up).expect("five requests");
            let answer = response("200 OK", "", &module);
            Files::at(nobody, BTreeMap::from([(PATH.to_owned(), vec![answer])]))
        });
        let envoy = Envoy::builder(config).workers(1).ready_within(SOON).start();
        (envoy, coming.join().unwrap())
    });

    assert_eq!(outcome(&envoy, LATE), "works");
    assert_eq!(came.asked(PATH), 1);
    let page = page::table("### Retries");
    assert_eq!(page.len(), counted.len());
    for (number, (name, _)) in counted.iter().enumerate() {
        assert_eq!(outcome(&envoy, &format!("row {number}")), "503", "{name}");
        let asked = server.asked(&path(number)).to_string();
        assert_eq!(page.get(*name), Some(&vec![asked]), "{name}");
    }
}

#[test]
fn who_never_gives_up_keeps_the_last_good_listener_until_the_module_comes() {
    let module = built(MODULE);
    let next = relabelled(&module, "next");
    let serving = |module: &[u8]| {
        let answer = response("200 OK", "", module);
        BTreeMap::from([(PATH.to_owned(), vec![answer])])
    };
    let server = Files::serve(serving(&module));
    let nobody = Files::nowhere();
    let clusters = json!([
        cluster(SERVER, server.addr(), false),
        cluster(LATE, nobody, false),
    ]);
    let first = Filter {
        abort: LAST,
        ..filter("one", remote(SERVER, PATH, &sha256(&module), json!({})))
    };
    let envoy = updates::builder(&[first.listener().build()], |bootstrap| {
        bootstrap["static_resources"] = json!({"clusters": clusters});
    });
    let envoy = envoy.workers(1).ready_within(SOON).start();

    let code = remote(LATE, PATH, &sha256(&next), retry(FOREVER));
    let then = Filter {
        vm_id: "next".to_owned(),
        ..filter("one", code)
    };
    updates::update(&envoy, &[then.listener().build()]);
    let refused = format!("cluster.{LATE}.upstream_cx_connect_fail");
    wait_stat(&envoy, &refused, |count| count >= 5);
    assert_eq!(outcome(&envoy, "one"), "last good");

    let _late = Files::at(nobody, serving(&next));
    let works = || (outcome(&envoy, "one") == "works").then_some(());
    until(SOON, works).expect("the module, with nobody pushing again");
    let shown = format!("num_retries: {FOREVER}");
    assert!(page::text().contains(&shown), "{shown}");
}
