//! The files of `envoy-configs/` for this filter, where their comments promise more than an answer.

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::{Config, Envoy};
use integration::listener::cluster;
use integration::upstream::{Answer, Upstream};
use istio::base::sidecar_inbound;
use istio::{Context, EnvoyFilter, Proxy, apply};
use serde_json::{Value, json};

use crate::request_authentication::SOON;

const REASON: &str = "%FILTER_STATE(wasm.mesh_filters.request-authentication:PLAIN)%";

/// Istio's demo token and keys, as the filter's own tests have them.
fn demo() -> (String, Value) {
    let vectors =
        include_str!("../../../../filters/request-authentication/tests/vectors/published.json");
    let vectors: Vec<Value> = serde_json::from_str(vectors).unwrap();
    let demo = vectors
        .iter()
        .find(|vector| vector["name"] == "demo.jwt")
        .unwrap();
    (
        demo["token"].as_str().unwrap().to_owned(),
        demo["jwks"].clone(),
    )
}

#[test]
fn the_upstream_sees_the_claim_and_not_the_token() {
    let file = Shipped::read("envoy-configs/local/request-authentication.yaml").any_ports();
    let envoy = file.envoy().start();
    let (token, _) = demo();
    let client = Client::http1(envoy.addr("ingress"));
    let sees = |call: integration::client::Call| {
        let answer = call.send();
        answer.header("x-upstream-sees").unwrap().to_owned()
    };
    let good = client
        .get("/")
        .header("authorization", format!("Bearer {token}"));
    assert_eq!(sees(good), "foo=bar authorization=");
    let forged = client.get("/").header("x-jwt-foo", "bar");
    assert_eq!(sees(forged), "foo= authorization=");
    let line = envoy.wait_log("GET 200 ", SOON);
    assert!(line.ends_with(" reason=verified:demo"), "{line}");
    let metrics = envoy.admin().prometheus();
    for counter in [
        "mesh_filters_request_authentication_verified{policy=\"demo\"} 1",
        "mesh_filters_request_authentication_verified{policy=\"services\"} 0",
        "mesh_filters_request_authentication_anonymous{} 1",
    ] {
        assert!(
            metrics.lines().any(|line| line == counter),
            "no `{counter}`"
        );
    }
    let version = format!(
        "mesh_filters_request_authentication_build_info{{version=\"{}\"}} 1",
        env!("CARGO_PKG_VERSION")
    );
    assert!(metrics.contains(&version));
}

/// What is on GitHub, but here.
fn github(keys: Value) -> Upstream {
    Upstream::with(move |request| match request.path.as_str() {
        "/istio/istio/release-1.18/security/tools/jwt/samples/jwks.json" => Answer::json(&keys),
        _ => Answer::status(404),
    })
}

#[test]
fn istios_file_verifies_in_a_sidecar() {
    let (token, keys) = demo();
    let (issuer, upstream) = (github(keys), Upstream::start());
    let file = Shipped::read("envoy-configs/istio/request-authentication.yaml");
    assert!(file.text().contains(REASON));
    let filters = EnvoyFilter::parse_all(file.text()).unwrap();
    let proxy = Proxy::new(Context::SidecarInbound, "foo").label("app", "httpbin");
    let mut rendered = apply(sidecar_inbound(80, upstream.addr()), &filters, &proxy).unwrap();
    assert_eq!(rendered.applied.len(), 1);
    assert_eq!(rendered.notes, [""; 0]);
    // The cluster that the comment's ServiceEntry and DestinationRule make, without TLS.
    let clusters = &mut rendered.bootstrap["static_resources"]["clusters"];
    let issuer = cluster(
        "outbound|443||raw.githubusercontent.com",
        issuer.addr(),
        false,
    );
    clusters.as_array_mut().unwrap().push(issuer);
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    let manager = rendered.bootstrap.pointer_mut(manager).unwrap();
    let first = &mut manager["http_filters"][0];
    assert_eq!(first["name"], "mesh-filters.request-authentication");
    let module = &mut first["typed_config"]["config"]["vm_config"]["code"]["local"]["filename"];
    assert_eq!(*module, "/var/lib/mesh-filters/request-authentication.wasm");
    *module = json!("dist/request-authentication.wasm");
    let envoy = Envoy::builder(Config::from_value(rendered.bootstrap)).start();
    let client = Client::http1(envoy.addr("virtualInbound"));
    let send = |authorization: &str| {
        let call = client
            .get("/headers")
            .header("authorization", authorization);
        call.send().status
    };
    assert_eq!(send(&format!("Bearer {token}")), 200);
    assert_eq!(
        upstream.requests().pop().unwrap().header("authorization"),
        None
    );
    assert_eq!(send("Bearer x.y.z"), 401);
    assert_eq!(client.get("/headers").send().status, 200);
}

#[test]
fn istios_file_leaves_other_workloads_alone() {
    let file = Shipped::read("envoy-configs/istio/request-authentication.yaml");
    let filters = EnvoyFilter::parse_all(file.text()).unwrap();
    let upstream = Upstream::start();
    let proxy = Proxy::new(Context::SidecarInbound, "foo").label("app", "other");
    let rendered = apply(sidecar_inbound(80, upstream.addr()), &filters, &proxy).unwrap();
    assert_eq!(rendered.applied, [""; 0]);
}
