//! An answer as a line of JSON, written straight into text: of many requests that is a good part of all the work.
//!
//! What serde makes of an [`Answer`] is the same, byte for byte.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Answer, FilterAnswer, Message, Outcome};
use crate::closest::Closest;

impl Answer {
    /// Adds the answer as JSON to a text.
    pub fn write_json(&self, json: &mut String) {
        json.push_str("{\"decision\":");
        outcome(json, self.decision);
        // Into memory, which does not fail; so below.
        let _ = write!(json, ",\"status\":{}", self.status);
        if let Some(status) = self.grpc_status {
            let _ = write!(json, ",\"grpcStatus\":{status}");
        }
        json.push_str(",\"by\":");
        text_or_null(json, self.by);
        json.push_str(",\"reason\":");
        text_or_null(json, self.reason.as_deref());
        delay(json, self.delay_ms);
        json.push_str(",\"filters\":");
        list(json, &self.filters, filter);
        json.push_str(",\"request\":");
        message(json, &self.request);
        json.push_str(",\"response\":");
        message(json, &self.response);
        if !self.rules.is_empty() {
            seldom(json, "rules", &self.rules);
        }
        if !self.tags.is_empty() {
            seldom(json, "tags", &self.tags);
        }
        json.push('}');
    }
}

fn filter(json: &mut String, answer: &FilterAnswer) {
    json.push_str("{\"filter\":");
    text(json, answer.filter);
    json.push_str(",\"decision\":");
    outcome(json, answer.decision);
    json.push_str(",\"reason\":");
    text(json, &answer.reason);
    delay(json, answer.delay_ms);
    if !answer.rolls.is_empty() {
        seldom(json, "rolls", &answer.rolls);
    }
    if let Some(found) = &answer.closest {
        json.push_str(",\"closest\":");
        closest(json, found);
    }
    if let Some(cluster) = &answer.unreachable {
        seldom(json, "unreachable", cluster);
    }
    if !answer.request.is_empty() {
        seldom(json, "request", &answer.request);
    }
    if !answer.response.is_empty() {
        seldom(json, "response", &answer.response);
    }
    json.push('}');
}

fn closest(json: &mut String, closest: &Closest) {
    json.push_str("{\"policy\":");
    text(json, &closest.policy);
    json.push_str(",\"condition\":");
    text(json, &closest.condition);
    if let Some(key) = &closest.key {
        json.push_str(",\"key\":");
        text(json, key);
    }
    json.push_str(",\"wanted\":");
    list(json, &closest.wanted, |json, value| text(json, value));
    json.push_str(",\"seen\":");
    text_or_null(json, closest.seen.as_deref());
    json.push('}');
}

fn message(json: &mut String, message: &Message) {
    json.push_str("{\"headers\":{");
    for (place, name) in message.names().enumerate() {
        if place > 0 {
            json.push(',');
        }
        text(json, name);
        json.push(':');
        let mut values = message.values(name);
        let first = values.next().unwrap_or_default();
        match values.next() {
            None => text(json, first),
            Some(_) => {
                let values: Vec<&str> = message.values(name).collect();
                list(json, &values, |json, value| text(json, value));
            }
        }
    }
    json.push_str("}}");
}

fn outcome(json: &mut String, outcome: Outcome) {
    json.push_str(match outcome {
        Outcome::Allow => "\"allow\"",
        Outcome::Deny => "\"deny\"",
        Outcome::Reply => "\"reply\"",
    });
}

fn delay(json: &mut String, milliseconds: Option<u64>) {
    if let Some(milliseconds) = milliseconds {
        let _ = write!(json, ",\"delayMs\":{milliseconds}");
    }
}

fn list<T>(json: &mut String, all: &[T], one: impl Fn(&mut String, &T)) {
    json.push('[');
    for (place, entry) in all.iter().enumerate() {
        if place > 0 {
            json.push(',');
        }
        one(json, entry);
    }
    json.push(']');
}

fn text_or_null(json: &mut String, value: Option<&str>) {
    match value {
        Some(value) => text(json, value),
        None => json.push_str("null"),
    }
}

fn text(json: &mut String, value: &str) {
    // All bytes are looked at, whatever is found: so the processor looks at many at once.
    let special = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
    if value
        .bytes()
        .fold(false, |found, byte| found | special(byte))
    {
        return value_of(json, &value);
    }
    json.push('"');
    json.push_str(value);
    json.push('"');
}

/// A field that few answers have.
fn seldom(json: &mut String, name: &str, value: &impl Serialize) {
    let _ = write!(json, ",\"{name}\":");
    value_of(json, value);
}

fn value_of(json: &mut String, value: &impl Serialize) {
    // Nothing here has a key that is no text, which is all that fails.
    json.push_str(&serde_json::to_string(value).unwrap_or_default());
}
