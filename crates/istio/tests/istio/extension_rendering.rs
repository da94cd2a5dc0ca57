//! Where the filters of WasmPlugins and TrafficExtensions come to stand, what is in them, and what
//! becomes of the modules.

use istio::base::{self, Destination};
use istio::{
    Context, Delivery, Download, EnvoyFilter, Proxy, Rendered, Resources, TrafficExtension, render,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

const JWT: &str = "envoy.filters.http.jwt_authn";
const RBAC: &str = "envoy.filters.http.rbac";

fn endpoint() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 1))
}

fn bootstrap(context: Context) -> Value {
    let destination = Destination {
        host: "orders.shop.svc.cluster.local",
        port: 8080,
        endpoint: endpoint(),
    };
    match context {
        Context::SidecarInbound => base::sidecar_inbound(8080, endpoint()),
        Context::SidecarOutbound => base::sidecar_outbound(&destination),
        Context::Gateway => base::gateway(8080, &destination),
        Context::Waypoint => base::waypoint(&destination),
    }
}

fn proxy(context: Context) -> Proxy {
    match context {
        Context::Waypoint => Proxy::waypoint("shop", "waypoint", "orders"),
        context => Proxy::new(context, "shop").label("app", "orders"),
    }
}

/// A plugin of this name, with these fields of its `metadata` and `spec` besides.
fn plugin(name: &str, metadata: &str, spec: &str) -> TrafficExtension {
    let text = format!(
        "{{apiVersion: extensions.istio.io/v1alpha1, kind: WasmPlugin, \
         metadata: {{name: {name}, {metadata}}}, spec: {{url: 'oci://registry.example/{name}:1', {spec}}}}}"
    );
    let mut all = TrafficExtension::parse_all(&text).unwrap_or_else(|error| panic!("{error}"));
    all.remove(0)
}

fn in_shop(name: &str, spec: &str) -> TrafficExtension {
    plugin(name, "namespace: shop", spec)
}

fn on(context: Context, plugins: &[TrafficExtension], delivery: Delivery<'_>) -> Rendered {
    let resources = Resources {
        traffic_extensions: plugins,
        ..Resources::default()
    };
    render(bootstrap(context), resources, &proxy(context), delivery).unwrap()
}

fn http_filters(bootstrap: &Value) -> &Vec<Value> {
    let listener = &bootstrap["static_resources"]["listeners"][0];
    let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
    manager["http_filters"].as_array().unwrap()
}

/// The names of the filters, ours as they are called in Kubernetes and Istio's without their prefix.
fn order(bootstrap: &Value) -> Vec<String> {
    let names = http_filters(bootstrap)
        .iter()
        .map(|filter| filter["name"].as_str().unwrap());
    names
        .map(|name| {
            let name = name.trim_start_matches("extensions.istio.io/trafficextension/");
            let name = name.trim_start_matches("envoy.filters.http.");
            name.trim_end_matches("~istio-translated-wasmplugin")
                .to_owned()
        })
        .collect()
}

#[test]
fn phases_have_their_places_among_istios_filters() {
    let plugins = [
        in_shop("none", ""),
        in_shop("stats", "phase: STATS"),
        in_shop("authz", "phase: AUTHZ"),
        in_shop("authn", "phase: AUTHN"),
    ];
    let all =
        "shop.authn jwt_authn shop.authz rbac shop.stats shop.none grpc_stats fault cors router";
    let waypoint =
        "shop.authn jwt_authn shop.authz rbac grpc_stats fault cors shop.stats shop.none router";
    let custom = format!("istio.metadata_exchange rbac ext_authz {all}");
    for (context, added, expected) in [
        (Context::SidecarInbound, &[JWT, RBAC][..], all),
        (Context::Gateway, &[JWT, RBAC], all),
        (
            Context::SidecarInbound,
            &[JWT],
            "shop.authn jwt_authn shop.authz shop.stats shop.none grpc_stats fault cors router",
        ),
        (
            Context::SidecarInbound,
            &[RBAC],
            "shop.authn shop.authz rbac shop.stats shop.none grpc_stats fault cors router",
        ),
        (
            Context::SidecarOutbound,
            &[],
            "shop.authn shop.authz shop.stats shop.none grpc_stats fault cors router",
        ),
        (Context::SidecarInbound, &[JWT, RBAC, "custom"], &custom),
    ] {
        let mut plain = bootstrap(context);
        for name in added {
            if *name != "custom" {
                base::add_http_filter(&mut plain, name, json!({})).unwrap();
                continue;
            }
            let manager = &mut plain["static_resources"]["listeners"][0]["filter_chains"][0]["filters"]
                [0]["typed_config"]["http_filters"];
            for name in [
                "envoy.filters.http.ext_authz",
                RBAC,
                "istio.metadata_exchange",
            ] {
                manager
                    .as_array_mut()
                    .unwrap()
                    .insert(0, json!({ "name": name }));
            }
        }
        let resources = Resources {
            traffic_extensions: &plugins,
            ..Resources::default()
        };
        let out = render(plain, resources, &proxy(context), Delivery::ControlPlane).unwrap();
        assert_eq!(
            order(&out.bootstrap).join(" "),
            expected,
            "{context:?} {added:?}"
        );
        let applied = ["shop/authn", "shop/authz", "shop/stats", "shop/none"];
        assert_eq!(out.applied, applied);
        assert_eq!(out.notes, [""; 0]);
    }
    let target = "targetRefs: [{kind: Service, name: orders}]";
    let plugins = [
        in_shop("none", target),
        in_shop("stats", &format!("phase: STATS, {target}")),
        in_shop("authz", &format!("phase: AUTHZ, {target}")),
        in_shop("authn", &format!("phase: AUTHN, {target}")),
    ];
    let mut plain = bootstrap(Context::Waypoint);
    for name in [JWT, RBAC] {
        base::add_http_filter(&mut plain, name, json!({})).unwrap();
    }
    let resources = Resources {
        traffic_extensions: &plugins,
        ..Resources::default()
    };
    let proxy = proxy(Context::Waypoint);
    let out = render(plain, resources, &proxy, Delivery::ControlPlane).unwrap();
    assert_eq!(order(&out.bootstrap).join(" "), waypoint);
}

#[test]
fn in_a_phase_the_higher_priority_runs_first_and_none_last() {
    let at =
        |time: &str| format!("namespace: shop, creationTimestamp: '2026-0{time}-01T00:00:00Z'");
    let plugins = [
        in_shop("unset", ""),
        in_shop("lowest", "priority: -2147483648"),
        in_shop("low", "priority: -1"),
        in_shop("zero", "priority: 0"),
        in_shop("high", "priority: 10"),
        plugin("newer", &at("2"), "priority: 5"),
        plugin("older", &at("1"), "priority: 5"),
        plugin("root", "namespace: istio-system", "priority: 5"),
        plugin("a", &at("3"), "priority: 4"),
        // `~` comes behind every letter.
        plugin("ab", &at("3"), "priority: 4"),
    ];
    let out = on(Context::SidecarInbound, &plugins, Delivery::ControlPlane);
    let ours: Vec<String> = order(&out.bootstrap)
        .into_iter()
        .take(plugins.len())
        .collect();
    assert_eq!(
        ours.join(" "),
        "shop.high shop.older shop.newer istio-system.root shop.ab shop.a shop.zero shop.low \
         shop.lowest shop.unset"
    );
}

#[test]
fn namespaces_selectors_and_targets_pick_proxies() {
    let gateway = "group: gateway.networking.k8s.io, kind: Gateway, name: edge";
    let edge = || {
        Proxy::new(Context::Gateway, "shop").label("gateway.networking.k8s.io/gateway-name", "edge")
    };
    let inbound = || proxy(Context::SidecarInbound);
    let targets_edge = format!("targetRefs: [{{{gateway}}}]");
    let target_edge = format!("targetRef: {{{gateway}}}");
    for (namespace, spec, proxy, selected) in [
        ("shop", "", inbound(), true),
        ("istio-system", "", inbound(), true),
        ("other", "", inbound(), false),
        (
            "shop",
            "selector: {matchLabels: {app: orders}}",
            inbound(),
            true,
        ),
        (
            "shop",
            "selector: {matchLabels: {app: reviews}}",
            inbound(),
            false,
        ),
        (
            "istio-system",
            "selector: {matchLabels: {app: orders}}",
            inbound(),
            true,
        ),
        ("shop", &targets_edge, inbound(), false),
        ("shop", &targets_edge, edge(), true),
        ("shop", &target_edge, edge(), true),
        ("istio-system", &targets_edge, edge(), false),
        ("shop", "", edge(), true),
        ("shop", "", proxy(Context::Waypoint), false),
    ] {
        let plugin = plugin("p", &format!("namespace: {namespace}"), spec);
        let resources = Resources {
            traffic_extensions: &[plugin],
            ..Resources::default()
        };
        let out = render(
            bootstrap(proxy.context),
            resources,
            &proxy,
            Delivery::ControlPlane,
        );
        let out = out.unwrap();
        assert_eq!(
            out.applied.len(),
            usize::from(selected),
            "{namespace} {spec}"
        );
        assert_eq!(out.extension_configs.len(), usize::from(selected));
        assert_eq!(
            out.notes, [""; 0],
            "who means another proxy is not worth a note"
        );
    }
    // A waypoint takes policies from the namespaces of its services.
    let mut waypoint = proxy(Context::Waypoint);
    waypoint.waypoint_services[0].namespace = "elsewhere".to_owned();
    let plugin = plugin(
        "p",
        "namespace: elsewhere",
        "targetRefs: [{kind: Service, name: orders}]",
    );
    let resources = Resources {
        traffic_extensions: &[plugin],
        ..Resources::default()
    };
    let plain = bootstrap(Context::Waypoint);
    let out = render(plain, resources, &waypoint, Delivery::ControlPlane).unwrap();
    assert_eq!(out.applied, ["elsewhere/p"]);
}

#[test]
fn modes_and_ports_pick_listeners() {
    use Context::{Gateway, SidecarInbound, SidecarOutbound, Waypoint};
    let target = "targetRefs: [{kind: Service, name: orders}]";
    let all = [SidecarInbound, SidecarOutbound, Gateway, Waypoint];
    for (matches, meant) in [
        ("[]", &all[..]),
        ("[{}]", &all),
        ("[{mode: CLIENT_AND_SERVER}]", &all),
        ("[{mode: UNDEFINED}]", &all),
        ("[{mode: SERVER}]", &[SidecarInbound, Waypoint]),
        ("[{mode: CLIENT}]", &[SidecarOutbound, Gateway]),
        // A waypoint has no port of its own to compare.
        (
            "[{ports: [{number: 8080}]}]",
            &[SidecarInbound, SidecarOutbound, Gateway],
        ),
        (
            "[{ports: [{number: 1}, {number: 8080}]}]",
            &[SidecarInbound, SidecarOutbound, Gateway],
        ),
        (
            "[{mode: SERVER, ports: [{number: 8080}]}]",
            &[SidecarInbound],
        ),
        (
            "[{mode: SERVER}, {mode: CLIENT, ports: [{number: 8080}]}]",
            &all,
        ),
        ("[{ports: [{number: 80}]}]", &[]),
    ] {
        for context in all {
            let attached = if context == Waypoint { target } else { "" };
            let plugin = in_shop("p", &format!("match: {matches}, {attached}"));
            let out = on(context, &[plugin], Delivery::ControlPlane);
            if meant.contains(&context) {
                assert_eq!(out.applied, ["shop/p"], "{matches} {context:?}");
                assert_eq!(out.notes, [""; 0]);
                continue;
            }
            assert_eq!(out.applied, [""; 0], "{matches} {context:?}");
            assert_eq!(out.extension_configs, [Value::Null; 0]);
            assert_eq!(out.notes.len(), 1, "{:?}", out.notes);
            assert!(out.notes[0].starts_with("shop/p spec.match: no HTTP listener of a "));
        }
    }
}

#[test]
fn istiod_sends_a_question_and_the_answer_to_it() {
    let spec = "sha256: 1ef0c9a92b0420cf25f7fe5d481b231464bc88f486ca3b9c83ed5cc21d2f6210, \
                imagePullPolicy: Always, imagePullSecret: cred, pluginName: root, \
                failStrategy: FAIL_OPEN, pluginConfig: {b: 2, a: {c: [1.5, true, ~]}}, \
                vmConfig: {env: [{name: A, value: b}, {name: H, valueFrom: HOST}]}";
    let plugin = plugin("p", "namespace: shop, resourceVersion: '7'", spec);
    let name = "extensions.istio.io/trafficextension/shop.p~istio-translated-wasmplugin";
    assert_eq!(plugin.resource_name(), name);
    let out = on(Context::SidecarInbound, &[plugin], Delivery::ControlPlane);
    let wasm = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
    assert_eq!(
        http_filters(&out.bootstrap)[0],
        json!({
            "name": name,
            "config_discovery": {
                "config_source": {
                    "ads": {},
                    "resource_api_version": "V3",
                    "initial_fetch_timeout": "0s",
                },
                "type_urls": [
                    wasm,
                    "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
                ],
            },
        })
    );
    assert_eq!(
        out.extension_configs,
        [json!({
            "name": name,
            "typed_config": {
                "@type": wasm,
                "config": {
                    "name": "shop.p~istio-translated-wasmplugin",
                    "root_id": "root",
                    "failure_policy": "FAIL_OPEN",
                    "configuration": {
                        "@type": "type.googleapis.com/google.protobuf.StringValue",
                        "value": "{\"a\":{\"c\":[1.5,true,null]},\"b\":2}",
                    },
                    "vm_config": {
                        "runtime": "envoy.wasm.runtime.v8",
                        "code": {"remote": {
                            "http_uri": {
                                "uri": "oci://registry.example/p:1",
                                "timeout": "30s",
                                "cluster": "_",
                            },
                            "sha256":
                                "1ef0c9a92b0420cf25f7fe5d481b231464bc88f486ca3b9c83ed5cc21d2f6210",
                        }},
                        "environment_variables": {
                            "key_values": {
                                "A": "b",
                                "ISTIO_META_WASM_IMAGE_PULL_POLICY": "Always",
                                "ISTIO_META_WASM_IMAGE_PULL_SECRET": "kubernetes://shop/cred",
                                "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": "7",
                            },
                            "host_env_keys": ["H"],
                        },
                    },
                },
            },
        })]
    );
}

/// The configuration of the one module of these rows, as istiod sends it.
fn config(spec: &str) -> Value {
    let out = on(
        Context::SidecarInbound,
        &[in_shop("p", spec)],
        Delivery::ControlPlane,
    );
    assert_eq!(out.notes, [""; 0]);
    out.extension_configs[0]["typed_config"]["config"].clone()
}

#[test]
fn what_is_not_said_is_not_sent() {
    for spec in ["", "pluginConfig: {}"] {
        let bare = config(spec);
        assert_eq!(bare.get("configuration"), None);
        assert_eq!(bare.get("root_id"), None);
        assert_eq!(bare["failure_policy"], "FAIL_CLOSED");
        let remote = &bare["vm_config"]["code"]["remote"];
        assert_eq!(remote.get("sha256"), None);
        let environment = json!({"key_values": {"ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": ""}});
        assert_eq!(bare["vm_config"]["environment_variables"], environment);
    }
    assert_eq!(
        config("failStrategy: FAIL_RELOAD")["failure_policy"],
        "FAIL_RELOAD"
    );
}

#[test]
fn a_traffic_extension_has_its_own_name_and_may_be_a_script() {
    let text = "
apiVersion: extensions.istio.io/v1alpha1
kind: TrafficExtension
metadata: {name: p, namespace: shop}
spec: {phase: AUTHN, wasm: {url: 'https://modules.example/p.wasm'}}
---
apiVersion: extensions.istio.io/v1alpha1
kind: TrafficExtension
metadata: {name: script, namespace: shop}
spec: {phase: AUTHN, lua: {inlineCode: 'function envoy_on_request(h) end'}}
";
    let both = TrafficExtension::parse_all(text).unwrap();
    let out = on(Context::SidecarInbound, &both, Delivery::ControlPlane);
    let filters = http_filters(&out.bootstrap);
    assert_eq!(
        filters[0]["name"],
        "extensions.istio.io/trafficextension/shop.p"
    );
    assert_eq!(
        filters[1],
        json!({
            "name": "extensions.istio.io/trafficextension/shop.script",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                "default_source_code": {"inline_string": "function envoy_on_request(h) end"},
            },
        })
    );
    assert_eq!(out.extension_configs.len(), 1);
    assert_eq!(
        out.extension_configs[0]["typed_config"]["config"]["name"],
        "shop.p"
    );
}

#[test]
fn a_file_is_the_proxys_own_and_no_agent_touches_it() {
    let refuses = |module: &Download<'_>| -> Result<PathBuf, String> { panic!("{module:?}") };
    let mut plugin = in_shop("p", "vmConfig: {env: [{name: A, value: b}]}");
    let istio::Code::Wasm(wasm) = &mut plugin.code else {
        panic!("no module");
    };
    wasm.url = "file:///var/lib/p.wasm".to_owned();
    let out = on(
        Context::SidecarInbound,
        &[plugin],
        Delivery::Inline(&refuses),
    );
    let vm = &http_filters(&out.bootstrap)[0]["typed_config"]["config"]["vm_config"];
    assert_eq!(
        vm["code"],
        json!({"local": {"filename": "/var/lib/p.wasm"}})
    );
    // So what is meant for the agent stays as well.
    let values = json!({"A": "b", "ISTIO_META_WASM_PLUGIN_RESOURCE_VERSION": ""});
    assert_eq!(vm["environment_variables"]["key_values"], values);
}

#[test]
fn an_agent_fetches_modules_and_its_failure_is_the_filters() {
    let modules = BTreeMap::from([(
        "oci://registry.example/here:1".to_owned(),
        PathBuf::from("/cache/here.wasm"),
    )]);
    let plugins = [
        in_shop(
            "here",
            "phase: AUTHN, vmConfig: {env: [{name: ISTIO_META_MINE, value: a}]}",
        ),
        in_shop("gone", "phase: AUTHZ"),
        in_shop("gone-open", "phase: STATS, failStrategy: FAIL_OPEN"),
    ];
    let asked = on(Context::SidecarInbound, &plugins, Delivery::Agent(&modules));
    let inlined = on(
        Context::SidecarInbound,
        &plugins,
        Delivery::Inline(&modules),
    );
    let note = |name: &str, instead: &str| {
        format!(
            "`extensions.istio.io/trafficextension/shop.{name}~istio-translated-wasmplugin`: \
             cannot fetch Wasm module oci://registry.example/{name}:1: it is not among the modules \
             at hand; applying {instead} RBAC filter"
        )
    };
    let rbac = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
    for out in [&asked, &inlined] {
        assert_eq!(out.applied, ["shop/here", "shop/gone", "shop/gone-open"]);
        assert_eq!(
            &out.notes[1..],
            [note("gone", "deny"), note("gone-open", "allow")]
        );
    }
    assert!(asked.notes[0].contains("ISTIO_META_"), "{:?}", asked.notes);
    let answers: Vec<&Value> = asked
        .extension_configs
        .iter()
        .map(|configuration| &configuration["typed_config"])
        .collect();
    let vm = &answers[0]["config"]["vm_config"];
    assert_eq!(
        vm["code"],
        json!({"local": {"filename": "/cache/here.wasm"}})
    );
    assert_eq!(vm.get("environment_variables"), None);
    let denies = json!({"@type": rbac, "rules_stat_prefix": "wasm-default-deny", "rules": {}});
    assert_eq!(answers[1], &denies);
    let allows = json!({"@type": rbac, "rules_stat_prefix": "wasm-default-allow"});
    assert_eq!(answers[2], &allows);
    // The same in the filters themselves.
    assert_eq!(inlined.extension_configs, [Value::Null; 0]);
    let filters = http_filters(&inlined.bootstrap);
    for (filter, answer) in filters.iter().zip(answers) {
        assert_eq!(filter.get("config_discovery"), None);
        assert_eq!(&filter["typed_config"], answer);
    }
}

#[test]
fn what_is_not_rendered_says_so() {
    let network = in_shop("p", "type: NETWORK");
    let out = on(Context::SidecarInbound, &[network], Delivery::ControlPlane);
    assert_eq!(
        out.notes,
        ["shop/p spec.type: NETWORK is not rendered here"]
    );
    let mut unread = in_shop("p", "");
    let istio::Code::Wasm(wasm) = &mut unread.code else {
        panic!("no module");
    };
    wasm.url = "127.0.0.1:5000/p:1".to_owned();
    let out = on(Context::SidecarInbound, &[unread], Delivery::ControlPlane);
    let note =
        "shop/p spec.url: discarded by istiod: first path segment in URL cannot contain colon";
    assert_eq!(out.notes, [note]);
    assert_eq!(out.applied, [""; 0]);
}

fn filter(patch: &str) -> EnvoyFilter {
    EnvoyFilter::parse(&format!(
        "{{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, \
         metadata: {{name: f, namespace: shop}}, spec: {{configPatches: [{patch}]}}}}"
    ))
    .unwrap()
}

/// A patch to the filter of this name.
fn to_filter(name: &str, patch: &str) -> String {
    format!(
        "{{applyTo: HTTP_FILTER, match: {{listener: {{filterChain: {{filter: {{name: \
         envoy.filters.network.http_connection_manager, subFilter: {{name: '{name}'}}}}}}}}}}, \
         patch: {patch}}}"
    )
}

#[test]
fn envoy_filters_see_the_plugins_and_cannot_merge_into_them() {
    let plugin = in_shop("p", "");
    let name = plugin.resource_name();
    let modules = BTreeMap::from([(
        "oci://registry.example/p:1".to_owned(),
        PathBuf::from("/p.wasm"),
    )]);
    let both = |patch: &str| {
        let filters = [filter(&to_filter(&name, patch))];
        let resources = Resources {
            traffic_extensions: std::slice::from_ref(&plugin),
            envoy_filters: &filters,
        };
        let context = Context::SidecarInbound;
        render(
            bootstrap(context),
            resources,
            &proxy(context),
            Delivery::Inline(&modules),
        )
        .unwrap()
    };
    let before = both("{operation: INSERT_BEFORE, value: {name: new}}");
    assert_eq!(order(&before.bootstrap)[..2], ["new", "shop.p"]);
    assert_eq!(before.applied, ["shop/p", "shop/f spec.configPatches[0]"]);
    let removed = both("{operation: REMOVE}");
    assert_eq!(order(&removed.bootstrap)[0], "grpc_stats");
    assert_eq!(removed.notes, [""; 0], "nobody asks, so nobody is answered");
    // Only afterwards is the configuration in the filter.
    let merged = both("{operation: MERGE, value: {typed_config: {'@type': t/Wasm, config: {}}}}");
    assert_eq!(merged.notes.len(), 1, "{:?}", merged.notes);
    assert!(
        merged.notes[0].contains("has no typed_config"),
        "{:?}",
        merged.notes
    );
    assert!(
        http_filters(&merged.bootstrap)[0]
            .get("typed_config")
            .is_some()
    );
}

#[test]
fn an_envoy_filter_reaches_a_waypoint_by_its_target() {
    let patch = to_filter(
        "envoy.filters.http.router",
        "{operation: INSERT_BEFORE, value: {name: new}}",
    );
    let untargeted = filter(&patch);
    let targeted = EnvoyFilter::parse(&format!(
        "{{apiVersion: networking.istio.io/v1alpha3, kind: EnvoyFilter, \
         metadata: {{name: f, namespace: shop}}, spec: {{targetRefs: [{{kind: Gateway, \
         group: gateway.networking.k8s.io, name: waypoint}}], configPatches: [{}]}}}}",
        patch.replace("match: {", "match: {context: SIDECAR_INBOUND, ")
    ))
    .unwrap();
    for (filters, names, notes) in [
        ([untargeted], "grpc_stats fault cors router", 0),
        ([targeted], "grpc_stats fault cors new router", 1),
    ] {
        let proxy = proxy(Context::Waypoint);
        let resources = Resources {
            envoy_filters: &filters,
            ..Resources::default()
        };
        let plain = bootstrap(Context::Waypoint);
        let out = render(plain, resources, &proxy, Delivery::ControlPlane).unwrap();
        assert_eq!(order(&out.bootstrap).join(" "), names);
        assert_eq!(out.notes.len(), notes);
    }
}
