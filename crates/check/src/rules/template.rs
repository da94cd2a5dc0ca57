//! What is no YAML yet.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Read;

pub(super) const RULE: Rule = Rule {
    code: "MF0002",
    severity: Severity::Warning,
    title: "a template is not checked",
    text: "The file is the text of a template, such as a chart of Helm's has: only what its engine makes of it is YAML. \
           A template that happens to be YAML is checked as it stands.",
    help: "check what the engine makes of it: `helm template … | mesh-filters check -`",
    bad: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer}
{{- if .Values.open }}
spec: {rules: [{}]}
{{- end }}
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
        if let Read::Template(position) = read {
            let message =
                "this is a template, which is no YAML before its engine has run: not checked";
            found.tell(source, *position, "", message);
        }
    }
}
