//! The schemas of the CustomResourceDefinitions, which the API server holds every object against.
//!
//! They are data, `crates/istio/schemas/<Kind>.json`: what a definition says of structure, written by
//! `integration/examples/schemas.rs`. What a definition says in CEL is among istiod's rules, which say it too.

use std::sync::OnceLock;

use regex_lite::Regex;
use sdk_helpers::config::Remedy;
use serde_json::{Value, json};

use super::Told;
use crate::spot::Spot;
use crate::traffic_extension::expected;

/// Each kind with its schema's text.
macro_rules! texts {
    ($($kind:literal)*) => {
        [$(($kind, include_str!(concat!("../../schemas/", $kind, ".json")))),*]
    };
}

const TEXTS: [(&str, &str); 9] = texts! {
    "DestinationRule" "Gateway" "PeerAuthentication" "ProxyConfig" "ServiceEntry" "Sidecar" "VirtualService"
    "WorkloadEntry" "WorkloadGroup"
};

/// Tells what the schema of a kind refuses in an object.
pub(super) fn check(kind: &str, object: &Spot<'_>, told: &Told) {
    if let Some(schema) = of(kind) {
        let root = Schema { root: schema, told };
        // What kind and version it is decided that it is looked at here.
        if let (Some(schema), Some(spec)) = (below(schema, &["spec"]), object.field("spec")) {
            root.check(schema, &spec);
        }
        let known = schema.get("properties").and_then(Value::as_object);
        let known: Vec<&str> = known
            .into_iter()
            .flat_map(|map| map.keys())
            .map(String::as_str)
            .collect();
        for (name, _) in object.fields() {
            if !known.contains(&name) && name != "status" {
                told.unknown(object.path(), name, &known);
            }
        }
    }
}

/// The schema of a kind, read once.
fn of(kind: &str) -> Option<&'static Value> {
    static READ: [OnceLock<Value>; TEXTS.len()] = [const { OnceLock::new() }; TEXTS.len()];
    let place = TEXTS.iter().position(|(name, _)| *name == kind)?;
    let (_, text) = TEXTS.get(place)?;
    let read = || serde_json::from_str(text).unwrap_or_default();
    Some(READ.get(place)?.get_or_init(read))
}

fn below<'a>(schema: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names
        .iter()
        .try_fold(schema, |schema, name| schema.get("properties")?.get(name))
}

struct Schema<'a> {
    /// The whole of it, for what stands in `$defs`.
    root: &'static Value,
    told: &'a Told,
}

impl Schema<'_> {
    fn check(&self, schema: &Value, spot: &Spot<'_>) {
        let schema = self.meant(schema);
        if let Some(kinds) = misfit(schema, spot.value()) {
            let path = spot.path();
            let name = path.rsplit('.').next().unwrap_or(path);
            let items = schema.get("items").map(|items| self.meant(items));
            let is_of_texts = items.is_some_and(|it| misfit(it, &"".into()).is_none());
            let (problem, remedy) = match spot.value() {
                Value::String(text) if kinds == ["array"] && is_of_texts => {
                    let text = text.escape_debug();
                    let problem = format!("a list is expected here, not a text; write `[{text}]`");
                    (problem, Some(Remedy::List))
                }
                value => wrong_kind(&kinds, name, value),
            };
            self.told.misfit(spot, problem, remedy);
            return;
        }
        match spot.value() {
            Value::Object(_) if !is_address(spot.value()) => self.mapping(schema, spot),
            Value::Array(_) => self.list(schema, spot),
            Value::String(text) => self.text(schema, text, spot),
            Value::Number(number) => self.number(schema, number.as_f64(), spot),
            Value::Object(_) | Value::Bool(_) | Value::Null => {}
        }
        for part in list(schema, "allOf") {
            self.one_of(part, spot);
        }
        self.one_of(schema, spot);
    }

    fn meant<'b>(&'b self, schema: &'b Value) -> &'b Value {
        let name = schema.get("$ref").and_then(Value::as_str);
        let name = name.and_then(|name| name.strip_prefix("#/$defs/"));
        let found = name.and_then(|name| self.root.get("$defs")?.get(name));
        found.unwrap_or(schema)
    }

    fn mapping(&self, schema: &Value, spot: &Spot<'_>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        let fields: Vec<_> = spot
            .fields()
            .into_iter()
            .filter(|(_, it)| !it.value().is_null())
            .collect();
        for (name, field) in &fields {
            match (properties.and_then(|map| map.get(*name)), others) {
                (Some(schema), _) => self.check(schema, field),
                (None, Some(Value::Bool(false))) => {
                    let known = properties.into_iter().flat_map(|map| map.keys());
                    let known: Vec<&str> = known.map(String::as_str).collect();
                    self.told.unknown(spot.path(), name, &known);
                }
                (None, Some(schema)) => self.check(schema, field),
                (None, None) => {}
            }
        }
        for name in list(schema, "required").iter().filter_map(Value::as_str) {
            if spot.field(name).is_none() {
                self.told.at(spot.path_of(name), "is missing");
            }
        }
        self.count(
            schema,
            spot,
            fields.len(),
            ["minProperties", "maxProperties"],
            "fields",
        );
    }

    fn list(&self, schema: &Value, spot: &Spot<'_>) {
        let elements = spot.elements();
        if let Some(items) = schema.get("items") {
            for element in &elements {
                self.check(items, element);
            }
        }
        self.count(
            schema,
            spot,
            elements.len(),
            ["minItems", "maxItems"],
            "entries",
        );
    }

    fn text(&self, schema: &Value, text: &str, spot: &Spot<'_>) {
        let words: Vec<&str> = list(schema, "enum")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        if !words.is_empty() && !words.contains(&text) {
            self.told.none_of(spot.path(), text, &words);
        }
        if text.is_empty() && least(schema, "minLength") > Some(0) {
            self.told.error(spot, "is empty");
        } else {
            self.count(
                schema,
                spot,
                text.chars().count(),
                ["minLength", "maxLength"],
                "characters",
            );
        }
        let pattern = schema.get("pattern").and_then(Value::as_str);
        if let Some(pattern) = pattern.filter(|_| !text.is_empty())
            && Regex::new(pattern).is_ok_and(|pattern| !pattern.is_match(text))
        {
            let text = text.escape_debug();
            self.told
                .error(spot, format!("`{text}` does not match `{pattern}`"));
        }
    }

    fn number(&self, schema: &Value, number: Option<f64>, spot: &Spot<'_>) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let shown = spot.value();
        let problem = match (bound("minimum"), bound("maximum"), number) {
            (Some(least), _, Some(number)) if number < least => {
                format!("`{shown}` is less than {least}")
            }
            (_, Some(most), Some(number)) if number > most => {
                format!("`{shown}` is more than {most}")
            }
            _ => return,
        };
        self.told.error(spot, problem);
    }

    fn count(&self, schema: &Value, spot: &Spot<'_>, count: usize, bounds: [&str; 2], what: &str) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let [least, most] = bounds.map(|name| self::least(schema, name));
        if let Some(least) = least.filter(|least| count < *least) {
            self.told.error(
                spot,
                format!("has {count} {what}, and at least {least} are wanted"),
            );
        }
        if let Some(most) = most.filter(|most| count > *most) {
            self.told.error(
                spot,
                format!("has {count} {what}, and no more than {most} may be"),
            );
        }
    }

    /// Fields that exclude each other: a definition says `oneOf`, of none and of each alone.
    fn one_of(&self, schema: &Value, spot: &Spot<'_>) {
        let ways = list(schema, "oneOf");
        let names: Vec<&str> = ways
            .iter()
            .flat_map(|way| list(way, "required"))
            .filter_map(Value::as_str)
            .collect();
        let there: Vec<String> = names
            .iter()
            .filter(|name| spot.field(name).is_some())
            .map(|name| format!("`{name}`"))
            .collect();
        if there.len() > 1 {
            let there = there.join(" and ");
            self.told
                .error(spot, format!("has {there}, and only one of them may be"));
        }
        let may_be_none = ways.iter().any(|way| way.get("not").is_some());
        if there.is_empty() && !ways.is_empty() && !may_be_none && !names.is_empty() {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            self.told
                .error(spot, format!("has none of {}", names.join(", ")));
        }
    }
}

fn list<'a>(schema: &'a Value, name: &str) -> &'a [Value] {
    schema
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn least(schema: &Value, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}

/// The kinds that a value may have, where it has none of them.
fn misfit<'a>(schema: &'a Value, value: &Value) -> Option<Vec<&'a str>> {
    let kinds: Vec<&str> = match schema.get("type")? {
        Value::String(kind) => vec![kind],
        kinds => kinds.as_array()?.iter().filter_map(Value::as_str).collect(),
    };
    let is_whole = |value: &Value| {
        value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|value| value.fract() == 0.0)
    };
    let fits = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => is_whole(value),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => true,
    };
    let is_fitting = kinds.iter().any(fits) || kinds.contains(&"string") && is_address(value);
    (!is_fitting).then_some(kinds)
}

/// `[2001:db8::]`, which YAML 1.2 reads as a mapping without a value, and the readers of Kubernetes as a text.
fn is_address(value: &Value) -> bool {
    let fields = value.as_object().filter(|fields| fields.len() == 1);
    let first = fields.and_then(|fields| fields.iter().next());
    first.is_some_and(|(name, value)| value.is_null() && name.contains(':'))
}

/// What the names of fields have in them that are durations.
const TIMES: [&str; 8] = [
    "time", "interval", "duration", "delay", "maxage", "backoff", "ttl", "warmup",
];

fn wrong_kind(kinds: &[&str], name: &str, value: &Value) -> (String, Option<Remedy>) {
    let words = kinds.iter().filter_map(|kind| match *kind {
        "object" => Some("a mapping"),
        "array" => Some("a list"),
        "string" => Some("a text"),
        "integer" => Some("a whole number"),
        "number" => Some("a number"),
        "boolean" => Some("`true` or `false`"),
        _ => None,
    });
    let problem = expected(&words.collect::<Vec<_>>().join(" or "), value);
    // What is in quotes and would be a number or a flag without.
    let bare = value
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok());
    let bare = bare.filter(|bare: &Value| bare.is_number() || bare.is_boolean());
    let name = name.to_ascii_lowercase();
    let is_time = TIMES.iter().any(|time| name.contains(time));
    match (value, bare) {
        (Value::Number(_), _) if kinds.contains(&"string") && is_time => {
            let meant = format!("{problem}; write `{value}s` if seconds are meant");
            (meant, None)
        }
        (Value::Number(_), _) if kinds.contains(&"object") && name == "port" => {
            let meant = Remedy::Write(json!({"number": value}));
            (
                format!("{problem}; write `{{number: {value}}}`"),
                Some(meant),
            )
        }
        (Value::Number(_) | Value::Bool(_), _) if kinds.contains(&"string") => {
            (format!("{problem}; put it in quotes"), Some(Remedy::Quote))
        }
        (Value::String(_), Some(bare)) if !kinds.contains(&"object") => {
            let fits = match bare.is_boolean() {
                true => kinds.contains(&"boolean"),
                false => kinds.contains(&"integer") || kinds.contains(&"number"),
            };
            let remedy = fits.then_some(Remedy::Write(bare));
            (format!("{problem} in quotes; remove them"), remedy)
        }
        _ => (problem, None),
    }
}
