//! A schema out of a CustomResourceDefinition: what may stand where, and not what it means.
//!
//! `cargo run -p integration --example schemas -- 'where it is from' crds.yaml` writes those of the kinds below
//! anew.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The kinds that `crates/istio` holds objects against, all of each.
pub const OF_ISTIO: [(&str, &str); 9] = [
    ("DestinationRule", "networking.istio.io/v1"),
    ("Gateway", "networking.istio.io/v1"),
    ("PeerAuthentication", "security.istio.io/v1"),
    ("ProxyConfig", "networking.istio.io/v1beta1"),
    ("ServiceEntry", "networking.istio.io/v1"),
    ("Sidecar", "networking.istio.io/v1"),
    ("VirtualService", "networking.istio.io/v1"),
    ("WorkloadEntry", "networking.istio.io/v1"),
    ("WorkloadGroup", "networking.istio.io/v1"),
];

/// The other kinds that our resources are of, and a version of each; with paths, what is kept of it: without,
/// all.
pub const KINDS: [(&str, &str, &[&str]); 5] = [
    ("EnvoyFilter", "networking.istio.io/v1alpha3", &[]),
    ("WasmPlugin", "extensions.istio.io/v1alpha1", &[]),
    ("TrafficExtension", "extensions.istio.io/v1alpha1", &[]),
    (
        "EnvoyExtensionPolicy",
        "gateway.envoyproxy.io/v1alpha1",
        &[
            "spec.mergeType",
            "spec.targetRef",
            "spec.targetRefs",
            "spec.targetSelectors",
            "spec.wasm",
        ],
    ),
    (
        "EnvoyProxy",
        "gateway.envoyproxy.io/v1alpha1",
        &[
            "spec.bootstrap",
            "spec.filterOrder",
            "spec.mergeType",
            "spec.telemetry.accessLog.settings.format",
            "spec.telemetry.accessLog.settings.matches",
            "spec.telemetry.accessLog.settings.type",
            "spec.telemetry.accessLog.settings.sinks.type",
            "spec.telemetry.accessLog.settings.sinks.file",
        ],
    ),
];

/// What a schema says of values; all else is left out, descriptions before all.
const STRUCTURE: [&str; 24] = [
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "type",
    "uniqueItems",
];

/// The schema of a kind out of its CustomResourceDefinition, if that is what this is; with its name.
pub fn reduced(definition: &Value, source: &str) -> Option<(&'static str, Value)> {
    let names = &definition["spec"]["names"];
    let of_istio = OF_ISTIO.map(|(kind, version)| (kind, version, &[][..]));
    let mut kinds = of_istio.into_iter().chain(KINDS);
    let (kind, version, kept) = kinds.find(|(kind, version, _)| {
        let group = definition["spec"]["group"].as_str().unwrap_or_default();
        names["kind"] == *kind && version.starts_with(&format!("{group}/"))
    })?;
    let versions = definition["spec"]["versions"].as_array()?;
    let found = versions.iter().find(|found| {
        let name = found["name"].as_str().unwrap_or_default();
        version.ends_with(&format!("/{name}"))
    })?;
    let mut schema = node(&found["schema"]["openAPIV3Schema"], true);
    if !kept.is_empty() {
        cut(&mut schema, "", kept);
    }
    let fields = schema["properties"].as_object_mut()?;
    fields.remove("status");
    fields.insert("apiVersion".to_owned(), json!({ "const": version }));
    fields.insert("kind".to_owned(), json!({ "const": kind }));
    fields.insert("metadata".to_owned(), json!({}));
    schema["required"] = json!(["apiVersion", "kind", "metadata", "spec"]);
    if OF_ISTIO.iter().any(|(name, _)| *name == kind) {
        schema = shared(schema, kind);
    }
    schema["$comment"] = json!(format!("{kind} of {version}, structure alone; {source}"));
    Some((kind, schema))
}

/// The same with what stands in it more than once in `$defs`, by the name of its field. A DestinationRule has
/// its traffic policy four times.
fn shared(schema: Value, kind: &str) -> Value {
    let mut counts = BTreeMap::new();
    count(&schema, &mut counts);
    let mut shared = Shared {
        counts,
        names: BTreeMap::new(),
        definitions: Map::new(),
    };
    let mut schema = shared.below(&schema, kind);
    if !shared.definitions.is_empty() {
        schema["$defs"] = Value::Object(shared.definitions);
    }
    schema
}

struct Shared {
    /// How often each mapping stands in the schema, by its text.
    counts: BTreeMap<String, usize>,
    /// What those are called that were moved.
    names: BTreeMap<String, String>,
    definitions: Map<String, Value>,
}

impl Shared {
    fn node(&mut self, schema: &Value, name: &str) -> Value {
        let text = schema.to_string();
        if self.counts.get(&text).is_none_or(|count| *count < 2) {
            return self.below(schema, name);
        }
        if !self.names.contains_key(&text) {
            let taken = |name: &String| self.names.values().any(|other| other == name);
            let mut free = name.to_owned();
            let mut number = 2;
            while taken(&free) {
                free = format!("{name}{number}");
                number += 1;
            }
            self.names.insert(text.clone(), free.clone());
            let schema = self.below(schema, name);
            self.definitions.insert(free, schema);
        }
        json!({ "$ref": format!("#/$defs/{}", self.names[&text]) })
    }

    fn below(&mut self, schema: &Value, name: &str) -> Value {
        let mut schema = schema.clone();
        if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            for (name, field) in fields {
                *field = self.node(field, name);
            }
        }
        for list in ["items", "additionalProperties"] {
            if let Some(inner) = schema.get_mut(list) {
                *inner = self.node(inner, name);
            }
        }
        schema
    }
}

fn count(schema: &Value, counts: &mut BTreeMap<String, usize>) {
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        *counts.entry(schema.to_string()).or_default() += 1;
        fields.values().for_each(|field| count(field, counts));
    }
    for list in ["items", "additionalProperties"] {
        schema.get(list).inspect(|inner| count(inner, counts));
    }
}

/// One level of it. A closed one is refused what it does not name, as a cluster prunes it.
fn node(schema: &Value, closed: bool) -> Value {
    let Some(fields) = schema.as_object() else {
        return schema.clone();
    };
    let says = |name: &str| fields.get(name) == Some(&json!(true));
    let mut out = Map::new();
    for (name, value) in fields {
        if !STRUCTURE.contains(&name.as_str()) {
            continue;
        }
        let value = match name.as_str() {
            "properties" => properties(value, closed),
            "items" | "additionalProperties" => node(value, closed),
            "not" => node(value, false),
            "allOf" | "anyOf" | "oneOf" => {
                let list = value.as_array().into_iter().flatten();
                list.map(|value| node(value, false)).collect()
            }
            _ => value.clone(),
        };
        out.insert(name.clone(), value);
    }
    if says("x-kubernetes-int-or-string") {
        out.insert("type".to_owned(), json!(["integer", "string"]));
    }
    if says("nullable")
        && let Some(kind) = out.get("type").cloned()
    {
        out.insert("type".to_owned(), json!([kind, "null"]));
    }
    let open = says("x-kubernetes-preserve-unknown-fields");
    if closed && !open && out.contains_key("properties") {
        out.entry("additionalProperties").or_insert(json!(false));
    }
    Value::Object(out)
}

fn properties(value: &Value, closed: bool) -> Value {
    let fields = value.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| (name.clone(), node(value, closed)))
        .collect::<Map<_, _>>()
        .into()
}

/// Leaves out what is on no way to a path that is kept, nor below one.
fn cut(schema: &mut Value, at: &str, kept: &[&str]) {
    if let Some(items) = schema.get_mut("items") {
        cut(items, at, kept);
    }
    let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    let path = |name: &str| match at {
        "" => name.to_owned(),
        _ => format!("{at}.{name}"),
    };
    let below = |path: &str, other: &str| {
        let rest = path.strip_prefix(other);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    fields.retain(|name, _| {
        let path = path(name);
        kept.iter()
            .any(|kept| below(kept, &path) || below(&path, kept))
    });
    for (name, schema) in fields {
        let path = path(name);
        if !kept.iter().any(|kept| below(&path, kept)) {
            cut(schema, &path, kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(spec: Value) -> Value {
        let definition = json!({"spec": {
            "group": "extensions.istio.io",
            "names": {"kind": "WasmPlugin"},
            "versions": [{"name": "v1alpha1", "schema": {"openAPIV3Schema": {
                "type": "object",
                "properties": {"spec": spec, "status": {"type": "object"}},
            }}}],
        }});
        let (name, schema) = reduced(&definition, "a test").unwrap();
        assert_eq!(name, "WasmPlugin");
        assert!(schema["properties"].get("status").is_none());
        schema["properties"]["spec"].clone()
    }

    #[test]
    fn structure_stays_and_words_go() {
        let spec = of(json!({
            "type": "object",
            "description": "words",
            "properties": {
                "description": {"type": "string", "description": "words", "maxLength": 3},
                "any": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
                "size": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                "priority": {"type": "integer", "nullable": true, "format": "int32"},
            },
            "oneOf": [{"not": {"required": ["any"], "properties": {"any": {}}}}],
        }));
        assert_eq!(spec["additionalProperties"], false);
        let fields = &spec["properties"];
        let text = json!({"type": "string", "maxLength": 3});
        assert_eq!(fields["description"], text);
        assert_eq!(fields["any"], json!({"type": "object"}));
        assert_eq!(fields["size"]["type"], json!(["integer", "string"]));
        assert_eq!(fields["priority"], json!({"type": ["integer", "null"]}));
        let inner = json!({"not": {"required": ["any"], "properties": {"any": {}}}});
        assert_eq!(spec["oneOf"][0], inner);
    }

    #[test]
    fn what_is_kept_has_its_way_there_and_all_below() {
        let leaf = json!({"type": "object", "properties": {"x": {}, "y": {}}});
        let mut schema = json!({"properties": {
            "a": {"properties": {"b": {"items": {"properties": {"c": leaf, "cc": {}}}}, "d": {}}},
            "e": {},
        }});
        cut(&mut schema, "", &["a.b.c"]);
        let expected = json!({"properties": {
            "a": {"properties": {"b": {"items": {"properties": {"c": leaf}}}}},
        }});
        assert_eq!(schema, expected);
    }
}
