//! `mesh curl`, `graph` and `logs`, as people ask a mesh that runs.

use std::fs;
use std::process::Output;
use std::time::Duration;

use integration::mesh::Mesh;
use integration::service::Scratch;
use integration::service::wait::until;
use serde_json::{Value, json};

/// How long a line may take to be written.
const SOON: Duration = Duration::from_secs(30);

/// A page that calls two versions of a service, an access log, and a workload without a sidecar.
const OBJECTS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {istio-injection: enabled}}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop.example]
  gateways: [shop]
  http: [{route: [{destination: {host: page}}]}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: item}
spec:
  host: item
  subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: item}
spec:
  hosts: [item]
  http:
  - match: [{headers: {end-user: {exact: jason}}}]
    route: [{destination: {host: item, subset: v2}}]
  - route: [{destination: {host: item, subset: v1}}]
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: logs, namespace: istio-system}
spec:
  accessLogging: [{providers: [{name: envoy}]}]
---
apiVersion: v1
kind: Service
metadata: {name: page}
spec: {selector: {app: page}, ports: [{name: http, port: 8000}]}
---
apiVersion: v1
kind: Service
metadata: {name: item}
spec: {selector: {app: item}, ports: [{name: http, port: 8000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: page-v1}
spec:
  template:
    metadata: {labels: {app: page, version: v1}, annotations: {mesh-filters/calls: item}}
    spec: {serviceAccountName: page, containers: [{name: page, image: page, ports: [{containerPort: 8000}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: item-v1}
spec:
  template:
    metadata: {labels: {app: item, version: v1}}
    spec: {serviceAccountName: item, containers: [{name: item, image: item, ports: [{containerPort: 8000}]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: item-v2}
spec:
  template:
    metadata: {labels: {app: item, version: v2}}
    spec: {serviceAccountName: item, containers: [{name: item, image: item, ports: [{containerPort: 8000}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: bare, labels: {sidecar.istio.io/inject: \"false\", app: bare}}
spec: {containers: [{name: bare, image: bare, ports: [{containerPort: 8000}]}]}
";

/// What a verb says, which ends with this code.
#[track_caller]
fn said(output: &Output, code: i32) -> Value {
    let (said, why) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(code), "{said}{why}");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}{why}"))
}

fn why(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_mesh_says_who_answers_who_calls_whom_and_what_was_logged() {
    let mesh = Mesh::of(&[], &[("shop.yaml", OBJECTS)], &[]);
    let curl = |words: &[&str]| mesh.run(&[&["curl"], words].concat());

    // Outside, through the gateway: the page, and who answered it in turn.
    let answer = said(
        &curl(&["http://shop.example/a", "--count", "40", "--parallel", "4"]),
        0,
    );
    assert_eq!(
        (&answer["requests"], &answer["unanswered"]),
        (&json!(40), &json!(0))
    );
    let page = &answer["answers"][0];
    assert_eq!(
        (&page["name"], &page["count"]),
        (&json!("page-v1"), &json!(40))
    );
    let item = &page["called"][0];
    assert_eq!(
        (&item["service"], &item["name"]),
        (&json!("item:8000"), &json!("item-v1"))
    );
    assert_eq!(item["count"], 40);
    // Who asks is handed on, and routes go by it.
    let answer = said(
        &curl(&["http://shop.example/a", "-H", "end-user: jason"]),
        0,
    );
    assert_eq!(answer["answers"][0]["called"][0]["name"], "item-v2");
    let answer = said(&curl(&["http://other.example/"]), 0);
    assert_eq!(answer["response"]["status"], 404);

    // From a workload, with its identity.
    let answer = said(&curl(&["page", "http://item:8000/b?c", "-d", "x=1"]), 0);
    let body = &answer["response"]["body"];
    assert_eq!(body["caller"], "spiffe://cluster.local/ns/default/sa/page");
    assert_eq!(
        body["identity"],
        "spiffe://cluster.local/ns/default/sa/item"
    );
    assert_eq!(
        (&body["method"], &body["path"], &body["bodyBytes"]),
        (&json!("POST"), &json!("/b?c"), &json!(3))
    );
    let answer = said(
        &curl(&["page", "http://item:8000/status/503", "--count", "6"]),
        0,
    );
    assert_eq!(answer["answers"][0]["status"], 503);
    // Without a sidecar it comes in plaintext, and nobody vouches.
    let answer = said(&curl(&["bare", "http://item:8000/"]), 0);
    assert_eq!(answer["response"]["status"], 200);
    assert_eq!(answer["response"]["body"].get("caller"), None);
    // An answer that breaks off was asked for; the sidecar has one all the same.
    let answer = said(&curl(&["page", "http://item:8000/reset"]), 0);
    assert_eq!(answer["response"]["status"], 503);

    assert!(why(&curl(&["nobody", "http://item:8000/"])).contains("there are page-v1"));
    assert!(why(&curl(&["https://shop.example/"])).contains("on 80"));

    // All of these, as the Envoys have counted them.
    let graph = said(&mesh.run(&["graph"]), 0);
    let edges = graph["edges"].as_array().unwrap();
    let edge = |from: &str, service: &str| {
        let found = edges
            .iter()
            .find(|edge| edge["from"] == from && edge["service"] == service);
        found.unwrap_or_else(|| panic!("{from} {service}: {graph:#}"))
    };
    let entry = edge("istio-ingressgateway", "page:8000");
    assert_eq!(
        (&entry["requests"], &entry["mutualTls"]),
        (&json!(41), &json!(true))
    );
    assert_eq!(entry["to"][0]["name"], "page-v1");
    let first = edge("page-v1", "item:8000 v1");
    // Forty for the gateway's, one with a body, six that fail and one that broke off.
    assert_eq!(
        (&first["requests"], &first["serverErrors"]),
        (&json!(48), &json!(7))
    );
    assert_eq!(
        (&first["to"][0]["name"], &first["to"][0]["errors"]),
        (&json!("item-v1"), &json!(7))
    );
    assert_eq!(edge("page-v1", "item:8000 v2")["requests"], 1);
    // The host that no route of the gateway takes.
    let own = &graph["ownProxy"];
    assert_eq!(
        (&own[0]["from"], &own[0]["clientErrors"]),
        (&json!("istio-ingressgateway"), &json!(1))
    );
    assert_eq!(own.as_array().map(Vec::len), Some(1), "{own}");
    let scratch = Scratch::new().unwrap();
    let picture = scratch.path().join("mesh.svg");
    said(
        &mesh.run(&["graph", "--svg", &picture.display().to_string()]),
        0,
    );
    let picture = fs::read_to_string(picture).unwrap();
    for name in ["istio-ingressgateway", "page-v1", "item-v1", "item-v2"] {
        assert!(picture.contains(&format!(">{name}</text>")), "{picture}");
    }
    assert!(!picture.contains(">bare</text>"), "{picture}");
    // What came since.
    let graph = said(&mesh.run(&["graph", "--over", "10ms"]), 0);
    assert_eq!(graph["edges"], json!([]));

    // Lines come when Envoy writes them out.
    let logged = |words: &[&str], part: &str| {
        until(SOON, || {
            let output = mesh.run(&[&["logs"], words].concat());
            let said = String::from_utf8(output.stdout).unwrap();
            let mut lines = said
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).unwrap());
            lines.find(|line| line["line"].as_str().unwrap().contains(part))
        })
    };
    let line = logged(&["item-v1"], "/status/503").expect("a line of the request");
    assert_eq!(
        (&line["proxy"], &line["kind"]),
        (&json!("item-v1"), &json!("access"))
    );
    assert!(line["time"].as_str().unwrap().starts_with("20"), "{line}");
    let of_others = mesh.run(&["logs", "item-v2"]);
    assert!(!String::from_utf8_lossy(&of_others.stdout).contains("/status/503"));
    assert!(why(&mesh.run(&["logs", "bare"])).contains("no sidecar"));

    // A request that a sidecar has to itself: it goes by the authority, as a workload's own does.
    let answer = mesh.from("page-v1").get("/d").authority("item:8000").send();
    assert_eq!(answer.status, 200);
    let graph = said(&mesh.run(&["graph"]), 0);
    let edges = graph["edges"].as_array().unwrap();
    let first = edges.iter().find(|edge| edge["service"] == "item:8000 v1");
    assert_eq!(first.unwrap()["requests"], 49);
}
