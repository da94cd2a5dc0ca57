//! Tokens that a scenario sends: minted before it runs, because wrk cannot sign.
//!
//! A scenario that says `tokens: {algorithm: RS256, count: 4000}` may write `$JWKS` for the key set
//! in a filter's configuration, and `$TOKEN` or `$FORGED` in a header's value. A request with one of
//! these becomes as many requests as there are tokens, each with its own.

use serde::Deserialize;
use serde_json::{Value, json};

use super::scenario::Scenario;
use crate::jwt::{Algorithm, Key, jwks};
use cases::{Sent, Values};

/// What is minted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// As `alg` has it.
    pub algorithm: String,
    /// How many: more than any filter remembers, if none is to be seen twice.
    pub count: usize,
}

const JWKS: &str = "$JWKS";
const TOKEN: &str = "$TOKEN";
const FORGED: &str = "$FORGED";

/// Puts keys and tokens where the scenario wants them.
///
/// # Errors
/// If there is no such algorithm.
pub fn mint(mut scenario: Scenario) -> Result<Scenario, String> {
    let Some(wanted) = scenario.tokens.take() else {
        return Ok(scenario);
    };
    let mut known = Algorithm::ALL.into_iter();
    let algorithm = known.find(|known| known.name() == wanted.algorithm);
    let algorithm = algorithm
        .ok_or_else(|| format!("`{}`: no algorithm `{}`", scenario.name, wanted.algorithm))?;
    let key = Key::new(algorithm, "bench");
    let set = jwks([&key]).to_string();
    let good: Vec<String> = (0..wanted.count).map(|n| token(&key, n)).collect();
    let forged: Vec<String> = (0..good.len())
        .map(|n| forge(&good[n], &good[(n + 1) % good.len()]))
        .collect();
    scenario.requests = spread(&scenario.requests, &good, &forged);
    for variant in &mut scenario.variants {
        if let Some(requests) = &mut variant.requests {
            *requests = spread(requests, &good, &forged);
        }
        for filter in &mut variant.http_filters {
            replace(filter, &set);
        }
    }
    Ok(scenario)
}

/// A request for each token it can have.
fn spread(requests: &[Sent], good: &[String], forged: &[String]) -> Vec<Sent> {
    let each = |one: &Sent| match (mentions(one, TOKEN), mentions(one, FORGED)) {
        (true, _) => filled(one, TOKEN, good),
        (_, true) => filled(one, FORGED, forged),
        _ => vec![one.clone()],
    };
    requests.iter().flat_map(each).collect()
}

fn token(key: &Key, number: usize) -> String {
    key.token(&json!({
        "iss": "https://issuer.example",
        "sub": format!("user-{number}"),
        "aud": "api",
        "exp": 4_102_444_800_u64,
        "iat": 1_767_225_600_u64,
        "scope": "read write",
        "realm_access": {"roles": ["user", "auditor"]},
    }))
}

/// The header and payload of one token with the signature of another.
fn forge(token: &str, other: &str) -> String {
    let (message, _) = token.rsplit_once('.').expect("three parts");
    let (_, signature) = other.rsplit_once('.').expect("three parts");
    format!("{message}.{signature}")
}

fn mentions(request: &Sent, word: &str) -> bool {
    super::scenario::headers(request).any(|(_, value)| value.contains(word))
}

fn filled(request: &Sent, word: &str, tokens: &[String]) -> Vec<Sent> {
    let with = |token: &String| {
        let mut request = request.clone();
        for values in request.headers.values_mut() {
            match values {
                Values::One(value) => *value = value.replace(word, token),
                Values::Several(values) => {
                    for value in values {
                        *value = value.replace(word, token);
                    }
                }
            }
        }
        request
    };
    tokens.iter().map(with).collect()
}

fn replace(value: &mut Value, set: &str) {
    match value {
        Value::String(text) if text == JWKS => set.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, set)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, set)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::scenario::{headers, parse};

    const SCENARIO: &str = r#"
- name: tokens
  description: three of them
  tokens: {algorithm: EdDSA, count: 3}
  requests: [{headers: {authorization: "Bearer $TOKEN"}}]
  variants:
  - {name: ours, http_filters: [{wasm: x, configuration: {jwks: $JWKS}}]}
  - {name: forged, requests: [{headers: {authorization: "Bearer $FORGED"}}], http_filters: []}
"#;

    #[test]
    fn each_token_is_a_request() {
        let scenario = mint(parse(SCENARIO).unwrap().remove(0)).unwrap();
        let sent = |requests: &[Sent]| -> Vec<String> {
            let all = requests.iter().flat_map(headers);
            all.map(|(_, value)| value.to_owned()).collect()
        };
        let good = sent(&scenario.requests);
        assert_eq!(good.len(), 3);
        assert!(good.iter().all(|value| value.starts_with("Bearer eyJ")));
        assert_ne!(good[0], good[1]);
        let forged = sent(
            scenario
                .variant("forged")
                .unwrap()
                .requests
                .as_ref()
                .unwrap(),
        );
        assert_eq!(forged.len(), 3);
        assert!(forged.iter().all(|value| !good.contains(value)));
        let ours = &scenario.variant("ours").unwrap().http_filters[0];
        let keys = ours["configuration"]["jwks"].as_str().unwrap();
        assert!(keys.starts_with(r#"{"keys":["#), "{keys}");
        let wrong = SCENARIO.replace("EdDSA", "none");
        assert!(mint(parse(&wrong).unwrap().remove(0)).is_err());
    }
}
