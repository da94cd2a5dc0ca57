//! What is no YAML.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Read;

pub(super) const RULE: Rule = Rule {
    code: "MF0001",
    severity: Severity::Error,
    title: "the file is no YAML",
    text: "Nothing of the file is read: kubectl refuses it whole, and so does Envoy. Names that stand twice in a \
           mapping count as well, because readers differ in which of the two they take.",
    help: "mend it at that place",
    bad: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer
spec: {}
",
    good: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer}
spec: {rules: [{}]}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for (source, read) in mesh.read.iter().enumerate() {
        if let Read::Unreadable(position, problem) = read {
            found.tell(source, *position, "", format!("is no YAML: {problem}"));
        }
    }
}
