//! How a configuration is read: bytes to a tree, the tree to a filter's `Wire` types, and every
//! problem on the way with the path of its field.
//!
//! A filter's fields stand once, in the tables that [`fields!`](crate::fields) makes: by them a
//! configuration is read, and from them come its [schema] and the tables of its README.

#[cfg(feature = "arbitrary")]
pub mod arbitrary;
mod envelope;
#[doc(hidden)]
pub mod fields;
mod header;
pub mod kind;
mod names;
pub mod page;
mod part;
mod problems;
mod reader;
mod remedy;
mod schema;
pub mod table;
mod tree;
mod units;

use kind::FieldKind;
use serde_json::Value;

pub use envelope::{Envelope, Layout, Resource, Resources, SelectorWire, TargetRefWire};
pub use header::{header_name, is_token};
pub use names::{nearest, none_of, snake, surely};
pub use part::parts;
pub use problems::{At, ConfigError, Problems};
pub use reader::Node;
pub use remedy::{Problem, Remedy, Scope};
pub use schema::{DURATION, Part, schema, schema_of_parts};
pub use tree::{hash, json, parse};
pub use units::{duration, timestamp};

/// Reads the tree that stands at `at`, reporting everything that does not fit and going on behind it.
///
/// What must be there, and what a text may say, is checked afterwards with the same [`Problems`], so
/// that both kinds of error reach the reader together.
pub fn read<K: FieldKind>(tree: &Value, at: &At<'_>, problems: &Problems) -> K::Value {
    K::read(Node::new(tree, at, problems))
}

#[cfg(test)]
mod tests {
    use super::kind::{Empty, Map};
    use super::*;
    use proptest::prelude::*;

    crate::fields! {
        #[derive(PartialEq)]
        struct Wire {
            name: String,
            count: u16,
            share: f64,
            flag: bool,
            kind: Kind,
            list: Vec<Inner>,
            map: Map<Option<Inner>>,
            marker: Empty,
        }
    }

    crate::fields! {
        #[derive(PartialEq)]
        struct Inner {
            fixed_delay as "fixedDelay": String,
        }
    }

    crate::words! {
        enum Kind {
            Hundred = "HUNDRED",
            Million = "MILLION",
        }
    }

    /// The same for serde, which refuses at least as much.
    mod as_serde {
        use serde::Deserialize;
        use std::collections::BTreeMap;

        #[derive(Debug, Default, Deserialize)]
        #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
        #[allow(dead_code, reason = "whether it can be read is all that is asked")]
        pub(super) struct Wire {
            name: Option<String>,
            count: Option<u16>,
            share: Option<f64>,
            flag: Option<bool>,
            kind: Option<Kind>,
            list: Option<Vec<Inner>>,
            map: Option<BTreeMap<String, Option<Inner>>>,
            marker: Option<Empty>,
        }

        #[derive(Debug, Default, Deserialize)]
        #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
        #[allow(dead_code, reason = "as above")]
        struct Inner {
            fixed_delay: Option<String>,
        }

        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Empty {}

        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        enum Kind {
            Hundred,
            Million,
        }
    }

    fn errors(text: &str) -> Vec<String> {
        let problems = Problems::default();
        let tree = parse(text.as_bytes()).expect("a tree");
        read::<Wire>(&tree, &At::root(), &problems);
        problems.errors().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_fits_is_read() {
        let problems = Problems::default();
        let tree = parse(
            br#"{"name":"a","count":7.0,"share":1,"flag":true,"kind":"MILLION",
            "list":[{"fixedDelay":"5s"},{}],"map":{"x":null,"y":{}},"marker":{}}"#,
        )
        .expect("a tree");
        let wire = read::<Wire>(&tree, &At::root(), &problems);
        assert!(problems.errors().is_empty(), "{:?}", problems.errors());
        assert_eq!(
            (wire.count, wire.share, wire.kind),
            (Some(7), Some(1.0), Some(Kind::Million))
        );
        let map = wire.map.expect("a map");
        let inner = Some(Inner::default());
        assert_eq!(map, [("x".to_owned(), None), ("y".to_owned(), inner)]);
    }

    #[test]
    fn every_misfit_is_reported_where_it_is() {
        assert_eq!(
            errors(
                r#"{"name":1,"count":70000,"share":"x","flag":"yes","kind":"TEN",
                "list":[{},{"fixedDealy":"5s"},[],{"fixedDelay":5}],"map":[],"marker":[],"nmae":"x","zone":1}"#
            ),
            [
                "nmae: unknown field; did you mean `name`?",
                "zone: unknown field; known here are `name`, `count`, `share`, `flag`, `kind`, `list`, `map`, `marker`",
                "count: `70000` is not a whole number between 0 and 65535",
                "flag: `\"yes\"` is not true or false; write `true`, without quotes",
                "kind: `TEN` is none of `HUNDRED`, `MILLION`",
                "list[1].fixedDealy: unknown field; did you mean `fixedDelay`?",
                "list[2]: a mapping is expected here, not a list",
                "list[3].fixedDelay: a text is expected here, not a number; write `\"5\"`",
                "map: a mapping is expected here, not a list",
                "marker: a mapping is expected here, not a list",
                "name: a text is expected here, not a number; write `\"1\"`",
                "share: `\"x\"` is not a number",
            ]
        );
    }

    #[test]
    fn what_is_no_text_where_one_of_some_stands_is_told_which_there_are() {
        for (written, error) in [
            ("100", "kind: `100` is none of `HUNDRED`, `MILLION`"),
            ("true", "kind: `true` is none of `HUNDRED`, `MILLION`"),
            ("[]", "kind: a text is expected here, not a list"),
        ] {
            assert_eq!(errors(&format!(r#"{{"kind":{written}}}"#)), [error]);
        }
    }

    #[test]
    fn a_whole_number_is_whole_and_in_range() {
        assert_eq!(
            errors(r#"{"count":1.5}"#),
            ["count: `1.5` is not a whole number between 0 and 65535"]
        );
        assert_eq!(
            errors(r#"{"count":-1}"#),
            ["count: `-1` is not a whole number between 0 and 65535"]
        );
    }

    /// As Envoy's YAML reader hands fractions over.
    #[test]
    fn a_number_in_quotes_is_a_number() {
        let problems = Problems::default();
        let tree = parse(br#"{"share":"10.0","count":"7.0"}"#).expect("a tree");
        let wire = read::<Wire>(&tree, &At::root(), &problems);
        assert!(problems.errors().is_empty(), "{:?}", problems.errors());
        assert_eq!((wire.share, wire.count), (Some(10.0), Some(7)));
        assert_eq!(
            errors(r#"{"share":"","count":"0x7"}"#),
            [
                "count: `\"0x7\"` is not a whole number between 0 and 65535",
                "share: `\"\"` is not a number"
            ]
        );
    }

    #[test]
    fn a_configuration_that_is_no_mapping_is_refused() {
        assert_eq!(errors("[]"), ["a mapping is expected here, not a list"]);
        assert_eq!(errors("7"), ["a mapping is expected here, not a number"]);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
            Just(Value::from("MILLION")),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(
                    prop_oneof![
                        Just("name".to_owned()),
                        Just("list".to_owned()),
                        Just("map".to_owned()),
                        Just("kind".to_owned()),
                        Just("fixedDelay".to_owned()),
                        ".{0,5}"
                    ],
                    inner,
                    0..6
                )
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// The same as JSON with the keys of each mapping in another order.
    fn shuffled(tree: &Value, seed: &mut u64) -> String {
        match tree {
            Value::Array(list) => {
                let list: Vec<String> = list.iter().map(|value| shuffled(value, seed)).collect();
                format!("[{}]", list.join(","))
            }
            Value::Object(map) => {
                let mut entries: Vec<String> = Vec::new();
                for (name, value) in map {
                    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let places = entries.len() as u64 + 1;
                    let at = usize::try_from((*seed >> 33) % places).expect("a place");
                    let entry = format!("{}:{}", Value::from(name.as_str()), shuffled(value, seed));
                    entries.insert(at, entry);
                }
                format!("{{{}}}", entries.join(","))
            }
            leaf => leaf.to_string(),
        }
    }

    proptest! {
        #[test]
        fn any_tree_is_read_or_refused(tree in any_json()) {
            let problems = Problems::default();
            read::<Wire>(&tree, &At::root(), &problems);
            // What serde itself would refuse is refused here too, but for numbers in their other
            // spellings: 1.0, and in quotes.
            if serde_json::from_value::<as_serde::Wire>(tree.clone()).is_err() && !matches!(tree, Value::Null) {
                let respelt = tree.to_string().contains(['.', '"']);
                prop_assert!(respelt || !problems.errors().is_empty(), "{tree}");
            }
        }

        /// The order of keys says nothing, neither to the reader nor to the hash.
        #[test]
        fn any_order_of_keys_is_the_same(tree in any_json(), seed in any::<u64>()) {
            let text = shuffled(&tree, &mut { seed });
            let again = parse(text.as_bytes());
            if tree.is_object() {
                let again = again.expect("JSON");
                prop_assert_eq!(hash(&again), hash(&parse(tree.to_string().as_bytes()).expect("JSON")));
                let errors = |tree: &Value| {
                    let problems = Problems::default();
                    let wire = read::<Wire>(tree, &At::root(), &problems);
                    (format!("{wire:?}"), problems.errors())
                };
                prop_assert_eq!(errors(&again), errors(&parse(tree.to_string().as_bytes()).expect("JSON")));
            }
        }

        /// Nor does the spelling of the fields.
        #[test]
        fn either_spelling_is_the_same(tree in any_json()) {
            let read = |tree: &Value| {
                let problems = Problems::default();
                let wire = read::<Wire>(tree, &At::root(), &problems);
                (format!("{wire:?}"), problems.errors().len())
            };
            // As a key of `map`, and as its own neighbour, it is another name.
            let text = tree.to_string();
            if !text.contains("\"map\"") && !text.contains("fixed_delay") {
                let snake: Value = serde_json::from_str(&text.replace("\"fixedDelay\":", "\"fixed_delay\":")).expect("JSON");
                prop_assert_eq!(read(&snake), read(&tree));
            }
        }

        #[test]
        fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }
    }
}
