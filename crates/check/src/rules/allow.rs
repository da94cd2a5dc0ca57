//! Comments that silence nothing.

use istio::Position;

use crate::allow::Unused;
use crate::finding::{Finding, Severity};
use crate::fix::Mend;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0004",
    severity: Severity::Warning,
    title: "a comment allows what is not there",
    text: "`# mesh-filters: allow CODE` silences the findings of that code on its own line and the one below. Here there is \
           none: it was mended, has moved, or the code is another. Left alone the comment may one day hide what \
           nobody looked at.",
    help: "remove the code from the comment",
    bad: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer}
# mesh-filters: allow MF0103
spec: {rules: [{}]}
",
    good: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer}
spec: {rules: [{}]}
",
    find: |_, _| {},
};

/// Tells them, after all others are known.
pub(crate) fn tell(mesh: &Mesh<'_>, unused: Vec<Unused>, findings: &mut Vec<Finding>) {
    let Some(rule) = super::rule(RULE.code) else {
        return;
    };
    let mut found = Found::new(rule, mesh, findings);
    for comment in unused {
        let position = Position {
            line: comment.line,
            column: comment.column,
        };
        let message = match super::rule(&comment.code) {
            Some(_) => format!("nothing here is {}: this silences nothing", comment.code),
            None => format!("`{}` is no code of a finding", comment.code),
        };
        found.tell(comment.source, position, "", message);
        if let Some(edit) = comment.edit {
            found.mended(Mend::Aside(edit));
        }
    }
}
