//! Keys that come from an issuer over the network, and an issuer that fails: what it takes an Envoy to see.

use std::time::{Duration, Instant};

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::jwt::{Algorithm, Behaviour, Issuer, Key, jwks};
use integration::listener::{bootstrap, cluster};
use integration::service::wait;
use integration::upstream::{Answer, Upstream};
use serde_json::{Value, json};

use crate::request_authentication::load::Load;
use crate::request_authentication::{FILTER, SOON, native, ours};

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

/// Waits for the issuer to be asked again.
#[track_caller]
fn next_fetch(issuer: &Issuer) -> Instant {
    let before = Instant::now();
    let later = || issuer.fetches().into_iter().find(|at| *at > before);
    wait::until(Duration::from_secs(20), later).expect("a fetch")
}

/// One rotation as Envoy lives it: beside other traffic, in VMs of several threads. What takes longer is
/// in `rotation`, by a clock of its own.
#[test]
fn a_rotation_under_load() {
    let (old, new) = (key("old"), key("new"));
    let (a, b) = (token(&old), token(&new));
    let issuer = Issuer::start([&old]);
    let envoy = envoy(&issuer, json!({}));
    let load = Load::new(envoy.addr("ours"));
    let start = Instant::now();
    load.during(4, || {
        load.tokens(&[("old", &a)]);
        next_fetch(&issuer);
        load.wait_sent("old", start);
        load.accepted("old", start, Instant::now());

        issuer.rotate([&new]);
        load.tokens(&[("old", &a), ("new", &b)]);
        let seen = next_fetch(&issuer) + GRACE;
        wait::until(SOON, || {
            (Instant::now() > seen + Duration::from_millis(500)).then_some(())
        });
        load.wait_sent("new", seen);
        load.wait_sent("old", seen);
        load.accepted("new", seen, Instant::now());
        let withdrawn = load.between("old", seen, Instant::now());
        for sample in withdrawn {
            let expected = "Jwks doesn't have key to match kid or alg from Jwt";
            assert_eq!((sample.status, sample.body.as_str()), (401, expected));
        }
        // One fetch an interval, whatever the number of VMs.
        let (fetches, lasted) = (issuer.fetches().len(), start.elapsed().as_secs());
        assert!(
            fetches as u64 <= lasted + 3,
            "{fetches} fetches in {lasted} intervals"
        );
    });
    assert!(!envoy.log().contains("panicked at"));
}

/// Whoever makes up key names does not keep others waiting.
#[test]
fn a_flood_of_unknown_keys_holds_nobody_up() {
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
        let answers = Client::http1(envoy.addr("ours")).burst(500, 8, |n| {
            Request::get("/").header("authorization", format!("Bearer {}", forged(n)))
        });
        assert!(answers.iter().all(|answer| answer.status == 401));
        load.wait_sent("good", start);
    });
    load.accepted("good", start, Instant::now());
    let slowest = load.between("good", start, Instant::now());
    let slowest = slowest.iter().map(|sample| sample.elapsed).max().unwrap();
    assert!(slowest < Duration::from_millis(1_500), "{slowest:?}");
    let fetches = issuer.fetches().len();
    assert!(fetches <= 3, "{fetches} fetches");
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
    let well = || Behaviour::Well;
    let body = |text: &str| Behaviour::Body(text.as_bytes().to_vec());
    let elsewhere = Behaviour::Redirect("http://127.0.0.1:1/".to_owned());
    let slow = Behaviour::Slow(Duration::from_secs(20));
    // Each has a rule and an issuer of its own, so that all of them fail at the same time.
    let troubles = [
        ("unknown", well(), "jwks_unreachable", "no such cluster"),
        ("stopped", well(), "jwks_unreachable", "no connection"),
        (
            "broken",
            Behaviour::Status(500),
            "jwks_status",
            "status 500",
        ),
        (
            "html",
            body("<!doctype html>"),
            "jwks_invalid",
            "an answer that is HTML or XML, not JSON",
        ),
        (
            "empty",
            body("{}"),
            "jwks_invalid",
            "an answer that has no `keys`",
        ),
        (
            "large",
            body(&" ".repeat(300 << 10)),
            "jwks_invalid",
            "larger than 256 KiB",
        ),
        (
            "moved",
            elsewhere,
            "jwks_status",
            "status 302, and redirects are not followed",
        ),
        ("slow", slow, "jwks_unreachable", "no answer in 1 s"),
    ];
    let (mut all, mut clusters, mut issuers, mut lines) = (vec![], vec![], vec![], vec![]);
    for (name, behaviour, kind, what) in &troubles {
        let mut issuer = Issuer::start([&key]);
        issuer.behave(behaviour.clone());
        if *name == "stopped" {
            issuer.stop();
        }
        if *name != "unknown" {
            clusters.push(issuer.cluster(name));
        }
        let url = issuer.jwks_uri();
        lines.push(format!(
            "{FILTER}: {kind}:{name}: {url} through cluster `{name}`: {what}"
        ));
        let secret = format!("{url}?key=s3cret");
        let fields = json!({"name": name, "jwksCluster": name, "timeout": "1s", "jwksUri": secret});
        all.push(rules(&issuer, fields)[0].take());
        issuers.push(issuer);
    }
    let envoy = Envoy::builder(bootstrap([ours(&json!(all))], clusters))
        .workers(2)
        .start();
    for line in &lines {
        envoy.wait_log(line, SOON);
    }
    // They go on failing, and each has been told once by all VMs together.
    for (name, ..) in &troubles {
        let failures = format!("wasmcustom.mesh_filters.{FILTER}.jwks_failures[policy={name}]");
        envoy
            .admin()
            .wait_stat(&failures, |failures| failures >= 4, SOON);
    }
    let log = envoy.log();
    for line in lines {
        assert_eq!(log.matches(&line).count(), 1, "{line}\n{log}");
    }
    assert!(!log.contains("s3cret"), "{log}");
}
