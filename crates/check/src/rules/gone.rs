//! What was written for an Istio of long ago.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::source::Item;

pub(super) const RULE: Rule = Rule {
    code: "MF0213",
    severity: Severity::Warning,
    title: "an object is of a kind that Istio no longer has",
    text: "Istio read Mixer's kinds (`config.istio.io`) up to 1.7, and the policies of `authentication.istio.io` and \
           `rbac.istio.io` up to 1.5. Where the kind is still defined the object is stored and forgotten: no quota is \
           enforced, no token looked at, nobody denied.",
    help: "write it anew for what is there today, and remove the object",
    bad: "
apiVersion: config.istio.io/v1alpha2
kind: handler
metadata: {name: quotas}
spec: {compiledAdapter: memquota, params: {quotas: [{name: requests, maxAmount: 100, validDuration: 1s}]}}
",
    good: "
rateLimit: {limits: [{name: requests, requests: 100, per: 1s}]}
",
    find,
};

/// The groups that Istio gave up whole, with the last release that read them and what is there today.
const GONE: [(&str, &str, &str); 3] = [
    (
        "config.istio.io",
        "1.7",
        "Mixer, whose it was, is gone; limits are what the filter rate-limit has",
    ),
    (
        "authentication.istio.io",
        "1.5",
        "today there are PeerAuthentication and RequestAuthentication",
    ),
    ("rbac.istio.io", "1.5", "today there is AuthorizationPolicy"),
];

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in &mesh.items {
        let mut gone = GONE.iter();
        let group = gone.find(|(group, ..)| *group == item.group());
        if let Some((_, version, today)) = group {
            let message = format!(
                "nothing reads a `{}` since Istio {version}: {today}",
                item.kind().escape_debug()
            );
            found.at_path(item, &item.path("kind"), message);
        }
    }
}

/// Whether an object is of such a group.
pub(super) fn is_gone(item: &Item<'_>) -> bool {
    GONE.iter().any(|(group, ..)| *group == item.group())
}
