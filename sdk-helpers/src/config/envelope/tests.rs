use super::*;
use proptest::prelude::*;
use serde_json::json;

const FIELDS: Envelope = Envelope {
    kind: "VirtualService",
    spec: &["http", "hosts", "defaultMode"],
    passed_over: &[("hosts", "changes nothing here")],
    layout: Layout::Fields(&["http"]),
};

const ENTRIES: Envelope = Envelope {
    kind: "AuthorizationPolicy",
    spec: &["action", "rules", "selector", "targetRef", "targetRefs"],
    passed_over: &[],
    layout: Layout::Entries {
        list: "policies",
        beside: &["trustDomain", "policies"],
        flag: ("istio.io/dry-run", "dryRun"),
    },
};

fn unwrap(envelope: &Envelope, tree: Value) -> (Value, Problems) {
    let problems = Problems::default();
    let tree = envelope.unwrap(tree, Vec::new(), &At::root(), &problems);
    (tree, problems)
}

/// What comes out of it, with nothing to say.
fn clean(envelope: &Envelope, tree: Value) -> Value {
    let (tree, problems) = unwrap(envelope, tree);
    assert!(!problems.has_errors(), "{:?}", problems.errors());
    tree
}

fn errors(envelope: &Envelope, tree: Value) -> Vec<String> {
    let (_, problems) = unwrap(envelope, tree);
    problems.errors().iter().map(ToString::to_string).collect()
}

#[test]
fn every_way_to_write_it_is_the_same() {
    let own = json!({"http": [1, 2], "defaultMode": "a", "ours": true});
    let spec = json!({"http": [1, 2], "hosts": ["x"], "defaultMode": "a"});
    for tree in [
        own.clone(),
        json!({"spec": spec, "ours": true}),
        json!({"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService", "metadata": {"uid": "x"},
            "spec": spec, "status": {}, "ours": true}),
        json!({"kind": "List", "items": [{"spec": {"http": [1]}}, {"spec": {"http": [2], "defaultMode": "a"}}], "ours": true}),
        json!({"kind": "VirtualServiceList", "items": [{"kind": "VirtualService", "spec": spec}], "metadata": {"continue": ""}, "ours": true}),
        json!({"http": [{"kind": "VirtualService", "spec": {"http": [1], "defaultMode": "a"}}, 2], "ours": true}),
    ] {
        assert_eq!(clean(&FIELDS, tree.clone()), own, "{tree}");
    }
    let object = json!({"kind": "VirtualService", "spec": {"http": [1]}});
    assert_eq!(
        clean(&FIELDS, json!([object, object])),
        json!({"http": [1, 1]})
    );
}

#[test]
fn every_way_to_write_a_policy_is_the_same() {
    let policy = json!({"name": "n", "namespace": "ns", "dryRun": true, "rules": [{}]});
    let own = json!({"policies": [policy], "trustDomain": "td"});
    let metadata =
        json!({"name": "n", "namespace": "ns", "annotations": {"istio.io/dry-run": "True"}});
    let object =
        json!({"kind": "AuthorizationPolicy", "metadata": metadata, "spec": {"rules": [{}]}});
    let mut whole = object.clone();
    whole["trustDomain"] = json!("td");
    for tree in [
        own.clone(),
        whole,
        json!({"policies": [object], "trustDomain": "td"}),
        json!({"kind": "List", "items": [object], "trustDomain": "td"}),
        json!({"policies": [{"kind": "List", "items": [object]}], "trustDomain": "td"}),
        json!({"name": "n", "namespace": "ns", "dryRun": true, "rules": [{}], "trustDomain": "td"}),
        json!({"policies": [{"name": "n", "namespace": "ns", "dryRun": true, "spec": {"rules": [{}]}}], "trustDomain": "td"}),
    ] {
        assert_eq!(clean(&ENTRIES, tree.clone()), own, "{tree}");
    }
}

#[test]
fn a_list_that_is_null_is_absent() {
    let some = json!({"spec": {"http": [1]}});
    for (tree, own) in [
        (json!({"spec": {"http": null}}), json!({"http": []})),
        (
            json!({"items": [{"spec": {"http": null}}, some]}),
            json!({"http": [1]}),
        ),
        (
            json!([{"spec": {"http": null}}, some]),
            json!({"http": [1]}),
        ),
        (
            json!([some, {"spec": {"http": null}}]),
            json!({"http": [1]}),
        ),
        (json!({"http": null}), json!({"http": null})),
    ] {
        assert_eq!(clean(&FIELDS, tree.clone()), own, "{tree}");
    }
}

/// What is read out of objects is told by where it was written.
#[test]
fn a_place_is_where_it_was_written() {
    let told = |envelope, tree: Value, path: &At<'_>| {
        let (_, problems) = unwrap(envelope, tree);
        problems.error(path, "wrong");
        problems.errors().last().expect("an error").at.clone()
    };
    let root = At::root();
    let (http, policies) = (root.field("http"), root.field("policies"));
    let object = json!({"spec": {"http": [1, 2], "defaultMode": 1}});
    let several = json!({"items": [object, {"spec": {"http": [3]}}]});
    for (tree, path, written) in [
        (json!({"http": [1]}), http.index(0), "http[0]"),
        (object.clone(), http.index(1), "spec.http[1]"),
        (object, root.field("defaultMode"), "spec.defaultMode"),
        (several.clone(), http.index(1), "items[0].spec.http[1]"),
        (several, http.index(2), "items[1].spec.http[0]"),
        (
            json!({"http": [{"spec": {"http": []}}, 1]}),
            http.index(0),
            "http[1]",
        ),
    ] {
        assert_eq!(
            told(&FIELDS, tree, &path.field("a.b")),
            format!("{written}[\"a.b\"]")
        );
    }
    let first = policies.index(0);
    let named = json!({"kind": "AuthorizationPolicy", "metadata": {"name": "n", "annotations": {"istio.io/dry-run": "f"}},
        "spec": {"rules": []}, "x_y": 1});
    for (tree, field, written) in [
        (json!({"rules": []}), "rules", "rules"),
        (named.clone(), "rules", "spec.rules"),
        (named.clone(), "name", "metadata.name"),
        (
            named.clone(),
            "dryRun",
            "metadata.annotations[\"istio.io/dry-run\"]",
        ),
        (named.clone(), "xY", "x_y"),
        (
            json!({"policies": [named]}),
            "rules",
            "policies[0].spec.rules",
        ),
    ] {
        assert_eq!(told(&ENTRIES, tree, &first.field(field)), written);
    }
}

#[test]
fn another_object_belongs_elsewhere() {
    for (kind, problem) in [
        (
            "Telemetry",
            "a Telemetry belongs to the filter telemetry-tags",
        ),
        (
            "VirtualServce",
            "`VirtualServce` is no VirtualService; did you mean `VirtualService`?",
        ),
        (
            "Pod",
            "`Pod` is no VirtualService, which is the kind this filter takes",
        ),
    ] {
        let tree = json!({"apiVersion": "v1", "kind": kind, "metadata": {}, "spec": {"rules": 1}});
        assert_eq!(errors(&FIELDS, tree), [format!("kind: {problem}")]);
    }
    let told = errors(&FIELDS, json!({"apiVersion": "v1", "spec": {}}));
    assert_eq!(
        told,
        ["apiVersion: `v1` is no `apiVersion` of a VirtualService; write `networking.istio.io/v1`"]
    );
}

/// Nothing that stands there is passed over in silence.
#[test]
fn what_stands_beside_has_its_place() {
    let object = json!({"spec": {"http": [1]}});
    for (envelope, tree, told) in [
        (
            &FIELDS,
            json!({"items": [object], "http": []}),
            "http: cannot stand beside a list of objects",
        ),
        (
            &FIELDS,
            json!({"items": [object], "spec": {}}),
            "spec: cannot stand beside a list of objects",
        ),
        (
            &FIELDS,
            json!({"items": {}}),
            "items: a list is expected here, not a mapping",
        ),
        (
            &FIELDS,
            json!({"spec": {"http": [1]}, "http": []}),
            "http: belongs under `spec`; move it there",
        ),
        (
            &ENTRIES,
            json!({"spec": {"dryRun": true}, "dryRun": false}),
            "dryRun: stands under `spec` too; remove one",
        ),
        (
            &ENTRIES,
            json!({"spec": {}, "policies": []}),
            "policies: stands in two places, and only lists add up; remove one",
        ),
    ] {
        assert_eq!(errors(envelope, tree), [told]);
    }
    let kept = json!({"kind": "VirtualService", "spec": {"http": [1]}, "items": [2]});
    assert_eq!(clean(&FIELDS, kept), json!({"http": [1], "items": [2]}));
    let own = json!({"metadata": {"name": "a"}, "policies": [], "trustDomain": "b"});
    assert_eq!(
        clean(&ENTRIES, own),
        json!({"policies": [], "trustDomain": "b"})
    );
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
        prop::sample::select(vec![
            "AuthorizationPolicy",
            "List",
            "VirtualService",
            "",
            "é",
            "true"
        ])
        .prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "items",
        "status",
        "policies",
        "rules",
        "action",
        "selector",
        "match_labels",
        "targetRefs",
        "target_refs",
        "http",
        "hosts",
        "default_mode",
        "defaultMode",
        "name",
        "annotations",
        "istio.io/dry-run",
        "dry_run",
        "trust_domain",
        "x.y",
        "",
    ]);
    leaf.prop_recursive(6, 60, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..5).prop_map(|map| {
                Value::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
            }),
        ]
    })
}

proptest! {
    /// Whatever it is, it comes out as a mapping of lists, or not at all, and is told of in lines.
    #[test]
    fn any_tree_is_unwrapped_or_refused(tree in tree()) {
        for envelope in [&FIELDS, &ENTRIES, &Envelope::NONE] {
            let (unwrapped, problems) = unwrap(envelope, tree.clone());
            prop_assert_eq!(unwrapped.is_object(), tree.is_object()
                || tree.as_array().is_some_and(|list| list.iter().any(is_object)));
            for error in problems.errors() {
                prop_assert!(!error.to_string().contains('\n'));
            }
            // What is unwrapped is in our own shape: it comes out again as it went in.
            let text = unwrapped.to_string();
            let nested = OBJECT.iter().any(|name| text.contains(&format!("\"{name}\":")));
            if !problems.has_errors() && !nested {
                let again = envelope.unwrap(unwrapped.clone(), Vec::new(), &At::root(), &Problems::default());
                prop_assert_eq!(again, unwrapped);
            }
        }
    }
}
