//! WasmPlugins and TrafficExtensions that are refused.

use istio::{Error, TrafficExtension};

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0108",
    severity: Severity::Error,
    title: "a WasmPlugin or TrafficExtension is refused",
    text: "istiod's webhook or the API server refuses the object, and no proxy loads the module. What a module is told by \
           `pluginConfig` Istio never looks at; of our own filters it is checked here too.",
    help: "mend the field; until then the object cannot be applied",
    bad: "
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: limits}
spec: {url: 'ftp://registry.example/limits.wasm'}
",
    good: "
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: limits}
spec: {url: 'oci://registry.example/limits:1.0'}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in &mesh.items {
        if !["WasmPlugin", "TrafficExtension"].contains(&item.kind()) {
            continue;
        }
        let Some(object) = item.alone() else {
            continue;
        };
        match TrafficExtension::try_from(&object) {
            Ok(_) => {}
            Err(Error::Invalid { findings, .. }) => {
                for finding in findings {
                    let path = item.path(&finding.at);
                    found.at_path(item, &path, finding.problem);
                    if let Some(remedy) = finding.remedy {
                        found.mended_by(item, &path, remedy);
                    }
                }
            }
            Err(error) => found.at_path(item, &item.path(""), error.to_string()),
        }
    }
}
