//! What is wrong with a line, without a word of it.

use serde_json::error::Category;
use serde_json::{Error, Value};

/// A field: its name, whether a value is one of it, and what it must be.
type Field = (&'static str, fn(&Value) -> bool, &'static str);

const FIELDS: [Field; 10] = [
    ("method", Value::is_string, TEXT),
    ("url", Value::is_string, TEXT),
    ("headers", Value::is_object, "must be a mapping"),
    ("peer", Value::is_string, TEXT),
    ("claims", |_| true, ""),
    ("jwt", Value::is_string, TEXT),
    ("fromIp", Value::is_string, TEXT),
    (
        "port",
        is_port,
        "must be a whole number between 0 and 65535",
    ),
    ("at", Value::is_string, TEXT),
    ("roll", Value::is_number, "must be a number"),
];

const TEXT: &str = "must be text";

fn is_port(value: &Value) -> bool {
    value.as_u64().is_some_and(|port| port <= 65_535)
}

pub(super) fn of(text: &str, error: &Error) -> String {
    match error.classify() {
        Category::Eof => return "is no JSON: it ends early".to_owned(),
        Category::Syntax | Category::Io => {
            return format!("is no JSON, at character {}", error.column());
        }
        Category::Data => {}
    }
    let fields = match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return "is no mapping such as `{\"url\": \"http://shop.example/\"}`".to_owned(),
        Err(error) => return format!("is no JSON, at character {}", error.column()),
    };
    for (name, value) in &fields {
        let Some((_, is_it, what)) = FIELDS.iter().find(|(field, ..)| field == name) else {
            let names = FIELDS.map(|(name, ..)| name).join("`, `");
            return format!("has a field that no request has; there are `{names}`");
        };
        if !value.is_null() && !is_it(value) {
            return format!("`{name}` {what}");
        }
    }
    let headers = fields.get("headers").and_then(Value::as_object);
    let is_value = |value: &Value| match value {
        Value::Array(list) => list.iter().all(Value::is_string),
        value => value.is_string(),
    };
    if headers.is_some_and(|headers| !headers.values().all(is_value)) {
        return "`headers`: a value must be text, or a list of texts".to_owned();
    }
    let missing = ["url", "headers"]
        .into_iter()
        .find(|name| fields.get(*name).is_some_and(Value::is_null));
    match missing {
        Some(name) => format!("`{name}` must not be null"),
        None => "has a field twice".to_owned(),
    }
}
