//! `docs/envoy-gateway.md`: its policy as Envoy Gateway hands it to Envoy (a filter that each route switches on, a
//! module that comes from Envoy Gateway itself), and what the page says comes of an error in it.

use std::time::Duration;

use integration::client::Client;
use integration::listener::{Listener, cluster};
use integration::module::{built, relabelled, sha256};
use integration::service::wait::until;
use integration::updates::{builder, update};
use integration::upstream::{Answer, Upstream};
use serde_json::{Value, json};

use super::pages::Page;

const SOON: Duration = Duration::from_secs(60);
/// The name of a filter: of its policy, and of its place in it.
const FILTER: &str = "envoy.filters.http.wasm/envoyextensionpolicy/shop/mesh-filters/wasm/0";

/// What a next version would be, were it a module.
const NEXT: &[u8] = b"no module";

fn page() -> Page {
    Page::read("docs/envoy-gateway.md")
}

/// The listener of a gateway with one plugin of a policy, on one route of two.
fn listener(name: &str, plugin: &Value, module: &[u8]) -> Value {
    let routes = ["/orders", "/"]
        .map(|prefix| json!({"match": {"prefix": prefix}, "direct_response": {"status": 200}}));
    let mut routes = Vec::from(routes);
    routes[0]["typed_per_filter_config"] = json!({FILTER: {
        "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
        "config": {},
    }});
    let filter = json!({
        "config": {
            "name": plugin["name"],
            "root_id": plugin["rootID"],
            "fail_open": plugin["failOpen"],
            "configuration": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": plugin["config"].to_string(),
            },
            "vm_config": {
                "vm_id": format!("envoyextensionpolicy/shop/{name}/wasm/0"),
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"remote": {
                    "http_uri": {"uri": format!("http://envoy-gateway/{}.wasm", sha256(module)), "cluster": "wasm_cluster", "timeout": "10s"},
                    "sha256": sha256(module),
                }},
            },
        },
    });
    let message = "wasm.v3.Wasm";
    let listener = Listener::new(name)
        .filter(FILTER, message, filter)
        .routes(routes);
    let mut listener = listener.build();
    let filters = "/filter_chains/0/filters/0/typed_config/http_filters/0";
    listener.pointer_mut(filters).unwrap()["disabled"] = json!(true);
    listener
}

#[test]
fn the_policy_decides_and_errors_are_seen_as_the_page_says() {
    let module = built("mesh-filters");
    // One that Envoy does not have.
    let another = relabelled(&module, "another");
    let plugin = page().resource("EnvoyExtensionPolicy")["spec"]["wasm"][0].clone();
    let mut wrong = plugin.clone();
    wrong["config"]["rateLimit"]["limits"][0]["per"] = json!("soon");
    let listeners = [
        listener("gateway", &plugin, &module),
        listener("first-policy", &wrong, &another),
    ];
    let next = listener("gateway", &plugin, NEXT);
    let known = listener("gateway", &wrong, &module);
    let server = Upstream::with(move |request| {
        let asked = |bytes: &&[u8]| request.path.contains(&sha256(bytes));
        let found = [&module[..], &another, NEXT].into_iter().find(asked);
        Answer::status(200).body(found.unwrap())
    });
    let clusters = json!([cluster("wasm_cluster", server.addr(), false)]);
    let envoy = builder(&listeners, |config| {
        config["static_resources"]["clusters"] = clusters;
    });
    // With one worker a listener changes for all at once. Compiling takes a while on a busy machine.
    let envoy = envoy.workers(1).ready_within(SOON).start();
    let [gateway, first] =
        ["gateway", "first-policy"].map(|name| Client::http1(envoy.addr(name)).deadline(SOON));

    // A module that is new to Envoy, with an error.
    envoy.wait_log("rateLimit.limits[0].per", SOON);
    assert_eq!(first.get("/orders").send().status, 503);
    assert_eq!(first.get("/other").send().status, 200);

    let well = || {
        let answer = gateway.get("/orders").send();
        assert_eq!(answer.status, 200);
        let policy = answer.header("ratelimit-policy");
        assert_eq!(policy, Some("\"everything\";q=100;w=1"));
        let refused = gateway.post("/orders", "").send();
        let said = (refused.status, refused.text());
        assert_eq!(said, (403, "RBAC: access denied".to_owned()));
        // Another route, another policy, or none.
        assert_eq!(gateway.post("/other", "").send().status, 200);
    };
    well();

    // A next version, of which nothing could run.
    assert!(page().text().contains("the *old* one goes on"));
    update(&envoy, &[next]);
    let asked = || {
        server
            .requests()
            .into_iter()
            .find(|request| request.path.contains(&sha256(NEXT)))
    };
    until(SOON, asked).expect("a fetch of the next version");
    let replaced = "listener_manager.listener_in_place_updated";
    envoy.admin().wait_stat(replaced, |count| count == 1, SOON);
    well();

    // A module that Envoy has had, with the same error.
    update(&envoy, &[known]);
    envoy.wait_log("Error adding/updating listener(s) gateway", SOON);
    well();
}

/// The name that makes claims of its `jwt_authn` those that our filters read.
#[test]
fn the_provider_is_called_as_istio_calls_the_payload() {
    let tokens = page().resource("SecurityPolicy");
    assert_eq!(tokens["spec"]["jwt"]["providers"][0]["name"], "payload");
}
