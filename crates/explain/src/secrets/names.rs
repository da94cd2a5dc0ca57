//! Which headers and parameters hold secrets.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::Value;

/// A part of a name that says that its value is secret.
const SECRET_NAMES: [&str; 10] = [
    "authorization",
    "token",
    "secret",
    "password",
    "passwd",
    "jwt",
    "api-key",
    "apikey",
    "assertion",
    "session",
];

/// The most names of which it is remembered what they are: requests have few, unless somebody makes them up.
const MOST_KNOWN: usize = 64;

/// The names that hold secrets: by what they say, and by a configuration.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Headers and parameters from which the policies take tokens, and headers that get their payloads.
    places: BTreeSet<String>,
    /// What was found of names before: most requests have the same.
    known: RefCell<Vec<(String, bool)>>,
}

impl Names {
    /// Finds in a configuration from where tokens are taken, and where their payloads go.
    pub(super) fn of_policies(tree: &Value) -> Self {
        let mut places = BTreeSet::new();
        visit(tree, &mut places);
        Names {
            places,
            known: RefCell::default(),
        }
    }

    /// Whether what stands under such a name is secret.
    pub(super) fn is_secret(&self, name: &str) -> bool {
        let mut known = self.known.borrow_mut();
        // Most differ in length: that is seen faster than they are hashed.
        if let Some((_, is_secret)) = known.iter().find(|(known, _)| known == name) {
            return *is_secret;
        }
        let lower = name.to_ascii_lowercase();
        let is_secret =
            self.places.contains(&lower) || SECRET_NAMES.iter().any(|part| lower.contains(part));
        if known.len() < MOST_KNOWN {
            known.push((name.to_owned(), is_secret));
        }
        is_secret
    }
}

/// Adds the places that a configuration names.
fn visit(tree: &Value, places: &mut BTreeSet<String>) {
    match tree {
        Value::Array(list) => list.iter().for_each(|value| visit(value, places)),
        Value::Object(map) => {
            for (name, value) in map {
                match name.as_str() {
                    "fromHeaders" | "from_headers" => {
                        let entries = value.as_array().into_iter().flatten();
                        entries
                            .filter_map(|entry| entry.get("name"))
                            .for_each(|name| add_names(name, places));
                    }
                    "fromParams"
                    | "from_params"
                    | "fromCookies"
                    | "from_cookies"
                    | "outputPayloadToHeader"
                    | "output_payload_to_header" => {
                        add_names(value, places);
                    }
                    _ => visit(value, places),
                }
            }
        }
        _ => {}
    }
}

fn add_names(value: &Value, places: &mut BTreeSet<String>) {
    match value {
        Value::String(name) => {
            places.insert(name.to_ascii_lowercase());
        }
        Value::Array(list) => list.iter().for_each(|value| add_names(value, places)),
        _ => {}
    }
}
