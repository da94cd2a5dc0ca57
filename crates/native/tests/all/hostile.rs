//! Whatever stands in a file: no panic, no hang, and no more written out than anybody reads.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::documents;
use crate::silence::{CORPUS, trees};

/// Names of fields that are read somewhere, and some that are not.
const NAMES: [&str; 40] = [
    "name",
    "typed_config",
    "rules",
    "policies",
    "permissions",
    "principals",
    "and_rules",
    "or_ids",
    "not_rule",
    "header",
    "url_path",
    "metadata",
    "path",
    "key",
    "value",
    "string_match",
    "exact",
    "safe_regex",
    "regex",
    "providers",
    "requires",
    "requires_any",
    "requirements",
    "match",
    "token_bucket",
    "descriptors",
    "entries",
    "rate_limits",
    "actions",
    "request_headers",
    "header_value_match",
    "headers",
    "default_value",
    "numerator",
    "delay",
    "abort",
    "percentage",
    "fill_interval",
    "typedConfig",
    "tomorrow",
];

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec![
            "/",
            "*",
            "a*",
            "100s",
            "-1s",
            "1e9s",
            "",
            "[",
            "spiffe://*",
            "inbound|http|0"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let name = prop_oneof![3 => prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,6}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..5).prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// One of the corpus with something else at some of its places.
fn disturbed() -> impl Strategy<Value = Vec<Value>> {
    let kind = 0..CORPUS.len();
    (
        kind,
        prop::collection::vec((any::<u32>(), anything()), 1..4),
    )
        .prop_map(|(kind, changes)| {
            let mut all = trees(CORPUS[kind].1);
            for (place, value) in changes {
                let index = place as usize % all.len();
                replace(&mut all[index], &mut (place % 97), &value);
            }
            all
        })
}

/// Puts a value in place of the one that is so many places further.
fn replace(tree: &mut Value, left: &mut u32, value: &Value) {
    if *left == 0 {
        *tree = value.clone();
        *left = u32::MAX;
        return;
    }
    *left = left.saturating_sub(1);
    let children: Vec<&mut Value> = match tree {
        Value::Object(map) => map.values_mut().collect(),
        Value::Array(list) => list.iter_mut().collect(),
        _ => Vec::new(),
    };
    for child in children {
        if *left < u32::MAX / 2 {
            replace(child, left, value);
        }
    }
}

fn read(all: &[Value]) {
    let text: Vec<String> = all.iter().map(ToString::to_string).collect();
    let _ = native::read(&documents(&text.join("\n---\n")));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn any_tree_is_read_or_refused(value in anything()) {
        read(&[json!({"kind": "EnvoyFilter", "spec": {"configPatches": [value.clone()]}, "rate_limits": []})]);
        for kind in [
            "rbac.v3.RBAC", "jwt_authn.v3.JwtAuthentication", "fault.v3.HTTPFault", "local_ratelimit.v3.LocalRateLimit", "ratelimit.v3.RateLimit",
        ] {
            let mut typed = json!({"@type": format!("type.googleapis.com/envoy.extensions.filters.http.{kind}")});
            if let Value::Object(fields) = &value {
                typed.as_object_mut().unwrap().extend(fields.clone());
            }
            read(&[typed]);
        }
        read(&[value]);
    }

    #[test]
    fn a_disturbed_configuration_is_read_or_refused(all in disturbed()) {
        read(&all);
    }
}

/// What could be written out without end is refused, soon.
#[test]
fn what_is_written_out_is_bounded() {
    let header =
        |index: usize| json!({"header": {"name": format!("h{index}"), "present_match": true}});
    let either =
        |index: usize| json!({"or_rules": {"rules": [header(index), header(index + 1000)]}});
    let never =
        json!({"not_rule": {"and_rules": {"rules": (0..400).map(either).collect::<Vec<_>>()}}});
    let wide = json!({"and_rules": {"rules": (0..400).map(either).collect::<Vec<_>>()}});
    let mut deep = header(0);
    for index in 0..5 {
        deep = json!({"or_rules": {"rules": [{"and_rules": {"rules": [deep, either(index)]}}, header(index)]}});
    }
    for permission in [never, wide, deep] {
        let rbac = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
            "rules": {"policies": {"p": {"permissions": [permission], "principals": [{"any": true}]}}},
        });
        let began = Instant::now();
        read(&[rbac]);
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{:?}",
            began.elapsed()
        );
    }
}
