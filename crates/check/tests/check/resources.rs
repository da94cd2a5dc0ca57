//! Whole files: what tutorials print, what is right, what istiod refuses, and configurations of ours in what
//! others read.

use check::{Finding, Options, Severity, Source, check};

fn findings(text: &str) -> Vec<Finding> {
    named("example.yaml", text)
}

fn named(name: &str, text: &str) -> Vec<Finding> {
    let source = Source {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    check(&[source], &Options::default()).findings
}

/// Line, code and the last part of the path of each.
fn seen(text: &str) -> Vec<(u64, &'static str, String)> {
    let found = findings(text).into_iter();
    let last = |path: &str| path.rsplit('.').next().unwrap().to_owned();
    found.map(|it| (it.line, it.code, last(&it.path))).collect()
}

#[test]
fn what_tutorials_print_gives_what_a_mesh_makes_of_it() {
    each_line_has_what_it_says(include_str!("../data/tutorials.yaml"));
}

#[test]
fn what_is_taken_and_not_expected_is_told_in_its_line() {
    each_line_has_what_it_says(include_str!("../data/traps.yaml"));
}

/// That in each line is found what a comment in it says, and nothing in the others.
fn each_line_has_what_it_says(text: &str) {
    let expected: Vec<(u64, &str)> = text
        .lines()
        .zip(1..)
        .filter_map(|(line, number)| Some((number, line.split_once("# found: ")?.1)))
        .flat_map(|(number, codes)| codes.split(' ').map(move |code| (number, code)))
        .collect();
    let mut found: Vec<(u64, &str)> = findings(text).iter().map(|it| (it.line, it.code)).collect();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn what_is_right_has_no_finding() {
    let text = include_str!("../data/right.yaml");
    assert_eq!(seen(text), []);
}

#[test]
fn what_is_refused_is_an_error() {
    let text = include_str!("../data/refused.yaml");
    for document in text.split("\n---\n") {
        let found = findings(document);
        let errors = found.iter().filter(|it| it.severity == Severity::Error);
        assert_eq!(errors.count(), 1, "{document}\n{found:#?}");
    }
}

#[test]
fn a_list_of_objects_is_checked_entry_by_entry() {
    let text = "\
apiVersion: v1
kind: List
items:
- apiVersion: security.istio.io/v1
  kind: AuthorizationPolicy
  metadata: {name: a}
  spec: {action: DENY}
- apiVersion: networking.istio.io/v1alpha3
  kind: EnvoyFilter
  metadata: {name: b}
  spec:
    configPatches:
    - {applyTo: CLUSTER, patch: {operation: ADD}}
";
    let found = seen(text);
    let places: Vec<(u64, &str)> = found.iter().map(|(line, code, _)| (*line, *code)).collect();
    assert_eq!(places, [(7, "MF0103"), (13, "MF0107")], "{found:?}");
    let found = findings(text);
    assert_eq!(found[1].path, "items[1].spec.configPatches[0]");
}

#[test]
fn our_configurations_are_found_in_what_others_read() {
    let envoy = |inner: &str| {
        format!(
            "
static_resources:
  listeners:
  - filter_chains:
    - filters:
      - typed_config:
          http_filters:
          - typed_config:
              '@type': type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                vm_config: {{code: {{local: {{filename: dist/rate-limit.wasm}}}}}}
                configuration: {inner}
"
        )
    };
    let kind = |name: &str| format!("'@type': type.googleapis.com/google.protobuf.{name}");
    let limits = "{limits: [{name: all, requests: 1, per: soon}]}";
    let structure = envoy(&format!("{{{}, value: {limits}}}", kind("Struct")));
    assert_eq!(seen(&structure), [(12, "MF0101", "per".to_owned())]);
    let json = r#"'{"limits": [{"name": "all", "requests": 1, "per": "soon"}]}'"#;
    let text = envoy(&format!("{{{}, value: {json}}}", kind("StringValue")));
    assert_eq!(seen(&text), [(12, "MF0101", "per".to_owned())]);
    let broken = envoy(&format!("{{{}, value: '{{limits'}}", kind("StringValue")));
    assert_eq!(seen(&broken), [(12, "MF0101", "value".to_owned())]);
    let plugin = format!(
        "
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {{name: limits}}
spec:
  url: oci://registry.example/team/rate-limit:0.1.0
  pluginConfig: {limits}
"
    );
    assert_eq!(seen(&plugin), [(7, "MF0101", "per".to_owned())]);
    let other = plugin.replace("rate-limit", "coraza");
    assert_eq!(seen(&other), []);
    let gateway = format!(
        "
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: EnvoyExtensionPolicy
metadata: {{name: limits}}
spec:
  wasm:
  - {{name: limits, rootID: rate-limit, config: {limits}}}
"
    );
    assert_eq!(seen(&gateway), [(7, "MF0101", "per".to_owned())]);
}

#[test]
fn cases_are_configurations_but_where_they_expect_a_refusal() {
    let text = "\
- description: refused
  config: {limits: [{name: all, requests: 1, per: soon}]}
  refused: ['limits[0].per: …']
- description: wrong
  config: {limits: [{name: all, requests: 1, per: soon}]}
  cases: [{name: a request, expect: {}}]
";
    for name in ["rate-limit/cases/limits.yaml", "mine.yaml"] {
        let found = named(name, text);
        let places: Vec<(u64, &str)> = found.iter().map(|it| (it.line, it.code)).collect();
        assert_eq!(places, [(5, "MF0101")], "{found:?}");
    }
}

#[test]
fn what_is_no_case_is_told_where_it_stands() {
    let text = "\
- description: limits
  config: {limits: [{name: all, requests: 1, per: 1m}]}
  cases:
  - {name: a request, expects: {}}
";
    let found = findings(text);
    assert_eq!((found.len(), found[0].code), (1, "MF0110"), "{found:?}");
    assert_eq!((found[0].line, found[0].column), (4, 23));
    assert!(
        found[0].message.starts_with("unknown field `expects`"),
        "{found:?}"
    );
    let twice =
        text.replace("expects", "expect") + "- {description: limits, config: {}, refused: ['…']}\n";
    let found = findings(&twice);
    assert_eq!(found[0].message, "another suite has this description too");
}

#[test]
fn an_allowed_finding_is_silent_and_one_allowed_in_vain_is_told() {
    let policy = |comment: &str| {
        format!(
            "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: none}}\n\
             spec: {{}}{comment}\n"
        )
    };
    assert_eq!(seen(&policy("")).len(), 1);
    assert_eq!(seen(&policy(" # mesh-filters: allow MF0202")), []);
    assert_eq!(
        seen(&policy(" # mesh-filters: allow MF0103, MF0202 by default")).len(),
        1
    );
    let found = findings(&policy(" # mesh-filters: allow MF0202 MF9999"));
    assert_eq!((found[0].code, found[0].column), ("MF0004", 10));
    assert!(found[0].message.contains("is no code"), "{found:?}");
}
