//! Keys that come from an issuer over the network, and an issuer that fails, by a clock of the test's
//! own. A second here is a minute of production: keys are fetched every second, and the outage lasts ten.

use std::time::Duration;

use integration::jwt::{Algorithm, Behaviour, Key, jwks};
use serde_json::{Value, json};

use crate::request_authentication::SOON;
use crate::request_authentication::proxy::Proxy;

const ISSUER: &str = "https://issuer.example";
const WORKERS: usize = 2;
/// In all that follows a worker may take this long to see what another one fetched.
const GRACE: Duration = Duration::from_millis(1_200);
const SECOND: Duration = Duration::from_secs(1);

fn key(kid: &str) -> Key {
    Key::new(Algorithm::Es256, kid)
}

fn token(key: &Key) -> String {
    key.token(&json!({"iss": ISSUER, "sub": "jason", "exp": 4_102_444_800_u64}))
}

/// A proxy with a rule that fetches its keys, with these fields besides.
fn proxy<'a>(fields: &Value, keys: impl IntoIterator<Item = &'a Key>) -> Proxy {
    let mut rule = json!({
        "name": "fetched",
        "issuer": ISSUER,
        "jwksUri": "https://issuer.example/jwks.json",
        "jwksCluster": "issuer",
        "timeout": "2s",
        "cacheDuration": "1s",
        "maxStale": "1h",
    });
    for (name, value) in fields.as_object().unwrap() {
        rule[name] = value.clone();
    }
    Proxy::new(WORKERS, &json!([rule]), keys)
}

/// The drill: keys rotate, the issuer is gone for ten intervals, and comes back with other keys.
#[test]
fn keys_rotate_and_the_issuer_fails_under_load() {
    let (first, second, third) = (key("first"), key("second"), key("third"));
    let (a, b, c) = (token(&first), token(&second), token(&third));
    let mut proxy = proxy(&json!({}), [&first]);
    // One fetch an interval, whatever the number of VMs: here the main thread's and two workers'.
    proxy.load(&[("first", &a)]);
    proxy.run(5 * SECOND);
    let fetches = proxy.fetches().len();
    assert!(
        (3..=7).contains(&fetches),
        "{fetches} fetches in 5 intervals"
    );

    // A key is added, and used at once.
    proxy.publish([&first, &second]);
    proxy.load(&[("first", &a), ("second", &b)]);
    let seen = proxy.next_fetch() + GRACE;
    proxy.run(3 * SECOND);
    proxy.accepted("first", Duration::ZERO, proxy.now());
    proxy.accepted("second", seen, proxy.now());

    // One is withdrawn: its tokens are refused, though they were verified a moment ago.
    proxy.publish([&second]);
    let seen = proxy.next_fetch() + GRACE;
    proxy.run(3 * SECOND);
    let withdrawn = proxy.between("first", seen, proxy.now());
    assert!(withdrawn.len() > 5);
    for sample in withdrawn {
        let expected = "Jwks doesn't have key to match kid or alg from Jwt";
        assert_eq!((sample.status, sample.body.as_str()), (401, expected));
    }

    // Ten intervals without an issuer.
    proxy.load(&[("second", &b)]);
    proxy.gone(true);
    let stopped = proxy.now();
    proxy.run(10 * SECOND);
    proxy.accepted("second", stopped, proxy.now());
    assert!(proxy.stat("jwks_unreachable") >= 2);
    assert!(proxy.stat("jwks_age_seconds") >= 8);
    assert!(proxy.stat("jwks_failures") >= 2);

    // It comes back with another key, and nobody has to do anything.
    proxy.publish([&second, &third]);
    proxy.gone(false);
    proxy.load(&[("second", &b), ("third", &c)]);
    let seen = proxy.next_fetch() + GRACE;
    proxy.run(GRACE + 2 * SECOND);
    proxy.accepted("second", stopped, proxy.now());
    proxy.accepted("third", seen, proxy.now());
    proxy.until(SOON, |proxy| proxy.stat("jwks_failures") == 0);
    proxy.assert_well();
}

/// Whoever makes up key names cannot make us ask the issuer for each, nor keep others waiting.
#[test]
fn a_flood_of_unknown_keys_is_throttled() {
    let known = key("known");
    let mut proxy = proxy(&json!({"cacheDuration": "1h"}), [&known]);
    let good = token(&known);
    assert_eq!(proxy.ask(&good).status, 200);
    let forged = |n: usize| {
        let attacker = Key::new(Algorithm::Hs256, &format!("made up {n}"));
        let claims = json!({"iss": ISSUER, "exp": 4_102_444_800_u64});
        attacker.token_of(
            json!({"alg": "ES256", "kid": attacker.kid()}).to_string(),
            claims.to_string(),
        )
    };
    let start = proxy.now();
    proxy.load(&[("good", &good)]);
    let mut sent = 0;
    while proxy.now() < start + 14 * SECOND {
        proxy.send("forged", &forged(sent));
        sent += 1;
        proxy.run(Duration::from_millis(10));
    }
    proxy.run(GRACE);
    println!("{sent} made-up names, {} fetches", proxy.fetches().len());
    let answers = proxy.between("forged", start, proxy.now());
    assert!(sent > 400 && answers.len() == sent, "{}", answers.len());
    assert!(answers.iter().all(|answer| answer.status == 401));
    proxy.accepted("good", start, proxy.now());
    let slowest = proxy.between("good", start, proxy.now());
    let slowest = slowest.iter().map(|sample| sample.elapsed).max().unwrap();
    assert!(slowest < Duration::from_millis(1_500), "{slowest:?}");
    // The first one, and one more after ten seconds.
    let fetches = proxy.fetches().len();
    assert!((2..=3).contains(&fetches), "{fetches} fetches");
    proxy.assert_well();
}

/// Whoever has a token of an issuer without keys cannot make us ask it for each, and need not wait.
#[test]
fn a_flood_of_tokens_asks_a_withdrawn_issuer_every_ten_seconds() {
    let signer = key("one");
    let good = token(&signer);
    let mut proxy = proxy(&json!({"cacheDuration": "1h"}), []);
    proxy.until(SOON, |proxy| proxy.stat("jwks_empty") > 0);
    // Nobody waits: neither for the issuer, nor for the next time it is asked.
    for _ in 0..24 {
        let answer = proxy.ask(&good);
        let refused = (401, "Jwks remote fetch is failed");
        assert_eq!((answer.status, answer.body.as_str()), refused);
        assert!(answer.elapsed < SECOND, "{:?}", answer.elapsed);
    }
    // And keys that come are there within seconds, though they are not due for an hour.
    proxy.publish([&signer]);
    let back = proxy.now();
    while (0..WORKERS).any(|_| proxy.ask(&good).status != 200) {
        assert!(proxy.now() < back + 20 * SECOND);
        proxy.run(Duration::from_millis(10));
    }
    for _ in 0..24 {
        assert_eq!(proxy.ask(&good).status, 200);
    }
    assert!(proxy.fetches().len() <= 4, "{}", proxy.fetches().len());
    proxy.assert_well();
}

/// Answers that are no keys do not replace those there are.
#[test]
fn bad_answers_leave_the_keys_there_are() {
    let key = key("kept");
    let good = token(&key);
    let mut proxy = proxy(&json!({}), [&key]);
    assert_eq!(proxy.ask(&good).status, 200);
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
        let before = proxy.stat(counter);
        proxy.behave(behaviour.clone());
        proxy.until(25 * SECOND, |proxy| proxy.stat(counter) > before);
        for _ in 0..4 {
            assert_eq!(proxy.ask(&good).status, 200, "{behaviour:?}");
        }
        // Back to good, so that the next one does not wait for the end of a long pause.
        let fetched = proxy.stat("jwks_fetched");
        proxy.behave(Behaviour::Well);
        proxy.until(25 * SECOND, |proxy| proxy.stat("jwks_fetched") > fetched);
    }
    proxy.assert_well();
}

/// Keys too old to be trusted are given up, and those of the configuration take their place.
#[test]
fn keys_are_given_up_after_max_stale() {
    let (fetched, inline) = (key("fetched"), key("inline"));
    let (a, b) = (token(&fetched), token(&inline));
    let fields = json!({
        "maxStale": "2s", "timeout": "500ms", "jwks": jwks([&inline]).to_string(),
    });
    let mut proxy = proxy(&fields, [&fetched]);
    let becomes = |proxy: &mut Proxy, status: u32| {
        let end = proxy.now() + SOON;
        while proxy.ask(&a).status != status {
            assert!(proxy.now() < end, "no {status}");
            proxy.run(Duration::from_millis(10));
        }
    };
    becomes(&mut proxy, 200);
    proxy.gone(true);
    becomes(&mut proxy, 401);
    assert_eq!(proxy.ask(&b).status, 200);
    proxy.assert_well();
}
