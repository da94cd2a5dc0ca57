//! What a MeshConfig among the files says counts for all else, and very many rules are held against each other.

use check::{Options, Source, check};

fn codes(text: &str) -> Vec<(u64, &'static str)> {
    let source = Source {
        name: "example.yaml".to_owned(),
        text: text.to_owned(),
    };
    let report = check(&[source], &Options::default());
    let found = report.findings.into_iter();
    found.map(|it| (it.line, it.code)).collect()
}

const POLICIES: &str = "
---
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens, namespace: policies}
spec: {jwtRules: [{issuer: 'https://issuer.example', jwksUri: 'https://issuer.example/keys'}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: opa, namespace: shop}
spec:
  action: CUSTOM
  provider: {name: opa}
  rules: [{to: [{operation: {paths: [/a]}}]}]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  action: DENY
  rules:
  - from: [{source: {notRequestPrincipals: ['*']}}]
  - from: [{source: {principals: [old.example/ns/shop/sa/web]}}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: policies}
spec: {mtls: {mode: STRICT}}
";

#[test]
fn a_mesh_config_counts_wherever_it_stands() {
    // With no word of it, `policies` is a namespace as any other.
    let alone = [(6, "MF0203"), (22, "MF0205"), (23, "MF0204")];
    assert_eq!(codes(POLICIES), alone);
    let found = [(0, "MF0241"), (0, "MF0241")];
    for config in [
        "{trustDomain: new.example, rootNamespace: policies}",
        "{kind: MeshConfig, trustDomain: new.example, rootNamespace: policies}",
        "{apiVersion: install.istio.io/v1alpha1, kind: IstioOperator, spec: {meshConfig: {trustDomain: new.example, rootNamespace: policies}}}",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: istio}, data: {mesh: \"trustDomain: new.example\\nrootNamespace: policies\"}}",
    ] {
        let seen: Vec<_> = codes(&format!("{config}{POLICIES}"))
            .into_iter()
            .map(|(_, code)| (0, code))
            .collect();
        assert_eq!(seen, found, "{config}");
    }
    let whole = "{trustDomain: new.example, trustDomainAliases: [old.example], rootNamespace: policies, \
                 extensionProviders: [{name: opa, envoyExtAuthzGrpc: {service: opa.shop.svc.cluster.local, port: 9191}}]}";
    assert_eq!(codes(&format!("{whole}{POLICIES}")), []);
    // What it does not say is not missed.
    let other = "{accessLogFile: /dev/stdout}";
    assert!(codes(&format!("{other}{POLICIES}")).len() >= alone.len());
}

#[test]
fn thousands_of_rules_are_held_against_each_other() {
    let mut text = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: viewer}\nspec:\n  rules:\n".to_owned();
    for number in 0..400 {
        let rule = format!("  - to: [{{operation: {{methods: [GET], paths: ['/{number}/*']}}}}]\n");
        text += &rule;
    }
    let other = text.replace("viewer", "other").replace("['/", "['/b/");
    // The last rule of all is within one of the first policy.
    let last = "  - to: [{operation: {methods: [GET], paths: [/123/a]}}]\n";
    let all = format!("{text}---\n{other}{last}");
    let line = u64::try_from(all.lines().count()).unwrap();
    assert_eq!(codes(&all), [(line, "MF0220")]);
}
