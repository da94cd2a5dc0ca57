//! What is said of a WasmPlugin or TrafficExtension that cannot be meant, with the place of each field.

use istio::{
    Code, EnvVar, Error, ExtensionKind, FailStrategy, Mode, Object, Phase, PluginType,
    TrafficExtension, TrafficSelector,
};
use proptest::prelude::*;

const SUM: &str = "1ef0c9a92b0420cf25f7fe5d481b231464bc88f486ca3b9c83ed5cc21d2f6210";

fn plugin(spec: &str) -> String {
    format!(
        "{{apiVersion: extensions.istio.io/v1alpha1, kind: WasmPlugin, \
         metadata: {{name: p, namespace: shop}}, spec: {spec}}}"
    )
}

/// The same for the fields of a module and the others.
fn extension(module: &str, others: &str) -> String {
    let spec = format!("{{wasm: {{{module}}}, {others}}}");
    plugin(&spec).replace("WasmPlugin", "TrafficExtension")
}

fn read(yaml: &str) -> Result<TrafficExtension, Error> {
    let mut all = TrafficExtension::parse_all(yaml)?;
    assert_eq!(all.len(), 1);
    Ok(all.remove(0))
}

fn refusals(yaml: &str) -> Vec<String> {
    match read(yaml) {
        Err(Error::Invalid { name, findings }) => {
            assert_eq!(name, "shop/p");
            findings.iter().map(ToString::to_string).collect()
        }
        other => panic!("{yaml}: {other:?}"),
    }
}

fn warnings(yaml: &str) -> Vec<String> {
    let read = read(yaml).unwrap_or_else(|error| panic!("{yaml}: {error}"));
    read.warnings.iter().map(ToString::to_string).collect()
}

/// Fields of a module, the field that is refused and why. They are the same in both resources, but
/// for where they stand.
fn refused_modules() -> Vec<(String, &'static str, String)> {
    let with = |fields: &str| format!("url: 'http://a', {fields}");
    let env = |entry: &str| with(&format!("vmConfig: {{env: [{entry}]}}"));
    let words = |text: &str| text.to_owned();
    vec![
        (
            words("sha256: ''"),
            "url",
            words("url field needs to be set"),
        ),
        (words("url: ''"), "url", words("url field needs to be set")),
        (words("url: ~"), "url", words("url field needs to be set")),
        (
            words("url: 7"),
            "url",
            words("a text is expected here, not `7`"),
        ),
        (
            words("url: 'fake://a'"),
            "url",
            words("url contains unsupported scheme: fake"),
        ),
        (
            words("url: '#%blah$#@'"),
            "url",
            words("failed to parse url: parse \"#%blah$#@\": invalid URI for request"),
        ),
        (
            words("url: 'http://h/?x#%zz'"),
            "url",
            words(
                "failed to strict parse url: parse \"http://h/?x#%zz\": invalid URL escape \"%zz\"",
            ),
        ),
        (
            with("sha256: foo"),
            "sha256",
            words("sha256 field must be 64 characters long"),
        ),
        (
            with(&format!("sha256: '{}'", SUM.to_uppercase())),
            "sha256",
            words("sha256 field must match [a-f0-9]{64} pattern"),
        ),
        (
            with(&format!("imagePullSecret: {}", "s".repeat(254))),
            "imagePullSecret",
            words("imagePullSecret field must be less than 253 characters long"),
        ),
        (
            with("imagePullSecret: ''"),
            "imagePullSecret",
            words("is empty; leave it out"),
        ),
        (
            with("pluginName: ''"),
            "pluginName",
            words("is empty; leave it out"),
        ),
        (
            with("pluginConfig: [1]"),
            "pluginConfig",
            words("a mapping is expected here"),
        ),
        (
            with("imagePullPolicy: always"),
            "imagePullPolicy",
            words(
                "`always` is none of `UNSPECIFIED_POLICY`, `IfNotPresent`, `Always`; did you mean `Always`?",
            ),
        ),
        (
            with("failStrategy: FAIL_CLOSED"),
            "failStrategy",
            words(
                "`FAIL_CLOSED` is none of `FAIL_CLOSE`, `FAIL_OPEN`, `FAIL_RELOAD`; did you mean `FAIL_CLOSE`?",
            ),
        ),
        (
            with("type: TCP"),
            "type",
            words("`TCP` is none of `UNSPECIFIED_PLUGIN_TYPE`, `HTTP`, `NETWORK`"),
        ),
        (
            env("{value: a}"),
            "vmConfig.env[0].name",
            words("spec.vmConfig.env invalid"),
        ),
        (
            env("~"),
            "vmConfig.env[0]",
            words("a mapping is expected here, not `null`"),
        ),
        (
            env(&format!("{{name: {}}}", "n".repeat(257))),
            "vmConfig.env[0].name",
            words("env.name field must be less than 255 characters long"),
        ),
        (
            env("{name: a}, {name: b}, {name: a}"),
            "vmConfig.env[2].name",
            words("duplicate env"),
        ),
        (
            env("{name: a, valueFrom: HOST, value: b}"),
            "vmConfig.env[0].value",
            words("value may only be set when valueFrom is INLINE"),
        ),
        (
            env("{name: a, valueFrom: SECRET}"),
            "vmConfig.env[0].valueFrom",
            words("`SECRET` is none of `INLINE`, `HOST`"),
        ),
        (
            env(&format!("{{name: a, value: {}}}", "v".repeat(2049))),
            "vmConfig.env[0].value",
            words("more than 2048 characters"),
        ),
        (
            env(&(0..257)
                .map(|n| format!("{{name: a{n}}}, "))
                .collect::<String>()),
            "vmConfig.env",
            words("has 257 entries; at most 256"),
        ),
    ]
}

#[test]
fn a_module_is_refused_in_istiods_words() {
    for (fields, at, problem) in refused_modules() {
        let expected = format!("spec.{at}: {problem}");
        assert_eq!(refusals(&plugin(&format!("{{{fields}}}"))), [expected]);
        let expected = format!("spec.wasm.{at}: {problem}");
        assert_eq!(refusals(&extension(&fields, "")), [expected]);
    }
    // The one sentence that differs.
    let named = format!("url: 'http://a', pluginName: {}", "n".repeat(257));
    assert_eq!(
        refusals(&plugin(&format!("{{{named}}}"))),
        ["spec.pluginName: pluginName field must be less than 255 characters long"]
    );
    assert_eq!(
        refusals(&extension(&named, "")),
        ["spec.wasm.pluginName: pluginName field must be less than 256 characters long"]
    );
}

#[test]
fn a_placement_is_refused_in_istiods_words() {
    let gateway = "group: gateway.networking.k8s.io, kind: Gateway";
    let target = |fields: &str| format!("targetRefs: [{{{fields}}}]");
    let one_of = "targetRef must be to one of [core/Service networking.istio.io/ServiceEntry \
                  gateway.networking.k8s.io/Gateway gateway.networking.k8s.io/GatewayClass] but was";
    for (fields, problem) in [
        (
            "match: [~]".to_owned(),
            "spec.match[0]: spec.Match[0] is nil".to_owned(),
        ),
        (
            "match: [{}, {ports: [{number: 80}, ~]}]".into(),
            "spec.match[1].ports[1]: spec.Match[1].Ports[1] is nil".into(),
        ),
        (
            "match: [{ports: [{}]}]".into(),
            "spec.match[0].ports[0].number: spec.Match[0].Ports[0] is out of range: 0".into(),
        ),
        (
            "match: [{ports: [{number: 65536}]}]".into(),
            "spec.match[0].ports[0].number: spec.Match[0].Ports[0] is out of range: 65536".into(),
        ),
        (
            "match: [{ports: [{number: -1}]}]".into(),
            "spec.match[0].ports[0].number: spec.Match[0].Ports[0] is out of range: -1".into(),
        ),
        (
            "match: [{ports: [{number: 80}, {number: 80}]}]".into(),
            "spec.match[0].ports[1].number: duplicate port 80".into(),
        ),
        (
            "match: [{mode: INBOUND}]".into(),
            "spec.match[0].mode: `INBOUND` is none of `UNDEFINED`, `CLIENT`, `SERVER`, `CLIENT_AND_SERVER`".into(),
        ),
        ("match: {}".into(), "spec.match: a list is expected here, not a mapping".into()),
        (
            "priority: 2147483648".into(),
            "spec.priority: a whole number of 32 bits is expected here, not `2147483648`".into(),
        ),
        (
            "priority: high".into(),
            "spec.priority: a whole number of 32 bits is expected here, not `\"high\"`".into(),
        ),
        (
            "selector: {matchLabels: {'': bar}}".into(),
            "spec.selector.matchLabels[\"\"]: empty key is not supported in selector: \"=bar\"".into(),
        ),
        (
            "selector: {matchLabels: {istio: 'bar*'}}".into(),
            "spec.selector.matchLabels.istio: wildcard is not supported in selector: \"istio=bar*\"".into(),
        ),
        (
            "selector: {matchLabels: {'istio*': bar}}".into(),
            "spec.selector.matchLabels[\"istio*\"]: wildcard is not supported in selector: \"istio*=bar\"".into(),
        ),
        (
            "selector: {matchLabels: {version: 1}}".into(),
            "spec.selector.matchLabels.version: write the value in quotes: `\"1\"`".into(),
        ),
        (
            format!("selector: {{matchLabels: {{app: {}}}}}", "a".repeat(64)),
            "spec.selector.matchLabels.app: more than 63 characters".into(),
        ),
        (
            format!("selector: {{matchLabels: {{a: b}}}}, targetRefs: [{{{gateway}, name: a}}]"),
            "spec.targetRefs: only one of targetRefs or workloadSelector can be set".into(),
        ),
        (target(gateway), "spec.targetRefs[0].name: targetRef name must be set".into()),
        (
            target(&format!("{gateway}, name: a, namespace: b")),
            "spec.targetRefs[0].namespace: targetRef namespace must not be set; cross namespace \
             referencing is not supported".into(),
        ),
        (
            target("kind: Gateway, name: a"),
            format!("spec.targetRefs[0].kind: {one_of} /Gateway"),
        ),
        (
            target("group: apps, kind: Deployment, name: a"),
            format!("spec.targetRefs[0].kind: {one_of} apps/Deployment"),
        ),
        (
            format!("targetRefs: [{}]", format!("{{{gateway}, name: a}}, ").repeat(17)),
            "spec.targetRefs: has 17 entries; at most 16".into(),
        ),
    ] {
        let text = plugin(&format!("{{url: 'http://a', {fields}}}"));
        assert_eq!(refusals(&text), [&*problem], "{text}");
        assert_eq!(refusals(&extension("url: 'http://a'", &fields)), [problem], "{fields}");
    }
    let both = plugin(&format!(
        "{{url: 'http://a', targetRef: {{{gateway}, name: a}}, targetRefs: [{{{gateway}, name: a}}]}}"
    ));
    let problem = "spec.targetRefs: only one of targetRefs or workloadSelector can be set";
    assert_eq!(refusals(&both), [problem]);
}

#[test]
fn a_resource_of_another_shape_is_refused() {
    let fine = plugin("{url: 'http://a'}");
    for (from, to, problem) in [
        (
            "WasmPlugin",
            "EnvoyFilter",
            "kind: expected WasmPlugin or TrafficExtension, found `EnvoyFilter`",
        ),
        (
            "v1alpha1",
            "v1",
            "apiVersion: expected extensions.istio.io/v1alpha1, found `extensions.istio.io/v1`",
        ),
        (
            "{url: 'http://a'}",
            "~",
            "spec.url: url field needs to be set",
        ),
        (
            "{url: 'http://a'}",
            "[]",
            "spec: a mapping is expected here, not a list",
        ),
        (
            "url: 'http://a'",
            "url: 'http://a', phase: STATE",
            "spec.phase: `STATE` is none of `UNSPECIFIED_PHASE`, `AUTHN`, `AUTHZ`, `STATS`; did you mean `STATS`?",
        ),
    ] {
        assert_eq!(refusals(&fine.replace(from, to)), [problem], "{to}");
    }
    let nameless = read(&fine.replace("name: p, ", ""))
        .unwrap_err()
        .to_string();
    assert_eq!(nameless, "shop/ metadata.name: must be set");
}

#[test]
fn a_traffic_extension_runs_one_of_two() {
    let lua = |code: &str| {
        let spec = format!("{{lua: {{inlineCode: '{code}'}}}}");
        plugin(&spec).replace("WasmPlugin", "TrafficExtension")
    };
    let script = read(&lua("function f() end")).unwrap();
    assert!(matches!(script.code, Code::Lua(code) if code == "function f() end"));
    for (text, problem) in [
        (
            lua(""),
            "spec.lua.inlineCode: lua.inlineCode cannot be empty",
        ),
        (
            lua(&"-".repeat(65537)),
            "spec.lua.inlineCode: lua.inlineCode exceeds maximum size of 64KB",
        ),
        (
            plugin("{}").replace("WasmPlugin", "TrafficExtension"),
            "spec: exactly one of wasm or lua must be set",
        ),
        (
            extension("url: 'http://a'", "lua: {inlineCode: a}"),
            "spec: exactly one of wasm or lua must be set",
        ),
    ] {
        assert_eq!(refusals(&text), [problem]);
    }
}

#[test]
fn what_istio_takes_and_nobody_means_is_warned_about() {
    let dropped = "unknown field, which Kubernetes drops";
    for (fields, warning) in [
        (
            "url: 'http://a', plugin_config: {a: 1}",
            format!("spec.plugin_config: {dropped}; did you mean `pluginConfig`?"),
        ),
        (
            "url: 'http://a', vmConfig: {env: [], memory: 1}",
            format!("spec.vmConfig.memory: {dropped}"),
        ),
        (
            "url: 'http://a', match: [{port: 1}]",
            format!("spec.match[0].port: {dropped}; did you mean `ports`?"),
        ),
        (
            "url: 'http://a', verificationKey: k",
            "spec.verificationKey: Istio does not verify anything with it".to_owned(),
        ),
        (
            "url: 'http://a', selector: {}",
            "spec.selector: workload selector specified without labels".to_owned(),
        ),
        (
            "url: 'http://a', vmConfig: {env: [{name: ISTIO_META_X, value: a}]}",
            "spec.vmConfig.env[0].name: the agent takes every variable that begins with \
             `ISTIO_META_` away"
                .to_owned(),
        ),
        (
            "url: '127.0.0.1:5000/mesh-filters:0.1.0'",
            "spec.url: istiod cannot read it, though its validation can, and drops the resource: \
             first path segment in URL cannot contain colon; write the scheme: `oci://…`"
                .to_owned(),
        ),
    ] {
        assert_eq!(warnings(&plugin(&format!("{{{fields}}}"))), [warning]);
    }
    let fine =
        "url: 'oci://a', vmConfig: {env: [{name: A, value: ''}, {name: B, valueFrom: HOST}]}";
    assert_eq!(warnings(&plugin(&format!("{{{fine}}}"))), [""; 0]);
    let annotated =
        plugin("{url: 'http://a'}").replace("name: p,", "name: p, annotations: {a: b},");
    assert_eq!(warnings(&annotated), [""; 0]);
}

#[test]
fn every_error_is_told_at_once_and_knows_its_line() {
    let text = "\
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: p, namespace: shop}
spec:
  sha256: foo
  phase: AUTH
  pluginConfg: {}
";
    let Err(Error::Invalid { findings, .. }) = read(text) else {
        panic!("taken");
    };
    let told: Vec<String> = findings
        .iter()
        .map(|finding| format!("{} {}", finding.position, finding.at))
        .collect();
    // What is missing is missed where it would stand.
    assert_eq!(
        told,
        ["5:3 spec.url", "5:11 spec.sha256", "6:10 spec.phase"]
    );
    let error = read(text).unwrap_err().to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[1],
        "shop/p spec.sha256: sha256 field must be 64 characters long"
    );
}

#[test]
fn every_field_is_read() {
    let module = format!(
        "url: 'oci://a/b:1', sha256: {SUM}, imagePullPolicy: Always, imagePullSecret: cred, \
         pluginConfig: {{a: [1, ~]}}, pluginName: root, failStrategy: FAIL_RELOAD, type: NETWORK, \
         vmConfig: {{env: [{{name: A, value: b}}, {{name: H, valueFrom: HOST}}]}}"
    );
    let others = "phase: STATS, priority: -3, \
                  match: [{mode: SERVER, ports: [{number: 80}]}, {mode: CLIENT}, {}]";
    let placed = "targetRefs: [{group: core, kind: Service, name: s}]";
    let one = plugin(&format!("{{{module}, {others}, {placed}}}")).replace(
        "name: p,",
        "name: p, creationTimestamp: t, resourceVersion: '7',",
    );
    let as_plugin = read(&one).unwrap();
    let as_extension = read(&extension(&module, &format!("{others}, {placed}"))).unwrap();
    for read in [&as_plugin, &as_extension] {
        assert_eq!((read.phase, read.priority), (Phase::Stats, Some(-3)));
        let selector = |mode, ports: &[u32]| TrafficSelector {
            mode,
            ports: ports.to_vec(),
        };
        assert_eq!(
            read.matches,
            [
                selector(Mode::Server, &[80]),
                selector(Mode::Client, &[]),
                selector(Mode::ClientAndServer, &[]),
            ]
        );
        assert_eq!(read.selector, None);
        let target = &read.target_refs[0];
        assert_eq!(
            (&*target.group, &*target.kind, &*target.name),
            ("", "Service", "s")
        );
        let Code::Wasm(wasm) = &read.code else {
            panic!("{read:?}");
        };
        assert_eq!((&*wasm.url, &*wasm.sha256), ("oci://a/b:1", SUM));
        assert_eq!(
            (&*wasm.image_pull_policy, &*wasm.image_pull_secret),
            ("Always", "cred")
        );
        assert_eq!(
            serde_json::to_string(&wasm.plugin_config).unwrap(),
            "{\"a\":[1,null]}"
        );
        assert_eq!(wasm.plugin_name, "root");
        assert_eq!(wasm.fail_strategy, FailStrategy::FailReload);
        assert_eq!(wasm.plugin_type, PluginType::Network);
        let variable = |name: &str, value: Option<&str>| EnvVar {
            name: name.to_owned(),
            value: value.map(str::to_owned),
        };
        assert_eq!(wasm.env, [variable("A", Some("b")), variable("H", None)]);
    }
    assert_eq!(as_plugin.kind, ExtensionKind::WasmPlugin);
    assert_eq!(as_extension.kind, ExtensionKind::TrafficExtension);
    assert_eq!(
        (&*as_plugin.created, &*as_plugin.resource_version),
        ("t", "7")
    );
    let old =
        plugin("{url: a, targetRef: {group: networking.istio.io, kind: ServiceEntry, name: s}}");
    assert_eq!(read(&old).unwrap().target_refs.len(), 1);
    let selector = read(&plugin("{url: a, selector: {matchLabels: {app: a}}}"))
        .unwrap()
        .selector;
    assert_eq!(selector.unwrap()["app"], "a");
}

fn tree() -> impl Strategy<Value = serde_json::Value> {
    let word = prop::sample::select(vec![
        "url",
        "wasm",
        "lua",
        "inlineCode",
        "match",
        "ports",
        "number",
        "mode",
        "SERVER",
        "selector",
        "matchLabels",
        "targetRef",
        "targetRefs",
        "kind",
        "name",
        "vmConfig",
        "env",
        "valueFrom",
        "HOST",
        "phase",
        "AUTHN",
        "pluginConfig",
        "sha256",
        "",
        "oci://a",
    ]);
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        word.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            prop::collection::btree_map(word.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = TrafficExtension::parse_all(&text);
        let _ = TrafficExtension::parse_all(&plugin(&text));
    }

    #[test]
    fn any_tree_is_read_and_what_is_refused_says_where(spec in tree(), kind in 0..2) {
        let kind = ["WasmPlugin", "TrafficExtension"][usize::try_from(kind).unwrap()];
        let text = plugin(&spec.to_string()).replace("WasmPlugin", kind);
        let Ok(objects) = Object::read_all(&text) else { return Ok(()) };
        for object in &objects {
            if let Err(error) = TrafficExtension::try_from(object) {
                let Error::Invalid { findings, .. } = error else { panic!("{error}") };
                prop_assert!(!findings.is_empty());
                for finding in findings {
                    prop_assert!(finding.position.line >= 1 && !finding.problem.is_empty());
                }
            }
        }
    }
}
