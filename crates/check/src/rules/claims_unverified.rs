//! Rules on tokens that nobody verifies.

use super::authorization::of_token;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::select::may_meet;

pub(super) const RULE: Rule = Rule {
    code: "MF0205",
    severity: Severity::Warning,
    title: "a rule asks for claims, and no RequestAuthentication verifies tokens",
    text: "`requestPrincipals` and `request.auth.*` are what a RequestAuthentication leaves of a token it \
           verified. Without one for the same workload they are absent in every request: a rule with them never \
           matches, an ALLOW policy allows nothing by it, and `notRequestPrincipals` matches every request.",
    help: "add a RequestAuthentication for these workloads, or check it together with the file that has it",
    bad: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  rules:
  - when: [{key: 'request.auth.claims[plan]', values: [gold]}]
",
    good: "
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: issuer, namespace: shop}
spec:
  jwtRules:
  - {issuer: 'https://issuer.example', jwksUri: 'https://issuer.example/jwks.json'}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  rules:
  - when: [{key: 'request.auth.claims[plan]', values: [gold]}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("AuthorizationPolicy") {
        let tokens = of_token(item);
        let Some(first) = tokens.first() else {
            continue;
        };
        if !mesh
            .of("RequestAuthentication")
            .any(|it| may_meet(it, item))
        {
            let message = "asks for a verified token, and no RequestAuthentication among the files verifies any: it is absent \
                           in every request";
            found.at(item, first, message);
        }
    }
}
