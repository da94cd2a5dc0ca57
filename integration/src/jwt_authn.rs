//! Istio's `jwtRules` as Envoy's own `jwt_authn`, the way istiod translates them
//! (`pilot/pkg/security/authn/policy_applier.go`).
//!
//! It knows nothing of our filter, so that the two can be held against each other.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::listener::Listener;

/// Claims that are lists separated by spaces wherever they are text, in every rule.
const SPACE_DELIMITED: [&str; 2] = ["permission", "scope"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    #[serde(default)]
    issuer: String,
    #[serde(default)]
    audiences: Vec<String>,
    jwks: Option<String>,
    jwks_uri: Option<String>,
    /// Where the keys are fetched: ours alone, but Envoy wants to know too.
    jwks_cluster: Option<String>,
    #[serde(default)]
    from_headers: Vec<FromHeader>,
    #[serde(default)]
    from_params: Vec<String>,
    #[serde(default)]
    from_cookies: Vec<String>,
    output_payload_to_header: Option<String>,
    #[serde(default)]
    forward_original_token: bool,
    #[serde(default)]
    output_claim_to_headers: Vec<OutputClaim>,
    timeout: Option<String>,
    #[serde(default)]
    space_delimited_claims: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FromHeader {
    name: String,
    #[serde(default)]
    prefix: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputClaim {
    header: String,
    claim: String,
}

/// The filter's configuration for these rules, as a sidecar gets it. A rule with a `jwksCluster`
/// becomes one whose keys Envoy fetches itself.
#[track_caller]
pub fn translate(rules: &Value) -> Value {
    let mut rules: Vec<Rule> = match serde_json::from_value(rules.clone()) {
        Ok(rules) => rules,
        Err(error) => panic!("these are no jwtRules: {error}"),
    };
    rules.sort_by(|a, b| a.issuer.cmp(&b.issuer));
    let names: Vec<String> = (0..rules.len()).map(|i| format!("origins-{i}")).collect();
    let providers: Map<String, Value> = names
        .iter()
        .cloned()
        .zip(rules.iter().map(provider))
        .collect();
    json!({
        "providers": providers,
        "rules": [{"match": {"prefix": "/"}, "requires": requirement(&names)}],
        "bypass_cors_preflight": true,
    })
}

/// A listener with Envoy's own filter for these rules.
#[must_use]
#[track_caller]
pub fn filter(listener: Listener, rules: &Value) -> Listener {
    listener.filter(
        "envoy.filters.http.jwt_authn",
        "jwt_authn.v3.JwtAuthentication",
        translate(rules),
    )
}

fn provider(rule: &Rule) -> Value {
    let mut delimited: Vec<&str> = SPACE_DELIMITED.to_vec();
    delimited.extend(rule.space_delimited_claims.iter().map(String::as_str));
    delimited.sort_unstable();
    delimited.dedup();
    let headers: Vec<Value> = rule
        .from_headers
        .iter()
        .map(|from| json!({"name": from.name, "value_prefix": from.prefix}))
        .collect();
    let outputs: Vec<Value> = rule
        .output_claim_to_headers
        .iter()
        .map(|output| json!({"header_name": output.header, "claim_name": output.claim}))
        .collect();
    let mut provider = json!({
        "issuer": rule.issuer,
        "audiences": rule.audiences,
        "from_headers": headers,
        "from_params": rule.from_params,
        "from_cookies": rule.from_cookies,
        "forward": rule.forward_original_token,
        "claim_to_headers": outputs,
        "payload_in_metadata": "payload",
        "normalize_payload_in_metadata": {"space_delimited_claims": delimited},
    });
    if let Some(header) = &rule.output_payload_to_header {
        provider["forward_payload_header"] = json!(header);
    }
    match (&rule.jwks, &rule.jwks_uri) {
        (Some(jwks), _) => provider["local_jwks"] = json!({"inline_string": jwks}),
        (None, Some(uri)) => {
            provider["remote_jwks"] = json!({
                "http_uri": {
                    "uri": uri,
                    "cluster": rule.jwks_cluster,
                    "timeout": rule.timeout.as_deref().unwrap_or("5s"),
                },
                "cache_duration": "300s",
            });
        }
        (None, None) => panic!(
            "{}: istiod finds the keys of such a rule itself",
            rule.issuer
        ),
    }
    provider
}

/// No token is fine, and so is one that any of the rules takes.
fn requirement(names: &[String]) -> Value {
    let provider = |name: &String| json!({"provider_name": name});
    let any = |requirements: Vec<Value>| json!({"requires_any": {"requirements": requirements}});
    let missing = json!({"allow_missing": {}});
    let or_missing = |name: &String| any(vec![provider(name), missing.clone()]);
    if let [only] = names {
        return or_missing(only);
    }
    let all: Vec<Value> = names.iter().map(or_missing).collect();
    let mut alternatives: Vec<Value> = names.iter().map(provider).collect();
    alternatives.push(json!({"requires_all": {"requirements": all}}));
    any(alternatives)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = r#"{"keys":[]}"#;

    #[test]
    fn one_rule_is_that_rule_or_no_token() {
        let config = translate(
            &json!([{"issuer": "a", "jwks": KEYS, "spaceDelimitedClaims": ["roles", "scope"]}]),
        );
        assert_eq!(
            config["rules"][0]["requires"],
            json!({"requires_any": {"requirements": [{"provider_name": "origins-0"}, {"allow_missing": {}}]}})
        );
        let provider = &config["providers"]["origins-0"];
        assert_eq!(provider["forward"], false);
        assert_eq!(
            provider["normalize_payload_in_metadata"]["space_delimited_claims"],
            json!(["permission", "roles", "scope"])
        );
        assert_eq!(config["bypass_cors_preflight"], true);
    }

    #[test]
    fn several_are_sorted_by_issuer_and_each_may_be_missing() {
        let config = translate(&json!([
            {"issuer": "b", "jwks": KEYS},
            {"issuer": "a", "jwksUri": "http://a.example/", "jwksCluster": "a"},
            {"issuer": "a", "jwks": "second"},
        ]));
        let providers = &config["providers"];
        assert_eq!(
            providers["origins-0"]["remote_jwks"]["http_uri"]["cluster"],
            "a"
        );
        assert_eq!(
            providers["origins-1"]["local_jwks"]["inline_string"],
            "second"
        );
        assert_eq!(providers["origins-2"]["issuer"], "b");
        let alternatives = &config["rules"][0]["requires"]["requires_any"]["requirements"];
        assert_eq!(alternatives.as_array().map(Vec::len), Some(4));
        let all = &alternatives[3]["requires_all"]["requirements"];
        assert_eq!(
            all[1],
            json!({"requires_any": {"requirements": [{"provider_name": "origins-1"}, {"allow_missing": {}}]}})
        );
    }
}
