//! RequestAuthentications that nobody asks for.

use super::authorization::of_token;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::select::may_meet;

pub(super) const RULE: Rule = Rule {
    code: "MF0203",
    severity: Severity::Warning,
    title: "a RequestAuthentication alone lets requests without a token through",
    text: "A RequestAuthentication refuses tokens that are wrong. A request without any passes, unless an \
           AuthorizationPolicy for the same workload asks for one, by a DENY of `notRequestPrincipals: ['*']` \
           or by an ALLOW of `requestPrincipals`. None of the files has such a policy.",
    help: "add an AuthorizationPolicy with action DENY and `from: [{source: {notRequestPrincipals: ['*']}}]`",
    bad: "
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: issuer, namespace: shop}
spec:
  jwtRules:
  - {issuer: 'https://issuer.example', jwksUri: 'https://issuer.example/jwks.json'}
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
metadata: {name: tokens, namespace: shop}
spec:
  action: DENY
  rules:
  - from: [{source: {notRequestPrincipals: ['*']}}]
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("RequestAuthentication") {
        let rules = item.spec().map(|spec| spec.list("jwtRules"));
        if rules.is_none_or(|rules| rules.is_empty()) {
            continue;
        }
        let mut policies = mesh.of("AuthorizationPolicy");
        let is_asked =
            policies.any(|policy| may_meet(policy, item) && !of_token(policy).is_empty());
        if !is_asked {
            let message = "refuses tokens that are wrong and lets requests without one through: no AuthorizationPolicy \
                           among the files asks for one";
            found.at_path(item, &item.path("spec"), message);
        }
    }
}
