//! What policies name and the MeshConfig does not.

use sdk_helpers::config::{Problem, Scope};
use serde_json::json;

use super::filter_refuses::said;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;

pub(super) const RULE: Rule = Rule {
    code: "MF0241",
    severity: Severity::Warning,
    title: "a policy names what the MeshConfig does not have",
    text: "A principal of a trust domain that is neither `trustDomain` nor one of `trustDomainAliases` matches no \
           certificate that istiod issues: istiod logs that, and keeps it as it is. A CUSTOM policy whose provider is none \
           of `extensionProviders` has nobody to ask, and istiod makes it deny every request that its rules match. It is \
           asked only where a MeshConfig, an IstioOperator or the ConfigMap of istiod is among the files.",
    help: "mend the name, or add it to the MeshConfig",
    bad: "
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec: {meshConfig: {trustDomain: shop.example}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  rules:
  - from: [{source: {principals: [example.com/ns/shop/sa/web]}}]
",
    good: "
apiVersion: install.istio.io/v1alpha1
kind: IstioOperator
spec: {meshConfig: {trustDomain: shop.example, trustDomainAliases: [example.com]}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  rules:
  - from: [{source: {principals: [example.com/ns/shop/sa/web]}}]
",
    find,
};

/// Where the object stands in the configuration that it is read in.
const HERE: &str = "resources[0]";

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    let settings = &mesh.settings;
    let Ok(filter) = catalog::find(cases::ALL) else {
        return;
    };
    if !mesh.has_config {
        return;
    }
    let mut said_of_mesh = json!({
        "trustDomainAliases": settings.trust_domain_aliases,
        "extensionProviders": settings.providers,
    });
    if let (Some(domain), Some(fields)) = (&settings.trust_domain, said_of_mesh.as_object_mut()) {
        fields.insert("trustDomain".to_owned(), domain.as_str().into());
    }
    for item in mesh.of("AuthorizationPolicy") {
        let tree = json!({"resources": [item.root.value()], "authorizationPolicy": said_of_mesh});
        let said = said(mesh, filter, tree, "");
        let errors = said.errors.into_iter();
        // Which trust domain it is stays open where the MeshConfig does not say it.
        let warnings = said.warnings.into_iter();
        let warnings = warnings.filter(|_| settings.trust_domain.is_some());
        let effects = errors
            .map(|it| (it, "every request that the rules match is denied"))
            .chain(warnings.map(|it| (it, "no certificate of this mesh has it")));
        for (problem, effect) in effects {
            let Problem { error, scope, .. } = problem;
            let own = error.at.strip_prefix(HERE);
            let (Some(own), Scope::Settings) = (own, scope) else {
                continue;
            };
            let path = item.path(own.trim_start_matches('.'));
            found.at_path(item, &path, format!("{}; {effect}", error.problem));
        }
    }
}
