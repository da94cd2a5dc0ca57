//! `docs/istio.md`: its commands in their order, its numbers, and what it says of versions and gateways.

use std::fs;

use integration::demo::Shipped;
use integration::envoy::repository;
use integration::upstream::Upstream;
use istio::base::{Destination, gateway, sidecar_inbound};
use istio::{Context, EnvoyFilter, Proxy, apply};
use serde_json::Value;

use super::istio_all::{FILTERS, FIVE, ONE};
use super::pages::Page;
use super::runner::run;

fn page() -> Page {
    Page::read("docs/istio.md")
}

fn size(filter: &str) -> u64 {
    let file = repository().join(format!("dist/{filter}.wasm"));
    let size = fs::metadata(&file).map(|file| file.len());
    size.unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

const MEBIBYTE: u64 = 1 << 20;

#[test]
fn a_config_map_does_not_hold_the_one_module() {
    let size = size("mesh-filters");
    assert!(size > MEBIBYTE, "{size}: the page has no need of an image");
}

#[test]
fn a_config_map_holds_a_module_and_not_all_and_an_annotation_holds_none() {
    const ANNOTATIONS: u64 = 256 << 10;
    for filter in FILTERS {
        assert!(size(filter) <= MEBIBYTE, "{filter}");
        // In base64, as `binaryData` is written.
        assert!(size(filter) / 3 * 4 > ANNOTATIONS, "{filter}");
    }
    assert!(FILTERS.map(size).iter().sum::<u64>() > MEBIBYTE);
    for shape in [ONE, FIVE] {
        let filters = u64::try_from(shape.file().text().len()).unwrap();
        assert!(filters < ANNOTATIONS);
    }
}

/// Everything but the cluster: the shell, the files, and the order of what `kubectl` is asked for.
#[test]
fn the_commands_run_in_their_order() {
    let ran = run("docs/istio.md");
    let calls = ran.calls();
    let mut rest = calls.lines();
    let labels = "kubectl apply -f envoy-configs/istio/all-labels.yaml";
    for call in [
        "docker build -t registry.example/mesh-filters:0.1.0 ",
        "docker push registry.example/mesh-filters:0.1.0",
        labels,
        "--patch-file envoy-configs/istio/mesh-filters-pods.yaml",
        "rollout status",
        "kubectl apply -f envoy-configs/istio/mesh-filters.yaml",
        "--patch-file envoy-configs/istio/mesh-filters-gateway-pods.yaml",
        "rollout status",
        "kubectl apply -f envoy-configs/istio/mesh-filters-gateway.yaml",
        "create configmap mesh-filters-telemetry-tags-0.1.0",
        "--patch-file envoy-configs/istio/all-pods.yaml",
        "rollout status",
        "kubectl apply -f envoy-configs/istio/all.yaml",
    ] {
        let found = rest.any(|line| line.contains(call));
        assert!(found, "no `{call}` in its place in {calls}");
    }
    for filter in FILTERS {
        let made = format!(
            "create configmap mesh-filters-{filter}-0.1.0 --from-file=dist/{filter}.wasm --dry-run"
        );
        assert!(calls.contains(&made), "no `{made}` in {calls}");
    }
    let kept = calls
        .lines()
        .filter(|line| *line == "kubectl apply --server-side -f -");
    assert_eq!(kept.count(), FILTERS.len());
    let next = fs::read_to_string(ran.folder().join("pods-0.2.0.yaml")).unwrap();
    assert!(next.contains("0.2.0") && !next.contains("0.1.0"), "{next}");
}

#[test]
fn two_versions_stand_side_by_side() {
    assert!(page().text().contains("sed 's/0\\.1\\.0/0.2.0/g'"));
    for shape in [ONE, FIVE] {
        let this = shape.file();
        let next = this.text().replace("0.1.0", "0.2.0");
        let mut filters = EnvoyFilter::parse_all(this.text()).unwrap();
        filters.extend(EnvoyFilter::parse_all(&next).unwrap());
        for version in ["0.1.0", "0.2.0"] {
            let proxy = Proxy::new(Context::SidecarInbound, "shop")
                .label("app", "orders")
                .label("mesh-filters", &shape.labelled(version));
            let base = sidecar_inbound(8000, Upstream::start().addr());
            let rendered = apply(base, &filters, &proxy).unwrap();
            let text = rendered.bootstrap.to_string();
            for module in shape.modules {
                let file = shape.mounted(module);
                let module = format!("/var/lib/mesh-filters/{version}/{file}.wasm");
                assert_eq!(text.matches(&module).count(), 1, "{version}");
            }
            assert_eq!(
                text.matches("/var/lib/mesh-filters/").count(),
                shape.modules.len()
            );
        }
    }
}

#[test]
fn a_gateway_takes_the_one_module() {
    let patch = Shipped::read("envoy-configs/istio/mesh-filters-gateway-pods.yaml");
    let patch: Value = serde_saphyr::from_str(patch.text()).unwrap();
    let pod = &patch["spec"]["template"];
    let annotations = pod["metadata"]["annotations"].as_object().unwrap();
    assert!(
        annotations
            .keys()
            .all(|name| name == "proxy.istio.io/config")
    );
    let proxy = &pod["spec"]["containers"][0];
    assert_eq!(proxy["name"], "istio-proxy");
    let mounts = proxy["volumeMounts"].as_array().unwrap();
    let volumes = pod["spec"]["volumes"].as_array().unwrap();
    let named = |list: &[Value]| {
        list.iter()
            .map(|entry| entry["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(named(mounts), named(volumes));
    let file = proxy["env"][0]["value"].as_str().unwrap();
    let folder = mounts[1]["mountPath"].as_str().unwrap();
    assert_eq!(file, format!("{folder}/custom_bootstrap.json"));

    let version = pod["metadata"]["labels"]["mesh-filters"].as_str().unwrap();
    assert_eq!(version, ONE.labelled(env!("CARGO_PKG_VERSION")));
    let image = volumes[0]["image"]["reference"].as_str().unwrap();
    assert_eq!(image, format!("registry.example/mesh-filters:{version}"));
    let module = mounts[0]["mountPath"].as_str().unwrap();
    let module = format!("{module}/{}.wasm", ONE.mounted("mesh-filters"));

    let file = Shipped::read("envoy-configs/istio/mesh-filters-gateway.yaml");
    let filters = EnvoyFilter::parse_all(file.text()).unwrap();
    let upstream = Upstream::start();
    let destination = Destination {
        host: "orders.shop.svc.cluster.local",
        port: 80,
        endpoint: upstream.addr(),
    };
    let proxy = Proxy::new(Context::Gateway, "istio-ingress")
        .label("istio", "ingressgateway")
        .label("mesh-filters", version);
    let rendered = apply(gateway(8080, &destination), &filters, &proxy).unwrap();
    assert_eq!(rendered.notes, [""; 0]);
    assert_eq!(rendered.applied.len(), 1);
    let text = rendered.bootstrap.to_string();
    assert_eq!(text.matches(&module).count(), 1, "{text}");
}
