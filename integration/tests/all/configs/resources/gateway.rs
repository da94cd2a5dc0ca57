//! Envoy Gateway's policies, as its Envoys get them: every module disabled in the chain and enabled by the route, its
//! configuration as text; with the bootstrap and the log of its EnvoyProxy.

use std::time::Duration;

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::{Config, Envoy};
use integration::listener::Listener;
use serde_json::{Value, json};

use super::documents;
use crate::configs::istio_all::{FILTERS, token};

const SOON: Duration = Duration::from_secs(10);
/// Six modules are compiled first.
const COMPILED: Duration = Duration::from_secs(180);
const POLICIES: [&str; 3] = ["mesh-filters", "mesh-filters-http", "all"];

fn document(name: &str) -> Value {
    documents(&Shipped::read(&format!(
        "envoy-configs/gateway/{name}.yaml"
    )))
    .remove(0)
}

/// The listener of a policy, under the name of its file.
fn listener(file: &str, log: &Value) -> Value {
    let policy = document(file);
    let mut listener = Listener::new(file);
    for (name, format) in log.as_object().unwrap() {
        listener = listener.log(name, format.as_str().unwrap());
    }
    let mut enabled = serde_json::Map::new();
    for (index, wasm) in policy["spec"]["wasm"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let owner = policy["metadata"]["name"].as_str().unwrap();
        let own = format!("envoyextensionpolicy/shop/{owner}/wasm/{index}");
        let name = format!("envoy.filters.http.wasm/{own}");
        let module = wasm["rootID"].as_str().unwrap();
        let config = json!({"config": {
            "name": wasm["name"],
            "root_id": module,
            "fail_open": wasm["failOpen"],
            "vm_config": {
                // A policy's own in a cluster. Here each module is to be compiled once.
                "vm_id": module,
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": format!("dist/{module}.wasm")}},
            },
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": wasm["config"].to_string(),
            },
        }});
        listener = listener.filter(&name, "wasm.v3.Wasm", config);
        let on = json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}});
        enabled.insert(name, on);
    }
    let mut listener = listener.manager("use_remote_address", json!(true)).build();
    let manager = &mut listener["filter_chains"][0]["filters"][0]["typed_config"];
    let filters = manager["http_filters"].as_array_mut().unwrap();
    for filter in filters.iter_mut().rev().skip(1) {
        filter["disabled"] = json!(true);
    }
    let route = &mut manager["route_config"]["virtual_hosts"][0]["routes"][0];
    route["typed_per_filter_config"] = Value::Object(enabled);
    listener
}

/// What Envoy Gateway writes by itself of labels, and what the EnvoyProxy adds.
fn stats_config(proxy: &Value) -> Value {
    let mut tags = vec![
        json!({"tag_name": "from_zone", "regex": r"\.zone(\.(([^\.]+)\.))"}),
        json!({"tag_name": "to_zone", "regex": r"\.zone\.[^\.]+\.(([^\.]+)\.)"}),
    ];
    let patches = proxy["spec"]["bootstrap"]["jsonPatches"].as_array();
    for patch in patches.unwrap() {
        assert_eq!(patch["op"], "add");
        assert_eq!(patch["path"], "/stats_config/stats_tags/-");
        tags.push(patch["value"].clone());
    }
    json!({"use_all_default_tags": true, "stats_tags": tags})
}

fn start() -> Envoy {
    let proxy = document("envoy-proxy");
    let log = &proxy["spec"]["telemetry"]["accessLog"]["settings"][0]["format"]["json"];
    let listeners = POLICIES.map(|file| listener(file, log));
    let bootstrap = json!({
        "static_resources": {"listeners": listeners},
        "stats_config": stats_config(&proxy),
    });
    Envoy::builder(Config::from_value(bootstrap))
        .workers(1)
        .ready_within(COMPILED)
        .args(["--file-flush-interval-msec", "20"])
        .start()
}

#[test]
fn the_list_is_the_order_of_the_chain() {
    let policy = document("all");
    let listed = policy["spec"]["wasm"].as_array().unwrap();
    let names: Vec<&str> = listed
        .iter()
        .map(|wasm| wasm["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, FILTERS);
}

#[test]
fn each_policy_lets_through_and_refuses() {
    let envoy = start();
    let token = token();
    let good = ("authorization", token.as_str());
    let send = |listener: &str, path: &str, headers: &[(&str, &str)]| {
        let client = Client::http1(envoy.addr(listener));
        let path = format!("{path}?of={listener}");
        let mut call = client.get(&path).authority(listener);
        for (name, value) in headers {
            call = call.header(name, *value);
        }
        call.send().status
    };
    let logged = |listener: &str, path: &str| -> Value {
        let has = |line: &&str| line.contains(&format!("\"{listener}\"")) && line.contains(path);
        envoy.wait_log(&format!("\"path\":\"{path}\""), SOON);
        let log = envoy.log();
        let line = log.lines().find(has).unwrap();
        serde_json::from_str(line).unwrap()
    };

    for listener in ["mesh-filters", "all"] {
        assert_eq!(send(listener, "/health", &[]), 200, "{listener}");
        assert_eq!(
            send(listener, "/orders/1", &[("authorization", "Bearer x.y.z")]),
            401
        );
        let anonymous = format!("/orders/{listener}");
        assert_eq!(send(listener, &anonymous, &[]), 403, "{listener}");
        let line = logged(listener, &anonymous);
        let reason = line["policy"].as_str().unwrap();
        assert!(reason.starts_with("no_allow:shop/orders"), "{line}");
        assert_eq!(line["token"], "anonymous", "{line}");
        for no in 0..5 {
            assert_eq!(
                send(listener, &format!("/orders/{no}"), &[good]),
                200,
                "{listener}"
            );
        }
        let sixth = format!("/orders/{listener}/6");
        assert_eq!(send(listener, &sixth, &[good]), 429, "{listener}");
        assert_eq!(logged(listener, &sixth)["limit"], "limited:per-user");
    }
    let tenant = [("x-chaos", "abort"), ("x-tenant", "acme")];
    assert_eq!(send("all", "/health", &tenant), 503);

    assert_eq!(send("mesh-filters-http", "/", &[]), 200);
    assert_eq!(send("mesh-filters-http", "/admin/1", &[]), 403);
    let line = logged("mesh-filters-http", "/admin/1");
    assert_eq!(line["policy"], "deny:shop/office-only.rules[0]", "{line}");

    let page = envoy.admin().prometheus();
    let of = "mesh_filters_authorization_policy_deny";
    let counted = format!("{of}{{policy=\"shop/office-only\"}} 1");
    assert!(page.lines().any(|line| line == counted), "no {counted}");
    let version = env!("CARGO_PKG_VERSION");
    let built = format!("mesh_filters_mesh_filters_build_info{{version=\"{version}\"}}");
    assert!(page.contains(&built), "no {built}");
}
