//! What is served to the outside: hosts, redirects, certificates by name, and nothing where nothing serves.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use integration::client::{Client, Response};
use integration::mesh::{Mesh, name_of};
use integration::tls::{Authority, Issued, Names, Tls};

use super::rows::{get, see};

/// Two servers with TLS at one port, and a wildcard with nothing behind it but a route for the mesh.
const MORE: &str = "apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: second}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https-second, protocol: HTTPS}
    hosts: [second.example]
    tls: {mode: SIMPLE, credentialName: second-credential}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: second}
spec:
  hosts: [second.example]
  gateways: [second]
  http:
  - match: [{uri: {prefix: /}}]
    route: [{destination: {host: httpbin, port: {number: 8000}}}]
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: wide}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http-wide, protocol: HTTP}
    hosts: [\"*.wide.example\"]
";

/// A route that says no gateways is for the mesh alone.
const INSIDE: &str = "apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: inside}
spec:
  hosts: [inside.wide.example]
  http:
  - route: [{destination: {host: httpbin, port: {number: 8000}}}]
";

#[test]
fn gateways_serve_their_hosts_and_no_others() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let secret = |name: &str, authority: &Authority, host: &str| {
        let issued = authority.issue(&Names::none().dns(host));
        secret(name, &issued)
    };
    let secrets = [
        secret("shop-credential", &ours, "shop.example"),
        secret("second-credential", &theirs, "second.example"),
    ];
    let own = [
        ("secrets", secrets.join("---\n")),
        ("more", MORE.to_owned()),
        ("inside", INSIDE.to_owned()),
    ];
    let own = own.each_ref().map(|(name, text)| (*name, text.as_str()));
    let mesh = Mesh::of(&["httpbin", "gateway-tls"], &own, &[]);
    let [ours, theirs] = [ours.pem(), theirs.pem()];
    certificates_by_name(&mesh, &ours, &theirs);
    see(
        &mesh,
        &[
            ("redirect to HTTPS", redirect),
            ("two Gateways at one port", two_gateways),
            ("404 where nothing serves", nothing),
            ("a route for the mesh alone", for_the_mesh_alone),
        ],
    );
}

fn secret(name: &str, issued: &Issued) -> String {
    let [chain, key] = [&issued.certificate, &issued.key].map(|pem| STANDARD.encode(pem));
    format!(
        "apiVersion: v1
kind: Secret
metadata: {{name: {name}, namespace: istio-system}}
type: kubernetes.io/tls
data: {{tls.crt: {chain}, tls.key: {key}}}
"
    )
}

/// In plaintext, for this host.
#[track_caller]
fn plain(mesh: &Mesh, host: &str) -> Response {
    Client::http1(mesh.gateway(80)).send(get(host, "/get?a=b"))
}

/// Each name has its certificate, and a name that nobody has gets no connection.
#[track_caller]
fn certificates_by_name(mesh: &Mesh, ours: &str, theirs: &str) {
    let ask = |authority: &str, host: &str| {
        let tls = Tls::trusting(authority).server(host);
        for client in [
            Client::http1(mesh.gateway(443)),
            Client::http2(mesh.gateway(443)),
        ] {
            let answer = client.tls(tls.clone()).try_send(get(host, "/"));
            match answer {
                Ok(answer) => {
                    assert_eq!(answer.status, 200, "{host}: {}", answer.text());
                    assert!(name_of(&answer).starts_with("httpbin-"), "{host}");
                }
                Err(_) => return false,
            }
        }
        true
    };
    for (authority, host, is_served) in [
        (ours, "shop.example", true),
        (theirs, "shop.example", false),
        (theirs, "second.example", true),
        (ours, "second.example", false),
        (ours, "third.example", false),
    ] {
        assert_eq!(ask(authority, host), is_served, "{host}");
    }
    // The host is asked for as well: what another server serves is not this one's.
    let tls = Tls::trusting(ours).server("shop.example");
    let other = Client::http1(mesh.gateway(443)).tls(tls);
    assert_eq!(other.send(get("second.example", "/")).status, 404);
}

fn redirect(mesh: &Mesh) {
    let answer = plain(mesh, "shop.example");
    assert_eq!(answer.status, 301);
    let location = answer.header("location");
    assert_eq!(location, Some("https://shop.example/get?a=b"));
}

fn two_gateways(mesh: &Mesh) {
    for host in ["a.plain.example", "b.plain.example", "a.b.plain.example"] {
        let answer = plain(mesh, host);
        assert_eq!(answer.status, 200, "{host}");
        assert!(name_of(&answer).starts_with("httpbin-"), "{host}");
    }
    assert_eq!(plain(mesh, "shop.example").status, 301);
}

fn nothing(mesh: &Mesh) {
    for host in [
        "other.example",
        "plain.example",
        "a.plain.example.org",
        "second.example",
        "any.wide.example",
        "httpbin.default.svc.cluster.local",
    ] {
        let answer = plain(mesh, host);
        assert_eq!((answer.status, answer.body.len()), (404, 0), "{host}");
    }
}

fn for_the_mesh_alone(mesh: &Mesh) {
    let from_within = || mesh.from("sleep").send(get("inside.wide.example", "/"));
    assert_eq!(plain(mesh, "inside.wide.example").status, 404);
    assert_eq!(from_within().status, 200, "{}", from_within().text());
    // Where it names a gateway, it is for that one, and for the mesh only where it says so.
    let gateways =
        |names: &str| INSIDE.replace("  http:", &format!("  gateways: [{names}]\n  http:"));
    mesh.apply("inside", &gateways("wide, mesh"));
    assert_eq!(plain(mesh, "inside.wide.example").status, 200);
    assert_eq!(from_within().status, 200);
    mesh.apply("inside", &gateways("wide"));
    assert_eq!(plain(mesh, "inside.wide.example").status, 200);
    assert!(!name_of(&from_within()).starts_with("httpbin-"));
}
