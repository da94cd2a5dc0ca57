//! Tokens whose parts are padded, beside Envoy's own filter, which always takes them.

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::jwt::{self, Algorithm, jwks};
use integration::listener::{bootstrap, cluster};
use integration::upstream::Upstream;
use serde_json::json;

use crate::request_authentication::differential::good_claims;
use crate::request_authentication::rules::{A, key};
use crate::request_authentication::visible::Visible;
use crate::request_authentication::{configured, native};

fn padded(part: &str) -> String {
    format!("{part}{}", "=".repeat(part.len().wrapping_neg() % 4))
}

#[test]
fn padded_tokens_are_taken_as_by_envoy_where_they_may_be() {
    let algorithms = [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa];
    let keys = algorithms.map(|algorithm| key(A, algorithm));
    let rule = json!({
        "issuer": A, "jwks": jwks(&keys).to_string(), "outputPayloadToHeader": "x-payload",
    });
    let mut lenient = rule.clone();
    lenient["allowPadding"] = json!(true);
    let upstream = Upstream::start();
    let listeners = [
        native(&json!([rule])).to("upstream"),
        configured(&json!({"jwtRules": [lenient]})).to("upstream"),
    ];
    let listeners = listeners.map(|listener| listener.manager("generate_request_id", json!(false)));
    let clusters = [cluster("upstream", upstream.addr(), false)];
    let envoy = Envoy::builder(bootstrap(listeners, clusters)).start();
    let ask = |listener: &str, token: &str| {
        let bearer = format!("Bearer {token}");
        let request = Request::get("/a").authority("app.example");
        let request = request.header("authorization", bearer);
        Visible::of(Client::http1(envoy.addr(listener)).try_send(request))
    };
    let mut taken = 0;
    for key in &keys {
        let good = key.token(&good_claims());
        let parts: Vec<&str> = good.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else {
            panic!("{good}");
        };
        // As AWS writes them: what is signed is what was padded.
        let signed = format!("{}.{}", padded(header), padded(payload));
        let whole = key.token_of_text(&signed);
        let (_, bare) = whole.rsplit_once('.').unwrap();
        let mut tokens = vec![
            whole.clone(),
            format!("{signed}.{}", padded(bare)),
            format!("{header}.{payload}.{}", padded(signature)),
            format!("{signed}=.{bare}"),
            format!("{signed}.{bare}="),
            format!("{signed}.{bare}==="),
            format!("{signed}.===="),
        ];
        let broken = jwt::broken(key, &good_claims());
        let named = broken
            .into_iter()
            .filter(|token| token.name.contains("padd"));
        tokens.extend(named.map(|token| token.token));
        for token in tokens {
            let (theirs, mine) = (ask("native", &token), ask("ours", &token));
            assert_eq!(mine, theirs, "{token}");
            taken += usize::from(theirs.status == 200);
        }
    }
    assert!(taken >= 9, "{taken}");
}
