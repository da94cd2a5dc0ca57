//! A replica that fails is left out and comes back, and a service is given no more at once than it may have.

use std::fs;
use std::time::{Duration, Instant};

use integration::client::Client;
use integration::mesh::{Mesh, address_of, counts};
use integration::service::wait::until;
use serde_json::Value;

use super::rows::{get, see};

const SOON: Duration = Duration::from_secs(20);
/// An access log says which flag an answer has.
const LOG: &str = "apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: log, namespace: istio-system}
spec: {accessLogging: [{providers: [{name: envoy}]}]}
";

#[test]
fn who_fails_is_left_out_and_a_pool_has_an_end() {
    let mesh = Mesh::of(&["httpbin", "outlier"], &[("log", LOG)], &[]);
    see(
        &mesh,
        &[
            ("consecutive5xxErrors", consecutive_5xx_errors),
            ("consecutiveErrors", consecutive_errors),
            ("connectionPool", connection_pool),
        ],
    );
}

fn consecutive_5xx_errors(mesh: &Mesh) {
    let [failing, ..] = &mesh.replicas("fragile")[..] else {
        panic!("no replicas");
    };
    let own = failing.address.to_string();
    let connection = mesh.from("sleep").connect();
    let ask = |count: usize| -> Vec<_> {
        let one = |_| connection.send(get("fragile:8000", "/"));
        (0..count).map(one).collect()
    };
    // All three take part.
    assert_eq!(counts(&ask(60), address_of).len(), 3);
    mesh.fail(failing, "status=503");
    let answers = ask(100);
    let each = counts(&answers, address_of);
    // Three in a row, and it is out; the others take all else.
    assert_eq!(each.get("503"), Some(&3), "{each:?}");
    assert_eq!(each.get(&own), None, "{each:?}");
    assert_eq!(each.len(), 3, "{each:?}");
    let stats = ejections(mesh, "fragile");
    assert_eq!(stats, (1, 1), "active, ever");
    mesh.mend(failing);
    let begun = Instant::now();
    let back = until(SOON, || counts(&ask(12), address_of).get(&own).copied());
    assert!(back.is_some(), "it never came back");
    // Three seconds, and up to one more until somebody looks; it was out a moment before.
    let waited = begun.elapsed();
    assert!(waited > Duration::from_secs(1), "{waited:?}");
    let each = counts(&ask(90), address_of);
    assert!(each.len() == 3 && !each.contains_key("503"), "{each:?}");
    assert_eq!(ejections(mesh, "fragile"), (0, 1), "active, ever");
}

/// Who is out now, and how often somebody was.
fn ejections(mesh: &Mesh, service: &str) -> (u64, u64) {
    let count = |name| {
        stat(
            mesh,
            service,
            &format!("outlier_detection.ejections_{name}"),
        )
    };
    (count("active"), count("enforced_total"))
}

/// What the sidecar of sleep counts of a service.
#[track_caller]
fn stat(mesh: &Mesh, service: &str, name: &str) -> u64 {
    let admin = mesh.replica("sleep").admin.expect("an Envoy");
    let path = format!("/stats?format=json&filter={name}$");
    let answer: Value = Client::http1(admin).get(&path).send().json().unwrap();
    let cluster = format!("|{service}.default.");
    let all = answer["stats"].as_array().expect("a list").iter();
    let found = all.filter(|one| {
        let full = one["name"].as_str().unwrap_or_default();
        full.contains(&cluster) && full.ends_with(&format!(".{name}"))
    });
    found.filter_map(|one| one["value"].as_u64()).sum()
}

/// The old name does the same here, and it is said that today's Istio passes over it.
fn consecutive_errors(mesh: &Mesh) {
    let notes = mesh.told().notes;
    let said = notes
        .iter()
        .find(|note| note.what.contains("consecutiveErrors"));
    let said = said.unwrap_or_else(|| panic!("{notes:?}"));
    assert!(said.consequence.contains("today's Istio"), "{said:?}");
    let failing = &mesh.replicas("fragile")[0];
    let own = failing.address.to_string();
    let connection = mesh.from("sleep").connect();
    let ask = |count: usize| {
        let one = |_| connection.send(get("fragile-old:8000", "/"));
        let answers: Vec<_> = (0..count).map(one).collect();
        counts(&answers, address_of)
    };
    mesh.fail(failing, "status=503");
    let each = ask(60);
    mesh.mend(failing);
    assert_eq!(each.get("503"), Some(&3), "{each:?}");
    assert_eq!((each.len(), each.get(&own)), (3, None), "{each:?}");
    let back = until(SOON, || ask(12).get(&own).copied());
    assert!(back.is_some(), "it never came back");
}

/// One is on its way, one waits for it, and all further ones are too many.
fn connection_pool(mesh: &Mesh) {
    let client = mesh.from("sleep");
    let answers = std::thread::scope(|scope| {
        let first = scope.spawn(|| client.send(get("narrow:8000", "/delay/1500ms")));
        let is_on_its_way = || (stat(mesh, "narrow", "upstream_rq_active") == 1).then_some(());
        assert!(
            until(SOON, is_on_its_way).is_some(),
            "nothing is on its way"
        );
        let mut answers = client.burst(9, 9, |_| get("narrow:8000", "/"));
        answers.push(first.join().expect("an answer"));
        answers
    });
    let each = counts(&answers, |answer| answer.status.to_string());
    let expected = [("200".to_owned(), 2), ("503".to_owned(), 8)];
    assert_eq!(each, expected.into());
    for answer in answers.iter().filter(|answer| answer.status == 503) {
        let overloaded = answer.header("x-envoy-overloaded");
        assert_eq!(overloaded, Some("true"), "{answer:?}");
        assert!(answer.text().contains("overflow"), "{}", answer.text());
    }
    let folder = mesh.replica("sleep").folder.expect("an Envoy");
    let log = || fs::read_to_string(folder.join("access.log")).unwrap_or_default();
    let refused = || {
        let text = log();
        let refused = text
            .lines()
            .filter(|line| line.contains(" 503 UO ") && line.contains("narrow"));
        (refused.count() == 8).then_some(())
    };
    assert!(until(SOON, refused).is_some(), "{}", log());
    // One after the other all are taken, each over a connection of its own.
    let before = stat(mesh, "narrow", "upstream_cx_total");
    let connection = client.connect();
    for _ in 0..10 {
        assert_eq!(connection.send(get("narrow:8000", "/")).status, 200);
    }
    assert_eq!(stat(mesh, "narrow", "upstream_cx_total") - before, 10);
}
