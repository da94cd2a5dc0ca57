//! An issuer that takes its keys back, beside Envoy's own filter.

use integration::client::Client;
use integration::envoy::Envoy;
use integration::jwt::{Algorithm, Behaviour, Issuer, Key};
use integration::jwt_authn;
use integration::listener::{Listener, bootstrap};
use integration::service::wait;
use integration::updates;
use serde_json::{Value, json};

use crate::request_authentication::{FILTER, SOON, ours};

const ISSUER: &str = "https://issuer.example";
/// So many workers, each with a VM of its own.
const WORKERS: u32 = 3;
/// So many connections in a row that every worker has some.
const ASKED: usize = 24;
const REFUSED: &str = "Jwks remote fetch is failed";

fn key(kid: &str) -> Key {
    Key::new(Algorithm::Es256, kid)
}

fn token(key: &Key) -> String {
    key.token(&json!({"iss": ISSUER, "sub": "jason", "exp": 4_102_444_800_u64}))
}

fn rule(issuer: &Issuer, name: &str) -> Value {
    json!({
        "name": name,
        "issuer": ISSUER,
        "jwksUri": issuer.jwks_uri(),
        "jwksCluster": "issuer",
        "timeout": "2s",
        "cacheDuration": "1s",
    })
}

/// What native Envoy is told of the same rule.
fn plain(issuer: &Issuer) -> Value {
    let mut rule = rule(issuer, "");
    for ours in ["name", "cacheDuration"] {
        rule.as_object_mut().unwrap().remove(ours);
    }
    json!([rule])
}

fn stat(name: &str) -> String {
    format!("wasmcustom.mesh_filters.request-authentication.{name}[policy=fetched]")
}

/// What a token gets: status, body, challenge.
fn ask(envoy: &Envoy, listener: &str, token: &str) -> (u16, String, Option<String>) {
    let bearer = format!("Bearer {token}");
    let call = Client::http1(envoy.addr(listener)).get("/");
    let answer = call
        .authority("app.example")
        .header("authorization", bearer)
        .send();
    let challenge = answer.header("www-authenticate").map(str::to_owned);
    (answer.status, answer.text(), challenge)
}

/// Whether a token gets this status on connection after connection, so that every worker says so.
fn everywhere(envoy: &Envoy, token: &str, status: u16) -> bool {
    (0..ASKED).all(|_| ask(envoy, "ours", token).0 == status)
}

/// Waits until all workers say so, and then asserts that none says otherwise any more.
#[track_caller]
fn settles(envoy: &Envoy, token: &str, status: u16) {
    let settled = wait::until(SOON, || everywhere(envoy, token, status).then_some(()));
    assert!(settled.is_some(), "no {status} in {SOON:?}");
    assert!(everywhere(envoy, token, status), "{status}, and then not");
}

fn updatable(issuer: &Issuer, rules: &Value) -> Envoy {
    let clusters = json!({"clusters": [issuer.cluster("issuer")]});
    updates::builder(&[ours(rules).build()], |bootstrap| {
        bootstrap["static_resources"] = clusters;
    })
    .workers(WORKERS)
    .start()
}

/// The drill: good keys, none, failures, none still, a new configuration, and keys again.
#[test]
fn withdrawn_keys_are_refused_by_every_worker_until_there_are_others() {
    let (old, new) = (key("old"), key("new"));
    let (good, later) = (token(&old), token(&new));
    let issuer = Issuer::start([&old]);
    let envoy = updatable(&issuer, &json!([rule(&issuer, "fetched")]));
    settles(&envoy, &good, 200);

    issuer.publish(json!({"keys": []}));
    settles(&envoy, &good, 401);
    assert_eq!(ask(&envoy, "ours", &good).1, REFUSED);
    assert!(envoy.admin().stat(&stat("jwks_withdrawn")) > 0);
    assert!(envoy.admin().stat(&stat("jwks_empty")) > 0);
    let said = format!(
        "{FILTER}: jwks_empty:fetched: {} through cluster `issuer`: a key set that has no keys; \
         tokens are refused until it has one",
        issuer.jwks_uri()
    );
    envoy.wait_log(&said, SOON);
    let admin = envoy.admin();
    admin.wait_stat(&stat("jwks_keys"), |keys| keys == 0, SOON);
    // The age is that of keys, and there are none.
    admin.wait_stat(&stat("jwks_age_seconds"), |age| age >= 3, SOON);

    // No answer that is no key set brings back what was withdrawn.
    for behaviour in [Behaviour::Status(500), Behaviour::Body(b"{}".to_vec())] {
        let before = admin.stat(&stat("jwks_failures"));
        issuer.behave(behaviour);
        admin.wait_stat(&stat("jwks_failures"), |now| now > before, SOON);
        assert!(everywhere(&envoy, &good, 401));
    }

    // Nor does a new configuration, whose VMs are new, with keys of its own besides.
    let fetched = issuer.fetches().len();
    let mut renewed = rule(&issuer, "fetched");
    renewed["jwks"] = json!(integration::jwt::jwks([&old]).to_string());
    renewed["cacheDuration"] = json!("2s");
    updates::update(&envoy, &[ours(&json!([renewed])).build()]);
    admin.wait_stat("listener_manager.lds.update_success", |n| n == 2, SOON);
    settles(&envoy, &good, 401);
    println!("{} fetches meanwhile", issuer.fetches().len() - fetched);

    // A set with keys ends it, whichever they are.
    issuer.rotate([&old, &new]);
    issuer.behave(Behaviour::Well);
    settles(&envoy, &good, 200);
    settles(&envoy, &later, 200);
    admin.wait_stat(&stat("jwks_keys"), |keys| keys == 2, SOON);

    // And of two keys, one may go.
    issuer.rotate([&new]);
    settles(&envoy, &good, 401);
    settles(&envoy, &later, 200);
    let log = envoy.log();
    assert!(!log.contains("panicked at"));
    assert_eq!(log.matches(&said).count(), 1, "told once\n{log}");
}

/// What Envoy's own filter answers a token where the keys it fetches are none, ours answers too.
#[test]
fn sets_without_keys_are_answered_as_by_envoy() {
    let signer = key("one");
    let broken = json!({"kty": "RSA", "kid": "one", "n": "!", "e": "AQAB"});
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let sets = [
        json!({"keys": []}),
        json!({"keys": [broken]}),
        json!({"keys": [{"kty": "X", "kid": "one"}]}),
        json!({"keys": [{}]}),
        json!({"one": certificate}),
        json!({}),
        json!({"keys": null}),
    ];
    // Each has an issuer and listeners of its own, in one Envoy.
    let (mut listeners, mut clusters, mut issuers) = (vec![], vec![], vec![]);
    for (place, keys) in sets.iter().enumerate() {
        let issuer = Issuer::start([&signer]);
        issuer.publish(keys.clone());
        let through = format!("issuer-{place}");
        let mut mine = rule(&issuer, "fetched");
        let mut theirs = plain(&issuer);
        mine["jwksCluster"] = json!(through);
        theirs[0]["jwksCluster"] = json!(through);
        listeners.push(
            Listener::new(&format!("ours-{place}")).module(FILTER, &json!({"jwtRules": [mine]})),
        );
        let native = Listener::new(&format!("native-{place}"));
        listeners.push(jwt_authn::filter(native, &theirs));
        clusters.push(issuer.cluster(&through));
        issuers.push(issuer);
    }
    let envoy = Envoy::builder(bootstrap(listeners, clusters)).start();
    for (place, keys) in sets.iter().enumerate() {
        let theirs = ask(&envoy, &format!("native-{place}"), &token(&signer));
        let mine = ask(&envoy, &format!("ours-{place}"), &token(&signer));
        assert_eq!((theirs.0, theirs.1.as_str()), (401, REFUSED), "{keys}");
        assert_eq!(mine, theirs, "{keys}");
    }
}
