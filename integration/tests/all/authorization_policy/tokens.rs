//! Tokens, and Envoy's own filter that verifies them as istiod sets it up.

use integration::rbac::CLAIMS;
use ring::hmac;
use serde_json::{Value, json};

const SECRET: &[u8] = b"a shared secret for tests only..";

/// A token with this payload, for the `authorization` header.
pub(crate) fn bearer(payload: &Value) -> String {
    let header = json!({"alg": "HS256", "kid": "test"}).to_string();
    let signed = [header.as_bytes(), payload.to_string().as_bytes()]
        .map(base64url)
        .join(".");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("Bearer {signed}.{}", base64url(signature.as_ref()))
}

/// The fields of `envoy.filters.http.jwt_authn`: any issuer, and none needed.
pub(crate) fn authentication() -> Value {
    let keys =
        json!({"keys": [{"kty": "oct", "alg": "HS256", "kid": "test", "k": base64url(SECRET)}]});
    json!({
        "providers": {"any": {
            "local_jwks": {"inline_string": keys.to_string()},
            "payload_in_metadata": CLAIMS.1,
            "normalize_payload_in_metadata": {"space_delimited_claims": ["scope", "permission"]},
            "forward": true,
        }},
        "rules": [{"match": {"prefix": "/"}, "requires": {"requires_any": {"requirements": [
            {"provider_name": "any"}, {"allow_missing": {}},
        ]}}}],
    })
}

fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0u32, |word, byte| word << 8 | u32::from(*byte));
        let word = word << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(
                ALPHABET[(word >> (18 - 6 * place)) as usize & 63],
            ));
        }
    }
    text
}
