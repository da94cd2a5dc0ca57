//! Case files that are none.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::ours::{self, Ours};
use crate::rule::Rule;
use istio::said::placed;

pub(super) const RULE: Rule = Rule {
    code: "MF0110",
    severity: Severity::Error,
    title: "a case file is not read",
    text: "The file is a list of suites, and something in it is none: a field that cases do not have, a name that two of \
           them have, a suite that has neither cases nor what its configuration is refused with. None of its cases runs. \
           The first such error is told.",
    help: "mend it; until then no case of the file is run",
    bad: "
- description: limits
  config: {limits: [{name: all, requests: 1, per: 1m}]}
  cases:
  - {name: a request, expects: {status: 200}}
",
    good: "
- description: limits
  config: {limits: [{name: all, requests: 1, per: 1m}]}
  cases:
  - {name: a request, expect: {}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in &mesh.items {
        let Some(Ours::Cases(filter, suites)) = ours::of(item, mesh) else {
            continue;
        };
        let Some(source) = mesh.sources.get(item.file) else {
            continue;
        };
        let read = cases::File::parse(filter.name(), &source.name, &source.text);
        let Err(error) = read else {
            continue;
        };
        let mut suites = suites.iter();
        let named = |name: &String| suites.find(|suite| suite.text("description") == name);
        let suite = error.suite.as_ref().and_then(named);
        let path = suite.map(|suite| suite.path().to_owned());
        let path = path.unwrap_or_default();
        let (position, problem) = placed(&error.problem);
        let position = position.unwrap_or_else(|| item.document.position(&path));
        found.tell(item.file, position, &path, problem);
    }
}
