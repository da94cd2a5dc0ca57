//! Identities of peers that have none.

use super::authorization::of_peer;
use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;
use crate::rule::Rule;
use crate::select::may_meet;
use crate::source::Item;

pub(super) const RULE: Rule = Rule {
    code: "MF0204",
    severity: Severity::Warning,
    title: "a rule asks for identities where mTLS is not sure",
    text: "`principals`, `namespaces`, `serviceAccounts` and their like compare the certificate of the peer. A \
           request in plain text has none: nothing matches it, an ALLOW policy denies it, and a DENY policy \
           lets it pass; what is said with `not` matches it. Where a PeerAuthentication among the files does \
           not demand mTLS this is a warning. Where there is none it is a note: mTLS is then what the mesh says \
           elsewhere, and `PERMISSIVE` if it says nothing.",
    help: "add a PeerAuthentication with `mtls: {mode: STRICT}` for these workloads",
    bad: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  rules:
  - from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: PERMISSIVE}}
",
    good: "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: viewer, namespace: shop}
spec:
  rules:
  - from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}]
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
",
    find,
};

fn find(mesh: &Mesh<'_>, found: &mut Found<'_>) {
    for item in mesh.of("AuthorizationPolicy") {
        let peers = of_peer(item);
        let Some(first) = peers.first() else {
            continue;
        };
        let modes = mesh
            .of("PeerAuthentication")
            .filter(|it| may_meet(it, item));
        let modes = modes.map(|it| (it.namespace() == item.namespace(), mode(it)));
        let modes: Vec<(bool, &str)> = modes.filter(|(_, mode)| !mode.is_empty()).collect();
        // What the namespace says itself goes before what the root namespace says for all.
        let is_own = modes.iter().any(|(own, _)| *own);
        let mut modes = modes
            .iter()
            .filter(|(own, _)| *own == is_own)
            .map(|(_, mode)| *mode);
        let effect = match item.spec().map_or("", |spec| spec.text("action")) {
            "DENY" => "is not denied",
            "" | "ALLOW" => "is not allowed",
            _ => "does not match",
        };
        match modes.find(|mode| *mode != "STRICT") {
            Some(mode) => {
                let message = format!(
                    "compares the peer's certificate, and mTLS is {mode}: a request in plain text has none and {effect} by this"
                );
                found.at(item, first, message);
            }
            None if !mesh.of("PeerAuthentication").any(|it| may_meet(it, item)) => {
                let message = format!(
                    "compares the peer's certificate: a request in plain text has none and {effect} by this, and no PeerAuthentication among the files demands mTLS"
                );
                found.note(item, first, message);
            }
            None => {}
        }
    }
}

/// What a PeerAuthentication says for all ports; empty where it inherits that.
fn mode<'a>(item: &Item<'a>) -> &'a str {
    let mtls = item.spec().and_then(|spec| spec.field("mtls"));
    match mtls.map_or("", |mtls| mtls.text("mode")) {
        "UNSET" => "",
        mode => mode,
    }
}
