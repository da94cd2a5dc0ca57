//! Forged signatures as data, for tests that have no business with private keys.

use serde_json::{Value, json};

use super::{Algorithm, Key, attacks, base64url, signatures};

/// A key of each algorithm, a message, every signature of it there is, and whether it is good; and
/// tokens of attackers.
pub fn vectors() -> Value {
    let group = |algorithm: Algorithm| {
        let key = Key::new(algorithm, "vectors");
        let claims = json!({"iss": "issuer", "sub": "subject"});
        let token = key.token(&claims);
        let (message, _) = token.rsplit_once('.').expect("three parts");
        let signatures = signatures(&key, message.as_bytes());
        let signatures: Vec<Value> = signatures
            .into_iter()
            .map(|one| json!({"name": one.name, "bytes": base64url(one.bytes), "good": one.good}))
            .collect();
        let tokens: Vec<Value> = attacks(&key, &claims)
            .into_iter()
            .map(|one| json!({"name": one.name, "token": one.token}))
            .collect();
        json!({"jwk": key.jwk(), "message": message, "signatures": signatures, "tokens": tokens})
    };
    Value::from(Algorithm::ALL.map(group).to_vec())
}
