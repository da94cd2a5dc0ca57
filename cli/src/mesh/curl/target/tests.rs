//! Ways into a mesh.

use super::*;

fn mesh() -> Running {
    let text = r#"{"folder": "/run/m",
"gateways": [{"name": "in", "namespace": "istio-system", "ports": [
  {"port": 80, "protocol": "HTTP", "address": "127.10.0.1:8080"},
  {"port": 443, "protocol": "HTTPS", "address": "127.10.0.1:8443"}]}],
"workloads": [
  {"name": "sleep-v1", "namespace": "default", "labels": {"app": "sleep"}, "identity": "spiffe://a/ns/default/sa/sleep",
   "replicas": [{"name": "s", "address": "127.10.1.0", "outbound": "127.10.1.0:15080", "ports": []}]},
  {"name": "web-v1", "namespace": "default", "labels": {"app": "web"}, "identity": null,
   "replicas": [{"name": "w", "address": "127.10.1.1", "ports": [{"port": 8000, "address": "127.10.1.1:8000"}]}]},
  {"name": "web-v2", "namespace": "default", "labels": {"app": "web"}, "identity": null,
   "replicas": [{"name": "x", "address": "127.10.1.2", "ports": [{"port": 8000, "address": "127.10.1.2:8000"}]}]}],
"services": [{"host": "web.default.svc.cluster.local", "namespace": "default", "ports": [{"port": 80, "endpoints": ["127.10.1.1:8000", "127.10.1.2:8000"]}]},
  {"host": "empty.default.svc.cluster.local", "namespace": "default", "ports": [{"port": 80, "endpoints": []}]}]}"#;
    Running::read(text).unwrap()
}

fn target(from: Option<&str>, url: &str, headers: &[(&str, &str)]) -> Result<Target, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let sent = Sent {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: headers.iter().map(owned).collect(),
    };
    Target::find(&mesh(), from, None, &sent).map_err(|failure| failure.to_string())
}

fn addresses(target: &Target) -> Vec<String> {
    target.addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn from_a_workload_a_request_goes_by_its_sidecar() {
    let found = target(Some("sleep"), "http://web:8000/a?b#c", &[]).unwrap();
    assert_eq!(addresses(&found), ["127.10.1.0:15080"]);
    assert_eq!(
        (found.authority.as_str(), found.path.as_str()),
        ("web:8000", "/a?b")
    );
    assert_eq!(found.from, "sleep-v1 (spiffe://a/ns/default/sa/sleep)");
    let problem = target(Some("sleep"), "https://web/", &[]).unwrap_err();
    assert!(problem.contains("write http://"), "{problem}");
    let problem = target(Some("nobody"), "http://web/", &[]).unwrap_err();
    assert!(
        problem.contains("there are sleep-v1, web-v1, web-v2"),
        "{problem}"
    );
}

#[test]
fn without_a_sidecar_it_goes_to_the_replicas_themselves() {
    let found = target(Some("web-v1"), "http://web.default.svc.cluster.local/", &[]).unwrap();
    assert_eq!(addresses(&found), ["127.10.1.1:8000", "127.10.1.2:8000"]);
    let found = target(Some("web-v1"), "http://127.10.1.0:9080/", &[]).unwrap();
    assert_eq!(addresses(&found), ["127.10.1.0:9080"]);
    for (url, part) in [
        ("http://other/", "no service of the mesh is called `other`"),
        ("http://web:81/", "has no port 81, but 80"),
        ("http://empty/", "no workload answers"),
    ] {
        let problem = target(Some("web-v1"), url, &[]).unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }
}

#[test]
fn from_outside_it_goes_to_the_gateway_with_that_port() {
    let found = target(None, "http://shop.example/", &[]).unwrap();
    assert_eq!(
        (addresses(&found)[0].as_str(), found.server_name),
        ("127.10.0.1:8080", None)
    );
    let found = target(None, "http://127.10.0.1:8080/", &[("Host", "shop.example")]).unwrap();
    assert_eq!(found.authority, "shop.example");
    let found = target(None, "https://shop.example:443/", &[]).unwrap();
    assert_eq!(addresses(&found), ["127.10.0.1:8443"]);
    assert_eq!(found.server_name.as_deref(), Some("shop.example"));
    let problem = target(None, "http://shop.example:81/", &[]).unwrap_err();
    assert_eq!(
        problem,
        "no gateway has port 81; there is in on 80, in on 443"
    );
}
