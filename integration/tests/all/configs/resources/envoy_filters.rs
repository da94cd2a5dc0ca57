//! The EnvoyFilters for a gateway, and those whose modules Envoy fetches, in one Envoy: an allowed and a refused
//! request of each, and the line that the mesh's own format makes of it.

use std::time::Duration;

use integration::client::Client;
use integration::envoy::{Config, Envoy};
use integration::listener::cluster;
use integration::module::{built, sha256};
use integration::upstream::{Answer, Upstream};
use istio::base::{Destination, gateway, sidecar_inbound};
use istio::{Context, EnvoyFilter, Proxy, apply};
use serde_json::{Value, json};

use super::{NO_SUM, documents, istio};
use crate::configs::istio_all::{FILTERS, token};
use crate::configs::stdout_log;

const SOON: Duration = Duration::from_secs(10);
/// Seven modules are compiled first.
const COMPILED: Duration = Duration::from_secs(180);
/// Who has the modules.
const SERVER: &str = "outbound|80||modules.shop.svc.cluster.local";

/// A file for who has put in the sums that it asks for: each beside the path that it is to have.
fn summed(text: &str) -> String {
    let mut out = String::new();
    let mut name = None;
    for line in text.lines() {
        let file = line.rsplit('/').next().unwrap_or_default();
        if line.trim_start().starts_with("uri: ") {
            name = file.strip_suffix(".wasm").map(str::to_owned);
        }
        let line = match line.contains(NO_SUM) {
            true => line.replace(NO_SUM, &sha256(&built(&name.take().unwrap()))),
            false => line.to_owned(),
        };
        out += &(line + "\n");
    }
    assert!(!out.contains(NO_SUM));
    out
}

/// One listener and its clusters, under the name of the file.
fn rendered(file: &str, base: Value, proxy: &Proxy) -> Value {
    let text = summed(istio(file).text());
    let filters = EnvoyFilter::parse_all(&text).unwrap();
    let rendered = apply(base, &filters, proxy).unwrap();
    assert_eq!(rendered.notes, [""; 0], "{file}");
    let there = "/var/lib/mesh-filters/0.1.0/plugin.wasm";
    let text = rendered
        .bootstrap
        .to_string()
        .replace(there, "dist/mesh-filters.wasm");
    let mut resources = serde_json::from_str::<Value>(&text).unwrap()["static_resources"].take();
    let listener = &mut resources["listeners"][0];
    listener["name"] = json!(file);
    // As the mesh's configuration has it.
    let mesh = documents(&istio("mesh-config")).remove(0);
    let format = mesh["meshConfig"]["accessLogFormat"].as_str().unwrap();
    listener["filter_chains"][0]["filters"][0]["typed_config"]["access_log"] = stdout_log(format);
    resources
}

/// All of them in one.
fn start(upstream: &Upstream, modules: &Upstream) -> Envoy {
    let destination = Destination {
        host: "orders.shop.svc.cluster.local",
        port: 80,
        endpoint: upstream.addr(),
    };
    let edge = Proxy::new(Context::Gateway, "istio-ingress")
        .label("istio", "ingressgateway")
        .label("mesh-filters", "0.1.0");
    let orders = Proxy::new(Context::SidecarInbound, "shop").label("app", "orders");
    let sidecar = || sidecar_inbound(8000, upstream.addr());
    let parts = [
        rendered("mesh-filters-gateway", gateway(8080, &destination), &edge),
        rendered("mesh-filters-remote", sidecar(), &orders),
        rendered("all-remote", sidecar(), &orders),
    ];
    let listeners: Vec<&Value> = parts.iter().map(|part| &part["listeners"][0]).collect();
    let clusters = [&parts[0]["clusters"][0], &parts[1]["clusters"][0]];
    let bootstrap = json!({
        "node": {"id": "test", "cluster": "test"},
        "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
        "static_resources": {
            "listeners": listeners,
            "clusters": [clusters[0], clusters[1], cluster(SERVER, modules.addr(), false)],
        },
    });
    Envoy::builder(Config::from_value(bootstrap))
        .workers(1)
        .ready_within(COMPILED)
        .args(["--file-flush-interval-msec", "20"])
        .start()
}

/// By what a request is found in the log.
fn request(listener: &str, path: &str) -> String {
    format!("{listener}.{}", path.replace('/', "-"))
}

#[test]
fn each_of_them_lets_through_and_refuses() {
    let upstream = Upstream::start();
    let modules = Upstream::with(|request| {
        let name = request.path.strip_prefix("/0.1.0/");
        let name = name.and_then(|file| file.strip_suffix(".wasm"));
        match name {
            Some(name) => Answer::status(200).body(built(name)),
            None => Answer::status(404),
        }
    });
    let envoy = start(&upstream, &modules);
    // All of the six were asked for, and came.
    assert_eq!(modules.count(), 1 + FILTERS.len());
    let send = |listener: &str, path: &str, headers: &[(&str, &str)]| {
        let client = Client::http1(envoy.addr(listener));
        let mut call = client.get(path).authority(&request(listener, path));
        for (name, value) in headers {
            call = call.header(name, *value);
        }
        let answer = call.send();
        let policy = answer.header("ratelimit-policy").unwrap_or_default();
        (answer.status, policy.to_owned())
    };
    let line = |listener: &str, path: &str| {
        envoy.wait_log(&format!("\"{}\"", request(listener, path)), SOON)
    };

    let each = |name: &str| format!("\"{name}\";q=100;w=1");
    for (listener, limit, reason) in [
        (
            "mesh-filters-gateway",
            "per-address",
            "deny:istio-ingress/office-only",
        ),
        ("mesh-filters-remote", "everything", "deny:shop/no-admin"),
    ] {
        assert_eq!(send(listener, "/", &[]), (200, each(limit)), "{listener}");
        let passed = line(listener, "/");
        assert!(
            passed.contains(" token=- policy=- limit=- fault=- tenant=-"),
            "{passed}"
        );
        assert_eq!(send(listener, "/admin/1", &[]).0, 403, "{listener}");
        let refused = line(listener, "/admin/1");
        assert!(refused.contains(&format!(" policy={reason}")), "{refused}");
    }
    // A caller cannot say that it is from the office.
    let office = [("x-forwarded-for", "203.0.113.7")];
    assert_eq!(send("mesh-filters-gateway", "/admin/2", &office).0, 403);

    let five = "all-remote";
    let token = token();
    let good = ("authorization", token.as_str());
    assert_eq!(send(five, "/health", &[]).0, 200);
    assert_eq!(
        send(five, "/orders/1", &[("authorization", "Bearer x.y.z")]).0,
        401
    );
    assert_eq!(send(five, "/orders/2", &[]).0, 403);
    assert_eq!(send(five, "/health", &[("x-chaos", "abort")]).0, 503);
    assert_eq!(
        send(five, "/orders/3", &[good, ("x-tenant", "acme")]).0,
        200
    );
    let said = line(five, "/orders/3");
    let (_, reasons) = said.split_once(" token=verified:").unwrap();
    assert!(
        reasons.contains(" policy=allow:shop/orders.rules[1] "),
        "{said}"
    );
    assert!(reasons.ends_with(" fault=- tenant=acme"), "{said}");
    for no in 4..8 {
        assert_eq!(send(five, &format!("/orders/{no}"), &[good]).0, 200);
    }
    assert_eq!(send(five, "/orders/8", &[good]).0, 429);
}
