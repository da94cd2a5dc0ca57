//! WasmPlugins in a real Envoy, at the places that istiod gives them: among Istio's own filters, and
//! with an agent that cannot fetch their modules.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use integration::client::{Client, Response};
use integration::envoy::{Config, Envoy, Scratch};
use integration::jwt::{Algorithm, Key, jwks};
use integration::upstream::Upstream;
use integration::{jwt_authn, rbac};
use istio::base::{self, Destination};
use istio::{Context, Delivery, Download, Proxy, Rendered, Resources, TrafficExtension, render};
use serde_json::{Value, json};

use super::istio_ways::{Row, rows};
use super::stdout_log;

const SOON: Duration = Duration::from_secs(10);
const ISSUER: &str = "a@example";
pub(super) const HOST: &str = "orders.shop.svc.cluster.local";

static KEY: LazyLock<Key> = LazyLock::new(|| Key::new(Algorithm::Es256, "plugins"));

fn token() -> String {
    let claims = json!({"iss": ISSUER, "sub": "jason", "exp": 4_102_444_800_u64});
    format!("Bearer {}", KEY.token(&claims))
}

fn jwt_rules() -> Value {
    json!([{"issuer": ISSUER, "jwks": jwks([&*KEY]).to_string(), "forwardOriginalToken": true}])
}

/// A policy that denies a path.
fn denies(name: &str, path: &str) -> Value {
    let rules = json!([{"to": [{"operation": {"paths": [path]}}]}]);
    json!({"name": name, "namespace": "shop", "action": "DENY", "rules": rules})
}

/// What a module is configured with, so that each can be told from the others by what it refuses.
fn configuration(module: &str) -> Value {
    match module {
        "mesh-filters" => {
            json!({"rateLimit": {"limits": [{"name": "everything", "requests": 1000, "per": "1h"}]}})
        }
        "request-authentication" => json!({"jwtRules": jwt_rules()}),
        "authorization-policy" => json!({"policies": [denies("ours", "/denied/by-both")]}),
        "rate-limit" => json!({"limits": [{
            "name": "counted",
            "match": [{"uri": {"prefix": "/counted"}}],
            // One VM serves the listeners of all proxies that are tried in one Envoy.
            "key": [{"header": "x-proxy"}],
            "requests": 2,
            "per": "1h",
        }]}),
        "fault-injection" => json!({"http": [{
            "name": "chaos",
            "match": [{"headers": {"x-chaos": {"exact": "abort"}}}],
            "fault": {"abort": {"percentage": {"value": 100}, "httpStatus": 418}},
        }]}),
        "telemetry-tags" => json!({"tags": [{"name": "tenant", "header": {"name": "x-tenant"}}]}),
        other => panic!("no configuration for {other}"),
    }
}

/// A WasmPlugin for every row of the table in `docs/istio.md`.
fn plugins() -> Vec<TrafficExtension> {
    let plugin = |row: &Row| {
        let text = json!({
            "apiVersion": "extensions.istio.io/v1alpha1",
            "kind": "WasmPlugin",
            "metadata": {"name": row.module, "namespace": "shop"},
            "spec": {
                "url": format!("oci://registry.example/{}:0.1.0", row.module),
                "pluginName": row.module,
                "phase": row.phase,
                "priority": row.priority,
                "failStrategy": row.strategy,
                "pluginConfig": configuration(&row.module),
                "vmConfig": {"env": [
                    {"name": "INLINE", "value": "a"},
                    {"name": "PATH", "valueFrom": "HOST"},
                ]},
            },
        });
        one(&text)
    };
    let mut plugins: Vec<_> = rows().iter().map(plugin).collect();
    assert_eq!(plugins.len(), 6);
    plugins.reverse();
    plugins
}

fn one(resource: &Value) -> TrafficExtension {
    let mut all = TrafficExtension::parse_all(&resource.to_string())
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// The agent: an image of the registry is the module of `dist/` with its name.
pub(super) fn fetch(module: &Download<'_>) -> Result<PathBuf, String> {
    let image = module.url.strip_prefix("oci://registry.example/");
    let name = image.and_then(|image| image.strip_suffix(":0.1.0"));
    let name = name.ok_or_else(|| format!("no such image: {}", module.url))?;
    Ok(PathBuf::from(format!("dist/{name}.wasm")))
}

/// A proxy of this kind and its listener.
pub(super) fn bootstrap(context: Context, upstream: &Upstream) -> (Value, &'static str) {
    let destination = Destination {
        host: HOST,
        port: 8000,
        endpoint: upstream.addr(),
    };
    match context {
        Context::SidecarInbound => (
            base::sidecar_inbound(8000, upstream.addr()),
            "virtualInbound",
        ),
        Context::Gateway => (base::gateway(8000, &destination), "0.0.0.0_8000"),
        Context::Waypoint => (base::waypoint(&destination), "main_internal"),
        Context::SidecarOutbound => (base::sidecar_outbound(&destination), "0.0.0.0_8000"),
    }
}

fn proxy(context: Context) -> Proxy {
    match context {
        Context::Waypoint => Proxy::waypoint("shop", "waypoint", "orders"),
        context => Proxy::new(context, "shop").label("app", "orders"),
    }
}

pub(super) fn rendered(
    base: Value,
    plugins: &[TrafficExtension],
    proxy: &Proxy,
    delivery: Delivery<'_>,
) -> Rendered {
    let resources = Resources {
        traffic_extensions: plugins,
        ..Resources::default()
    };
    render(base, resources, proxy, delivery).unwrap()
}

fn manager(bootstrap: &mut Value) -> &mut Value {
    &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
}

/// The HTTP filters by name, without what is the same in all.
pub(super) fn order(bootstrap: &mut Value) -> Vec<String> {
    let filters = manager(bootstrap)["http_filters"].as_array().unwrap();
    let names = filters
        .iter()
        .map(|filter| filter["name"].as_str().unwrap());
    names
        .map(|name| {
            let name = name.trim_start_matches("extensions.istio.io/trafficextension/shop.");
            let name = name.trim_start_matches("envoy.filters.http.");
            name.trim_end_matches("~istio-translated-wasmplugin")
                .to_owned()
        })
        .collect()
}

/// A bootstrap with the listeners of all of these, named as told. Modules are compiled once in an
/// Envoy, which is what takes the time.
pub(super) fn together(bootstraps: Vec<(String, Value)>) -> Config {
    let mut all = json!({"static_resources": {"listeners": [], "clusters": []}});
    for (name, mut bootstrap) in bootstraps {
        bootstrap["static_resources"]["listeners"][0]["name"] = json!(name);
        let take = |of: &mut Value, list: &str| of["static_resources"][list].take();
        for list in ["listeners", "clusters"] {
            let to = all["static_resources"][list].as_array_mut().unwrap();
            for object in take(&mut bootstrap, list).as_array().unwrap() {
                let known = to.iter().any(|other| other["name"] == object["name"]);
                if !known {
                    to.push(object.clone());
                }
            }
        }
        bootstrap["static_resources"] = all["static_resources"].take();
        all = bootstrap;
    }
    Config::from_value(all)
}

/// The six at a proxy that has Istio's authentication and authorization too.
fn with_istios_own(context: Context, upstream: &Upstream) -> Value {
    let (mut plain, _) = bootstrap(context, upstream);
    let policies =
        json!({"policies": [denies("istio", "/denied/*"), denies("never", "/counted/never")]});
    let native = [
        (
            "jwt_authn.v3.JwtAuthentication",
            jwt_authn::translate(&jwt_rules()),
        ),
        ("rbac.v3.RBAC", rbac::filters(&policies).unwrap().remove(0)),
    ];
    for (message, mut typed) in native {
        let name = message.split('.').next().unwrap();
        typed["@type"] = json!(format!(
            "type.googleapis.com/envoy.extensions.filters.http.{message}"
        ));
        base::add_http_filter(&mut plain, &format!("envoy.filters.http.{name}"), typed).unwrap();
    }
    manager(&mut plain)["access_log"] =
        stdout_log("%REQ(X-NO)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS%\n");
    let mut plugins = plugins();
    if context == Context::Waypoint {
        let service = istio::TargetRef {
            group: String::new(),
            kind: "Service".to_owned(),
            name: "orders".to_owned(),
        };
        for plugin in &mut plugins {
            plugin.target_refs.push(service.clone());
        }
    }

    let mut out = rendered(plain, &plugins, &proxy(context), Delivery::Inline(&fetch));

    assert_eq!(out.notes, [""; 0]);
    let applied: Vec<String> = rows()
        .iter()
        .map(|row| format!("shop/{}", row.module))
        .collect();
    assert_eq!(out.applied, applied);
    let before = [
        "mesh-filters",
        "request-authentication",
        "jwt_authn",
        "authorization-policy",
        "rbac",
    ];
    let stats = ["rate-limit", "fault-injection", "telemetry-tags"];
    let istios = ["grpc_stats", "fault", "cors"];
    let expected = match context {
        Context::Waypoint => [&before[..], &istios, &stats, &["router"]].concat(),
        _ => [&before[..], &stats, &istios, &["router"]].concat(),
    };
    assert_eq!(order(&mut out.bootstrap), expected);
    out.bootstrap
}

#[test]
fn six_modules_stand_among_istios_filters_of_every_proxy() {
    let upstream = Upstream::start();
    let proxies = [
        ("sidecar", Context::SidecarInbound),
        ("gateway", Context::Gateway),
        ("waypoint", Context::Waypoint),
    ];
    let bootstraps =
        proxies.map(|(name, context)| (name.to_owned(), with_istios_own(context, &upstream)));
    let envoy = Envoy::builder(together(bootstraps.into()))
        .args(["--file-flush-interval-msec", "20"])
        .start();
    for (name, _) in proxies {
        upstream.forget();
        each_decides_at_its_place(&envoy, name);
        assert_eq!(upstream.count(), 2, "{name}");
    }
}

fn each_decides_at_its_place(envoy: &Envoy, listener: &str) {
    let client = Client::http1(envoy.addr(listener));
    let said = |no: &str, path: &str, headers: &[(&str, &str)], expected: u16, by: &str| {
        let no = format!("{listener}-{no}");
        let call = client.get(path).authority(HOST).header("x-no", &no);
        let mut call = call.header("x-proxy", listener);
        for (name, value) in headers {
            call = call.header(name, *value);
        }
        let status = call.send().status;
        let line = envoy.wait_log(&format!("{no} {status} "), SOON);
        let details = line.rsplit_once(' ').unwrap().1;
        assert_eq!(status, expected, "{line}");
        assert!(details.starts_with(by), "{line}");
    };
    let token = token();
    let good = ("authorization", token.as_str());
    let forged = ("authorization", "Bearer x.y.z");
    let chaos = ("x-chaos", "abort");
    let rbac = "rbac_access_denied";
    let fault = "mesh_filters.fault-injection";

    said("allowed", "/orders", &[good], 200, "via_upstream");
    // Both would refuse it, and the first to see it does.
    let authn = "mesh_filters.request-authentication";
    said("forged", "/orders", &[forged], 401, authn);
    let authz = "mesh_filters.authorization-policy";
    said("both", "/denied/by-both", &[good], 403, authz);
    said("istio", "/denied/by-istio", &[good], 403, rbac);
    // What Istio's authorization denies does not come as far as the limit, nor as the fault.
    for no in ["never-1", "never-2", "never-3"] {
        said(no, "/counted/never", &[good], 403, rbac);
    }
    said("denied", "/denied/chaos", &[good, chaos], 403, rbac);
    said("chaos", "/orders", &[good, chaos], 418, fault);
    // The limit comes before the fault.
    said("first", "/counted", &[good], 200, "via_upstream");
    said("second", "/counted", &[good, chaos], 418, fault);
    said(
        "third",
        "/counted",
        &[good, chaos],
        429,
        "mesh_filters.rate-limit",
    );
}

/// A plugin without a module, and what its Envoy answers.
fn without_module(strategy: &str) -> Response {
    let upstream = Upstream::start();
    let plugin = one(&json!({
        "apiVersion": "extensions.istio.io/v1alpha1",
        "kind": "WasmPlugin",
        "metadata": {"name": "gone", "namespace": "shop"},
        "spec": {"url": "oci://registry.example/gone:9", "failStrategy": strategy},
    }));
    let (plain, listener) = bootstrap(Context::SidecarInbound, &upstream);
    let delivery = Delivery::Agent(&fetch);
    let mut out = rendered(plain, &[plugin], &proxy(Context::SidecarInbound), delivery);
    assert_eq!(out.notes.len(), 1, "{:?}", out.notes);
    let note = "cannot fetch Wasm module oci://registry.example/gone:9: no such image";
    assert!(out.notes[0].contains(note), "{:?}", out.notes);
    let scratch = Scratch::new().unwrap();
    out.bind_extensions(scratch.path()).unwrap();
    let envoy = Envoy::builder(Config::from_value(out.bootstrap))
        .scratch(scratch)
        .start();
    Client::http1(envoy.addr(listener)).get("/").send()
}

#[test]
fn without_its_module_a_plugin_denies_all_or_allows_all() {
    for strategy in ["FAIL_CLOSE", "FAIL_RELOAD"] {
        let answer = without_module(strategy);
        assert_eq!(
            (answer.status, &*answer.text()),
            (403, "RBAC: access denied"),
            "{strategy}"
        );
    }
    assert_eq!(without_module("FAIL_OPEN").status, 200);
}

/// The filter asks for its configuration, as in a mesh, and a file answers in place of a control plane.
#[test]
fn a_plugin_that_asks_for_its_configuration_gets_it() {
    let upstream = Upstream::start();
    let (plain, listener) = bootstrap(Context::SidecarInbound, &upstream);
    let mut plugins = plugins();
    plugins.retain(|plugin| plugin.name == "authorization-policy");
    let delivery = Delivery::Agent(&fetch);
    let mut out = rendered(plain, &plugins, &proxy(Context::SidecarInbound), delivery);
    assert_eq!(out.notes, [""; 0]);
    assert!(out.bootstrap.to_string().contains("config_discovery"));
    let scratch = Scratch::new().unwrap();
    out.bind_extensions(scratch.path()).unwrap();
    let envoy = Envoy::builder(Config::from_value(out.bootstrap))
        .scratch(scratch)
        .start();
    let client = Client::http1(envoy.addr(listener));
    assert_eq!(client.get("/orders").send().status, 200);
    assert_eq!(client.get("/denied/by-both").send().status, 403);
}
