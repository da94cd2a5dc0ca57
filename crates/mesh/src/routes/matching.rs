//! A route's conditions in Envoy's words.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Whose routes are written: what conditions on the client are held against.
pub(crate) struct Client<'a> {
    /// `mesh`, or the gateways, as `namespace/name`.
    pub(crate) gateways: BTreeSet<String>,
    /// Its labels.
    pub(crate) labels: &'a std::collections::BTreeMap<String, String>,
    /// Its namespace.
    pub(crate) namespace: &'a str,
}

impl Client<'_> {
    /// Whether a condition may hold for what this client sends to this port: what is known before any request comes.
    pub(crate) fn may_match(&self, condition: &Value, port: u16, own_namespace: &str) -> bool {
        let asked = condition.get("port").and_then(Value::as_u64);
        if asked.is_some_and(|asked| asked != 0 && asked != u64::from(port)) {
            return false;
        }
        let gateways = condition.get("gateways").and_then(Value::as_array);
        let mut gateways = gateways
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .peekable();
        // A route that says for which gateways it is does not ask for labels as well: so istiod has it.
        if gateways.peek().is_some() {
            return gateways.any(|name| {
                let full = crate::model::virtual_service::full_gateway(name, own_namespace);
                self.gateways.contains(&full)
            });
        }
        let labels = condition.get("sourceLabels").and_then(Value::as_object);
        let mut labels = labels.into_iter().flatten();
        let namespace = condition.get("sourceNamespace").and_then(Value::as_str);
        labels.all(|(name, value)| self.labels.get(name).map(String::as_str) == value.as_str())
            && namespace.is_none_or(|asked| asked.is_empty() || asked == self.namespace)
    }
}

/// Envoy's `RouteMatch` for a condition; without one, for every request.
pub(crate) fn route_match(condition: Option<&Value>) -> Value {
    let Some(condition) = condition else {
        return json!({"prefix": "/"});
    };
    let mut out = path(condition.get("uri"));
    let ignores_case = condition.get("ignoreUriCase").and_then(Value::as_bool);
    out.insert(
        "case_sensitive".to_owned(),
        json!(!ignores_case.unwrap_or(false)),
    );
    let mut headers = Vec::new();
    let mut claims = Vec::new();
    for (list, inverted) in [("headers", false), ("withoutHeaders", true)] {
        let fields = condition.get(list).and_then(Value::as_object);
        for (name, asked) in fields.into_iter().flatten() {
            match claim(name) {
                Some(path) => claims.push(claim_matcher(&path, asked, inverted)),
                None => headers.push(header(name, asked, inverted)),
            }
        }
    }
    headers.sort_by(|a, b| name_of(a).cmp(&name_of(b)));
    for (field, name) in [
        ("method", ":method"),
        ("authority", ":authority"),
        ("scheme", ":scheme"),
    ] {
        if let Some(asked) = condition.get(field) {
            headers.push(header(name, asked, false));
        }
    }
    let queries = condition.get("queryParams").and_then(Value::as_object);
    let queries = queries.into_iter().flatten().map(|(name, asked)| {
        let mut out = named(name);
        match text_matcher(asked) {
            Some(matcher) => out.insert("string_match".to_owned(), matcher),
            None => out.insert("present_match".to_owned(), json!(true)),
        };
        Value::Object(out)
    });
    let lists = [
        ("headers", headers),
        ("query_parameters", queries.collect()),
        ("dynamic_metadata", claims),
    ];
    for (name, list) in lists {
        if !list.is_empty() {
            out.insert(name.to_owned(), Value::Array(list));
        }
    }
    Value::Object(out)
}

/// Whether it takes every request, so that no later route is ever asked.
pub(crate) fn takes_all(route_match: &Value) -> bool {
    let has = |name: &str| route_match.get(name).is_some();
    let path = route_match.get("prefix") == Some(&json!("/"))
        || route_match.pointer("/safe_regex/regex") == Some(&json!("*"))
        || route_match.pointer("/safe_regex/regex") == Some(&json!(".*"));
    path && !has("headers") && !has("query_parameters") && !has("dynamic_metadata")
}

fn path(uri: Option<&Value>) -> Map<String, Value> {
    let text = |kind: &str| {
        let text = uri.and_then(|uri| uri.get(kind)).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    let (name, value) = match (text("exact"), text("prefix"), text("regex")) {
        (Some(exact), ..) => ("path", json!(exact)),
        (_, _, Some(regex)) => ("safe_regex", json!({"regex": regex})),
        (_, prefix, _) => ("prefix", json!(prefix.unwrap_or("/"))),
    };
    Map::from_iter([(name.to_owned(), value)])
}

fn header(name: &str, asked: &Value, inverted: bool) -> Value {
    let mut out = named(name);
    match text_matcher(asked) {
        Some(matcher) => {
            out.insert("string_match".to_owned(), matcher);
            if inverted {
                // One that is not there is not equal to anything.
                out.insert("treat_missing_header_as_empty".to_owned(), json!(true));
            }
        }
        None => {
            out.insert("present_match".to_owned(), json!(true));
        }
    }
    if inverted {
        out.insert("invert_match".to_owned(), json!(true));
    }
    Value::Object(out)
}

fn named(name: &str) -> Map<String, Value> {
    Map::from_iter([("name".to_owned(), json!(name))])
}

fn name_of(matcher: &Value) -> Option<&str> {
    matcher.get("name").and_then(Value::as_str)
}

/// Envoy's `StringMatcher`; none where it is enough that the text is there. The regular expression `*` is none, and
/// istiod takes it for "is there".
fn text_matcher(asked: &Value) -> Option<Value> {
    let text = |kind: &str| asked.get(kind).and_then(Value::as_str);
    match (text("exact"), text("prefix"), text("regex")) {
        (Some(exact), ..) => Some(json!({"exact": exact})),
        (_, Some(prefix), _) => Some(json!({"prefix": prefix})),
        (_, _, Some("*") | None) => None,
        (_, _, Some(regex)) => Some(json!({"safe_regex": {"regex": regex}})),
    }
}

/// The path of a claim that a header's name stands for: `@request.auth.claims.group.id`, or with brackets.
/// <https://istio.io/latest/docs/tasks/security/authentication/jwt-route/>
fn claim(name: &str) -> Option<Vec<String>> {
    let start = "@request.auth.claims";
    let begins = name.get(..start.len())?.eq_ignore_ascii_case(start);
    let rest = name.get(start.len()..)?;
    let parts: Vec<String> = match rest.chars().next()? {
        '.' => rest.get(1..)?.split('.').map(str::to_owned).collect(),
        '[' => {
            let inner = rest.strip_prefix('[')?.strip_suffix(']')?;
            inner.split("][").map(str::to_owned).collect()
        }
        _ => return None,
    };
    (begins && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

fn claim_matcher(path: &[String], asked: &Value, inverted: bool) -> Value {
    let keys = ["payload".to_owned()]
        .into_iter()
        .chain(path.iter().cloned());
    let keys: Vec<Value> = keys.map(|key| json!({"key": key})).collect();
    let text = match text_matcher(asked) {
        Some(matcher) => json!({"string_match": matcher}),
        None => json!({"present_match": true}),
    };
    // A claim is a text, or a list that has it.
    let value = json!({"or_match": {"value_matchers": [text, {"list_match": {"one_of": text}}]}});
    json!({
        "filter": "envoy.filters.http.jwt_authn",
        "path": keys,
        "value": value,
        "invert": inverted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_said_in_envoys_words() {
        let sensitive = json!({"prefix": "/", "case_sensitive": true});
        let with = |more: Value| {
            let mut all = sensitive.as_object().unwrap().clone();
            all.extend(more.as_object().unwrap().clone());
            Value::Object(all)
        };
        for (condition, expected) in [
            (json!({}), sensitive.clone()),
            (
                json!({"uri": {"exact": "/a"}}),
                json!({"path": "/a", "case_sensitive": true}),
            ),
            (
                json!({"uri": {"regex": "/a.*"}, "ignoreUriCase": true}),
                json!({"safe_regex": {"regex": "/a.*"}, "case_sensitive": false}),
            ),
            (
                json!({"headers": {"end-user": {"exact": "jason"}, "a": {}, "b": {"regex": "*"}}}),
                with(json!({"headers": [
                    {"name": "a", "present_match": true},
                    {"name": "b", "present_match": true},
                    {"name": "end-user", "string_match": {"exact": "jason"}},
                ]})),
            ),
            (
                json!({"withoutHeaders": {"x": {"prefix": "1"}, "y": {}}}),
                with(json!({"headers": [
                    {"name": "x", "string_match": {"prefix": "1"}, "treat_missing_header_as_empty": true,
                     "invert_match": true},
                    {"name": "y", "present_match": true, "invert_match": true},
                ]})),
            ),
            (
                json!({"method": {"exact": "GET"}, "queryParams": {"q": {"regex": "1+"}, "r": {}}}),
                with(json!({
                    "headers": [{"name": ":method", "string_match": {"exact": "GET"}}],
                    "query_parameters": [
                        {"name": "q", "string_match": {"safe_regex": {"regex": "1+"}}},
                        {"name": "r", "present_match": true},
                    ],
                })),
            ),
        ] {
            assert_eq!(route_match(Some(&condition)), expected, "{condition}");
        }
        assert_eq!(route_match(None), json!({"prefix": "/"}));
    }

    #[test]
    fn a_header_may_stand_for_a_claim() {
        let part = |parts: &[&str]| Some(parts.iter().map(|part| (*part).to_owned()).collect());
        for (name, expected) in [
            ("@request.auth.claims.groups", part(&["groups"])),
            ("@request.auth.claims[a.b][c]", part(&["a.b", "c"])),
            ("@request.auth.claims", None),
            ("@request.auth.claims[]", None),
            ("x-claims", None),
        ] {
            assert_eq!(claim(name), expected, "{name}");
        }
    }

    #[test]
    fn what_is_known_of_the_client_is_asked_before_any_request() {
        let labels = [("app".to_owned(), "web".to_owned())].into();
        let client = Client {
            gateways: ["mesh".to_owned()].into(),
            labels: &labels,
            namespace: "shop",
        };
        for (condition, expected) in [
            (json!({}), true),
            (json!({"port": 80}), true),
            (json!({"port": 81}), false),
            (json!({"sourceLabels": {"app": "web"}}), true),
            (json!({"sourceLabels": {"app": "api"}}), false),
            (json!({"sourceNamespace": "shop"}), true),
            (json!({"sourceNamespace": "other"}), false),
            (
                json!({"gateways": ["mesh"], "sourceLabels": {"app": "api"}}),
                true,
            ),
            (json!({"gateways": ["edge"]}), false),
        ] {
            assert_eq!(
                client.may_match(&condition, 80, "shop"),
                expected,
                "{condition}"
            );
        }
    }
}
