//! Who may speak plaintext, and who somebody is known as.

use std::time::Duration;

use integration::client::{Client, Response};
use integration::mesh::{Mesh, caller_of};
use integration::service::wait::until;
use integration::tls::{Authority, Names, Tls};

use super::rows::{ask, see};

const SOON: Duration = Duration::from_secs(20);
const SLEEP: &str = "spiffe://cluster.local/ns/default/sa/sleep";
const HTTPBIN: &str = "spiffe://cluster.local/ns/default/sa/httpbin";
/// Of those whose pods name no service account.
const DEFAULT: &str = "spiffe://cluster.local/ns/default/sa/default";

#[test]
fn plaintext_is_taken_where_it_may_be() {
    let mesh = Mesh::up(&["httpbin", "mtls"]);
    see(
        &mesh,
        &[
            ("STRICT for the mesh", strict),
            ("PERMISSIVE for a workload", permissive_workload),
            ("DISABLE for a port", disabled_port),
            ("PERMISSIVE for the mesh", permissive),
            ("STRICT for a namespace", strict_namespace),
            ("DISABLE for the mesh", disabled),
        ],
    );
}

/// A request at a port of a workload, past every sidecar but its own.
fn plaintext(mesh: &Mesh, workload: &str, port: u16) -> Option<Response> {
    let address = mesh.replica(workload).port(port);
    Client::http1(address).get("/").try_send().ok()
}

/// The same by mutual TLS.
fn mutual(mesh: &Mesh, workload: &str, port: u16, tls: Tls) -> Option<Response> {
    let address = mesh.replica(workload).port(port);
    Client::http1(address).tls(tls).get("/").try_send().ok()
}

/// Who the workload says called it, where it was reached.
fn known(answer: Option<&Response>) -> Option<Option<String>> {
    answer.map(|answer| {
        assert_eq!(answer.status, 200, "{}", answer.text());
        caller_of(answer)
    })
}

/// What becomes of plaintext and of mutual TLS as sleep; a listener that was just told otherwise may take a moment.
#[track_caller]
fn takes(mesh: &Mesh, workload: &str, port: u16, server: &str, expected: [bool; 2]) {
    let ask = || {
        let tls = mesh.tls_as("sleep", server);
        let plain = known(plaintext(mesh, workload, port).as_ref());
        let mutual = known(mutual(mesh, workload, port, tls).as_ref());
        // Who speaks plaintext is nobody.
        assert!(!matches!(plain, Some(Some(_))), "{plain:?}");
        if let Some(caller) = &mutual {
            assert_eq!(caller.as_deref(), Some(SLEEP));
        }
        [plain.is_some(), mutual.is_some()]
    };
    let found = until(SOON, || (ask() == expected).then_some(()));
    let words = "plaintext, mutual TLS";
    assert!(found.is_some(), "{workload}:{port}: {words}: {:?}", ask());
}

fn strict(mesh: &Mesh) {
    takes(mesh, "httpbin-v1", 8080, HTTPBIN, [false, true]);
    // Between sidecars nobody has to ask for it.
    let answer = ask(&mesh.from("sleep"), "httpbin:8000", "/");
    assert_eq!(caller_of(&answer).as_deref(), Some(SLEEP));
    // Whoever shows no certificate, or one of other roots, is nobody.
    assert!(mutual(mesh, "httpbin-v1", 8080, mesh.tls(HTTPBIN)).is_none());
    let stranger = Authority::new("theirs").issue(&Names::none().uri(SLEEP));
    let shown = mesh.tls(HTTPBIN).showing(&stranger);
    assert!(mutual(mesh, "httpbin-v1", 8080, shown).is_none());
    // And the server is who it says, to those who ask.
    let other = mesh.tls_as("sleep", SLEEP);
    assert!(mutual(mesh, "httpbin-v1", 8080, other).is_none());
    // An identity is who it is whoever shows it.
    let own = mesh.tls_as("httpbin-v2", HTTPBIN);
    let answer = mutual(mesh, "httpbin-v1", 8080, own);
    assert_eq!(known(answer.as_ref()), Some(Some(HTTPBIN.to_owned())));
}

fn permissive_workload(mesh: &Mesh) {
    takes(mesh, "open", 8080, DEFAULT, [true, true]);
    let answer = ask(&mesh.from("sleep"), "open:8000", "/");
    assert_eq!(caller_of(&answer).as_deref(), Some(SLEEP));
}

fn disabled_port(mesh: &Mesh) {
    takes(mesh, "half", 8080, DEFAULT, [false, true]);
    takes(mesh, "half", 8081, DEFAULT, [true, false]);
    let sleep = mesh.from("sleep");
    let [strict, open] = ["half:8000", "half:8001"].map(|service| ask(&sleep, service, "/"));
    assert_eq!(caller_of(&strict).as_deref(), Some(SLEEP));
    assert_eq!(caller_of(&open), None);
}

/// A policy without a selector: of the mesh in istio-system, of a namespace in it.
fn policy(name: &str, namespace: &str, mode: &str) -> String {
    format!(
        "apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{mtls: {{mode: {mode}}}}}
"
    )
}

fn permissive(mesh: &Mesh) {
    mesh.apply(
        "mesh-wide",
        &policy("default", "istio-system", "PERMISSIVE"),
    );
    takes(mesh, "httpbin-v1", 8080, HTTPBIN, [true, true]);
    // What is narrower stays.
    takes(mesh, "half", 8081, DEFAULT, [true, false]);
    let answer = ask(&mesh.from("sleep"), "httpbin:8000", "/");
    assert_eq!(caller_of(&answer).as_deref(), Some(SLEEP));
}

fn strict_namespace(mesh: &Mesh) {
    mesh.apply("namespace", &policy("default", "default", "STRICT"));
    takes(mesh, "httpbin-v1", 8080, HTTPBIN, [false, true]);
    takes(mesh, "open", 8080, DEFAULT, [true, true]);
}

fn disabled(mesh: &Mesh) {
    mesh.apply("namespace", &policy("default", "elsewhere", "STRICT"));
    mesh.apply("mesh-wide", &policy("default", "istio-system", "DISABLE"));
    takes(mesh, "httpbin-v1", 8080, HTTPBIN, [true, false]);
    let nobody = until(SOON, || {
        let answer = ask(&mesh.from("sleep"), "httpbin:8000", "/");
        (answer.status == 200 && caller_of(&answer).is_none()).then_some(())
    });
    assert!(nobody.is_some(), "a sidecar speaks TLS with who takes none");
}
