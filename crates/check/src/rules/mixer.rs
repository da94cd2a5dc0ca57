//! What was written for Mixer.

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0213",
    severity: Severity::Warning,
    title: "an object is Mixer's, which Istio no longer has",
    text: "Istio had Mixer up to 1.7. Nothing reads `config.istio.io` any more: quotas are not enforced, checks \
           not made, and where the kind is still defined the object is stored and forgotten.",
    help: "write a quota as `limits` of the filter rate-limit, and remove the object",
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

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in &mesh.items {
        if item.group() == "config.istio.io" {
            let message = format!(
                "nothing reads a `{}` any more: Mixer, whose it was, is gone from Istio",
                item.kind().escape_debug()
            );
            found.at_path(item, &item.path("kind"), message);
        }
    }
}
