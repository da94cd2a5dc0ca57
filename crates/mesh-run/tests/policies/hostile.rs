//! Whatever stands anywhere in policies: proxies are written, and nothing panics.

use documents::Document;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::proxies;

const POLICIES: &str = include_str!("hostile.yaml");

/// Values that a field is not meant to have.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!([[{}], null])),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[ -~äß€]{0,12}".prop_map(Value::from),
        Just(json!("x".repeat(70_000))),
        Just(json!("inbound|9080||")),
        Just(json!("envoy.filters.http.router")),
        Just(json!({"typed_config": {"mesh-filters.place": "istio.stats"}})),
        Just(json!({"metadata": {"name": "default/reviews"}, "kind": "List", "items": [1]})),
    ]
}

/// Every place in a value, as a pointer.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), all);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(field, &format!("{at}/{name}"), all);
            }
        }
        _ => {}
    }
}

#[test]
fn what_is_changed_is_right_at_first() {
    let (_, said) = proxies(POLICIES);
    assert_eq!(said, [""; 0]);
}

proptest! {
    // Each makes every proxy of the shop.
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_stands_anywhere_panics_nowhere(
        document in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        value in odd(),
    ) {
        let documents = Document::read_text("a.yaml", POLICIES).unwrap();
        let mut values: Vec<Value> = documents.iter().map(|one| one.object().value().clone()).collect();
        let changed = document.index(values.len());
        let mut all = Vec::new();
        places(&values[changed], "", &mut all);
        let place = place.get(&all);
        *values[changed].pointer_mut(place).unwrap() = value;
        let texts: Vec<String> = values.iter().map(Value::to_string).collect();
        let (all, _) = proxies(&texts.join("\n---\n"));
        // Places are kept while patches look for them, and never longer.
        for proxy in all.values() {
            let text = serde_json::to_string(&proxy.listeners).unwrap();
            prop_assert!(!text.contains("mesh_listener"));
        }
    }
}
