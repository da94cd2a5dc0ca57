//! `docs/istio.md`: its commands in their order, its resources in a real Envoy, its numbers.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::{Config, Envoy, repository};
use integration::istio::base::{Destination, gateway, sidecar_inbound};
use integration::istio::{Context, EnvoyFilter, Proxy, apply};
use integration::listener::cluster;
use integration::service::Scratch;
use integration::upstream::{Answer, Upstream};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

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
    let scratch = Scratch::new();
    let folder = scratch.path();
    for name in ["dist", "envoy-configs"] {
        symlink(repository().join(name), folder.join(name)).unwrap();
    }
    for (name, text) in [("kubectl", KUBECTL), ("cargo", "#!/bin/sh\n")] {
        let program = scratch.write(name, text);
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

/// As istiod writes it: the configuration as JSON text, the plugin under namespace and name.
fn plugged(plugin: &Value, upstream: &Upstream) -> Config {
    let spec = &plugin["spec"];
    let filter = spec["pluginName"].as_str().unwrap();
    let mut bootstrap = sidecar_inbound(8000, upstream.addr());
    let manager = &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"]
        [0]["typed_config"];
    let ours = json!({
        "name": "plugin",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": format!("{}.{}", plugin["metadata"]["namespace"], plugin["metadata"]["name"]),
                "root_id": filter,
                "failure_policy": spec["failStrategy"],
                "vm_config": {
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": format!("dist/{filter}.wasm")}},
                },
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": spec["pluginConfig"].to_string(),
                },
            },
        },
    });
    manager["http_filters"]
        .as_array_mut()
        .unwrap()
        .insert(0, ours);
    Config::from_value(bootstrap)
}

fn is_limited(envoy: &Envoy) -> bool {
    let answer = Client::http1(envoy.addr("virtualInbound")).get("/").send();
    assert_eq!(answer.status, 200);
    answer.header("ratelimit-policy") == Some("\"everything\";q=100;w=1")
}

#[test]
fn the_plugin_of_the_page_works() {
    let plugin = page().resource("WasmPlugin");
    let upstream = Upstream::start();
    let envoy = Envoy::builder(plugged(&plugin, &upstream)).start();
    assert!(is_limited(&envoy));
}

#[test]
fn phase_and_priority_make_the_order() {
    let page = page();
    let rows = page.text().lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, name, phase, priority, strategy, _] = cells[..] else {
            return None;
        };
        let phases = ["`AUTHN`", "`AUTHZ`", "`STATS`"];
        let phase = phases.iter().position(|known| *known == phase)?;
        let priority: i64 = priority.parse().unwrap();
        Some(((phase, -priority), name.to_owned(), strategy.to_owned()))
    });
    let mut rows: Vec<_> = rows.collect();
    rows.reverse();
    rows.sort();
    let names: Vec<&str> = rows.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!(names, FILTERS);
    let spec = &page.resource("WasmPlugin")["spec"];
    let row = rows.iter().find(|(_, name, _)| spec["pluginName"] == *name);
    let ((_, priority), _, strategy) = row.unwrap();
    assert_eq!(spec["priority"], -priority);
    assert_eq!(
        format!("`{}`", spec["failStrategy"].as_str().unwrap()),
        *strategy
    );
}

/// The sidecar of the third way, whose server has this module.
fn fetching(sha256: &str, module: Vec<u8>) -> (Upstream, Envoy) {
    let page = page();
    let filter = page.resource("EnvoyFilter").to_string();
    let text = filter.replace("<what sha256sum says>", sha256);
    let filters = EnvoyFilter::parse_all(&text).unwrap();
    let upstream = Upstream::with(move |request| match request.path.as_str() {
        "/0.1.0/rate-limit.wasm" => Answer::status(200).body(&module),
        _ => Answer::status(200),
    });
    let proxy = Proxy::new(Context::SidecarInbound, "shop").label("app", "orders");
    let base = sidecar_inbound(8000, upstream.addr());
    let mut rendered = apply(base, &filters, &proxy).unwrap();
    assert_eq!(rendered.notes, [""; 0]);
    let clusters = rendered.bootstrap["static_resources"]["clusters"].as_array_mut();
    let name = "outbound|80||modules.shop.svc.cluster.local";
    assert!(text.contains(name));
    clusters
        .unwrap()
        .push(cluster(name, upstream.addr(), false));
    let envoy = Envoy::builder(Config::from_value(rendered.bootstrap)).start();
    (upstream, envoy)
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn envoy_fetches_a_module_by_its_sum_and_serves_nobody_without_it() {
    let module = fs::read(repository().join("dist/rate-limit.wasm")).unwrap();
    let (_server, envoy) = fetching(&sha256(&module), module.clone());
    assert!(is_limited(&envoy));

    let (_server, envoy) = fetching(&sha256(b"another"), module);
    let answer = Client::http1(envoy.addr("virtualInbound")).get("/").send();
    assert_eq!(answer.status, 503);
}

#[test]
fn errors_stand_in_the_log_as_the_page_has_them() {
    let page = page();
    let mut plugin = page.resource("WasmPlugin");
    plugin["metadata"]["name"] = json!("rate-limit");
    plugin["spec"]["pluginConfig"]["limits"][0]["per"] = json!("soon");
    let mut config = plugged(&plugin, &Upstream::start());
    let place =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0";
    let name = "/typed_config/config/name";
    *config
        .value_mut()
        .pointer_mut(&format!("{place}{name}"))
        .unwrap() = json!("rate-limit");

    let failure = Envoy::builder(config.clone()).try_start().unwrap_err();

    assert_eq!(failure.exit, Some(1));
    let mut blocks = page.blocks();
    blocks.retain(|block| block.language == "text");
    assert_eq!(blocks.len(), 2);
    for block in blocks {
        assert!(block.is_in(&failure.log), "{}: {failure}", block.text);
    }

    let file = "/typed_config/config/vm_config/code/local/filename";
    *config
        .value_mut()
        .pointer_mut(&format!("{place}{file}"))
        .unwrap() = json!("/var/lib/mesh-filters/0.1.0/rate-limit.wasm");
    let failure = Envoy::builder(config).try_start().unwrap_err();
    let said = "Invalid path: /var/lib/mesh-filters/";
    assert!(page.text().contains(said));
    assert!(failure.log.contains(said), "{failure}");
}
