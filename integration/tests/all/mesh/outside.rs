//! Who is in the mesh, and what becomes of calls to those who are not.

use std::time::Duration;

use integration::client::{Client, Response};
use integration::mesh::{Mesh, caller_of, seen, shipped_text};
use integration::service::wait::until;
use integration::upstream::Upstream;

use super::rows::ask;

const SOON: Duration = Duration::from_secs(20);

/// A service entry whose endpoint is a name.
fn by_name(port: u16) -> String {
    format!(
        "apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: by-name}}
spec:
  hosts: [by-name.example]
  location: MESH_EXTERNAL
  resolution: DNS
  ports: [{{number: 80, name: http, protocol: HTTP, targetPort: {port}}}]
  endpoints: [{{address: localhost}}]
"
    )
}

/// What becomes of hosts that nobody knows.
fn mesh_config(mode: &str) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: istio, namespace: istio-system}}
data:
  mesh: |
    outboundTrafficPolicy: {{mode: {mode}}}
"
    )
}

#[test]
fn hosts_outside_are_called_where_they_may_be() {
    let outside = Upstream::start();
    let port = outside.addr().port();
    let entry = shipped_text("outside").replace("targetPort: 8088", &format!("targetPort: {port}"));
    assert!(entry.contains(&port.to_string()), "{entry}");
    let own = [("outside", entry.as_str()), ("by-name", &by_name(port))];
    let mesh = Mesh::of(&["httpbin"], &own, &[]);
    let [sleep, httpbin] = ["sleep", "httpbin-v1"].map(|name| mesh.from(name));
    let is_the_host = |answer: &Response| answer.status == 200 && seen(answer)["path"] == "/way";

    // An address, and a name; who may call only what is known may call these.
    for host in ["outside.example", "by-name.example", "outside.example:80"] {
        for client in [&sleep, &httpbin] {
            let found = until(SOON, || {
                is_the_host(&ask(client, host, "/way")).then_some(())
            });
            assert!(found.is_some(), "{host}: {:?}", ask(client, host, "/way"));
        }
    }
    outside.forget();

    // What is not known: its Sidecar says so for sleep alone.
    let unknown = format!("localhost:{port}");
    for host in ["unknown.example", &unknown] {
        let refused = ask(&sleep, host, "/way");
        assert_eq!((refused.status, refused.body.len()), (502, 0), "{host}");
    }
    assert_eq!(outside.count(), 0);
    let through = ask(&httpbin, &unknown, "/way");
    assert!(is_the_host(&through), "{through:?}");
    assert_eq!(seen(&through)["authority"], unknown);
    assert_eq!(outside.count(), 1);

    // The same for the whole mesh, and back.
    for (mode, status) in [("REGISTRY_ONLY", 502), ("ALLOW_ANY", 200)] {
        mesh.apply("mesh-config", &mesh_config(mode));
        let settled = until(SOON, || {
            (ask(&httpbin, &unknown, "/way").status == status).then_some(())
        });
        assert!(settled.is_some(), "{mode}");
        assert!(is_the_host(&ask(&httpbin, "outside.example", "/way")));
    }
}

/// By the older way a pod gets no sidecar in a namespace whose pods have them. It does not get one in another: nobody asks
/// the injector there unless a label says so.
const BY_ANNOTATION: &str = "apiVersion: v1
kind: Pod
metadata:
  name: annotated
  namespace: one
  labels: {app: annotated}
  annotations: {sidecar.istio.io/inject: \"false\"}
spec:
  containers:
  - name: server
    image: mccutchen/go-httpbin
    ports: [{containerPort: 8080}]
---
apiVersion: v1
kind: Pod
metadata:
  name: asks-for-one
  namespace: two
  labels: {app: asks-for-one}
  annotations: {sidecar.istio.io/inject: \"true\"}
spec:
  containers:
  - name: server
    image: mccutchen/go-httpbin
    ports: [{containerPort: 8080}]
";

#[test]
fn who_is_in_the_mesh_is_what_labels_and_annotations_say() {
    let mesh = Mesh::of(&["injection"], &[("annotated", BY_ANNOTATION)], &[]);
    let told = mesh.told();
    let has = |name: &str| {
        let found = told.workloads.iter().find(|one| one.name == name);
        let found = found.unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(found.sidecar, found.identity.is_some(), "{name}");
        assert_eq!(
            found.sidecar,
            found.replicas[0].outbound.is_some(),
            "{name}"
        );
        found.sidecar
    };
    for (name, sidecar) in [
        ("with", true),
        ("without", false),
        ("chosen", true),
        ("refused", false),
        ("annotated", false),
        ("asks-for-one", false),
    ] {
        assert_eq!(has(name), sidecar, "{name}");
    }
    // Between two sidecars the caller is known; one without is nobody, and reaches the sidecar all the same.
    let chosen = "chosen.two:8000";
    let answer = ask(&mesh.from("with"), chosen, "/");
    let caller = caller_of(&answer);
    assert_eq!(
        caller.as_deref(),
        Some("spiffe://cluster.local/ns/one/sa/default")
    );
    let plain = Client::http1(mesh.replica("chosen").port(8080))
        .get("/")
        .send();
    assert_eq!((plain.status, caller_of(&plain)), (200, None));
    // Where there is no sidecar, the process itself is at the address of the pod.
    let bare = mesh.replica("without");
    assert_eq!(bare.port(8080), bare.process());
    let answer = Client::http1(bare.port(8080)).get("/").send();
    assert_eq!(answer.header("server"), None, "no Envoy in between");
}
