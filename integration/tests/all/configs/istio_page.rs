//! `docs/istio.md`: its commands in their order, its numbers, and what it says of versions and gateways.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use integration::demo::Shipped;
use integration::envoy::repository;
use integration::service::Scratch;
use integration::upstream::Upstream;
use istio::base::{Destination, gateway, sidecar_inbound};
use istio::{Context, EnvoyFilter, Proxy, apply};
use serde_json::Value;

use super::istio_all::FILTERS;
use super::pages::Page;

/// Writes down how it was called. Fails where a file is missing that it was told of, and where it is
/// to read from another program that said nothing.
const KUBECTL: &str = r#"#!/bin/bash
echo "$*" >> kubectl.calls
previous=
for word in "$@"; do
  case "$previous" in -f|--patch-file)
    if [ "$word" = - ]; then grep -q . || exit 1; else test -s "$word" || exit 1; fi ;;
  esac
  case "$word" in --from-file=*) test -s "${word#*=}" || exit 1 ;; esac
  previous=$word
done
case "$*" in
  *--dry-run=client*) echo "kind: ConfigMap" ;;
  *logs*) echo "wasm log" ;;
esac
"#;

fn page() -> Page {
    Page::read("docs/istio.md")
}

fn size(filter: &str) -> u64 {
    let file = repository().join(format!("dist/{filter}.wasm"));
    let size = fs::metadata(&file).map(|file| file.len());
    size.unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn a_config_map_holds_a_module_and_not_all_and_an_annotation_holds_none() {
    const MEBIBYTE: u64 = 1 << 20;
    const ANNOTATIONS: u64 = 256 << 10;
    for filter in FILTERS {
        assert!(size(filter) <= MEBIBYTE, "{filter}");
        // In base64, as `binaryData` is written.
        assert!(size(filter) / 3 * 4 > ANNOTATIONS, "{filter}");
    }
    assert!(FILTERS.map(size).iter().sum::<u64>() > MEBIBYTE);
    let filters = fs::metadata(repository().join("envoy-configs/istio/all.yaml")).unwrap();
    assert!(filters.len() < ANNOTATIONS);
}

/// Everything but the cluster: the shell, the files, and the order of what `kubectl` is asked for.
#[test]
fn the_commands_run_in_their_order() {
    let scratch = Scratch::new().unwrap();
    let folder = scratch.path();
    for name in ["dist", "envoy-configs"] {
        symlink(repository().join(name), folder.join(name)).unwrap();
    }
    for (name, text) in [("kubectl", KUBECTL), ("cargo", "#!/bin/sh\n")] {
        let program = scratch.write(name, text).unwrap();
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    let commands = page().commands();
    for command in &commands {
        let output = Command::new("bash")
            .args(["-o", "pipefail", "-c", command])
            .current_dir(folder)
            .env("PATH", format!("{}:{path}", folder.display()))
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
    }

    let calls = scratch.read("kubectl.calls").unwrap();
    let place = |call: &str| {
        let found = calls.lines().position(|line| line.contains(call));
        found.unwrap_or_else(|| panic!("no `{call}` in {calls}"))
    };
    for filter in FILTERS {
        let made =
            format!("create configmap mesh-filters-{filter}-0.1.0 --from-file=dist/{filter}.wasm");
        assert!(place(&made) < place("--patch-file envoy-configs/istio/all-pods.yaml"));
    }
    let applied = place("apply -f envoy-configs/istio/all.yaml");
    assert!(place("--patch-file envoy-configs/istio/all-pods.yaml") < place("rollout status"));
    assert!(place("rollout status") < applied);
    assert!(place("apply -f envoy-configs/istio/all-labels.yaml") < applied);
    let kept = calls
        .lines()
        .filter(|line| *line == "apply --server-side -f -");
    assert_eq!(kept.count(), FILTERS.len());
    let next = fs::read_to_string(folder.join("all-pods-0.2.0.yaml")).unwrap();
    assert!(next.contains("0.2.0") && !next.contains("0.1.0"), "{next}");
}

#[test]
fn two_versions_stand_side_by_side() {
    let this = Shipped::read("envoy-configs/istio/all.yaml");
    assert!(page().text().contains("sed 's/0\\.1\\.0/0.2.0/g'"));
    let next = this.text().replace("0.1.0", "0.2.0");
    let mut filters = EnvoyFilter::parse_all(this.text()).unwrap();
    filters.extend(EnvoyFilter::parse_all(&next).unwrap());
    for version in ["0.1.0", "0.2.0"] {
        let proxy = Proxy::new(Context::SidecarInbound, "shop")
            .label("app", "orders")
            .label("mesh-filters", version);
        let base = sidecar_inbound(8000, Upstream::start().addr());
        let rendered = apply(base, &filters, &proxy).unwrap();
        let text = rendered.bootstrap.to_string();
        for filter in FILTERS {
            let module = format!("/var/lib/mesh-filters/{version}/{filter}.wasm");
            assert_eq!(text.matches(&module).count(), 1, "{version}");
        }
        assert_eq!(
            text.matches("/var/lib/mesh-filters/").count(),
            FILTERS.len()
        );
    }
}

#[test]
fn a_gateway_takes_them_in_the_same_order() {
    let page = page();
    let mut patches = page.resources();
    patches.retain(|resource| resource["kind"].is_null());
    assert_eq!(patches.len(), 1);
    let pod = &patches[0]["spec"]["template"];
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

    let text = Shipped::read("envoy-configs/istio/all.yaml")
        .with("context: SIDECAR_INBOUND", "context: GATEWAY")
        .with("app: orders, ", "");
    let filters = EnvoyFilter::parse_all(text.text()).unwrap();
    let upstream = Upstream::start();
    let destination = Destination {
        host: "orders.shop.svc.cluster.local",
        port: 80,
        endpoint: upstream.addr(),
    };
    let version = pod["metadata"]["labels"]["mesh-filters"].as_str().unwrap();
    let proxy = Proxy::new(Context::Gateway, "shop").label("mesh-filters", version);
    let rendered = apply(gateway(8080, &destination), &filters, &proxy).unwrap();
    assert_eq!(rendered.notes, [""; 0]);
    let text = rendered.bootstrap.to_string();
    let places = FILTERS.map(|filter| text.find(&format!("\"mesh-filters.{filter}\"")).unwrap());
    assert!(places.is_sorted(), "{places:?}");
}
