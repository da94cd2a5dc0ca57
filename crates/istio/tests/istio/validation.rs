//! What is refused of Istio's kinds and what is warned of: a file each, of specs with what is said of them; and
//! whatever stands in one, it is read to its end.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use istio::Object;
use istio::spot::Spot;
use istio::validation::{KINDS, validate};
use proptest::prelude::*;
use sdk_helpers::ConfigError;
use serde_json::{Value, json};

/// The specs of a kind, each with what is said of it.
fn corpus(kind: &str) -> Vec<Value> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/validation/{kind}.yaml"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let read =
        Object::read_all(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    read[0].value().as_array().unwrap().clone()
}

fn object(kind: &str, spec: &Value) -> Value {
    let (_, group, versions) = KINDS.iter().find(|(name, ..)| *name == kind).unwrap();
    json!({
        "apiVersion": format!("{group}/{}", versions[0]),
        "kind": kind,
        "metadata": {"name": "example", "namespace": "shop"},
        "spec": spec,
    })
}

/// What is said that was not to be, and what was to be said and is not.
fn differences(said: &[ConfigError], expected: &Value) -> Vec<String> {
    let expected = expected.as_object().cloned().unwrap_or_default();
    let is_expected = |error: &&ConfigError| {
        let part = expected.get(&error.at).and_then(Value::as_str);
        part.is_some_and(|part| error.problem.contains(part))
    };
    let more = said.iter().filter(|error| !is_expected(error));
    let mut all: Vec<String> = more.map(|error| format!("not expected: {error}")).collect();
    for (at, part) in &expected {
        let is_said = said.iter().any(|error| error.at == *at);
        if !is_said {
            all.push(format!("expected: {at}: {part}"));
        }
    }
    all
}

#[test]
fn each_spec_is_taken_or_refused_where_it_is_wrong() {
    let mut wrong = Vec::new();
    for (kind, ..) in KINDS {
        for case in corpus(kind) {
            let object = object(kind, &case["spec"]);
            let said = validate(&Spot::root(&object));
            let mut all = differences(&said.errors, &case["refused"]);
            all.extend(differences(&said.warnings, &case["warned"]));
            if !all.is_empty() {
                wrong.push(format!("{kind} {}\n  {}", case["spec"], all.join("\n  ")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_envelope_is_checked_too() {
    let said = |change: fn(&mut Value)| {
        let mut object = object("Gateway", &corpus("Gateway")[0]["spec"]);
        change(&mut object);
        let errors = validate(&Spot::root(&object)).errors.into_iter();
        errors.map(|error| error.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(said(|_| {}), Vec::<String>::new());
    let version = said(|object| object["apiVersion"] = json!("networking.istio.io/v1alpha1"));
    assert!(
        version[0].starts_with("apiVersion: `networking.istio.io/v1alpha1` is none of"),
        "{version:?}"
    );
    let name = said(|object| object["metadata"]["name"] = json!("a.b"));
    assert!(
        name[0].starts_with("metadata.name: is no name of a Gateway"),
        "{name:?}"
    );
    let annotation =
        said(|object| object["metadata"]["annotations"] = json!({"istio.io/dry-run": "true"}));
    assert!(
        annotation[0].contains("remove the annotation"),
        "{annotation:?}"
    );
    let field = said(|object| object["specs"] = json!({}));
    assert_eq!(field, ["specs: unknown field; did you mean `spec`?"]);
    let none = said(|object| {
        object.as_object_mut().unwrap().remove("spec");
    });
    assert_eq!(
        none,
        ["spec.servers: is missing: a Gateway serves something"]
    );
}

#[test]
fn entries_of_a_list_are_told_by_their_place_in_it() {
    let object = json!({"items": [object("Sidecar", &json!({"egres": []}))]});
    let list = Spot::root(&object).list("items");
    let errors = validate(&list[0]).errors;
    assert_eq!(errors[0].at, "items[0].spec.egres");
}

/// All specs, read once.
static SPECS: LazyLock<Vec<(&'static str, Value)>> = LazyLock::new(|| {
    let of = |kind: &'static str| {
        let cases = corpus(kind).into_iter();
        cases.map(move |case| (kind, case["spec"].clone()))
    };
    KINDS.iter().flat_map(|(kind, ..)| of(kind)).collect()
});

/// What may stand in a field of one.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, [], {}])),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(|value| json!(value)),
        "[a-z*./:@%({\\[é0-9-]{0,12}".prop_map(|text| json!(text)),
    ]
}

/// Puts something else at the place of this number, counted from the outside.
fn replace(value: &mut Value, place: &mut usize, with: &Value) {
    if *place == 0 {
        *value = with.clone();
    }
    *place = place.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, place, with)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| replace(field, place, with)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn specs_with_something_else_in_them_are_read(
        which in any::<prop::sample::Index>(),
        place in 0..30_usize,
        with in anything(),
    ) {
        let (kind, mut spec) = SPECS[which.index(SPECS.len())].clone();
        let mut place = place;
        replace(&mut spec, &mut place, &with);
        let object = object(kind, &spec);
        let said = validate(&Spot::root(&object));
        for error in said.errors.iter().chain(&said.warnings) {
            prop_assert!(error.at.starts_with("spec"), "{}", error);
            prop_assert!(!error.problem.is_empty());
        }
        // The same bytes at every run.
        prop_assert_eq!(validate(&Spot::root(&object)), said);
    }
}
