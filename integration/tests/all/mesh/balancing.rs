//! Which of several replicas gets a request, as each load balancer promises it.

use std::collections::BTreeSet;

use integration::client::{Connection, Request};
use integration::mesh::{Mesh, address_of, counts};

use super::rows::{ask_often, get, is_likely, see};

/// How many replicas stand behind each service.
const REPLICAS: usize = 3;

#[test]
fn each_balancer_keeps_its_promise() {
    let mesh = Mesh::of(&["httpbin", "balancing"], &[("by-source", BY_SOURCE)], &[]);
    see(
        &mesh,
        &[
            ("ROUND_ROBIN", round_robin),
            ("RANDOM", random),
            ("LEAST_REQUEST", least_request),
            ("LEAST_CONN", least_conn),
            ("by header", by_header),
            ("by cookie", by_cookie),
            ("by cookie of the proxy", by_cookie_of_the_proxy),
            ("by source", by_source),
            ("subsets", subsets),
        ],
    );
}

const BY_SOURCE: &str = "apiVersion: v1
kind: Service
metadata: {name: by-source}
spec: {selector: {app: echo}, ports: [{name: http, port: 8000, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: by-source}
spec: {host: by-source, trafficPolicy: {loadBalancer: {consistentHash: {useSourceIp: true}}}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: httpbin}
spec:
  host: httpbin
  trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}}
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
  - {name: all, labels: {app: httpbin}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: httpbin}
spec:
  hosts: [httpbin]
  http:
  - match: [{uri: {prefix: /v1}}]
    route: [{destination: {host: httpbin, subset: v1}}]
  - match: [{uri: {prefix: /v2}}]
    route: [{destination: {host: httpbin, subset: v2}}]
  - route: [{destination: {host: httpbin, subset: all}}]
";

/// One request after the other over one connection, which one worker serves: who answered each.
#[track_caller]
fn in_turn(connection: &Connection, count: usize, request: &Request) -> Vec<String> {
    let ask = |_| address_of(&connection.send(request.clone()));
    (0..count).map(ask).collect()
}

fn different(all: &[String]) -> usize {
    all.iter().collect::<BTreeSet<_>>().len()
}

fn round_robin(mesh: &Mesh) {
    let connection = mesh.from("sleep").connect();
    let answered = in_turn(&connection, 300, &get("round:8000", "/"));
    let each = answered.iter().fold([0; REPLICAS], |mut each, one| {
        let names: Vec<&String> = answered[..REPLICAS].iter().collect();
        let place = names.iter().position(|name| *name == one);
        each[place.expect("one of the first three")] += 1;
        each
    });
    assert_eq!(each, [100; REPLICAS]);
    // Strictly by turns.
    for turn in answered.chunks(REPLICAS) {
        assert_eq!(turn, &answered[..REPLICAS]);
    }
}

fn random(mesh: &Mesh) {
    let connection = mesh.from("sleep").connect();
    let request = get("random:8000", "/");
    // Chance is as far off as this once in a thousand times, and not twice in a row.
    let fits = || {
        let answered = in_turn(&connection, 600, &request);
        let mut each = [0.0_f64; REPLICAS];
        let names: Vec<&String> = answered
            .iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        assert_eq!(names.len(), REPLICAS, "{names:?}");
        for one in &answered {
            each[names.iter().position(|name| *name == one).unwrap()] += 1.0;
        }
        let mean = answered.len() as f64 / REPLICAS as f64;
        // χ² with two degrees of freedom.
        let far: f64 = each.map(|count| (count - mean).powi(2) / mean).iter().sum();
        // By turns nobody would come twice running; by chance it is a third of all.
        let again = answered.windows(2).filter(|two| two[0] == two[1]).count();
        let is_chance = is_likely(again, answered.len() - 1, 1.0 / REPLICAS as f64);
        (far < 13.8 && is_chance).then_some(()).ok_or((each, again))
    };
    if let Err(first) = fits() {
        assert_eq!(fits(), Ok(()), "{first:?}");
    }
}

fn least_request(mesh: &Mesh) {
    spares_the_slow(mesh, "least:8000");
}

fn least_conn(mesh: &Mesh) {
    spares_the_slow(mesh, "old-least:8000");
}

/// Where one replica is slow, it has always something to do, and gets less.
#[track_caller]
fn spares_the_slow(mesh: &Mesh, service: &str) {
    let slow = &mesh.replicas("echo")[0];
    mesh.fail(slow, "delay=200ms");
    let answers = mesh.from("sleep").burst(200, 6, |_| get(service, "/"));
    mesh.mend(slow);
    let each = counts(&answers, address_of);
    let of_slow = each.get(&slow.address.to_string()).copied();
    let of_slow = of_slow.unwrap_or_default();
    // A third would be 67.
    assert!(of_slow < 40, "{service}: {of_slow} of {each:?}");
    assert_eq!(each.values().sum::<usize>(), 200, "{each:?}");
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{each:?}"
    );
}

fn by_header(mesh: &Mesh) {
    by_key(mesh, |key| {
        get("by-header:8000", "/").header("x-user", format!("user-{key}"))
    });
}

fn by_cookie(mesh: &Mesh) {
    by_key(mesh, |key| {
        get("by-cookie:8000", "/").header("cookie", format!("a=b; basket={key}"))
    });
}

/// The same key is always with the same replica, and many keys are with all of them.
#[track_caller]
fn by_key(mesh: &Mesh, request: impl Fn(usize) -> Request) {
    let sleep = mesh.from("sleep");
    for key in 0..5 {
        let answers = ask_often(&sleep, 40, &request(key));
        let each = counts(&answers, address_of);
        assert_eq!(each.len(), 1, "{key}: {each:?}");
    }
    let connection = sleep.connect();
    let all: Vec<String> = (0..200)
        .map(|key| address_of(&connection.send(request(key))))
        .collect();
    spreads(&all);
}

#[track_caller]
fn spreads(all: &[String]) {
    assert_eq!(different(all), REPLICAS, "{all:?}");
    // A ring is not even, but nobody is left with next to nothing.
    let mut each: Vec<usize> = Vec::new();
    for name in all.iter().collect::<BTreeSet<_>>() {
        each.push(all.iter().filter(|one| *one == name).count());
    }
    assert!(each.iter().all(|count| *count > all.len() / 10), "{each:?}");
}

/// Who comes without the cookie gets one from the sidecar, and stays with it.
fn by_cookie_of_the_proxy(mesh: &Mesh) {
    let sleep = mesh.from("sleep");
    let first = sleep.send(get("by-cookie:8000", "/"));
    let set = first.header("set-cookie").expect("a cookie");
    let (cookie, attributes) = set.split_once(';').unwrap_or((set, ""));
    assert!(cookie.starts_with("basket="), "{set}");
    assert!(attributes.contains("Max-Age=3600"), "{set}");
    let request = get("by-cookie:8000", "/").header("cookie", cookie);
    let answers = ask_often(&sleep, 40, &request);
    assert_eq!(
        counts(&answers, address_of),
        [(address_of(&first), 40)].into()
    );
}

fn by_source(mesh: &Mesh) {
    let sleep = mesh.from("sleep");
    let request = get("by-source:8000", "/");
    let from = |last: u8| sleep.clone().from([127, 0, 7, last]);
    for last in 1..4 {
        let answers = ask_often(&from(last), 20, &request);
        let each = counts(&answers, address_of);
        assert_eq!(each.len(), 1, "{last}: {each:?}");
    }
    let all: Vec<String> = (1..=120)
        .map(|last| address_of(&from(last).send(request.clone())))
        .collect();
    spreads(&all);
}

fn subsets(mesh: &Mesh) {
    let sleep = mesh.from("sleep");
    let of = |path: &str| {
        let answers = ask_often(&sleep, 40, &get("httpbin:8000", path));
        counts(&answers, integration::mesh::version_of)
    };
    assert_eq!(of("/v1"), [("v1".to_owned(), 40)].into());
    assert_eq!(of("/v2"), [("v2".to_owned(), 40)].into());
    // A subset of a label that both have, by the policy of the whole host.
    let both = [("v1".to_owned(), 20), ("v2".to_owned(), 20)];
    assert_eq!(of("/both"), both.into());
}
