//! The ports that files of a page listen on, of which tests take free ones.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::Value;

/// What the admin interface is called beside listeners.
pub(super) const ADMIN: &str = "admin";

/// A file with port 0 in place of each that something in it listens on, and what listens on which. A text
/// that is no YAML has none.
pub(super) fn freed(text: &str) -> (String, BTreeMap<u16, String>) {
    let documents = serde_saphyr::from_multiple::<Value>(text).unwrap_or_default();
    let mut found = BTreeMap::new();
    for document in &documents {
        listening(document, &mut found);
    }
    found.remove(&0);
    let text = found.keys().fold(text.to_owned(), |text, port| {
        let pattern = Regex::new(&format!(r"port_value: {port}\b")).unwrap();
        pattern.replace_all(&text, "port_value: 0").into_owned()
    });
    (text, found)
}

/// Whatever listens on a port, by the port.
fn listening(value: &Value, found: &mut BTreeMap<u16, String>) {
    let port = |at: &Value| at.pointer("/address/socket_address/port_value")?.as_u64();
    let named = value["name"].as_str().map(|name| (name, value));
    let admin = (ADMIN, &value[ADMIN]);
    for (name, value) in named.into_iter().chain([admin]) {
        if let Some(port) = port(value) {
            found.insert(port.try_into().unwrap(), name.to_owned());
        }
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| listening(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| listening(field, found)),
        _ => {}
    }
}

#[test]
fn what_listens_is_found_and_what_is_asked_stays() {
    let address = |port| format!("{{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}");
    let text = format!(
        "admin: {{address: {}}}\nlisteners: [{{name: in, address: {}}}]\nendpoints: [{{endpoint: {{address: {}}}}}]\n",
        address(99),
        address(100),
        address(1000)
    );
    let (freed, found) = freed(&text);
    let names = [(99, ADMIN), (100, "in")].map(|(port, name)| (port, name.to_owned()));
    assert_eq!(found, names.into());
    assert_eq!(
        freed,
        text.replace("port_value: 99}", "port_value: 0}")
            .replace("port_value: 100}", "port_value: 0}")
    );
}
