//! What JSON does not say about a protobuf field and its name does.
//!
//! A patch may spell fields in camelCase or snake_case; two spellings of one field would not merge,
//! so everything is brought to snake_case first. Keys that are data and not fields must be left
//! alone, and for those there is no descriptor to ask: the lists below name the map and Struct
//! fields of the Envoy objects an EnvoyFilter is likely to carry.

use super::json;
use serde_json::{Map, Value};

/// Fields that are protobuf maps of messages: keys are data, and merging replaces whole entries.
const MAPS: &[&str] = &[
    "key_values",
    "map",
    "policies",
    "providers",
    "requirement_map",
    "source_codes",
    "typed_extension_protocol_options",
    "typed_filter_metadata",
    "typed_per_filter_config",
];
/// Fields that are a Struct, or a map of them: nothing inside is a field.
const STRUCTS: &[&str] = &[
    "default_subset",
    "filter_metadata",
    "json_format",
    "static_layer",
];
/// Types whose `value` is free-form.
const FREE_FORM_TYPES: &[&str] = &[
    "google.protobuf.ListValue",
    "google.protobuf.Struct",
    "google.protobuf.Value",
    "udpa.type.v1.TypedStruct",
    "xds.type.v3.TypedStruct",
];
/// Fields of one oneof: setting one clears the others.
const ONEOFS: &[&[&str]] = &[
    &[
        "cluster",
        "cluster_header",
        "weighted_clusters",
        "cluster_specifier_plugin",
    ],
    &[
        "direct_response",
        "filter_action",
        "non_forwarding_action",
        "redirect",
        "route",
    ],
    &["config_discovery", "typed_config"],
    &[
        "environment_variable",
        "filename",
        "inline_bytes",
        "inline_string",
    ],
    &[
        "auto_host_rewrite",
        "host_rewrite_header",
        "host_rewrite_literal",
        "host_rewrite_path",
        "host_rewrite_path_regex",
    ],
    &["cluster_type", "type"],
    &["local", "remote"],
    &[
        "connect_matcher",
        "contains",
        "exact",
        "path",
        "path_match_policy",
        "path_separated_prefix",
        "prefix",
        "safe_regex",
        "suffix",
    ],
    &["rds", "route_config", "scoped_routes"],
];

/// Whether merging `key` replaces whole entries instead of merging what is inside them.
pub(super) fn is_map(key: &str) -> bool {
    MAPS.contains(&key) || STRUCTS.contains(&key)
}

/// Whether the `value` of this Any is free-form.
pub(super) fn is_free_form(any: &Map<String, Value>) -> bool {
    let type_url = any.get("@type").and_then(Value::as_str).unwrap_or_default();
    FREE_FORM_TYPES.contains(&type_url.rsplit('/').next().unwrap_or_default())
}

/// The oneof that `key` is part of.
pub(super) fn oneof(key: &str) -> Option<&'static [&'static str]> {
    ONEOFS.iter().copied().find(|group| group.contains(&key))
}

/// Renames every field below `value` to snake_case.
pub(super) fn snake_case(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(snake_case),
        Value::Object(object) => {
            let free_form = is_free_form(object);
            let renamed = std::mem::take(object).into_iter().map(|(key, mut inner)| {
                let key = snake_case_key(&key);
                if !(free_form && key == "value") {
                    below(&key, &mut inner);
                }
                (key, inner)
            });
            *object = renamed.collect();
        }
        _ => {}
    }
}

fn below(key: &str, inner: &mut Value) {
    if STRUCTS.contains(&key) {
        return;
    }
    match inner {
        Value::Object(entries) if MAPS.contains(&key) => {
            entries.values_mut().for_each(snake_case);
        }
        Value::Object(_) if key == "node" => {
            // The one message whose `metadata` is a Struct and not a message with `filter_metadata`.
            let metadata = json::existing_object(inner, "metadata").map(Value::take);
            snake_case(inner);
            if let Some(metadata) = metadata {
                json::set(inner, "metadata", metadata);
            }
        }
        inner => snake_case(inner),
    }
}

/// `typedConfig` → `typed_config`; what cannot be a field's JSON name stays as it is.
fn snake_case_key(key: &str) -> String {
    let is_json_name = key.starts_with(|first: char| first.is_ascii_lowercase())
        && key.chars().all(|letter| letter.is_ascii_alphanumeric());
    if !is_json_name {
        return key.to_string();
    }
    let mut snake = String::with_capacity(key.len() + 4);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_are_renamed_and_data_is_not() {
        let mut value = json!({
            "typedConfig": {
                "@type": "type.googleapis.com/Wasm",
                "config": {
                    "rootId": "camelStays",
                    "vmConfig": { "environmentVariables": { "keyValues": { "someKey": "v" } } },
                    "configuration": {
                        "@type": "type.googleapis.com/google.protobuf.Struct",
                        "value": { "maxTokens": [{ "fillInterval": "1s" }] },
                    },
                },
            },
            "typedPerFilterConfig": { "aName": { "someField": 1 } },
            "metadata": { "filterMetadata": { "istio": { "someKey": { "innerKey": 1 } } } },
            "node": { "userAgentName": "u", "metadata": { "someKey": 1 } },
            "http2ProtocolOptions": { "maxConcurrentStreams": 1 },
            "a.b-C": { "list": [{ "innerField": 1 }] },
        });
        snake_case(&mut value);
        assert_eq!(
            value,
            json!({
                "typed_config": {
                    "@type": "type.googleapis.com/Wasm",
                    "config": {
                        "root_id": "camelStays",
                        "vm_config": { "environment_variables": { "key_values": { "someKey": "v" } } },
                        "configuration": {
                            "@type": "type.googleapis.com/google.protobuf.Struct",
                            "value": { "maxTokens": [{ "fillInterval": "1s" }] },
                        },
                    },
                },
                "typed_per_filter_config": { "aName": { "some_field": 1 } },
                "metadata": { "filter_metadata": { "istio": { "someKey": { "innerKey": 1 } } } },
                "node": { "user_agent_name": "u", "metadata": { "someKey": 1 } },
                "http2_protocol_options": { "max_concurrent_streams": 1 },
                "a.b-C": { "list": [{ "inner_field": 1 }] },
            })
        );
    }
}
