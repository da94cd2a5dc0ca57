//! Claims of a verified token in Envoy's dynamic metadata.

use crate::node::Node;

/// Envoy's filter, which keeps them.
pub(crate) const FILTER: &str = "envoy.filters.http.jwt_authn";
/// Under which key, as istiod has it.
pub(crate) const PAYLOAD: &str = "payload";

/// Reads a MetadataKey, as its namespace and its path.
pub(crate) fn metadata_key<'a>(node: &Node<'a>) -> (&'a str, Vec<&'a str>) {
    let mut message = node.message();
    let namespace = message.take("key").map(|it| it.text());
    let path = message.take("path").map(|it| path(&it));
    message.end();
    (namespace.unwrap_or_default(), path.unwrap_or_default())
}

/// Reads a list of segments `{key: name}`.
pub(crate) fn path<'a>(node: &Node<'a>) -> Vec<&'a str> {
    let segment = |node: &Node<'a>| {
        let mut message = node.message();
        let key = message.take("key").map(|it| it.text());
        message.end();
        key.unwrap_or_default()
    };
    node.elements().iter().map(segment).collect()
}

/// The claim that metadata is, where it is one whose name ours can write.
pub(crate) fn of_token<'p, 'a>(namespace: &str, path: &'p [&'a str]) -> Option<&'p [&'a str]> {
    let (payload, claim) = path.split_first()?;
    let writable = |name: &&str| !name.is_empty() && !name.contains(['[', ']']);
    let is_claim = namespace == FILTER && *payload == PAYLOAD && !claim.is_empty();
    (is_claim && claim.iter().all(writable)).then_some(claim)
}

/// A claim's name as limits and outputs write it: `sub`, `realm.roles`, `[a.b][c]`.
pub(crate) fn dotted(claim: &[&str]) -> String {
    match claim.iter().any(|name| name.contains('.')) {
        false => claim.join("."),
        true => format!("[{}]", claim.join("][")),
    }
}
