//! The ways to load of `docs/istio.md` that fetch the module, in a real Envoy, and where it says that errors
//! are seen.

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::{Config, Envoy};
use integration::listener::cluster;
use integration::module::built;
use integration::upstream::{Answer, Upstream};
use istio::base::sidecar_inbound;
use istio::{
    Context, Delivery, Download, EnvoyFilter, Proxy, Resources, TrafficExtension, apply, render,
};
use serde_json::{Value, json};

use super::istio_all::FILTERS;
use super::pages::Page;

fn page() -> Page {
    Page::read("docs/istio.md")
}

/// The plugin of the page.
fn plugin() -> Value {
    let file = Shipped::read("envoy-configs/istio/mesh-filters-wasmplugin.yaml");
    serde_saphyr::from_str(file.text()).unwrap()
}

/// The plugin in a sidecar, as its Envoy gets it from its agent, which has the module of `dist/`.
fn plugged(plugin: &Value, upstream: &Upstream) -> Config {
    let plugins = TrafficExtension::parse_all(&plugin.to_string()).unwrap();
    let fetch = |module: &Download<'_>| match module.url {
        "oci://registry.example/mesh-filters:0.1.0" => Ok("dist/mesh-filters.wasm".into()),
        other => Err(format!("no such image: {other}")),
    };
    let proxy = Proxy::new(Context::SidecarInbound, "shop").label("app", "orders");
    let resources = Resources {
        traffic_extensions: &plugins,
        ..Resources::default()
    };
    let base = sidecar_inbound(8000, upstream.addr());
    let rendered = render(base, resources, &proxy, Delivery::Inline(&fetch)).unwrap();
    assert_eq!(rendered.notes, [""; 0]);
    Config::from_value(rendered.bootstrap)
}

fn is_limited(envoy: &Envoy) -> bool {
    let answer = Client::http1(envoy.addr("virtualInbound")).get("/").send();
    assert_eq!(answer.status, 200);
    answer.header("ratelimit-policy") == Some("\"everything\";q=100;w=1")
}

#[test]
fn the_plugin_of_the_page_works() {
    let plugin = plugin();
    let upstream = Upstream::start();
    let envoy = Envoy::builder(plugged(&plugin, &upstream)).start();
    assert!(is_limited(&envoy));
}

/// A row of the page's table of modules.
pub(super) struct Row {
    pub(super) module: String,
    pub(super) phase: String,
    pub(super) priority: i64,
    pub(super) strategy: String,
}

/// That table, in the order of the chain.
pub(super) fn rows() -> Vec<Row> {
    const PHASES: [&str; 3] = ["AUTHN", "AUTHZ", "STATS"];
    let page = page();
    let rows = page.text().lines().filter_map(|line| {
        let cells: Vec<&str> = line
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let [_, module, phase, priority, strategy, _] = cells[..] else {
            return None;
        };
        PHASES.contains(&phase).then(|| Row {
            module: module.to_owned(),
            phase: phase.to_owned(),
            priority: priority.parse().unwrap(),
            strategy: strategy.to_owned(),
        })
    });
    let mut rows: Vec<Row> = rows.collect();
    // Not the order in which they are written, so that it is phase and priority that make it.
    rows.sort_by(|a, b| a.module.cmp(&b.module));
    rows.sort_by_key(|row| {
        (
            PHASES.iter().position(|known| *known == row.phase),
            -row.priority,
        )
    });
    rows
}

#[test]
fn phase_and_priority_make_the_order() {
    let rows = rows();
    let names: Vec<&str> = rows.iter().map(|row| row.module.as_str()).collect();
    // The one module stands where the first of the five would.
    let (first, of_five) = names.split_first().unwrap();
    assert_eq!(*first, "mesh-filters");
    assert_eq!(of_five, FILTERS);
    let spec = &plugin()["spec"];
    let row = rows.iter().find(|row| spec["pluginName"] == row.module);
    let row = row.unwrap();
    assert_eq!(spec["phase"], row.phase);
    assert_eq!(spec["priority"], row.priority);
    assert_eq!(spec["failStrategy"], row.strategy);
}

/// The sidecar of the third way, before somebody has put in the sum; it asks once, and gives up.
fn fetching(module: Vec<u8>) -> (Upstream, Envoy) {
    let file = Shipped::read("envoy-configs/istio/mesh-filters-remote.yaml")
        .with("num_retries: 1000000", "num_retries: 0");
    let filters = EnvoyFilter::parse_all(file.text()).unwrap();
    let upstream = Upstream::with(move |request| match request.path.as_str() {
        "/0.1.0/mesh-filters.wasm" => Answer::status(200).body(&module),
        _ => Answer::status(200),
    });
    let proxy = Proxy::new(Context::SidecarInbound, "shop").label("app", "orders");
    let base = sidecar_inbound(8000, upstream.addr());
    let mut rendered = apply(base, &filters, &proxy).unwrap();
    assert_eq!(rendered.notes, [""; 0]);
    let clusters = rendered.bootstrap["static_resources"]["clusters"].as_array_mut();
    let name = "outbound|80||modules.shop.svc.cluster.local";
    clusters
        .unwrap()
        .push(cluster(name, upstream.addr(), false));
    let envoy = Envoy::builder(Config::from_value(rendered.bootstrap)).start();
    (upstream, envoy)
}

/// With the sum it is fetched and runs: `resources::envoy_filters`.
#[test]
fn envoy_serves_nobody_while_the_sum_is_another() {
    let (server, envoy) = fetching(built("mesh-filters"));
    let answer = Client::http1(envoy.addr("virtualInbound")).get("/").send();
    assert_eq!(answer.status, 503);
    assert!(server.count() > 0, "it was not asked for");
}

#[test]
fn errors_stand_in_the_log_as_the_page_has_them() {
    let page = page();
    let mut plugin = plugin();
    plugin["metadata"]["name"] = json!("mesh-filters");
    plugin["spec"]["pluginConfig"]["rateLimit"]["limits"][0]["per"] = json!("soon");
    let mut config = plugged(&plugin, &Upstream::start());
    let place =
        "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0";
    let name = "/typed_config/config/name";
    *config
        .value_mut()
        .pointer_mut(&format!("{place}{name}"))
        .unwrap() = json!("mesh-filters");

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
        .unwrap() = json!("/var/lib/mesh-filters/0.1.0/plugin.wasm");
    let failure = Envoy::builder(config).try_start().unwrap_err();
    let said = "Invalid path: /var/lib/mesh-filters/";
    assert!(page.text().contains(said));
    assert!(failure.log.contains(said), "{failure}");
}
