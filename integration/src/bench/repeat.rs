//! Many of a kind, written once.
//!
//! In a list, `{repeat: 500, as: item, of: {paths: ["/items/{item}"]}}` stands for 500 entries, from
//! `/items/0` to `/items/499`. Repeats may be nested under different names. Scenarios stay as short
//! as they are written until Envoy is given them.

use serde_json::Value;

/// The value with every repeat written out.
///
/// # Errors
/// If a repeat lacks one of its three fields, or has others.
pub fn expanded(value: &Value) -> Result<Value, String> {
    at_most(u64::MAX, value)
}

/// The value with the first of each repeat in its place: enough to see whether it is well written.
///
/// # Errors
/// As above.
pub fn sample(value: &Value) -> Result<Value, String> {
    at_most(1, value)
}

fn at_most(most: u64, value: &Value) -> Result<Value, String> {
    match value {
        Value::Array(items) => {
            let mut all = Vec::with_capacity(items.len());
            for item in items {
                match item.get("repeat") {
                    Some(_) => repeated(most, item, &mut all)?,
                    None => all.push(at_most(most, item)?),
                }
            }
            Ok(all.into())
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, field)| Ok((name.clone(), at_most(most, field)?)));
            fields.collect()
        }
        other => Ok(other.clone()),
    }
}

fn repeated(most: u64, item: &Value, all: &mut Vec<Value>) -> Result<(), String> {
    let wrong = || format!("`{item}` is not `{{repeat: <count>, as: <name>, of: <entry>}}`");
    let count = item["repeat"].as_u64().ok_or_else(wrong)?;
    let name = item["as"].as_str().ok_or_else(wrong)?;
    let one = item.get("of").ok_or_else(wrong)?;
    if item.as_object().is_none_or(|fields| fields.len() != 3) {
        return Err(wrong());
    }
    let name = format!("{{{name}}}");
    for number in 0..count.min(most) {
        all.push(at_most(most, &numbered(one, &name, &number.to_string()))?);
    }
    Ok(())
}

fn numbered(value: &Value, name: &str, number: &str) -> Value {
    match value {
        Value::String(text) => text.replace(name, number).into(),
        Value::Array(items) => items
            .iter()
            .map(|item| numbered(item, name, number))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(field, value)| (field.clone(), numbered(value, name, number)))
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{expanded, sample};

    #[test]
    fn repeats_are_written_out_also_within_each_other() {
        let short = json!({"a": [1, {"repeat": 2, "as": "p", "of": {
            "name": "p{p}",
            "rules": [{"repeat": 2, "as": "n", "of": "/{p}/{n}/{*}"}],
        }}]});
        let long = json!({"a": [
            1,
            {"name": "p0", "rules": ["/0/0/{*}", "/0/1/{*}"]},
            {"name": "p1", "rules": ["/1/0/{*}", "/1/1/{*}"]},
        ]});
        assert_eq!(expanded(&short).unwrap(), long);
        let first = json!({"a": [1, {"name": "p0", "rules": ["/0/0/{*}"]}]});
        assert_eq!(sample(&short).unwrap(), first);
    }

    #[test]
    fn what_is_no_repeat_is_refused() {
        for wrong in [
            json!([{"repeat": 2, "of": 1}]),
            json!([{"repeat": "2", "as": "n", "of": 1}]),
            json!([{"repeat": 2, "as": "n"}]),
            json!([{"repeat": 2, "as": "n", "of": 1, "more": 1}]),
        ] {
            assert!(expanded(&wrong).is_err(), "{wrong}");
        }
    }
}
