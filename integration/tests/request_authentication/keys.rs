//! Keys that come from an issuer over the network, and an issuer that fails. A second here is a
//! minute of production: keys are fetched every second, and the outage lasts ten.

use std::thread::sleep;
use std::time::{Duration, Instant};

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::jwt::{Algorithm, Behaviour, Issuer, Key, jwks};
use integration::listener::{bootstrap, cluster};
use integration::service::wait;
use integration::upstream::{Answer, Upstream};
use serde_json::{Value, json};

use crate::load::Load;
use crate::{FILTER, SOON, native, ours};

const ISSUER: &str = "https://issuer.example";
/// In all that follows a worker may take this long to see what another one fetched.
const GRACE: Duration = Duration::from_millis(1_200);

fn key(kid: &str) -> Key {
    Key::new(Algorithm::Es256, kid)
}

fn token(key: &Key) -> String {
    key.token(&json!({"iss": ISSUER, "sub": "jason", "exp": 4_102_444_800_u64}))
}

/// A rule that fetches its keys, with these fields besides.
fn rules(issuer: &Issuer, fields: Value) -> Value {
    let mut rule = json!({
        "name": "fetched",
        "issuer": ISSUER,
        "jwksUri": issuer.jwks_uri(),
        "jwksCluster": "issuer",
        "timeout": "2s",
        "cacheDuration": "1s",
        "maxStale": "1h",
    });
    for (name, value) in fields.as_object().unwrap() {
        rule[name] = value.clone();
    }
    json!([rule])
}

fn envoy(issuer: &Issuer, fields: Value) -> Envoy {
    let listener = ours(&rules(issuer, fields));
    Envoy::builder(bootstrap([listener], [issuer.cluster("issuer")]))
        .workers(2)
        .start()
}

fn send(envoy: &Envoy, token: &str) -> (u16, String) {
    let bearer = format!("Bearer {token}");
    let call = Client::http1(envoy.addr("ours")).get("/");
    let response = call.header("authorization", bearer).send();
    (response.status, response.text())
}

fn reason(name: &str) -> String {
    format!("wasmcustom.mesh_filters.request-authentication.{name}[policy=fetched]")
}

/// Waits for the issuer to be asked again.
#[track_caller]
fn next_fetch(issuer: &Issuer) -> Instant {
    let before = Instant::now();
    let later = || issuer.fetches().into_iter().find(|at| *at > before);
    wait::until(Duration::from_secs(20), later).expect("a fetch")
}

/// The drill: keys rotate, the issuer is gone for ten intervals, and comes back with other keys.
#[test]
fn keys_rotate_and_the_issuer_fails_under_load() {
    let (first, second, third) = (key("first"), key("second"), key("third"));
    let (a, b, c) = (token(&first), token(&second), token(&third));
    let mut issuer = Issuer::start([&first]);
    let envoy = envoy(&issuer, json!({}));
    let load = Load::new(envoy.addr("ours"));
    let start = Instant::now();
    load.during(4, || {
        // One fetch an interval, whatever the number of VMs: here the main thread's and two workers'.
        load.tokens(&[("first", &a)]);
        sleep(Duration::from_secs(5));
        let fetches = issuer.fetches().len();
        assert!(
            (3..=7).contains(&fetches),
            "{fetches} fetches in 5 intervals"
        );

        // A key is added, and used at once.
        issuer.rotate([&first, &second]);
        load.tokens(&[("first", &a), ("second", &b)]);
        let seen = next_fetch(&issuer) + GRACE;
        sleep(Duration::from_secs(3));
        load.accepted("first", start, Instant::now());
        load.accepted("second", seen, Instant::now());

        // One is withdrawn: its tokens are refused, though they were verified a moment ago.
        issuer.rotate([&second]);
        let seen = next_fetch(&issuer) + GRACE;
        sleep(Duration::from_secs(3));
        let withdrawn = load.between("first", seen, Instant::now());
        assert!(withdrawn.len() > 5);
        for sample in withdrawn {
            let expected = "Jwks doesn't have key to match kid or alg from Jwt";
            assert_eq!((sample.status, sample.body.as_str()), (401, expected));
        }

        // Ten intervals without an issuer.
        load.tokens(&[("second", &b)]);
        issuer.stop();
        let stopped = Instant::now();
        sleep(Duration::from_secs(10));
        load.accepted("second", stopped, Instant::now());
        assert!(envoy.admin().stat(&reason("jwks_unreachable")) >= 2);
        assert!(envoy.admin().stat(&reason("jwks_age_seconds")) >= 8);
        assert!(envoy.admin().stat(&reason("jwks_failures")) >= 2);

        // It comes back with another key, and nobody has to do anything.
        issuer.rotate([&second, &third]);
        issuer.resume();
        load.tokens(&[("second", &b), ("third", &c)]);
        let seen = next_fetch(&issuer) + GRACE;
        wait::until(SOON, || {
            (Instant::now() > seen + Duration::from_secs(2)).then_some(())
        });
        load.accepted("second", stopped, Instant::now());
        load.accepted("third", seen, Instant::now());
    });
    envoy
        .admin()
        .wait_stat(&reason("jwks_failures"), |n| n == 0, SOON);
    assert!(!envoy.log().contains("panicked at"));
}

/// Whoever makes up key names cannot make us ask the issuer for each, nor keep others waiting.
#[test]
fn a_flood_of_unknown_keys_is_throttled() {
    let known = key("known");
    let issuer = Issuer::start([&known]);
    let envoy = envoy(&issuer, json!({"cacheDuration": "1h"}));
    let good = token(&known);
    assert_eq!(send(&envoy, &good).0, 200);
    let forged = |n: usize| {
        let attacker = Key::new(Algorithm::Hs256, &format!("made up {n}"));
        let claims = json!({"iss": ISSUER, "exp": 4_102_444_800_u64});
        attacker.token_of(
            json!({"alg": "ES256", "kid": attacker.kid()}).to_string(),
            claims.to_string(),
        )
    };
    let load = Load::new(envoy.addr("ours"));
    let start = Instant::now();
    load.tokens(&[("good", &good)]);
    load.during(1, || {
        let client = Client::http1(envoy.addr("ours"));
        let mut sent = 0;
        while start.elapsed() < Duration::from_secs(14) {
            let from = sent;
            let answers = client.burst(200, 8, |n| {
                let bearer = format!("Bearer {}", forged(from + n));
                Request::get("/").header("authorization", bearer)
            });
            sent += answers.len();
            assert!(answers.iter().all(|answer| answer.status == 401));
        }
        println!("{sent} made-up names, {} fetches", issuer.fetches().len());
        assert!(sent > 400);
    });
    load.accepted("good", start, Instant::now());
    let slowest = load.between("good", start, Instant::now());
    let slowest = slowest.iter().map(|sample| sample.elapsed).max().unwrap();
    assert!(slowest < Duration::from_millis(1_500), "{slowest:?}");
    // The first one, and one more after ten seconds.
    let fetches = issuer.fetches().len();
    assert!((2..=3).contains(&fetches), "{fetches} fetches");
}

/// A request that comes before the keys waits for them.
#[test]
fn the_first_requests_wait_for_a_slow_issuer() {
    let key = key("slow");
    let issuer = Issuer::start([&key]);
    issuer.behave(Behaviour::Slow(Duration::from_millis(700)));
    let envoy = envoy(&issuer, json!({"cacheDuration": "1h"}));
    let bearer = format!("Bearer {}", token(&key));
    let answers = Client::http1(envoy.addr("ours")).burst(20, 20, |_| {
        Request::get("/").header("authorization", bearer.clone())
    });
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(issuer.fetches().len(), 1);
}

/// Without keys a token cannot be good, and a request without one needs none.
#[test]
fn an_issuer_that_never_answers_refuses_tokens_alone() {
    let key = key("gone");
    let mut issuer = Issuer::start([&key]);
    issuer.stop();
    let envoy = envoy(&issuer, json!({"timeout": "1s"}));
    let start = Instant::now();
    let refused = (401, "Jwks remote fetch is failed".to_owned());
    assert_eq!(send(&envoy, &token(&key)), refused);
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(
        Client::http1(envoy.addr("ours")).get("/").send().status,
        200
    );
    issuer.resume();
    let served = wait::until(SOON, || (send(&envoy, &token(&key)).0 == 200).then_some(()));
    assert!(served.is_some(), "keys that came late are not used");
}

/// Answers that are no keys do not replace those there are.
#[test]
fn bad_answers_leave_the_keys_there_are() {
    let key = key("kept");
    let good = token(&key);
    let issuer = Issuer::start([&key]);
    let envoy = envoy(&issuer, json!({"cacheDuration": "1s"}));
    assert_eq!(send(&envoy, &good).0, 200);
    for (behaviour, counter) in [
        (Behaviour::Status(500), "jwks_status"),
        (Behaviour::Status(404), "jwks_status"),
        (
            Behaviour::Redirect("http://127.0.0.1:1/".to_owned()),
            "jwks_status",
        ),
        (Behaviour::Body(vec![]), "jwks_invalid"),
        (Behaviour::Body(b"<html>".to_vec()), "jwks_invalid"),
        (Behaviour::Body(vec![0xff; 100]), "jwks_invalid"),
        (Behaviour::Body(b"{}".to_vec()), "jwks_invalid"),
        (Behaviour::Body(br#"{"keys":{}}"#.to_vec()), "jwks_invalid"),
        (Behaviour::Body(br#"{"keys":["#.to_vec()), "jwks_invalid"),
        (Behaviour::Body(vec![b' '; 4 << 20]), "jwks_invalid"),
        (Behaviour::Slow(Duration::from_secs(20)), "jwks_unreachable"),
    ] {
        let counter = reason(counter);
        let before = envoy.admin().stat(&counter);
        issuer.behave(behaviour.clone());
        envoy
            .admin()
            .wait_stat(&counter, |count| count > before, Duration::from_secs(25));
        for _ in 0..4 {
            assert_eq!(send(&envoy, &good).0, 200, "{behaviour:?}");
        }
        // Back to good, so that the next one does not wait for the end of a long pause.
        let fetched = envoy.admin().stat(&reason("jwks_fetched"));
        issuer.behave(Behaviour::Well);
        let again = |count| count > fetched;
        envoy
            .admin()
            .wait_stat(&reason("jwks_fetched"), again, Duration::from_secs(25));
    }
    assert!(!envoy.log().contains("panicked at"));
}

/// Keys too old to be trusted are given up, and those of the configuration take their place.
#[test]
fn keys_are_given_up_after_max_stale() {
    let (fetched, inline) = (key("fetched"), key("inline"));
    let mut issuer = Issuer::start([&fetched]);
    let fields = json!({
        "maxStale": "2s", "timeout": "500ms", "jwks": jwks([&inline]).to_string(),
    });
    let envoy = envoy(&issuer, fields);
    let status = |key: &Key| send(&envoy, &token(key)).0;
    let taken = wait::until(SOON, || (status(&fetched) == 200).then_some(()));
    assert!(taken.is_some());
    issuer.stop();
    let given_up = wait::until(SOON, || (status(&fetched) == 401).then_some(()));
    assert!(given_up.is_some());
    assert_eq!(status(&inline), 200);
}

/// An issuer that only says where its keys are.
#[test]
fn keys_are_found_by_discovery() {
    let key = key("discovered");
    let issuer = Issuer::start([&key]);
    let rules = json!([{
        "issuer": issuer.url(), "jwksCluster": "issuer", "timeout": "2s", "cacheDuration": "1h",
    }]);
    let envoy = Envoy::builder(bootstrap([ours(&rules)], [issuer.cluster("issuer")])).start();
    let token = key.token(&json!({"iss": issuer.url(), "sub": "jason"}));
    for _ in 0..4 {
        assert_eq!(send(&envoy, &token).0, 200);
    }
    assert_eq!((issuer.discoveries(), issuer.fetches().len()), (1, 1));
}

/// What an issuer is told by whoever fetches. Kubernetes serves `application/jwk-set+json` alone, many
/// a firewall wants to know who asks, and HTTP/2 has the scheme among its headers.
#[test]
fn a_fetch_suits_every_issuer() {
    let key = key("suited");
    let keys = jwks([&key]);
    let issuer = Upstream::with(move |request| match request.path.as_str() {
        "/.well-known/openid-configuration" => Answer::json(&json!({
            "jwks_uri": "https://issuer.example/jwks?v=1",
        })),
        _ => Answer::json(&keys),
    });
    let discovered = json!([{
        "issuer": ISSUER, "jwksCluster": "issuer", "cacheDuration": "1h", "name": "fetched",
    }]);
    let plain = json!([{
        "issuer": ISSUER, "jwksUri": "http://issuer.example/jwks", "jwksCluster": "issuer",
    }]);
    let envoy = Envoy::builder(bootstrap(
        [ours(&discovered), native(&plain)],
        [cluster("issuer", issuer.addr(), true)],
    ))
    .start();
    assert_eq!(send(&envoy, &token(&key)).0, 200);
    let bearer = format!("Bearer {}", token(&key));
    let call = Client::http1(envoy.addr("native")).get("/");
    assert_eq!(call.header("authorization", bearer).send().status, 200);
    let seen = issuer.requests();
    let [discovery, jwks, native] = seen.as_slice() else {
        panic!("{seen:#?}");
    };
    for (fetch, path) in [
        (discovery, "/.well-known/openid-configuration"),
        (jwks, "/jwks?v=1"),
    ] {
        let header = |name| fetch.header(name).unwrap();
        assert_eq!(fetch.path, path);
        assert_eq!(fetch.scheme.as_deref(), Some("https"));
        assert_eq!(fetch.authority, "issuer.example");
        assert_eq!(
            header("accept"),
            "application/json, application/jwk-set+json, */*"
        );
        let version = header("user-agent").strip_prefix("mesh-filters/").unwrap();
        assert!(version.split('.').count() == 3, "{version}");
    }
    // Envoy's own has the scheme of the URL and a name, too.
    assert_eq!(native.scheme.as_deref(), Some("http"));
    assert!(native.header("user-agent").is_some());
}

/// The one line that an operator needs: which rule, which URL, which cluster, and what came.
#[test]
fn a_failed_fetch_is_told_once_and_in_full() {
    let key = key("told");
    let mut issuer = Issuer::start([&key]);
    let mut rules = rules(&issuer, json!({"timeout": "1s"}));
    rules[0]["jwksUri"] = json!(format!("{}?key=s3cret", issuer.jwks_uri()));
    let mut nowhere = rules[0].clone();
    nowhere["name"] = json!("nowhere");
    nowhere["jwksCluster"] = json!("nobody");
    rules.as_array_mut().unwrap().push(nowhere);
    let envoy = Envoy::builder(bootstrap([ours(&rules)], [issuer.cluster("issuer")]))
        .workers(2)
        .start();
    let line = |reason: &str, cluster: &str, what: &str| {
        format!(
            "{FILTER}: {reason}: {} through cluster `{cluster}`: {what}",
            issuer.jwks_uri()
        )
    };
    let mut lines = vec![line(
        "jwks_unreachable:nowhere",
        "nobody",
        "no such cluster",
    )];
    envoy.wait_log(&lines[0], SOON);
    let large = Behaviour::Body(vec![b' '; 300 << 10]);
    for (behaviour, kind, what) in [
        (Behaviour::Status(500), "jwks_status:fetched", "status 500"),
        (
            Behaviour::Body(b"<!doctype html>".to_vec()),
            "jwks_invalid:fetched",
            "an answer that is HTML or XML, not JSON",
        ),
        (
            Behaviour::Body(b"{}".to_vec()),
            "jwks_invalid:fetched",
            "an answer that has no `keys`",
        ),
        (large, "jwks_invalid:fetched", "larger than 256 KiB"),
        (
            Behaviour::Redirect("http://127.0.0.1:1/".to_owned()),
            "jwks_status:fetched",
            "status 302, and redirects are not followed",
        ),
        (
            Behaviour::Slow(Duration::from_secs(20)),
            "jwks_unreachable:fetched",
            "no answer in 1 s",
        ),
    ] {
        issuer.behave(behaviour);
        let line = line(kind, "issuer", what);
        envoy.wait_log(&line, Duration::from_secs(25));
        lines.push(line);
        // Back to good, so that the next one does not wait for the end of a long pause.
        let fetched = envoy.admin().stat(&reason("jwks_fetched"));
        issuer.behave(Behaviour::Well);
        let again = |count| count > fetched;
        envoy
            .admin()
            .wait_stat(&reason("jwks_fetched"), again, Duration::from_secs(25));
    }
    lines.push(line("jwks_unreachable:fetched", "issuer", "no connection"));
    issuer.stop();
    envoy.wait_log(&lines[lines.len() - 1], SOON);
    // It goes on failing, and each has been told once by all VMs together.
    let failures = reason("jwks_failures");
    envoy
        .admin()
        .wait_stat(&failures, |failures| failures >= 4, SOON);
    let log = envoy.log();
    for line in lines {
        assert_eq!(log.matches(&line).count(), 1, "{line}\n{log}");
    }
    assert!(!log.contains("s3cret"), "{log}");
}
