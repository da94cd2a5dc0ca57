//! Keys of issuers that are given, so that none is fetched.

use serde_json::{Map, Value};

/// A JWKS, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The issuer; every one without keys of its own where none is named.
    pub issuer: Option<String>,
    /// The JWKS, as JSON.
    pub jwks: String,
}

/// What says where keys are fetched, and how.
const REMOTE: [&str; 4] = ["jwksUri", "jwks_uri", "jwksCluster", "jwks_cluster"];

/// Puts keys in place of those that would be fetched, and tells the issuers that have none then.
pub(crate) fn put(rules: &mut Value, keys: &[Keys]) -> Vec<String> {
    let mut without = Vec::new();
    let rules = rules.as_array_mut().into_iter().flatten();
    for rule in rules.filter_map(Value::as_object_mut) {
        let issuer = rule
            .get("issuer")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let of_issuer = keys
            .iter()
            .find(|keys| keys.issuer.as_deref() == Some(&issuer));
        let has_own = rule.get("jwks").is_some_and(|jwks| !jwks.is_null());
        let of_all = || {
            keys.iter()
                .find(|keys| keys.issuer.is_none())
                .filter(|_| !has_own)
        };
        match of_issuer.or_else(of_all) {
            Some(keys) => replace(rule, &keys.jwks),
            None if has_own => {}
            None => without.push(issuer),
        }
    }
    without
}

fn replace(rule: &mut Map<String, Value>, jwks: &str) {
    for field in REMOTE {
        rule.remove(field);
    }
    rule.insert("jwks".to_owned(), jwks.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn given_keys_take_the_place_of_those_that_would_be_fetched() {
        let keys = |issuer: Option<&str>, jwks: &str| Keys {
            issuer: issuer.map(str::to_owned),
            jwks: jwks.to_owned(),
        };
        let rules = json!([
            {"issuer": "a", "jwksUri": "https://a/"}, {"issuer": "b", "jwks": "own"}, {"issuer": "c"},
        ]);
        let mut seen = rules.clone();
        assert_eq!(put(&mut seen, &[keys(Some("a"), "1")]), ["c"]);
        assert_eq!(
            seen,
            json!([{"issuer": "a", "jwks": "1"}, {"issuer": "b", "jwks": "own"}, {"issuer": "c"}])
        );
        let mut seen = rules.clone();
        assert_eq!(
            put(&mut seen, &[keys(None, "2"), keys(Some("b"), "3")]),
            [""; 0]
        );
        let expected = json!([{"issuer": "a", "jwks": "2"}, {"issuer": "b", "jwks": "3"}, {"issuer": "c", "jwks": "2"}]);
        assert_eq!(seen, expected);
        assert_eq!(put(&mut rules.clone(), &[]), ["a", "c"]);
    }
}
