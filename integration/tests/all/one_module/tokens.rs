//! The issuers that configurations trust, and tokens of theirs and of others.

use std::sync::LazyLock;

use integration::jwt::{Algorithm, Issuer, Key, base64url, decode_base64url, jwks};
use serde_json::{Value, json};

/// Issuers, in the order in which istiod tries them. A slash in neither, so that a principal is read
/// in one way.
pub(crate) const A: &str = "a@example";
pub(crate) const B: &str = "b@example";

/// The cluster by which B publishes its keys.
pub(crate) const ISSUER: &str = "issuer";

static KEYS: LazyLock<[Key; 3]> = LazyLock::new(|| {
    [
        Key::new(Algorithm::Rs256, "one-module-a"),
        Key::new(Algorithm::Es256, "one-module-b"),
        Key::new(Algorithm::Es256, "one-module-attacker"),
    ]
});

/// The keys of an issuer, as a configuration has them.
pub(crate) fn keys_of(issuer: &str) -> String {
    let [a, b, _] = &*KEYS;
    jwks([if issuer == A { a } else { b }]).to_string()
}

/// B, publishing its keys.
pub(crate) fn issuer() -> Issuer {
    Issuer::start([&KEYS[1]])
}

fn claims(issuer: &str, fields: &Value) -> Value {
    let mut claims = json!({"iss": issuer, "sub": "jason", "aud": "api", "exp": 4_102_444_800_u64});
    for (name, value) in fields.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

/// A good token of A or B with these claims.
pub(crate) fn signed(issuer: &str, fields: &Value) -> String {
    let [a, b, _] = &*KEYS;
    let key = if issuer == A { a } else { b };
    key.token(&claims(issuer, fields))
}

/// One token for every reason to take it or not.
pub(crate) static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let [a, b, attacker] = &*KEYS;
    let with = |issuer: &str, fields: Value| claims(issuer, &fields);
    let mut tokens = vec![
        a.token(&with(A, json!({"plan": "gold", "groups": ["a", "b"]}))),
        a.token(&with(
            A,
            json!({"plan": "silver", "groups": ["b"], "scope": "read write"}),
        )),
        a.token(&with(A, json!({"sub": "ann", "plan": "gold"}))),
        a.token(&with(
            A,
            json!({"sub": "ann", "plan": ["gold", "x"], "groups": []}),
        )),
        a.token(&with(A, json!({"sub": "é", "plan": "a\"b]"}))),
        a.token(&with(A, json!({"sub": 7, "plan": "line\nbreak"}))),
        b.token(&with(B, json!({"sub": "bob", "plan": "silver"}))),
        b.token(&with(B, json!({"sub": "jason", "aud": ["api", "web"]}))),
        a.token(&with(A, json!({"aud": "other"}))),
        a.token(&with(A, json!({"exp": 1_000}))),
        a.token(&with(A, json!({"nbf": 4_102_444_000_u64}))),
        a.token(&with("nobody", json!({}))),
        b.token(&with(A, json!({}))),
        attacker.token(&with(B, json!({}))),
        "a.b.c".to_owned(),
    ];
    // The right name, and not the key; and a signature cut short.
    let gold = with(A, json!({"plan": "gold"}));
    let forged = Key::new(Algorithm::Es256, a.kid());
    tokens.push(forged.token_of(a.header().to_string(), gold.to_string()));
    let cut = a.token(&gold);
    let (message, signature) = cut.rsplit_once('.').unwrap();
    let signature = &decode_base64url(signature)[..200];
    tokens.push(format!("{message}.{}", base64url(signature)));
    tokens
});

/// A token that some configurations' login puts in.
pub(crate) fn of_login() -> &'static str {
    &TOKENS[1]
}
