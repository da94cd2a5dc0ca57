//! `envoy-configs/istio/rate-limit.yaml`, put into sidecars as istiod would.

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::{Config, Envoy};
use integration::listener::cluster;
use integration::upstream::{Answer, Upstream};
use istio::base::sidecar_inbound;
use istio::{Context, EnvoyFilter, Proxy, apply};
use serde_json::Value;

const SERVICE: &str = "outbound|8081||ratelimit.default.svc.cluster.local";

/// The inbound half of a workload's sidecar, with the module from `dist/`.
fn sidecar(app: &str, upstream: &Upstream) -> (Vec<String>, Value) {
    let file = Shipped::read("envoy-configs/istio/rate-limit.yaml");
    let filters = EnvoyFilter::parse_all(file.text()).unwrap();
    let warnings: Vec<_> = filters.iter().flat_map(|filter| &filter.warnings).collect();
    assert_eq!(warnings, [""; 0]);
    let proxy = Proxy::new(Context::SidecarInbound, "default").label("app", app);
    let base = sidecar_inbound(8000, upstream.addr());
    let rendered = apply(base, &filters, &proxy).unwrap();
    assert_eq!(rendered.notes, [""; 0]);
    let text = rendered.bootstrap.to_string();
    let module = "/var/lib/mesh-filters/rate-limit.wasm";
    // A machine that runs tests may be slower than a service.
    let there = text
        .replace(module, "dist/rate-limit.wasm")
        .replace("\"20ms\"", "\"5s\"");
    (rendered.applied, serde_json::from_str(&there).unwrap())
}

fn names(bootstrap: &Value) -> Vec<&str> {
    let manager =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
    let filters = bootstrap.pointer(manager).unwrap().as_array().unwrap();
    filters
        .iter()
        .map(|filter| filter["name"].as_str().unwrap())
        .collect()
}

fn client(envoy: &Envoy, bootstrap: &Value) -> Client {
    let name = bootstrap["static_resources"]["listeners"][0]["name"].as_str();
    Client::http1(envoy.addr(name.unwrap()))
}

#[test]
fn httpbin_gets_its_hundred_a_second() {
    let upstream = Upstream::start();
    let (applied, bootstrap) = sidecar("httpbin", &upstream);
    assert_eq!(
        applied,
        ["default/mesh-filters-rate-limit spec.configPatches[0]"]
    );
    let filters = names(&bootstrap);
    let ours = filters
        .iter()
        .position(|name| *name == "mesh-filters.rate-limit")
        .unwrap();
    // After authentication and authorization, and nothing but the router behind it.
    assert_eq!(filters[ours + 1..], ["envoy.filters.http.router"]);

    let envoy = Envoy::builder(Config::from_value(bootstrap.clone())).start();
    let client = client(&envoy, &bootstrap);
    let answer = client.get("/get").send();
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("ratelimit-policy"),
        Some("\"requestcount\";q=100;w=1")
    );
    let burst = client.burst(400, 32, |_| client.get("/get").request());
    assert!(burst.iter().any(|answer| answer.status == 429));
}

#[test]
fn productpage_asks_the_service_by_path() {
    let (upstream, service) = (
        Upstream::start(),
        Upstream::with(|request| {
            let message = &request.messages()[0];
            let refuses = message.windows(5).any(|part| part == b"/dear");
            Answer::grpc(&[0x08, if refuses { 2 } else { 1 }])
        }),
    );
    let (applied, mut bootstrap) = sidecar("productpage", &upstream);
    assert_eq!(
        applied,
        ["default/mesh-filters-rate-limit-global spec.configPatches[0]"]
    );
    let clusters = bootstrap.pointer_mut("/static_resources/clusters").unwrap();
    clusters
        .as_array_mut()
        .unwrap()
        .push(cluster(SERVICE, service.addr(), true));

    let envoy = Envoy::builder(Config::from_value(bootstrap.clone())).start();
    let client = client(&envoy, &bootstrap);
    let send = |path: &str| client.get(path).send().status;
    assert_eq!([send("/cheap?x=/dear"), send("/dear")], [200, 429]);
    assert_eq!(service.count(), 2);
}

#[test]
fn other_workloads_get_nothing() {
    let (applied, _) = sidecar("details", &Upstream::start());
    assert_eq!(applied, [""; 0]);
}
