//! What no shipped file has: headers of answers, and retries that help.

use integration::mesh::Mesh;

use super::super::rows::ask;

/// A service of its own.
const WASHED: &str = "apiVersion: v1
kind: Service
metadata: {name: washed}
spec: {selector: {app: httpbin, version: v1}, ports: [{name: http, port: 8000, targetPort: 8080}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: washed}
spec:
  hosts: [washed]
  http:
  - match: [{uri: {prefix: /response-headers}}]
    headers:
      response:
        add: {x-more: ours}
        set: {x-written: ours}
        remove: [x-secret]
    route: [{destination: {host: washed}}]
  - retries: {attempts: 2, retryOn: 5xx}
    route: [{destination: {host: washed}}]
";

pub(super) fn headers_of_the_answer(mesh: &Mesh) {
    mesh.apply("washed", WASHED);
    let path = "/response-headers?x-more=theirs&x-written=theirs&x-secret=hush&x-kept=theirs";
    let answer = ask(&mesh.from("sleep"), "washed:8000", path);
    let values = |name: &str| {
        let all = answer.headers.iter().filter(|(header, _)| header == name);
        all.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(answer.status, 200);
    assert_eq!(values("x-more"), ["theirs", "ours"]);
    assert_eq!(values("x-written"), ["ours"]);
    assert_eq!(values("x-kept"), ["theirs"]);
    assert!(values("x-secret").is_empty(), "{answer:?}");
}

/// One that fails twice is good at the third time, and nobody hears of it.
pub(super) fn retries_that_help(mesh: &Mesh) {
    mesh.apply("washed", WASHED);
    let v1 = mesh.replica("httpbin-v1");
    let sleep = mesh.from("sleep");
    for (failures, status) in [(2, 200), (3, 503)] {
        let before = mesh.requests(&v1);
        mesh.fail(&v1, &format!("status=503&times={failures}"));
        let answer = ask(&sleep, "washed:8000", "/");
        assert_eq!(answer.status, status, "{failures}: {}", answer.text());
        mesh.mend(&v1);
        // Three of the mesh's, and the question.
        assert_eq!(mesh.requests(&v1) - before, 3 + 1, "{failures}");
    }
}
