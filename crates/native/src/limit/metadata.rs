//! The action `metadata`, where it is of a verified token.

use crate::claim;
use crate::node::Node;

/// The key of the entry, the claim, and whether it may be left out.
pub(super) fn action(node: &Node<'_>) -> Option<(String, String, bool)> {
    let lost = |why: &str| {
        node.lost(
            format!("action `metadata` is not carried over: {why}"),
            "requests are not limited by this descriptor",
        );
    };
    let mut message = node.message();
    let key = message.take("descriptor_key").map(|it| it.text());
    let metadata = message.take("metadata_key");
    let default = message
        .take("default_value")
        .filter(|it| !it.text().is_empty());
    let sources = ["DYNAMIC", "ROUTE_ENTRY"];
    let source = message.take("source").map(|it| it.one_of(&sources));
    let is_optional = message.take("skip_if_absent").is_some_and(|it| it.flag());
    message.end();
    let (Some(key), Some(metadata)) = (key, metadata) else {
        node.problem("needs `descriptor_key` and `metadata_key`");
        return None;
    };
    let (namespace, path) = claim::metadata_key(&metadata);
    if source == Some("ROUTE_ENTRY") {
        lost("a module is not told a route's metadata");
        return None;
    }
    if default.is_some() {
        lost("it has a default for what is not there; write `onMissingKey`");
        return None;
    }
    let Some(claim) = claim::of_token(namespace, &path) else {
        lost("only verified claims are told to a limit");
        return None;
    };
    Some((key.to_owned(), claim::dotted(claim), is_optional))
}
