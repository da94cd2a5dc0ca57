//! Files and objects as they are written: taken by schemas and by Envoy, and in force.

use convert::{Form, Modules, Placement, read, write};
use documents::Document;
use integration::client::Client;
use integration::envoy::Envoy;
use integration::schemas::Kinds;
use integration::upstream::Upstream;
use policies::Settings;
use serde_json::Value;

const OBJECTS: &str = "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: orders, namespace: shop}
spec:
  selector: {matchLabels: {app: orders}}
  action: DENY
  rules:
  - from: [{source: {notIpBlocks: [192.0.2.0/24]}}]
    to: [{operation: {paths: [/admin*]}}]
---
rateLimit: {limits: [{name: all, requests: 1000, per: 1m}]}
faultInjection: {http: [{match: [{uri: {exact: /broken}}], fault: {abort: {percentage: {value: 100.0}, httpStatus: 418}}}]}
";

#[test]
fn what_is_written_is_taken_and_in_force() {
    let documents = Document::read_text("objects.yaml", OBJECTS).unwrap();
    let kinds = Kinds::read();
    for modules in [Modules::Whole, Modules::Each] {
        let converted = read(&documents, &Settings::default(), modules).unwrap();
        let placement = Placement::default();
        for form in [Form::EnvoyFilter, Form::WasmPlugin, Form::TrafficExtension] {
            let text = write(&converted, form, &placement).unwrap();
            let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
            for object in &objects {
                let problems = kinds.problems(object);
                assert_eq!(problems, [""; 0], "{form:?}\n{text}");
            }
        }
        let upstream = Upstream::start();
        let placement = Placement {
            upstream: Some((upstream.addr().ip().to_string(), upstream.addr().port())),
            ..placement
        };
        let text = write(&converted, Form::Envoy, &placement).unwrap();
        // Its own text, as Envoy's own parser reads it, but for the ports.
        let text = text
            .replace("port_value: 10000", "port_value: 0")
            .replace("port_value: 9901", "port_value: 0");
        let envoy = Envoy::from_text(&text).start();
        let client = Client::http1(envoy.addr("ingress"));
        for (path, status) in [("/", 200), ("/admin/x", 403), ("/broken", 418)] {
            assert_eq!(client.get(path).send().status, status, "{modules:?} {path}");
        }
    }
}
