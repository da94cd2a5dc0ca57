//! A configuration that changes while Envoy runs.

use std::thread;

use integration::envoy::Scratch;
use integration::service::wait::until;
use integration::updates;
use integration::upstream::Upstream;
use serde_json::{Value, json};

use crate::shell::rig::{Plan, Rig, SOON, log_to, plugin, upstream};

/// An Envoy whose listener comes from a file.
struct Updated {
    rig: Rig,
    listener: Value,
}

impl Updated {
    fn start(upstream: &Upstream) -> Self {
        let mut plan = Plan::before(upstream);
        let scratch = Scratch::new().unwrap();
        log_to(plan.listener(), &scratch);
        let listener = plan.listener().clone();
        plan.config.value_mut()["static_resources"]["listeners"] = json!([]);
        updates::watch(&scratch, std::slice::from_ref(&listener), &mut plan.config);
        let envoy = plan.builder_in(scratch).start();
        Updated {
            rig: Rig { envoy },
            listener,
        }
    }

    /// Changes the listener, and waits until Envoy has said what it thinks of it.
    fn change(&mut self, change: impl FnOnce(&mut Value), verdict: &str) {
        let admin = self.rig.envoy.admin();
        let verdict = format!("listener_manager.lds.{verdict}");
        let before = admin.stat(&verdict);
        let mut listener = self.listener.clone();
        change(&mut listener);
        updates::update(&self.rig.envoy, std::slice::from_ref(&listener));
        admin.wait_stat(&verdict, |now| now > before, SOON);
        self.listener = listener;
    }

    fn configure(&mut self, configuration: Value, verdict: &str) {
        let put = |listener: &mut Value| {
            plugin(listener)["configuration"]["value"] = configuration;
        };
        self.change(put, verdict);
    }

    /// Which version of HTTP the probe's calls go by, which tells its configurations apart.
    fn calls(&self) -> String {
        self.rig.get("/http").text()
    }

    /// A taken listener appears on the workers a moment after it was taken.
    fn calls_become_new(&self) {
        let new = || (self.calls() == NEW).then_some(());
        until(SOON, new).expect("the new configuration to serve");
    }
}

const TAKEN: &str = "update_success";
const REFUSED: &str = "update_rejected";
const OLD: &str = "http 200 good over HTTP/1.1 (asked 2 times)";
const NEW: &str = "http 200 good over HTTP/2.0 (asked 2 times)";

#[test]
fn a_refused_update_leaves_the_old_configuration_serving() {
    let upstream = upstream();
    let mut updated = Updated::start(&upstream);
    assert_eq!(updated.calls(), OLD);

    updated.configure(json!({ "cluster": "http2", "fetch": 7 }), REFUSED);

    updated.rig.envoy.wait_log("probe: fetch: ", SOON);
    assert_eq!(updated.calls(), OLD);
    updated.rig.lives();

    updated.configure(json!({ "cluster": "http2" }), TAKEN);
    updated.calls_become_new();
    updated.rig.lives();
}

#[test]
fn streams_that_are_held_end_under_the_configuration_they_began_with() {
    let upstream = upstream();
    let mut updated = Updated::start(&upstream);
    let client = updated.rig.client();
    let request = |_| client.get("/delay-ask?ms=4000").request();

    let held = thread::scope(|scope| {
        let held = scope.spawn(|| client.burst(100, 100, request));
        updated.rig.wait_metric("active", 100);
        updated.configure(json!({ "cluster": "http2" }), TAKEN);
        updated.calls_become_new();
        assert_eq!(updated.rig.metric("active"), 100);
        held.join().unwrap()
    });

    for response in held {
        assert_eq!(response.text(), OLD);
    }
    updated.rig.wait_metric("active", 0);
    assert_eq!(updated.calls(), NEW);
    updated.rig.lives();
}

#[test]
fn only_what_changed_is_announced() {
    let upstream = upstream();
    let mut updated = Updated::start(&upstream);
    let announced = "probe: configured: ";
    assert_eq!(updated.rig.logged(announced), 1);

    updated.change(
        |listener| {
            let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
            manager["stat_prefix"] = "renamed".into();
        },
        TAKEN,
    );
    let served = "http.renamed.downstream_rq_completed";
    let admin = updated.rig.envoy.admin();
    until(SOON, || {
        updated.calls();
        (admin.stat(served) > 0).then_some(())
    })
    .expect("the changed listener to serve");
    assert_eq!(updated.rig.logged(announced), 1);

    updated.configure(json!({ "cluster": "http2" }), TAKEN);
    updated.calls_become_new();
    // A line is read a moment after it was written.
    until(SOON, || (updated.rig.logged(announced) > 1).then_some(()));
    assert_eq!(updated.rig.logged(announced), 2);
}
