//! The verified claims of a request: the one contract between the filter that verifies tokens and
//! those that decide by them.
//!
//! request-authentication writes filter state `wasm.mesh_filters.claims` as JSON. Behind Envoy's own `jwt_authn`,
//! configured as Istio does it, the same claims stand in dynamic metadata, and are read from there.

use std::cell::OnceCell;
use std::rc::Rc;

use serde_json::Value;

use crate::config;
use crate::protobuf::read_metadata;
use crate::world::Attributes;

/// The filter state that carries the claims, by the name a module writes it under; everybody else
/// sees it with `wasm.` before it.
pub const STATE: &str = "mesh_filters.claims";

/// Where it is read: a value that a native filter left under the same name is seen there too.
pub const PATH: [&str; 2] = ["filter_state", "wasm.mesh_filters.claims"];

/// The namespace in which Istio lets `jwt_authn` leave its payload, and the key there.
const NATIVE: (&str, &str) = ("envoy.filters.http.jwt_authn", "payload");

/// Verified claims.
#[derive(Debug, Clone)]
pub struct Claims {
    tree: Value,
    /// Written when it is first needed.
    json: OnceCell<Box<[u8]>>,
}

impl PartialEq for Claims {
    fn eq(&self, other: &Self) -> bool {
        self.tree == other.tree
    }
}

impl Claims {
    /// Reads the claims of the current request, where a filter before this one verified any.
    pub fn read(attributes: &dyn Attributes) -> Option<Rc<Self>> {
        if let Some(claims) = attributes.claims() {
            return Some(claims);
        }
        let tree = match attributes.property(&PATH) {
            Some(bytes) => config::json(&bytes).ok()?,
            None => {
                let metadata = read_metadata(&attributes.dynamic_metadata()?, NATIVE.0)?;
                metadata.get(NATIVE.1)?.clone()
            }
        };
        Some(Rc::new(Claims::new(tree)))
    }

    /// From a token's payload.
    pub fn new(payload: Value) -> Self {
        Claims {
            tree: payload,
            json: OnceCell::new(),
        }
    }

    /// As they stand in filter state.
    pub fn json(&self) -> &[u8] {
        self.json
            .get_or_init(|| self.tree.to_string().into_bytes().into())
    }

    /// The claim at a path of names: `["realm_access", "roles"]`.
    pub fn at(&self, path: &[String]) -> Option<&Value> {
        path.iter()
            .try_fold(&self.tree, |value, name| value.get(name))
    }

    /// The claim at `path` as one text: a text as it is, a number, true or false as it is written, and of a
    /// list each of those, with a comma between them. Anything else is none.
    pub fn text(&self, path: &[String]) -> Option<Vec<u8>> {
        let value = self.at(path)?;
        let values = value.as_array();
        let values = values.map_or(std::slice::from_ref(value), Vec::as_slice);
        let mut all = Vec::new();
        for value in values {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => continue,
            };
            if !all.is_empty() {
                all.push(b',');
            }
            all.extend_from_slice(text.as_bytes());
        }
        (!all.is_empty()).then_some(all)
    }

    /// Whether the claim at `path` is text that `matches`, or a list with such an element: Istio's
    /// rule for claims. Any other kind of value matches nothing.
    pub fn any(&self, path: &[String], mut matches: impl FnMut(&[u8]) -> bool) -> bool {
        match self.at(path) {
            Some(Value::String(text)) => matches(text.as_bytes()),
            Some(Value::Array(list)) => list
                .iter()
                .filter_map(Value::as_str)
                .any(|text| matches(text.as_bytes())),
            _ => false,
        }
    }
}

/// Splits a claim's name as Istio writes it: `.a.b` or `a.b` at the dots, `[a.b][c]` at the
/// brackets, for names that hold dots themselves.
pub fn path(text: &str) -> Option<Vec<String>> {
    let parts: Vec<String> = if let Some(inner) = text.strip_prefix('[') {
        let inner = inner.strip_suffix(']')?;
        inner.split("][").map(str::to_owned).collect()
    } else {
        text.strip_prefix('.')
            .unwrap_or(text)
            .split('.')
            .map(str::to_owned)
            .collect()
    };
    parts
        .iter()
        .all(|part| !part.is_empty() && !part.contains(['[', ']']))
        .then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fake::FakeWorld;
    use prost::Message as _;
    use serde_json::json;

    fn at(claims: &Claims, name: &str, wanted: &str) -> bool {
        claims.any(&path(name).expect("a claim name"), |text| {
            text == wanted.as_bytes()
        })
    }

    #[test]
    fn text_and_lists_of_text_match_and_nothing_else() {
        let claims = Claims::new(json!({
            "sub": "jason", "groups": ["a", "b", 3], "n": 7, "a.b": "dotted", "a": {"b": "nested"}
        }));
        assert!(at(&claims, "sub", "jason"));
        assert!(at(&claims, ".groups", "b"));
        assert!(!at(&claims, "groups", "3"));
        assert!(!at(&claims, "n", "7"));
        assert!(at(&claims, "a.b", "nested"));
        assert!(at(&claims, "[a.b]", "dotted"));
        assert!(at(&claims, "[a][b]", "nested"));
    }

    #[test]
    fn a_claim_is_one_text() {
        let claims = Claims::new(json!({
            "sub": "jason", "groups": ["a", "b,c", 3, null, ["d"], {}], "n": 7, "yes": true,
            "none": null, "map": {"a": "b"}, "empty": [], "blank": "",
        }));
        for (name, text) in [
            ("sub", Some("jason")),
            ("groups", Some("a,b,c,3")),
            ("n", Some("7")),
            ("yes", Some("true")),
            ("map.a", Some("b")),
            ("map", None),
            ("none", None),
            ("empty", None),
            ("blank", None),
            ("other", None),
        ] {
            let value = claims.text(&path(name).expect("a claim name"));
            assert_eq!(value.as_deref(), text.map(str::as_bytes), "{name}");
        }
    }

    #[test]
    fn a_claim_name_that_names_nothing_is_none() {
        for text in ["", ".", "a..b", "[a", "[]", "a[b]", "[a]b"] {
            assert_eq!(path(text), None, "{text:?}");
        }
    }

    #[test]
    fn our_own_claims_come_before_the_native_ones() {
        let world = FakeWorld::new();
        assert_eq!(Claims::read(&world), None);
        world.set_property(&["metadata"], native());
        assert!(at(&Claims::read(&world).expect("native"), "sub", "native"));
        world.set_property(&PATH, br#"{"sub":"ours"}"#.to_vec());
        assert!(at(&Claims::read(&world).expect("ours"), "sub", "ours"));
        // Unreadable claims are no claims; falling back would let an older token speak.
        world.set_property(&PATH, b"\xff".to_vec());
        assert_eq!(Claims::read(&world), None);
    }

    /// `jwt_authn`'s metadata as Envoy serializes it, with a null inside.
    fn native() -> Vec<u8> {
        use prost_types::{Struct, Value, value::Kind};
        let of = |kind| Value { kind: Some(kind) };
        let fields = |pairs: Vec<(&str, Value)>| Struct {
            fields: pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        };
        let payload = fields(vec![
            ("sub", of(Kind::StringValue("native".into()))),
            ("nothing", of(Kind::NullValue(0))),
        ]);
        let namespace = fields(vec![("payload", of(Kind::StructValue(payload)))]).encode_to_vec();
        // Metadata { 1: { 1: key, 2: Struct } }
        let mut entry = vec![0x0a, NATIVE.0.len() as u8];
        entry.extend(NATIVE.0.as_bytes());
        entry.extend([0x12, namespace.len() as u8]);
        entry.extend(namespace);
        let mut metadata = vec![0x0a, entry.len() as u8];
        metadata.extend(entry);
        metadata
    }
}
