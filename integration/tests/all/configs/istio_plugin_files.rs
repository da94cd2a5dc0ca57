//! The WasmPlugins and TrafficExtensions of `envoy-configs/istio`, put into the proxies that they are
//! for as istiod would, and run.

use integration::client::Client;
use integration::demo::Shipped;
use integration::envoy::Envoy;
use integration::upstream::Upstream;
use istio::{Context, Delivery, Proxy, TrafficExtension};

use super::istio_all::{FILTERS, token};
use super::istio_plugins::{HOST, bootstrap, fetch, order, rendered, together};

/// A file, and the proxies that it is for.
fn files() -> Vec<(Shipped, Context)> {
    let mut files = Shipped::all("envoy-configs/istio");
    files.retain(|file| {
        let kinds = ["kind: WasmPlugin", "kind: TrafficExtension"];
        file.text().lines().any(|line| kinds.contains(&line))
    });
    assert!(files.len() >= 8, "{}", files.len());
    let context = |file: &Shipped| match file.path() {
        path if path.contains("-gateway") => Context::Gateway,
        path if path.contains("-waypoint") => Context::Waypoint,
        _ => Context::SidecarInbound,
    };
    files
        .into_iter()
        .map(|file| {
            let context = context(&file);
            (file, context)
        })
        .collect()
}

fn proxy(context: Context) -> Proxy {
    match context {
        Context::Waypoint => Proxy::waypoint("shop", "waypoint", "orders"),
        Context::Gateway => Proxy::new(context, "istio-ingress")
            .label("gateway.networking.k8s.io/gateway-name", "shop"),
        context => Proxy::new(context, "shop").label("app", "orders"),
    }
}

/// The resources of a file, of which nothing is warned.
fn read(file: &Shipped) -> Vec<TrafficExtension> {
    let read = TrafficExtension::parse_all(file.text());
    let read = read.unwrap_or_else(|error| panic!("{}: {error}", file.path()));
    for resource in &read {
        assert_eq!(resource.warnings, [], "{}", file.path());
    }
    read
}

#[test]
fn each_file_is_for_its_proxies_and_no_others() {
    let contexts = [
        Context::SidecarInbound,
        Context::SidecarOutbound,
        Context::Gateway,
        Context::Waypoint,
    ];
    for (file, meant) in files() {
        let resources = read(&file);
        for context in contexts {
            let upstream = Upstream::start();
            let (plain, _) = bootstrap(context, &upstream);
            let out = rendered(plain, &resources, &proxy(context), Delivery::Inline(&fetch));
            let expected = if context == meant { resources.len() } else { 0 };
            assert_eq!(out.applied.len(), expected, "{}: {context:?}", file.path());
        }
    }
}

#[test]
fn each_file_answers() {
    let upstream = Upstream::start();
    let mut bootstraps = Vec::new();
    for (file, context) in files() {
        let (plain, _) = bootstrap(context, &upstream);
        let resources = read(&file);
        let delivery = Delivery::Inline(&fetch);
        let mut out = rendered(plain, &resources, &proxy(context), delivery);
        assert_eq!(out.notes, [""; 0], "{}", file.path());
        if is_of_five(&file) {
            let names = order(&mut out.bootstrap);
            let ours: Vec<&str> = names.iter().filter_map(|name| filter_of(name)).collect();
            assert_eq!(ours, FILTERS, "{}", file.path());
        }
        bootstraps.push((file.path().to_owned(), out.bootstrap));
    }
    let envoy = Envoy::builder(together(bootstraps)).start();
    let token = token();
    let five = [
        ("/orders/1", Some(("authorization", &*token)), 200),
        ("/orders/1", Some(("authorization", "Bearer x.y.z")), 401),
        ("/orders/1", None, 403),
        ("/health", None, 200),
        ("/health", Some(("x-chaos", "abort")), 503),
    ];
    let one = [
        ("/orders", None, 200),
        ("/admin", None, 403),
        ("/admin/x", None, 403),
    ];
    for (file, _) in files() {
        let client = Client::http1(envoy.addr(file.path()));
        let requests = if is_of_five(&file) { &five[..] } else { &one };
        for (path, header, status) in requests {
            let mut call = client.get(path).authority(HOST);
            if let Some((name, value)) = header {
                call = call.header(name, value);
            }
            assert_eq!(call.send().status, *status, "{} {path}", file.path());
        }
    }
}

/// Whether a file has the five as modules of their own.
fn is_of_five(file: &Shipped) -> bool {
    file.path().contains("/all-")
}

/// Which of the five a filter's name is of: `mesh-filters-rate-limit-0.1.0`.
fn filter_of(name: &str) -> Option<&'static str> {
    let name = name.strip_prefix("mesh-filters-")?;
    FILTERS.into_iter().find(|filter| name.starts_with(filter))
}
