//! What filters say of configurations that they take.

use super::filter_refuses;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0102",
    severity: Severity::Warning,
    title: "a filter warns of its configuration",
    text: "The filter takes the configuration, and something in it surely was not meant: a field that changes nothing \
           where it stands, a rule that nothing can match. The same line stands in Envoy's log when it is loaded.",
    help: "say what is meant, or leave it out",
    bad: "
rateLimit: {limits: [{name: all, requests: 100, per: 1m, onMissingKey: deny}]}
",
    good: "
rateLimit: {limits: [{name: all, requests: 100, per: 1m}]}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for (item, said) in filter_refuses::all(mesh) {
        for warning in said.warnings {
            found.problem(item, warning);
        }
    }
}
