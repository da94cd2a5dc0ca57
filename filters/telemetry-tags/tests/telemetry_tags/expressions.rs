//! The corpus of expressions, outside of Envoy. Envoy itself answers the same corpus in the
//! integration tests.

use crate::world::{Proxy, errors, warnings, world};
use serde_json::{Value, json};

fn corpus(list: &str) -> Vec<(String, Option<String>)> {
    let corpus: Value = serde_json::from_str(include_str!("../expressions.json")).unwrap();
    let entries = corpus[list].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    entries
        .map(|entry| (text(&entry[0]).unwrap(), text(&entry[1])))
        .collect()
}

#[test]
fn every_expression_gives_what_envoy_gives() {
    let mut wrong = Vec::new();
    for (expression, value) in corpus("values") {
        let config = json!({"tags": [{"name": "tag", "expression": expression}]});
        let mut proxy = Proxy::new(&config.to_string());
        proxy.send(
            &world(),
            &[("x-user", b"alice"), ("x-many", b"a"), ("x-many", b"b")],
        );
        let expected = value.as_deref().unwrap_or("unknown");
        if proxy.tag("tag") != Some(expected) {
            wrong.push(format!(
                "{expression}: {:?}, not {expected}",
                proxy.tag("tag")
            ));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn what_envoy_does_not_do_is_refused() {
    for (expression, problem) in corpus("refused") {
        let config = json!({"tags": [{"name": "tag", "expression": expression}]});
        let errors = errors(&config.to_string());
        let expected = format!("tags[0].expression: {}", problem.unwrap());
        let whole = format!(", in `{expression}`");
        assert!(
            errors.len() == 1 && errors[0].starts_with(&expected) && errors[0].ends_with(&whole),
            "{errors:?}, not {expected}"
        );
    }
}

#[test]
fn what_is_never_null_is_warned_of() {
    let warned = |expression: &str| {
        let config = json!({"tags": [{"name": "tag", "expression": expression}]});
        warnings(&config.to_string())
    };
    let never = |value: &str, instead: &str| {
        [format!(
            "tags[0].expression: `{value}` is never null, and where it is missing the whole expression is `unknown`; \
             write `{instead}`"
        )]
    };
    assert_eq!(
        warned("request.referer == null ? 'none' : request.referer"),
        never("request.referer", "has(request.referer)")
    );
    assert_eq!(
        warned("request.headers['x-a'] != null"),
        never("request.headers['x-a']", "'x-a' in request.headers")
    );
    // What is read of metadata may be null.
    let may = "metadata.filter_metadata['a']['b'] == null";
    assert_eq!(warned(may), Vec::<String>::new());
}

#[test]
fn depth_and_length_are_bounded() {
    for expression in [
        "(".repeat(5_000),
        format!("{}1{}", "(".repeat(33), ")".repeat(33)),
        vec!["1"; 500].join("+"),
        format!("'{}'", "x".repeat(5_000)),
        "!".repeat(4_000),
        "[".repeat(4_000),
        format!("request{}", ".x".repeat(2_000)),
        "has(".repeat(1_000),
        "size(".repeat(800),
        "[1].exists(x,".repeat(300),
    ] {
        let config = json!({"tags": [{"name": "tag", "expression": expression}]});
        let errors = errors(&config.to_string());
        // What is wrong is said before the expression, which is cut where it is long.
        let [error] = errors.as_slice() else {
            panic!("{errors:?}")
        };
        let said = [
            "is nested deeper",
            "is longer than",
            "has more than",
            "is no attribute",
            "is missing",
        ];
        assert!(said.iter().any(|said| error.contains(said)), "{error}");
    }
}
