//! `envoy-configs/istio/fault-injection.yaml`, put into a sidecar as istiod would.

use std::time::Duration;

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::{Config, Envoy};
use integration::upstream::Upstream;
use istio::base::{Destination, sidecar_outbound};
use istio::{Context, EnvoyFilter, Proxy, Rendered, apply};
use serde_json::{Value, json};

use super::stdout_log;

const SOON: Duration = Duration::from_secs(10);
/// In place of the file's five seconds.
const DELAY: Duration = Duration::from_millis(300);
/// What the comment of the file adds to an access log.
const REASON: &str = "%FILTER_STATE(wasm.mesh_filters.fault-injection:PLAIN)%";
const LISTENER: &str = "0.0.0.0_9080";
const FILTER: &str = "mesh-filters.fault-injection";

fn file() -> Shipped {
    Shipped::read("envoy-configs/istio/fault-injection.yaml")
}

/// The outbound half of a sidecar with this label, which knows `reviews`.
fn sidecar(app: &str, upstream: &Upstream) -> Rendered {
    let destination = Destination {
        host: "reviews.default.svc.cluster.local",
        port: 9080,
        endpoint: upstream.addr(),
    };
    let filters = EnvoyFilter::parse_all(file().text()).unwrap();
    let warnings: Vec<_> = filters.iter().flat_map(|filter| &filter.warnings).collect();
    assert_eq!(warnings, [""; 0]);
    let proxy = Proxy::new(Context::SidecarOutbound, "default").label("app", app);
    apply(sidecar_outbound(&destination), &filters, &proxy).unwrap()
}

/// The connection manager of the listener for `reviews`.
fn manager(bootstrap: &mut Value) -> &mut Value {
    let listeners = bootstrap["static_resources"]["listeners"].as_array_mut();
    let listener = listeners
        .unwrap()
        .iter_mut()
        .find(|listener| listener["name"] == LISTENER)
        .unwrap();
    &mut listener["filter_chains"][0]["filters"][0]["typed_config"]
}

fn names(manager: &Value) -> Vec<&str> {
    let filters = manager["http_filters"].as_array().unwrap();
    filters
        .iter()
        .map(|filter| filter["name"].as_str().unwrap())
        .collect()
}

/// The module from `dist/`, a fault that is certain and short, and the reason in the log.
fn testable(mut bootstrap: Value) -> Config {
    let manager = manager(&mut bootstrap);
    let filters = manager["http_filters"].as_array_mut().unwrap();
    let ours = filters
        .iter_mut()
        .find(|filter| filter["name"] == FILTER)
        .unwrap();
    let plugin = &mut ours["typed_config"]["config"];
    let module = &mut plugin["vm_config"]["code"]["local"]["filename"];
    assert_eq!(*module, "/var/lib/mesh-filters/fault-injection.wasm");
    *module = json!("dist/fault-injection.wasm");
    let fault = &mut plugin["configuration"]["value"]["http"][0]["fault"]["delay"];
    assert_eq!(
        *fault,
        json!({"percentage": {"value": 10.0}, "fixedDelay": "5s"})
    );
    *fault =
        json!({"percentage": {"value": 100}, "fixedDelay": format!("{}ms", DELAY.as_millis())});
    assert!(file().text().contains(REASON));
    manager["access_log"] = stdout_log(&format!(
        "%REQ(:AUTHORITY)% %RESPONSE_CODE% reason={REASON}\n"
    ));
    Config::from_value(bootstrap)
}

#[test]
fn it_stands_where_istios_own_fault_filter_does() {
    let mut rendered = sidecar("productpage", &Upstream::start());

    assert_eq!(rendered.notes, [""; 0]);
    let patch = "default/mesh-filters-fault-injection spec.configPatches[0]";
    assert_eq!(rendered.applied, [patch]);
    let names = names(manager(&mut rendered.bootstrap));
    let ours = names.iter().position(|name| *name == FILTER).unwrap();
    assert_eq!(names[ours + 1], "envoy.filters.http.fault");
    assert_eq!(names.iter().filter(|name| **name == FILTER).count(), 1);
}

#[test]
fn other_workloads_get_nothing() {
    let upstream = Upstream::start();
    let mut rendered = sidecar("details", &upstream);

    assert_eq!(rendered.applied, [""; 0]);
    assert!(!names(manager(&mut rendered.bootstrap)).contains(&FILTER));
}

#[test]
fn a_sidecar_delays_calls_to_reviews_and_to_nothing_else() {
    let upstream = Upstream::start();
    let config = testable(sidecar("productpage", &upstream).bootstrap);
    let envoy = Envoy::builder(config)
        .args(["--file-flush-interval-msec", "20"])
        .start();
    let client = Client::http1(envoy.addr(LISTENER));
    let send = |authority: &str| {
        let response = client.get("/reviews/0").authority(authority).send();
        let line = envoy.wait_log(&format!("{authority} "), SOON);
        let (_, reason) = line.split_once(" reason=").unwrap();
        (response.status, response.elapsed, reason.to_owned())
    };

    for authority in ["reviews:9080", "reviews.default.svc.cluster.local:9080"] {
        let (status, elapsed, reason) = send(authority);
        assert_eq!((status, reason.as_str()), (200, "delay:reviews-fault"));
        assert!(elapsed >= DELAY, "{elapsed:?}");
    }
    assert_eq!(upstream.count(), 2);
    // Its sidecar knows no such host, and the rule does not mean it.
    let (status, _, reason) = send("ratings:9080");
    assert_eq!((status, reason.as_str()), (502, "-"));
}
