//! Which headers are changed on the way.

use serde_json::{Map, Value, json};

use crate::model::virtual_service::Headers;

/// Adds the changes to those that a route, or a part of it, has.
pub(super) fn change_headers(out: &mut Map<String, Value>, headers: &Headers) {
    for (message, changes) in [
        ("request", &headers.request),
        ("response", &headers.response),
    ] {
        let option = |(name, value): (&String, &String), append: &str| {
            (!is_internal(name))
                .then(|| json!({"header": {"key": name, "value": value}, "append_action": append}))
        };
        let set = changes
            .set
            .iter()
            .filter_map(|one| option(one, "OVERWRITE_IF_EXISTS_OR_ADD"));
        let add = changes
            .add
            .iter()
            .filter_map(|one| option(one, "APPEND_IF_EXISTS_OR_ADD"));
        extend(
            out,
            &format!("{message}_headers_to_add"),
            set.chain(add).collect(),
        );
        let remove = changes.remove.iter().filter(|name| !is_internal(name));
        extend(
            out,
            &format!("{message}_headers_to_remove"),
            remove.map(|name| json!(name)).collect(),
        );
    }
}

fn extend(out: &mut Map<String, Value>, name: &str, more: Vec<Value>) {
    if more.is_empty() {
        return;
    }
    match out.entry(name).or_insert_with(|| json!([])) {
        Value::Array(list) => list.extend(more),
        other => *other = Value::Array(more),
    }
}

/// Envoy changes none of these by a header's name.
fn is_internal(name: &str) -> bool {
    name.starts_with(':') || name.eq_ignore_ascii_case("host")
}
