//! What is legal in a resource of Istio's and surely was not meant.

use istio::{EnvoyFilter, TrafficExtension};

use super::resource;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0109",
    severity: Severity::Warning,
    title: "a resource says what changes nothing",
    text: "istiod takes the object, and something in it surely was not meant: a value that nothing can match, a field \
           that has no effect. istiod warns of some of it, and of the rest nobody does.",
    help: "say what is meant, or leave it out",
    bad: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer}
spec:
  rules:
  - to: [{operation: {paths: ['/orders?all=1']}}]
",
    good: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer}
spec:
  rules:
  - to: [{operation: {paths: [/orders]}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in &mesh.items {
        if !item.group().ends_with("istio.io") {
            continue;
        }
        for warning in resource::of(mesh, item).warnings {
            found.problem(item, warning);
        }
        let Some(object) = item.alone() else {
            continue;
        };
        match item.kind() {
            "EnvoyFilter" => {
                let warnings = EnvoyFilter::try_from(&object).map(|read| read.warnings);
                for warning in warnings.unwrap_or_default() {
                    // Told at the name itself.
                    if warning.contains("using deprecated filter name") {
                        continue;
                    }
                    let (path, problem) = warning.split_once(": ").unwrap_or(("", &warning));
                    found.at_path(item, &item.path(path), problem);
                }
            }
            "WasmPlugin" | "TrafficExtension" => {
                let warnings = TrafficExtension::try_from(&object).map(|read| read.warnings);
                for warning in warnings.unwrap_or_default() {
                    let path = item.path(&warning.at);
                    found.at_path(item, &path, warning.problem);
                    if let Some(remedy) = warning.remedy {
                        found.mended_by(item, &path, remedy);
                    }
                }
            }
            _ => {}
        }
    }
}
