//! Delays: never early, nothing left behind, and any number of them at one moment.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use integration::upstream::Upstream;

use crate::shell::rig::{Plan, Rig, upstream};

/// So many streams, half of them delayed and half of them left by their clients, end at one moment.
const CROWD: usize = 400;

fn rig(upstream: &Upstream) -> Rig {
    // All in one VM, where it hurts.
    Plan::before(upstream).one_worker().start()
}

#[test]
fn a_delayed_request_goes_on_after_its_time() {
    let upstream = upstream();
    let rig = rig(&upstream);
    for ms in [0, 1, 20, 250] {
        let path = format!("/delay?ms={ms}");
        let response = rig.client().get(&path).header("x-id", &path).send();
        assert_eq!(response.json().unwrap()["path"], path);
        assert!(response.elapsed >= Duration::from_millis(ms), "{path}");
        assert_eq!(rig.line(&path)["reason"], "seen,answered:probe,ended");
    }
    assert_eq!(rig.metric("active"), 0);
    rig.lives();
}

#[test]
fn a_delayed_request_can_ask() {
    let upstream = upstream();
    let rig = rig(&upstream);
    for (call, expected) in [
        ("", "http 200 good over HTTP/1.1"),
        ("&cluster=empty", "failed"),
        ("&cluster=no-such-cluster", "failed"),
    ] {
        let request = |_| {
            rig.client()
                .get(&format!("/delay-ask?ms=100{call}"))
                .request()
        };
        for response in rig.client().burst(150, 150, request) {
            assert_eq!(response.text(), format!("{expected} (asked 2 times)"));
            assert!(response.elapsed >= Duration::from_millis(100));
        }
    }
    assert_eq!(rig.metric("active"), 0);
    rig.lives();
}

/// Streams that end inside the callback that lets them go on are those that end a VM when they are
/// many: answers of the probe's own, and of Envoy's.
#[test]
fn hundreds_end_at_one_moment_and_half_of_their_clients_have_left() {
    for kind in ["/delay-reply", "/delay"] {
        let upstream = upstream();
        let rig = rig(&upstream);
        let end = SystemTime::now() + Duration::from_millis(2500);
        let at = end.duration_since(UNIX_EPOCH).unwrap().as_millis();
        let client = rig.client();
        let request = |_| {
            let call = client.get(&format!("{kind}?at={at}"));
            call.header("x-direct", "1").request()
        };

        thread::scope(|scope| {
            let leaving = client.clone().deadline(Duration::from_millis(1200));
            let left = scope.spawn(move || leaving.try_burst(CROWD, CROWD, request));
            let stayed = scope.spawn(|| client.burst(CROWD, CROWD, request));

            let everybody = 2 * CROWD as u64;
            rig.wait_metric("seen", everybody);
            assert!(left.join().unwrap().iter().all(Result::is_err));
            rig.wait_metric("active", CROWD as u64);
            for response in stayed.join().unwrap() {
                assert!(matches!(response.status, 200 | 299), "{kind}");
            }
            assert!(SystemTime::now() >= end, "{kind} ended early");
            rig.wait_metric("ended", everybody);
        });

        assert_eq!(rig.metric("answered[policy=probe]"), CROWD as u64);
        assert_eq!(rig.metric("active"), 0);
        rig.lives();
    }
}
