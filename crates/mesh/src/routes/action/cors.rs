//! Which pages of other origins may ask.

use serde_json::{Value, json};

use super::put;

/// Envoy's `CorsPolicy` of a route.
pub(super) fn cors(said: &Value) -> Value {
    let words = |name: &str| {
        let list = said.get(name).and_then(Value::as_array);
        let words: Vec<&str> = list
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        words.join(",")
    };
    let origins = said.get("allowOrigins").and_then(Value::as_array);
    let older = said.get("allowOrigin").and_then(Value::as_array);
    let origins: Vec<Value> = match origins {
        Some(origins) => origins
            .iter()
            .filter_map(|origin| {
                let text = |kind: &str| origin.get(kind).and_then(Value::as_str);
                let exact = text("exact").map(|text| json!({"exact": text}));
                let prefix = || text("prefix").map(|text| json!({"prefix": text}));
                let regex = || text("regex").map(|text| json!({"safe_regex": {"regex": text}}));
                exact.or_else(prefix).or_else(regex)
            })
            .collect(),
        None => older
            .into_iter()
            .flatten()
            .map(|origin| json!({"exact": origin}))
            .collect(),
    };
    let ignored = said.get("unmatchedPreflights").and_then(Value::as_str) == Some("IGNORE");
    let mut out = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy",
        "filter_enabled": {"default_value": {"numerator": 100}},
        "allow_origin_string_match": origins,
        "forward_not_matching_preflights": !ignored,
    });
    for (name, field) in [
        ("allow_methods", "allowMethods"),
        ("allow_headers", "allowHeaders"),
        ("expose_headers", "exposeHeaders"),
    ] {
        let words = words(field);
        if !words.is_empty() {
            put(&mut out, name, json!(words));
        }
    }
    if let Some(credentials) = said.get("allowCredentials") {
        put(&mut out, "allow_credentials", credentials.clone());
    }
    let age = said.get("maxAge").and_then(Value::as_str);
    if let Some(Ok(age)) = age.map(sdk_helpers::config::duration) {
        put(&mut out, "max_age", json!(age.as_secs().to_string()));
    }
    out
}
