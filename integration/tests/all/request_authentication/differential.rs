//! Envoy's own `jwt_authn` and ours in one Envoy: the same request, the same answer, and the same
//! request to the upstream. What is meant to differ stands in one table, with its reason.

use std::time::{SystemTime, UNIX_EPOCH};

use integration::client::{Client, Request};
use integration::envoy::{Capability, Envoy, has};
use integration::jwt::{self, Algorithm, Key};
use integration::listener::{bootstrap, cluster};
use integration::upstream::Upstream;
use serde_json::{Value, json};

use crate::request_authentication::differences::{DIFFERENCES, Difference};
use crate::request_authentication::generated::Generator;
use crate::request_authentication::pairs::{Pair, Pairs, Verdict};
use crate::request_authentication::rules::{A, key, setups};
use crate::request_authentication::visible::Visible;

/// What the generated requests are made from. Printed, so that a failure can be repeated.
const SEED: u64 = 0x1507_2026;
/// Generated requests for each set of rules.
const REQUESTS: usize = 400;

/// Envoy strips a good token while it still looks at others, and then judges what is left of the
/// request anew. A bad token that stood beside a good one may go unseen that way, or be refused in
/// other words. Ours judges the request as it came.
fn stricter(pair: &Pair) -> bool {
    let refused = |seen: &Visible| seen.upstream.is_none() && seen.www_authenticate();
    pair.theirs != pair.ours && refused(&pair.ours)
}

/// A request, short enough to be read.
fn shown(request: &Request) -> String {
    let mut text = format!("{request:?}");
    let tokens = regex_lite::Regex::new(r"\[(\d+(, )?){16,}\]").unwrap();
    let readable = |found: &regex_lite::Captures<'_>| {
        let numbers = found[0].trim_matches(['[', ']']).split(", ");
        let bytes: Vec<u8> = numbers.filter_map(|number| number.parse().ok()).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    text = tokens.replace_all(&text, readable).into_owned();
    text.chars().take(1_500).collect()
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// The claims of a good token of issuer A.
pub(crate) fn good_claims() -> Value {
    json!({"iss": A, "sub": "jason", "aud": "api", "exp": 4_102_444_800_u64, "foo": "bar"})
}

fn bearer(token: &str) -> Request {
    Request::get("/catalogue?q=1").header("authorization", format!("Bearer {token}"))
}

/// Every broken token there is, for a key of each kind.
#[test]
fn broken_tokens() {
    let pairs = Pairs::start(setups().into_iter().take(2).collect());
    let mut verdict = Verdict::default();
    for algorithm in [
        Algorithm::Rs256,
        Algorithm::Ps384,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::EdDsa,
        Algorithm::Hs256,
    ] {
        let tokens = jwt::broken(&key(A, algorithm), &good_claims());
        let requests: Vec<Request> = tokens.iter().map(|broken| bearer(&broken.token)).collect();
        for setup in &pairs.setups {
            let answers = pairs.ask(setup, false, &requests);
            for (broken, pair) in tokens.iter().zip(&answers) {
                let what = format!("{} {} {}", setup.name, algorithm.name(), broken.name);
                verdict.compare(&what, pair, &Difference::of(&broken.name));
            }
        }
    }
    let (outcomes, met) = verdict.settle();
    println!("{outcomes:#?}");
    assert!(outcomes.len() >= 25, "{outcomes:#?}");
    for Difference { name, why, .. } in DIFFERENCES {
        assert!(met.contains_key(name), "no token shows {name}: {why}");
    }
}

/// Tokens of every algorithm at every place, several at a time, under every set of rules.
#[test]
fn generated_requests() {
    println!("seed {SEED:#x}");
    let pairs = Pairs::start(setups());
    let mut verdict = Verdict::default();
    let mut corners = 0;
    let mut forged = 0;
    for (index, setup) in pairs.setups.iter().enumerate() {
        let mut generator = Generator::new(SEED + index as u64, setup);
        for http2 in [false, true] {
            let requests: Vec<Request> = (0..REQUESTS).map(|_| generator.request()).collect();
            let mut answers = pairs.ask(setup, http2, &requests);
            for (request, pair) in requests.iter().zip(&mut answers) {
                forged += pair.theirs.forget_forged(&pair.ours);
                let what = format!("{}, http2: {http2}, {}", setup.name, shown(request));
                let several = setup.rules.as_array().is_some_and(|rules| rules.len() > 1);
                if several && stricter(pair) {
                    corners += 1;
                } else {
                    verdict.compare(&what, pair, &[]);
                }
            }
        }
    }
    let (outcomes, _) = verdict.settle();
    // Ours let none through, or they would differ; Envoy's own did, before it took them out everywhere.
    let takes_them_out = has(Capability::NoForgedClaims);
    assert_eq!(
        forged == 0,
        takes_them_out,
        "{forged} headers of claims were forged"
    );
    println!("{outcomes:#?}, and {corners} with several rules and several tokens");
    assert!(corners < REQUESTS / 10, "{corners}");
    for often in ["200", "401 Jwt is expired", "401 Jwt verification fails"] {
        assert!(
            outcomes.get(often).is_some_and(|count| *count > 100),
            "{often}: {outcomes:#?}"
        );
    }
}

/// A valid token of each algorithm, as both filters see it.
#[test]
fn every_algorithm_is_taken() {
    let pairs = Pairs::start(setups());
    for setup in pairs
        .setups
        .iter()
        .filter(|setup| setup.name.contains("keys") || setup.name == "plain")
    {
        for algorithm in Algorithm::ALL {
            if setup.name == "bare keys" && algorithm == Algorithm::EdDsa {
                continue;
            }
            let token = key(A, algorithm).token(&good_claims());
            for pair in pairs.ask(setup, false, &[bearer(&token)]) {
                assert_eq!(pair.theirs.outcome(), "200", "{} {algorithm:?}", setup.name);
                assert_eq!(pair.ours, pair.theirs, "{} {algorithm:?}", setup.name);
            }
        }
    }
}

/// A minute either way, by both clocks.
#[test]
fn clocks_may_be_a_minute_apart() {
    let pairs = Pairs::start(setups().into_iter().take(1).collect());
    let key = key(A, Algorithm::Es256);
    for (claim, offset, taken) in [
        ("exp", -50, true),
        ("exp", -70, false),
        ("nbf", 50, true),
        ("nbf", 70, false),
        ("iat", 1_000_000, true),
    ] {
        let mut claims = good_claims();
        claims[claim] = json!(now().saturating_add_signed(offset));
        let answers = pairs.ask(&pairs.setups[0], false, &[bearer(&key.token(&claims))]);
        assert_eq!(answers[0].theirs.status == 200, taken, "{claim} {offset}");
        assert_eq!(answers[0].ours, answers[0].theirs, "{claim} {offset}");
    }
}

/// A key of another name, for what cannot be in the catalogue.
#[test]
fn weak_keys_are_another_matter() {
    // Envoy takes RSA keys of 1,024 bits; ours refuses them when it is configured.
    let weak = Key::of_size(Algorithm::Rs256, "weak", 1024);
    let rules = json!([{"issuer": A, "jwks": jwt::jwks([&weak]).to_string()}]);
    let upstream = Upstream::start();
    let listener = crate::request_authentication::native(&rules).to("upstream");
    let clusters = [cluster("upstream", upstream.addr(), false)];
    let envoy = Envoy::builder(bootstrap([listener], clusters)).start();
    let good = format!("Bearer {}", weak.token(&good_claims()));
    let answer = Client::http1(envoy.addr("native"))
        .get("/")
        .header("authorization", good)
        .send();
    assert_eq!(answer.status, 200);
    let failure = Envoy::builder(bootstrap([crate::request_authentication::ours(&rules)], []))
        .try_start()
        .err()
        .unwrap();
    assert_eq!(failure.exit, Some(1));
    assert!(failure.log.contains("jwtRules[0].jwks"), "{}", failure.log);
}
