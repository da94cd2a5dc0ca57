//! Delays under load: none early, nothing lost, nothing left behind.

use std::time::Duration;

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::listener::{bootstrap, cluster};
use integration::upstream::Upstream;
use serde_json::{Value, json};

use crate::fault_injection::{SOON, assert_serves, ours};

const ACTIVE: &str = "wasmcustom.mesh_filters.fault-injection.active";

fn delay_all(by: &str) -> Value {
    json!({"http": [{"name": "slow", "fault": {"delay": {"percentage": {"value": 100}, "fixedDelay": by}}}]})
}

#[test]
fn a_thousand_at_once_on_one_worker_and_none_early() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder(bootstrap(
        [ours(&delay_all("200ms")).to("upstream")],
        [with_room(cluster("upstream", upstream.addr(), false))],
    ))
    .workers(1)
    .start();
    for client in [
        Client::http1(envoy.addr("ours")),
        Client::http2(envoy.addr("ours")),
    ] {
        upstream.forget();
        let answers = client.burst(1_000, 1_000, |n| Request::get(&format!("/{n}")));
        assert!(answers.iter().all(|answer| answer.status == 200));
        let first = answers.iter().map(|answer| answer.elapsed).min().unwrap();
        assert!(first >= Duration::from_millis(200), "early: {first:?}");
        assert_eq!(upstream.count(), 1_000);
    }
    assert_eq!(envoy.admin().stat(ACTIVE), 0);
    envoy.admin().wait_stat(
        "wasmcustom.mesh_filters.fault-injection.delay[policy=slow]",
        |count| count == 2_000,
        SOON,
    );
    assert_serves(&envoy, 200);
}

/// A cluster that takes a thousand requests at a time.
fn with_room(mut cluster: Value) -> Value {
    cluster["circuit_breakers"] = json!({"thresholds": [{
        "max_connections": 2000, "max_pending_requests": 2000, "max_requests": 2000,
    }]});
    cluster
}

#[test]
fn clients_that_leave_leave_nothing_behind() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder(bootstrap(
        [ours(&delay_all("60s")).to("upstream")],
        [cluster("upstream", upstream.addr(), false)],
    ))
    .start();
    let addr = envoy.addr("ours");
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(move || {
                Client::http1(addr)
                    .get("/")
                    .abandon_after(Duration::from_millis(300));
            });
        }
        envoy.admin().wait_stat(ACTIVE, |held| held >= 30, SOON);
    });
    envoy.admin().wait_stat(ACTIVE, |held| held == 0, SOON);
    envoy
        .admin()
        .wait_stat("http.ours.downstream_rq_active", |active| active == 0, SOON);
    assert_eq!(upstream.count(), 0);
}

#[test]
fn a_large_body_waits_without_being_lost() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder(bootstrap(
        [ours(&delay_all("100ms")).to("upstream")],
        [cluster("upstream", upstream.addr(), false)],
    ))
    .start();
    let body = vec![b'x'; 3 * 1024 * 1024];
    let answer = Client::http1(envoy.addr("ours")).post("/", &body).send();
    assert_eq!(answer.status, 200);
    assert!(answer.elapsed >= Duration::from_millis(100));
    let received = upstream.requests().pop().unwrap();
    assert_eq!(received.body.len(), body.len());
}

#[test]
fn trailers_and_grpc_messages_pass_a_delay() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder(bootstrap(
        [ours(&delay_all("50ms")).to("upstream")],
        [cluster("upstream", upstream.addr(), true)],
    ))
    .start();
    let answer = Client::http2(envoy.addr("ours")).grpc("/pkg.Service/Echo", b"ping");
    assert_eq!(answer.grpc_status(), Some(0));
    assert_eq!(answer.messages(), [b"ping"]);
    assert!(answer.elapsed >= Duration::from_millis(50));
}

/// Delays of many lengths, asked for all at once, end in their own time.
#[test]
fn each_delay_has_its_own_length() {
    let config = json!({"http": [{"name": "ask", "fault": {"delay": {"percentage": {"value": 100}, "headerDelay": {}}}}]});
    let envoy = Envoy::builder(bootstrap([ours(&config)], [])).start();
    let asked = |n: usize| 1 + (n * 37) % 400;
    let answers = Client::http2(envoy.addr("ours")).burst(400, 400, |n| {
        Request::get("/").header("x-envoy-fault-delay-request", asked(n).to_string())
    });
    for (n, answer) in answers.iter().enumerate() {
        let least = Duration::from_millis(asked(n) as u64);
        assert!(
            answer.elapsed >= least,
            "{n}: {:?} < {least:?}",
            answer.elapsed
        );
    }
    assert_eq!(envoy.admin().stat(ACTIVE), 0);
}

#[test]
fn smoke_a_delay_delays() {
    let envoy = Envoy::builder(bootstrap([ours(&delay_all("150ms"))], [])).start();
    let answer = Client::http1(envoy.addr("ours")).get("/").send();
    assert!(
        answer.elapsed >= Duration::from_millis(150),
        "{:?}",
        answer.elapsed
    );
    envoy.wait_log("\"reason\":\"delay:slow\"", SOON);
}
