//! `envoy-configs/*/authorization-policy.yaml`: what an operator reads in log and metrics, and the
//! EnvoyFilter put into a sidecar as istiod would.

use std::time::Duration;

use integration::client::{Client, Request};
use integration::demo::Shipped;
use integration::envoy::{Config, Envoy, repository};
use integration::listener::{Clients, downstream_tls};
use integration::tls::{Authority, Issued, Names, Tls};
use integration::upstream::Upstream;
use istio::base::sidecar_inbound;
use istio::{Context, EnvoyFilter, Proxy, Rendered, apply};
use serde_json::{Value, json};

use super::stdout_log;

const SOON: Duration = Duration::from_secs(10);
const REASON: &str = "%FILTER_STATE(wasm.mesh_filters.authorization-policy:PLAIN)%";
const PEER: &str = "mesh-filters.peer";
const FILTER: &str = "mesh-filters.authorization-policy";

/// What curl is given in the comment of the local file.
fn demo(certificate: &str) -> Tls {
    let read = |name: &str| {
        let path = repository().join(format!("envoy-configs/local/certificates/{name}.pem"));
        std::fs::read_to_string(path).unwrap()
    };
    let both = read(certificate);
    Tls::trusting(read("ca")).showing(&Issued {
        certificate: both.clone(),
        key: both,
    })
}

#[test]
fn log_and_metrics_name_the_policy() {
    let file = Shipped::read("envoy-configs/local/authorization-policy.yaml");
    let envoy = file.any_ports().envoy().start();
    let send = |certificate: &str, path: &str| {
        let client = Client::http1(envoy.addr("ingress")).tls(demo(certificate));
        let status = client
            .send(Request::get(path).header("x-debug", "1"))
            .status;
        (status, envoy.wait_log(&format!("GET {path} "), SOON))
    };

    let (status, line) = send("productpage", "/reviews/1");
    assert_eq!(status, 200);
    let reason =
        "dry_run_deny:istio-system/no-debug.rules[0],allow:bookinfo/reviews-viewer.rules[0]";
    assert!(line.ends_with(&format!(" reason={reason}")), "{line}");
    let peer = "peer=spiffe://cluster.local/ns/default/sa/bookinfo-productpage ";
    assert!(line.contains(peer), "{line}");

    let (status, line) = send("sleep", "/admin/1");
    assert_eq!(status, 403);
    let reason = "deny:istio-system/no-admin.rules[0]";
    assert!(line.ends_with(reason), "{line}");
    let details = format!(" details=mesh_filters.authorization-policy{{{reason}}} ");
    assert!(line.contains(&details), "{line}");

    let page = envoy.admin().prometheus();
    for line in [
        "mesh_filters_authorization_policy_allow{policy=\"bookinfo/reviews-viewer\"} 1",
        "mesh_filters_authorization_policy_deny{policy=\"istio-system/no-admin\"} 1",
        "mesh_filters_authorization_policy_dry_run_deny{policy=\"istio-system/no-debug\"} 2",
    ] {
        assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
    }
}

fn file() -> Shipped {
    Shipped::read("envoy-configs/istio/authorization-policy.yaml")
}

/// The inbound half of a sidecar with this label.
fn sidecar(app: &str, upstream: &Upstream) -> Rendered {
    let filters = EnvoyFilter::parse_all(file().text()).unwrap();
    let warnings: Vec<_> = filters.iter().flat_map(|filter| &filter.warnings).collect();
    assert_eq!(warnings, [""; 0]);
    let proxy = Proxy::new(Context::SidecarInbound, "bookinfo").label("app", app);
    apply(sidecar_inbound(9080, upstream.addr()), &filters, &proxy).unwrap()
}

fn chain(bootstrap: &mut Value) -> &mut Value {
    &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0]
}

fn names(bootstrap: &mut Value) -> Vec<String> {
    let filters = &chain(bootstrap)["filters"][0]["typed_config"]["http_filters"];
    let filters = filters.as_array().unwrap().iter();
    filters
        .map(|filter| filter["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Istio's order by two instances: CUSTOM puts the token in that the next filter verifies, and the
/// second instance decides by its claims.
#[test]
fn a_login_puts_in_the_token_that_policies_then_see() {
    let file = Shipped::read("envoy-configs/local/authorization-policy-login.yaml");
    let envoy = file.any_ports().envoy().start();
    let client = Client::http1(envoy.addr("ingress"));
    let send = |path: &str, cookie: &str| {
        let answer = client.get(path).header("cookie", cookie).send();
        let line = envoy.wait_log(&format!("GET {path} "), SOON);
        (answer, line)
    };

    let (answer, line) = send("/orders/1", "session=none");
    assert_eq!(answer.status, 302);
    assert!(
        line.ends_with(" token=- reason=custom_deny:auth/login.rules[0]"),
        "{line}"
    );

    let (answer, line) = send("/orders/2", "session=demo");
    assert_eq!(answer.status, 200);
    let reasons = " token=verified:demo reason=allow:shop/orders.rules[0]";
    assert!(line.ends_with(reasons), "{line}");

    // Put in by the login or not, a token alone is not enough.
    let (answer, line) = send("/admin/3", "session=demo");
    assert_eq!(answer.status, 403);
    let reason = "no_allow:shop/orders.rules[0].to[0].operation.paths";
    assert!(
        line.ends_with(&format!(" token=verified:demo reason={reason}")),
        "{line}"
    );

    // A page without a login has no token, and what needs one says so itself.
    let (answer, line) = send("/oauth2/start", "session=none");
    assert_eq!(answer.status, 200);
    let reasons = " token=anonymous reason=allow:auth/login-pages.rules[0]";
    assert!(line.ends_with(reasons), "{line}");

    // Both instances count under one name.
    let page = envoy.admin().prometheus();
    for (reason, policy, count) in [
        ("custom_allow", "auth/login", 2),
        ("custom_deny", "auth/login", 1),
        ("allow", "shop/orders", 1),
        ("allow", "auth/login-pages", 1),
        ("no_allow", "shop/orders", 1),
        ("no_allow", "auth/login-pages", 0),
    ] {
        let line =
            format!("mesh_filters_authorization_policy_{reason}{{policy=\"{policy}\"}} {count}");
        assert!(page.lines().any(|known| known == line), "{line} in {page}");
    }
}

#[test]
fn it_stands_behind_authentication_and_knows_its_peer() {
    let mut rendered = sidecar("reviews", &Upstream::start());
    assert_eq!(rendered.notes, [""; 0]);
    let names = names(&mut rendered.bootstrap);
    let ours = names.iter().position(|name| name == FILTER).unwrap();
    assert_eq!(names[ours - 1], PEER);
    assert_eq!(names[ours + 1], "envoy.filters.http.fault");
    assert_eq!(rendered.applied.len(), 2);
}

#[test]
fn other_workloads_get_no_policy() {
    let mut rendered = sidecar("details", &Upstream::start());
    assert_eq!(rendered.applied, [""; 0]);
    assert!(
        !names(&mut rendered.bootstrap)
            .iter()
            .any(|name| name == FILTER)
    );
}

/// The module from `dist/`, the mutual TLS that Istio would set up, and the reason in the log.
fn testable(mut bootstrap: Value, authority: &Authority) -> Config {
    let server = authority.issue(&Names::none().dns("localhost"));
    let chain = chain(&mut bootstrap);
    chain["filter_chain_match"] = json!({"transport_protocol": "tls"});
    chain["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": downstream_tls(&server, &authority.pem(), Clients::Certified),
    });
    let manager = &mut chain["filters"][0]["typed_config"];
    let filters = manager["http_filters"].as_array_mut().unwrap();
    let ours = filters.iter_mut().find(|filter| filter["name"] == FILTER);
    let code = "/typed_config/config/vm_config/code/local/filename";
    let module = ours.unwrap().pointer_mut(code).unwrap();
    assert_eq!(*module, "/var/lib/mesh-filters/authorization-policy.wasm");
    *module = json!("dist/authorization-policy.wasm");
    assert!(file().text().contains(REASON));
    manager["access_log"] = stdout_log(&format!("%REQ(:METHOD)% %REQ(:PATH)% reason={REASON}\n"));
    Config::from_value(bootstrap)
}

#[test]
fn a_sidecar_lets_the_product_page_read_the_reviews_and_nobody_else() {
    let upstream = Upstream::start();
    let authority = Authority::new("mesh");
    let config = testable(sidecar("reviews", &upstream).bootstrap, &authority);
    let envoy = Envoy::builder(config)
        .args(["--file-flush-interval-msec", "20"])
        .start();
    let account = |name: &str| {
        let names = Names::spiffe(&format!("cluster.local/ns/default/sa/{name}"));
        Tls::trusting(authority.pem()).showing(&authority.issue(&names))
    };
    let (page, sleep) = (account("bookinfo-productpage"), account("sleep"));
    for (peer, method, path, status, reason) in [
        (
            &page,
            "GET",
            "/reviews/1",
            200,
            "allow:bookinfo/reviews-viewer.rules[0]",
        ),
        (
            &page,
            "PUT",
            "/reviews/2",
            403,
            "no_allow:bookinfo/reviews-viewer.rules[0].to[0].operation.methods",
        ),
        (
            &sleep,
            "GET",
            "/reviews/3",
            403,
            "no_allow:bookinfo/reviews-viewer.rules[0].from[0].source.principals",
        ),
        (
            &page,
            "GET",
            "/admin/4",
            403,
            "deny:bookinfo/no-admin.rules[0]",
        ),
    ] {
        let client = Client::http1(envoy.addr("virtualInbound")).tls(peer.clone());
        let answer = client.send(Request::new(method, path));
        assert_eq!(answer.status, status, "{method} {path}");
        let line = envoy.wait_log(&format!("{method} {path} "), SOON);
        assert!(line.ends_with(&format!(" reason={reason}")), "{line}");
    }
    assert_eq!(upstream.count(), 1);
}
