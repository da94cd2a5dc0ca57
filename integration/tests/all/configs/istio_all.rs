//! All five filters in a sidecar, put there as istiod would: by one module, and by five.

use std::collections::BTreeSet;
use std::time::Duration;

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::{Config, Envoy};
use integration::upstream::Upstream;
use istio::base::sidecar_inbound;
use istio::{Context, EnvoyFilter, Proxy, apply};
use serde_json::Value;

use super::istio_stats::{self, labels};
use super::stdout_log;

const SOON: Duration = Duration::from_secs(10);
/// Their order is that of the files, of the README and of the chain.
pub(super) const FILTERS: [&str; 5] = [
    "request-authentication",
    "authorization-policy",
    "rate-limit",
    "fault-injection",
    "telemetry-tags",
];
/// The module that has them all.
pub(super) const ONE: Shape = Shape {
    file: "mesh-filters",
    modules: &["mesh-filters"],
    versioned: "",
    // What a module is called in an image.
    mounted: "plugin",
};
/// A module for each.
pub(super) const FIVE: Shape = Shape {
    file: "all",
    modules: &FILTERS,
    versioned: "all-",
    mounted: "",
};

/// The two ways in which a sidecar gets all five.
pub(super) struct Shape {
    /// The EnvoyFilter in `envoy-configs/istio`; beside it, the patch of the pods.
    file: &'static str,
    pub(super) modules: &'static [&'static str],
    /// What stands before the version, in labels and names.
    versioned: &'static str,
    /// What a mounted module is called, if not as it is.
    mounted: &'static str,
}

impl Shape {
    pub(super) fn file(&self) -> Shipped {
        Shipped::read(&format!("envoy-configs/istio/{}.yaml", self.file))
    }

    /// What the workload's pods get.
    fn metadata(&self) -> Value {
        let pods = Shipped::read(&format!("envoy-configs/istio/{}-pods.yaml", self.file));
        let patch: Value = serde_saphyr::from_str(pods.text()).unwrap();
        patch["spec"]["template"]["metadata"].clone()
    }

    fn annotation(&self, name: &str) -> String {
        let metadata = self.metadata();
        let text = metadata["annotations"][name].as_str();
        text.unwrap_or_else(|| panic!("no {name} in {metadata}"))
            .to_owned()
    }

    fn annotated_json(&self, name: &str) -> Value {
        serde_json::from_str(&self.annotation(name)).unwrap()
    }

    /// The label of the pods.
    fn label(&self) -> String {
        let metadata = self.metadata();
        metadata["labels"]["mesh-filters"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The label of pods with another version.
    pub(super) fn labelled(&self, version: &str) -> String {
        format!("{}{version}", self.versioned)
    }

    /// The folder where the modules are.
    fn folder(&self) -> String {
        let mount = self.annotated_json("sidecar.istio.io/userVolumeMount");
        mount[0]["mountPath"].as_str().unwrap().to_owned()
    }

    /// What a module is called there.
    pub(super) fn mounted(&self, module: &'static str) -> &'static str {
        if self.mounted.is_empty() {
            module
        } else {
            self.mounted
        }
    }

    /// The inbound half of a pod of `orders` with this label, its modules those from `dist/`.
    fn sidecar(&self, label: &str, upstream: &Upstream) -> (Vec<String>, Value) {
        let filters = EnvoyFilter::parse_all(self.file().text()).unwrap();
        let warnings: Vec<_> = filters.iter().flat_map(|filter| &filter.warnings).collect();
        assert_eq!(warnings, [""; 0]);
        let proxy = Proxy::new(Context::SidecarInbound, "shop")
            .label("app", "orders")
            .label("mesh-filters", label);
        let rendered = apply(sidecar_inbound(8000, upstream.addr()), &filters, &proxy).unwrap();
        assert_eq!(rendered.notes, [""; 0]);
        let mut text = rendered.bootstrap.to_string();
        for module in self.modules {
            let there = format!("{}/{}.wasm", self.folder(), self.mounted(module));
            text = text.replace(&there, &format!("dist/{module}.wasm"));
        }
        (rendered.applied, serde_json::from_str(&text).unwrap())
    }

    /// The formats that the comment of the file adds to the mesh's access log.
    fn formats(&self) -> Vec<String> {
        let file = self.file();
        let comment = file.text().lines().map_while(|line| line.strip_prefix('#'));
        comment
            .map(str::trim)
            .filter(|line| line.starts_with("%FILTER_STATE("))
            .map(str::to_owned)
            .collect()
    }

    fn start(&self, bootstrap: &Value, args: &[&str]) -> Envoy {
        let mut bootstrap = bootstrap.clone();
        let formats = self.formats();
        assert_eq!(formats.len(), FILTERS.len());
        let line = format!("%REQ(X-NO)% %RESPONSE_CODE% [{}]\n", formats.join("] ["));
        manager(&mut bootstrap)["access_log"] = stdout_log(&line);
        Envoy::builder(Config::from_value(bootstrap))
            .args(["--file-flush-interval-msec", "20"])
            .args(args.iter().copied())
            .start()
    }

    /// What Prometheus reads of a sidecar, whose agent writes its own `stats_config`.
    fn scraped(&self, args: &[&str]) -> BTreeSet<String> {
        let upstream = Upstream::start();
        let (_, mut bootstrap) = self.sidecar(&self.label(), &upstream);
        let config = self.annotation("proxy.istio.io/config");
        let config: Value = serde_saphyr::from_str(&config).unwrap();
        let matcher = &config["proxyStatsMatcher"]["inclusionPrefixes"];
        let prefixes: Vec<&str> = matcher
            .as_array()
            .unwrap()
            .iter()
            .map(|prefix| prefix.as_str().unwrap())
            .collect();
        bootstrap["stats_config"] = istio_stats::config(&prefixes, &["policy"]);
        let envoy = self.start(&bootstrap, args);
        let client = Client::http1(envoy.addr("virtualInbound"));
        assert_eq!(client.get("/health").send().status, 200);
        let total = "downstream_rq_total";
        let page = envoy.admin().prometheus();
        let lines = page
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter(|line| line.contains("mesh_filters_") || line.contains(total));
        lines
            .map(|line| line.rsplit_once(' ').unwrap())
            .filter(|(_, value)| *value != "0")
            .map(|(name, _)| name.to_owned())
            .collect()
    }
}

fn manager(bootstrap: &mut Value) -> &mut Value {
    &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
}

fn names(bootstrap: &mut Value) -> Vec<String> {
    let filters = manager(bootstrap)["http_filters"].as_array().unwrap();
    filters
        .iter()
        .map(|filter| filter["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Istio's demo token, as the comments of the local file have it.
pub(super) fn token() -> String {
    let file = Shipped::read("envoy-configs/local/request-authentication.yaml");
    let mut lines = file.text().lines();
    let token = lines.find_map(|line| line.strip_prefix("#   TOKEN="));
    format!("Bearer {}", token.unwrap())
}

#[test]
fn they_stand_in_their_order_behind_istios_own_and_before_the_router() {
    for shape in [ONE, FIVE] {
        let (applied, mut bootstrap) = shape.sidecar(&shape.label(), &Upstream::start());

        assert_eq!(applied.len(), shape.modules.len());
        let names = names(&mut bootstrap);
        let ours = names.len() - shape.modules.len() - 1;
        let expected = shape
            .modules
            .iter()
            .map(|name| format!("mesh-filters.{name}"));
        let expected: Vec<String> = expected.collect();
        assert_eq!(names[ours..names.len() - 1], expected);
        assert_eq!(names.last().unwrap(), "envoy.filters.http.router");
    }
}

#[test]
fn a_pod_with_another_version_or_in_the_other_way_gets_nothing() {
    for (shape, other) in [(ONE, FIVE), (FIVE, ONE)] {
        for label in [shape.labelled("0.0.9"), other.label()] {
            let (applied, _) = shape.sidecar(&label, &Upstream::start());
            assert_eq!(applied, [""; 0], "{label}");
        }
    }
}

/// Labels, names, folders, the image and ConfigMaps: all are of the version that this repository builds.
#[test]
fn pods_mount_what_the_filters_load() {
    let version = env!("CARGO_PKG_VERSION");
    for shape in [ONE, FIVE] {
        let label = shape.label();
        assert_eq!(label, shape.labelled(version));
        let resource = EnvoyFilter::parse(shape.file().text()).unwrap();
        assert_eq!(resource.labels["mesh-filters"], label);
        assert_eq!(resource.name, format!("mesh-filters-{label}"));
        assert_eq!(resource.patches.len(), shape.modules.len());

        let volume = &shape.annotated_json("sidecar.istio.io/userVolume")[0];
        let mount = &shape.annotated_json("sidecar.istio.io/userVolumeMount")[0];
        assert_eq!(volume["name"], mount["name"]);
        let sources = volume["projected"]["sources"].as_array();
        let mut from: Vec<String> = sources
            .into_iter()
            .flatten()
            .map(|source| source["configMap"]["name"].as_str().unwrap().to_owned())
            .collect();
        from.extend(volume["image"]["reference"].as_str().map(str::to_owned));
        let expected: Vec<String> = if shape.modules == FILTERS {
            let maps = FILTERS.map(|name| format!("mesh-filters-{name}-{version}"));
            maps.into()
        } else {
            vec![format!("registry.example/mesh-filters:{version}")]
        };
        assert_eq!(from, expected);

        let folder = shape.folder();
        assert!(folder.ends_with(&format!("/{version}")), "{folder}");
        for (patch, name) in resource.patches.iter().zip(shape.modules) {
            let plugin = &patch.value["typed_config"]["config"];
            assert_eq!(plugin["root_id"], *name);
            let module = &plugin["vm_config"]["code"]["local"]["filename"];
            assert_eq!(*module, format!("{folder}/{}.wasm", shape.mounted(name)));
            let safe = match *name {
                "fault-injection" | "telemetry-tags" => "FAIL_OPEN",
                _ => "FAIL_RELOAD",
            };
            assert_eq!(plugin["failure_policy"], safe, "{name}");
        }
    }
}

#[test]
fn each_of_them_answers_in_one_module() {
    each_answers(&ONE);
}

#[test]
fn each_of_them_answers_in_a_module_of_its_own() {
    each_answers(&FIVE);
}

fn each_answers(shape: &Shape) {
    let upstream = Upstream::start();
    let (_, bootstrap) = shape.sidecar(&shape.label(), &upstream);
    let envoy = shape.start(&bootstrap, &[]);
    let client = Client::http1(envoy.addr("virtualInbound"));
    let token = token();
    let send = |no: &str, path: &str, headers: &[(&str, &str)]| {
        let mut call = client.get(path).header("x-no", no);
        for (name, value) in headers {
            call = call.header(name, *value);
        }
        let status = call.send().status;
        let line = envoy.wait_log(&format!("{no} {status} "), SOON);
        (status, line.split_once(" [").unwrap().1.to_owned())
    };
    let good = ("authorization", token.as_str());

    let forged = ("authorization", "Bearer x.y.z");
    let (status, line) = send("forged", "/orders/1", &[forged]);
    assert_eq!(status, 401);
    assert!(line.starts_with("malformed"), "{line}");

    let (status, line) = send("anonymous", "/orders/1", &[]);
    assert_eq!(status, 403);
    assert!(
        line.starts_with("anonymous] [no_allow:shop/orders"),
        "{line}"
    );

    let tenant = ("x-tenant", "acme");
    let (status, line) = send("allowed", "/orders/1", &[good, tenant]);
    assert_eq!(status, 200);
    assert!(line.starts_with("verified:"), "{line}");
    assert!(line.contains("] [allow:shop/orders.rules[1]] ["), "{line}");
    assert!(line.ends_with("[acme]"), "{line}");

    for no in 2..=5 {
        assert_eq!(send(&format!("again-{no}"), "/orders/2", &[good]).0, 200);
    }
    let (status, line) = send("sixth", "/orders/3", &[good]);
    assert_eq!(status, 429);
    assert!(line.contains("] [limited:per-user] [-] ["), "{line}");

    let (status, line) = send("chaos", "/health", &[("x-chaos", "abort")]);
    assert_eq!(status, 503);
    assert!(line.contains("] [abort:chaos] ["), "{line}");

    assert_eq!(send("health", "/health", &[]).0, 200);
    assert_eq!(upstream.count(), 6);
}

#[test]
fn the_shipped_bootstrap_makes_labels_and_extra_stat_tags_do_not() {
    for shape in [ONE, FIVE] {
        labels_are_made(&shape);
    }
}

fn labels_are_made(shape: &Shape) {
    let version = env!("CARGO_PKG_VERSION");
    let of = "mesh_filters_authorization_policy";
    // A gauge of modules, whichever filters are in them.
    let module = shape.modules[0].replace('-', "_");
    let build_info = format!("mesh_filters_{module}_build_info");
    let total = "downstream_rq_total";

    let bare = shape.scraped(&[]);
    let spelled = version.replace('.', "_");
    for name in [
        format!("{of}_allow_policy_shop_orders_{{}}"),
        format!("{build_info}_version_{spelled}_{{}}"),
        format!("envoy_http_inbound_0_0_0_0_8000__{total}{{}}"),
    ] {
        assert!(bare.contains(&name), "no {name} in {bare:#?}");
    }

    let (map, text) = labels();
    assert_eq!(shape.annotation("sidecar.istio.io/bootstrapOverride"), map);
    // How Istio's agent hands it over.
    let labelled = shape.scraped(&["--config-yaml", &text]);
    let listener = "inbound_0.0.0.0_8000;";
    for name in [
        format!("{of}_allow{{policy=\"shop/orders\"}}"),
        format!("{build_info}{{version=\"{version}\"}}"),
        format!("envoy_http_{total}{{envoy_http_conn_manager_prefix=\"{listener}\"}}"),
    ] {
        assert!(labelled.contains(&name), "no {name} in {labelled:#?}");
    }
}
