//! Policies in a local mesh: who is refused, delayed and limited, and how often.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use integration::client::{Client, Request};
use integration::envoy::Scratch;
use integration::jwt::{Algorithm, Key};
use integration::mesh::{Mesh, shipped_text};
use integration::program;
use integration::service::Service;
use limitador::limit::Limit;
use serde_json::json;

use super::rows::{get, is_likely};
use crate::rate_limit::limiter;

/// How often each status came of so many of a request, one after another.
#[track_caller]
fn statuses(client: &Client, request: &Request, times: usize) -> BTreeMap<u16, usize> {
    let connection = client.connect();
    let mut seen = BTreeMap::new();
    for _ in 0..times {
        *seen
            .entry(connection.send(request.clone()).status)
            .or_default() += 1;
    }
    seen
}

/// A file that is there to try, with something else in it.
#[track_caller]
fn changed(name: &str, from: &str, to: &str) -> String {
    let text = shipped_text(name);
    assert!(text.contains(from), "{name} has no {from}");
    text.replace(from, to)
}

/// What a counter of a proxy says.
#[track_caller]
fn count(mesh: &Mesh, workload: &str, name: &str) -> usize {
    let admin = Client::http1(mesh.replica(workload).admin.unwrap());
    let all = admin.get("/stats?usedonly").send().text();
    let found = all.lines().filter_map(|line| line.split_once(": "));
    let mut found = found.filter(|(one, _)| *one == name);
    found.next().map_or(0, |(_, value)| value.parse().unwrap())
}

#[test]
fn who_may_call_whom_is_what_certificates_say() {
    let mesh = Mesh::up(&["bookinfo", "authorization"]);
    for (client, method, authority, status) in [
        ("productpage-v1", "GET", "reviews:9080", 200),
        ("productpage-v1", "POST", "reviews:9080", 403),
        ("details-v1", "GET", "reviews:9080", 403),
        ("productpage-v1", "GET", "ratings:9080", 403),
        ("reviews-v2", "GET", "ratings:9080", 200),
        ("productpage-v1", "GET", "details:9080", 200),
    ] {
        let from = mesh.from(client);
        let request = from.method(method, "/").authority(authority).request();
        let seen = statuses(&from, &request, 30);
        assert_eq!(seen, [(status, 30)].into(), "{client} {method} {authority}");
    }
    let from = mesh.from("productpage-v1");
    let denied = from.get("/admin/a").authority("details:9080").send();
    assert_eq!(
        (denied.status, denied.text().as_str()),
        (403, "RBAC: access denied")
    );
    // Who has no certificate is nobody, and plaintext is not even taken.
    let plain = Client::http1(mesh.replica("reviews-v1").port(9080));
    assert!(plain.get("/").try_send().is_err());

    // A pod calls from its own address, which a policy may name.
    let caller = mesh.replica("productpage-v1").address;
    let denied = format!(
        "apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: by-address, namespace: default}}
spec:
  selector: {{matchLabels: {{app: details}}}}
  action: DENY
  rules: [{{from: [{{source: {{ipBlocks: ['{caller}']}}}}]}}]
"
    );
    mesh.apply("by-address", &denied);
    for (client, status) in [("productpage-v1", 403), ("reviews-v2", 200)] {
        let seen = statuses(&mesh.from(client), &get("details:9080", "/"), 20);
        assert_eq!(seen, [(status, 20)].into(), "{client}");
    }
}

#[test]
fn tokens_are_verified_with_keys_that_are_given() {
    let (key, other) = (
        Key::new(Algorithm::Es256, "one"),
        Key::new(Algorithm::Es256, "two"),
    );
    let scratch = Scratch::new().unwrap();
    let keys = json!({"keys": [key.jwk()]}).to_string();
    let keys = scratch.write("keys.json", &keys).unwrap();
    let given = format!("testing@secure.istio.io={}", keys.display());
    let mesh = Mesh::of(&["httpbin", "tokens"], &[], &["--jwks", &given]);
    let from = mesh.from("sleep");
    let token = |key: &Key, issuer: &str, expires: u64| {
        let claims = json!({"iss": issuer, "sub": "me", "exp": expires});
        format!("Bearer {}", key.token(&claims))
    };
    let (ours, later) = ("testing@secure.istio.io", 4_102_444_800);
    for (what, path, header, status) in [
        ("no token", "/headers", None, 403),
        ("no token, for all", "/open", None, 200),
        (
            "a good one",
            "/headers",
            Some(token(&key, ours, later)),
            200,
        ),
        (
            "nonsense",
            "/headers",
            Some("Bearer nonsense".to_owned()),
            401,
        ),
        (
            "nonsense, for all",
            "/open",
            Some("Bearer nonsense".to_owned()),
            401,
        ),
        ("an old one", "/headers", Some(token(&key, ours, 1)), 401),
        (
            "of another key",
            "/headers",
            Some(token(&other, ours, later)),
            401,
        ),
        (
            "of another issuer",
            "/headers",
            Some(token(&key, "other", later)),
            401,
        ),
    ] {
        let mut call = from.get(path).authority("httpbin:8000");
        if let Some(header) = header {
            call = call.header("authorization", header);
        }
        let seen = statuses(&from, &call.request(), 20);
        assert_eq!(seen, [(status, 20)].into(), "{what}");
    }
}

#[test]
fn a_fault_is_for_those_that_its_route_takes_as_often_as_it_says() {
    let faults = changed("faults", "fixedDelay: 5s", "fixedDelay: 200ms");
    let mesh = Mesh::of(&["bookinfo"], &[("faults", &faults)], &[]);

    let from = mesh.from("productpage-v1");
    let request = from.get("/reviews/0").authority("reviews:9080").request();
    let start = Instant::now();
    assert_eq!(statuses(&from, &request, 1000), [(200, 1000)].into());
    let name = "wasmcustom.mesh_filters.fault-injection.delay[policy=default/reviews]";
    let delayed = count(&mesh, "productpage-v1", name);
    assert!(is_likely(delayed, 1000, 0.1), "{delayed} of 1,000");
    let held = Duration::from_millis(200) * u32::try_from(delayed).unwrap();
    assert!(
        start.elapsed() >= held,
        "{delayed} in {:?}",
        start.elapsed()
    );

    let from = mesh.from("reviews-v2");
    for (user, status) in [("jason", 500), ("jane", 200)] {
        let call = from.get("/ratings/0").authority("ratings:9080");
        let request = call.header("end-user", user).request();
        assert_eq!(
            statuses(&from, &request, 50),
            [(status, 50)].into(),
            "{user}"
        );
    }
    // The client's sidecar answers: whom it would have asked knows nothing of it.
    let name = "wasmcustom.mesh_filters.fault-injection.abort[policy=default/ratings]";
    assert_eq!(count(&mesh, "reviews-v2", name), 50);
    assert_eq!(
        count(
            &mesh,
            "ratings-v1",
            "cluster.inbound|9080||.upstream_rq_total"
        ),
        50
    );
}

#[test]
fn a_rate_limit_as_printed_limits_nothing_and_mended_it_does() {
    let printed = Mesh::up(&["bookinfo", "rate-limit-as-printed"]);
    let ask = |mesh: &Mesh, times: usize| {
        let from = mesh.from("details-v1");
        let request = from
            .get("/productpage")
            .authority("productpage:9080")
            .request();
        statuses(&from, &request, times)
    };
    assert_eq!(ask(&printed, 50), [(200, 50)].into());
    drop(printed);

    let condition = "descriptors[0]['PATH'] == '/productpage'".to_owned();
    let variable = "descriptors[0]['PATH']".to_owned();
    let limit = Limit::new(
        "productpage-ratelimit",
        3,
        3600,
        vec![condition.try_into().unwrap()],
        vec![variable.try_into().unwrap()],
    );
    let redis = Service::redis();
    let service = limiter::start(redis.addr(), vec![limit]);
    let port = format!("port_value: {}", service.addr().port());
    let mended = changed("rate-limit", "port_value: 8081", &port);
    // A machine that runs tests may be slower than a service.
    let mended = mended.replace("0.5s", "10s");
    let mesh = Mesh::of(&["bookinfo"], &[("mended", &mended)], &[]);
    assert_eq!(ask(&mesh, 10), [(200, 3), (429, 7)].into());
    let from = mesh.from("details-v1");
    let other = from.get("/other").authority("productpage:9080").request();
    assert_eq!(statuses(&from, &other, 10), [(200, 10)].into());
}

/// Five a minute for the one service, and thousands for all.
const QUOTA: &str = "apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: quotahandler, namespace: istio-system}
spec:
  compiledAdapter: memquota
  params:
    quotas:
    - name: requestcount.instance.istio-system
      maxAmount: 5000
      validDuration: 1s
      overrides: [{dimensions: {destination: httpbin}, maxAmount: 5, validDuration: 3600s}]
---
apiVersion: config.istio.io/v1alpha2
kind: instance
metadata: {name: requestcount, namespace: istio-system}
spec:
  compiledTemplate: quota
  params: {dimensions: {destination: 'destination.labels[\"app\"] | destination.service | \"unknown\"'}}
";

#[test]
fn mixers_quota_limits_once_it_is_converted() {
    let scratch = Scratch::new().unwrap();
    let quota = scratch.write("quota.yaml", QUOTA).unwrap();
    let ask = |mesh: &Mesh| statuses(&mesh.from("sleep"), &get("httpbin:8000", "/"), 80);
    let as_printed = Mesh::of(&["httpbin"], &[("quota", QUOTA)], &["--no-check"]);
    let notes = format!("{:?}", as_printed.told().notes);
    assert!(notes.contains("nothing enforces it"), "{notes}");
    assert_eq!(ask(&as_printed), [(200, 80)].into());
    drop(as_printed);

    let converted = Command::new(program::built("mesh-filters"))
        .args(["convert", "--to", "envoyfilter"])
        .arg(&quota)
        .output()
        .unwrap();
    let text = String::from_utf8(converted.stdout).unwrap();
    let mesh = Mesh::of(&["httpbin"], &[("converted", &text)], &[]);
    // Each of the two replicas has a sidecar, which counts for itself.
    assert_eq!(ask(&mesh), [(200, 10), (429, 70)].into());
}
