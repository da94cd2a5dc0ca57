//! The rules that Envoy's filter and ours are compared by, and the keys they trust.

use integration::jwt::{Algorithm, Key, jwks};
use serde_json::{Value, json};

/// Issuers, in the order in which istiod tries them.
pub(crate) const A: &str = "https://a.example/";
pub(crate) const B: &str = "b@example";
pub(crate) const C: &str = "c";

/// Where a token may be put so that some rule looks there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// A header, and what stands before the token.
    Header(&'static str, &'static str),
    Param(&'static str),
    Cookie(&'static str),
}

/// Rules, and where requests to them should have tokens.
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) rules: Value,
    pub(crate) places: Vec<Place>,
}

impl Setup {
    /// Those that its rules are for.
    pub(crate) fn issuers(&self) -> Vec<&'static str> {
        let text = self.rules.to_string();
        let named = |issuer: &&str| text.contains(&format!("\"issuer\":\"{issuer}\""));
        [A, B, C].into_iter().filter(named).collect()
    }
}

const DEFAULT: [Place; 2] = [
    Place::Header("authorization", "Bearer "),
    Place::Param("access_token"),
];

/// A key of an issuer for each algorithm.
pub(crate) fn key(issuer: &str, algorithm: Algorithm) -> Key {
    // One pair of primes for all of an issuer's RSA keys would do for no real issuer.
    let kid = match algorithm.name().split_at(1).0 {
        "R" | "P" => format!("{issuer}-rsa"),
        _ => format!("{issuer}-{}", algorithm.name()),
    };
    Key::new(algorithm, &kid)
}

/// All keys of an issuer. RSA keys are published once and say no algorithm.
pub(crate) fn all_keys(issuer: &str) -> Value {
    let others = Algorithm::ALL
        .into_iter()
        .filter(|algorithm| !algorithm.name().starts_with(['R', 'P']));
    let keys: Vec<Key> = others.map(|algorithm| key(issuer, algorithm)).collect();
    let mut set = jwks(&keys);
    let rsa = key(issuer, Algorithm::Rs256);
    let mut jwk = rsa.material();
    jwk["kid"] = json!(rsa.kid());
    set["keys"].as_array_mut().unwrap().push(jwk);
    set
}

/// All keys of an issuer, named and bound to nothing.
fn bare_keys(issuer: &str) -> Value {
    let keys = Algorithm::ALL
        .into_iter()
        .filter(|algorithm| !matches!(algorithm, Algorithm::EdDsa))
        .map(|algorithm| key(issuer, algorithm).material());
    json!({"keys": keys.collect::<Vec<_>>()})
}

/// A good set with keys in it that are none.
fn littered_keys(issuer: &str) -> Value {
    let mut set = all_keys(issuer);
    let keys = set["keys"].as_array_mut().unwrap();
    keys.insert(
        0,
        json!({"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"}),
    );
    keys.insert(
        0,
        json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
    );
    keys.insert(0, json!({"kty": "OKP", "crv": "X25519", "x": "AA"}));
    keys.insert(0, json!({"kty": "unknown"}));
    keys.insert(0, json!({}));
    // An encryption key of the same name, and members that mean nothing here.
    let mut encryption = Key::new(Algorithm::Rs256, "encryption").material();
    encryption["kid"] = json!(key(issuer, Algorithm::Rs256).kid());
    encryption["use"] = json!("enc");
    encryption["x5t"] = json!("AA");
    keys.insert(0, encryption);
    set["also"] = json!({"there": ["is", "more"]});
    set
}

/// All of them.
pub(crate) fn setups() -> Vec<Setup> {
    let rule = |issuer: &str, fields: Value| {
        let mut rule = fields;
        rule["issuer"] = json!(issuer);
        if rule.get("jwks").is_none() {
            rule["jwks"] = json!(all_keys(issuer).to_string());
        }
        rule
    };
    let setup = |name, rules: Vec<Value>, places: &[Place]| Setup {
        name,
        rules: Value::from(rules),
        places: places.to_vec(),
    };
    use Place::{Cookie, Header, Param};
    vec![
        setup("plain", vec![rule(A, json!({}))], &DEFAULT),
        setup(
            "forwarded",
            vec![rule(
                A,
                json!({
                    "forwardOriginalToken": true,
                    "audiences": ["api", "https://other.example/"],
                    "outputPayloadToHeader": "X-Payload",
                    "outputClaimToHeaders": outputs(),
                    "spaceDelimitedClaims": ["roles"],
                }),
            )],
            &DEFAULT,
        ),
        setup(
            "places",
            vec![rule(
                A,
                json!({
                    "fromHeaders": [
                        {"name": "X-Jwt", "prefix": ""},
                        {"name": "x-auth", "prefix": "Token "},
                        {"name": "x-auth", "prefix": "Bearer"},
                        {"name": "authorization", "prefix": "JWT-"},
                    ],
                    "fromParams": ["tok", "another"],
                    "fromCookies": ["sess", "b"],
                    "outputPayloadToHeader": "x-payload",
                    "outputClaimToHeaders": outputs(),
                }),
            )],
            &[
                Header("x-jwt", ""),
                Header("x-auth", "Token "),
                Header("x-auth", "Bearer"),
                Header("authorization", "JWT-"),
                Param("tok"),
                Param("another"),
                Cookie("sess"),
                Cookie("b"),
            ],
        ),
        setup(
            "cookies only",
            vec![rule(
                A,
                json!({"fromCookies": ["sess"], "outputPayloadToHeader": "x-payload"}),
            )],
            &[Cookie("sess"), DEFAULT[0], DEFAULT[1]],
        ),
        setup(
            "two issuers",
            vec![
                rule(
                    B,
                    json!({"outputPayloadToHeader": "x-b", "audiences": ["api"]}),
                ),
                rule(
                    A,
                    json!({"outputPayloadToHeader": "x-a", "forwardOriginalToken": true}),
                ),
            ],
            &DEFAULT,
        ),
        setup(
            "one issuer twice",
            vec![
                rule(
                    A,
                    json!({"jwks": jwks(&[key(B, Algorithm::Es256)]).to_string(), "outputPayloadToHeader": "x-first"}),
                ),
                rule(
                    A,
                    json!({"audiences": ["api"], "outputPayloadToHeader": "x-second"}),
                ),
                rule(
                    A,
                    json!({"audiences": ["x"], "outputPayloadToHeader": "x-third"}),
                ),
            ],
            &DEFAULT,
        ),
        setup(
            "places of their own",
            vec![
                rule(
                    C,
                    json!({"fromParams": ["c"], "outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}]}),
                ),
                rule(
                    A,
                    json!({"fromHeaders": [{"name": "x-a-token"}], "outputClaimToHeaders": [{"header": "x-sub", "claim": "sub"}]}),
                ),
                rule(
                    B,
                    json!({"fromHeaders": [{"name": "x-b-token"}], "forwardOriginalToken": true, "outputPayloadToHeader": "x-b"}),
                ),
            ],
            &[Header("x-a-token", ""), Header("x-b-token", ""), Param("c")],
        ),
        setup(
            "bare keys",
            vec![rule(A, json!({"jwks": bare_keys(A).to_string()}))],
            &DEFAULT,
        ),
        setup(
            "littered keys",
            vec![rule(A, json!({"jwks": littered_keys(A).to_string()}))],
            &DEFAULT,
        ),
    ]
}

fn outputs() -> Value {
    let output = |(header, claim): (&str, &str)| json!({"header": header, "claim": claim});
    let outputs = [
        ("X-Sub", "sub"),
        ("x-iss", "iss"),
        ("x-exp", "exp"),
        ("x-groups", "groups"),
        ("x-nested", "nested.a.b"),
        ("x-object", "nested"),
        ("x-some", "some"),
        ("x-roles", "roles"),
        ("x-none", "none.at.all"),
    ];
    Value::from(outputs.map(output).to_vec())
}
