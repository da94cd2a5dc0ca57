//! The headers that a workload saw, as it shows them.

use hyper::HeaderMap;
use serde_json::{Map, Value, json};

/// What stands in the place of what was left out.
const LEFT_OUT: &str = "***";

/// Each name once, with its value, or its values.
pub(crate) fn headers(headers: &HeaderMap) -> Map<String, Value> {
    // It is told as the authority.
    let names = headers.keys().filter(|name| *name != "host");
    let shown = names.map(|name| {
        let values = headers.get_all(name).iter();
        let mut values: Vec<String> = values.map(|value| shown(value.as_bytes())).collect();
        let value = match (values.pop(), values.is_empty()) {
            (Some(only), true) => Value::from(only),
            (last, _) => {
                values.extend(last);
                json!(values)
            }
        };
        (name.to_string(), value)
    });
    shown.collect()
}

/// A value without what somebody could use who reads it: answers are pasted into questions. What a token says stays, as
/// that is what one looks for.
fn shown(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    if let Some((scheme, credentials)) = text.split_once(' ') {
        match scheme.to_ascii_lowercase().as_str() {
            "basic" => return format!("{scheme} {LEFT_OUT}"),
            "bearer" if !is_token(credentials) => return format!("{scheme} {LEFT_OUT}"),
            _ => {}
        }
    }
    let is_part = |each: char| each.is_ascii_alphanumeric() || "-_.".contains(each);
    let mut shown = String::with_capacity(text.len());
    let mut rest = &*text;
    while !rest.is_empty() {
        let length = rest.find(|each| !is_part(each)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at_checked(length).unwrap_or((rest, ""));
        match word.rsplit_once('.').filter(|_| is_token(word)) {
            Some((said, _)) => shown.extend([said, ".", LEFT_OUT]),
            None => shown.push_str(word),
        }
        let mut behind = behind.chars();
        shown.extend(behind.next());
        rest = behind.as_str();
    }
    shown
}

/// Whether this is a JSON Web Token: three parts, the first of which is JSON.
fn is_token(word: &str) -> bool {
    word.starts_with("eyJ") && word.matches('.').count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_used_is_left_out() {
        let cases = [
            ("Bearer eyJh.eyJz.c2ln", "Bearer eyJh.eyJz.***"),
            ("bearer opaque", "bearer ***"),
            ("Basic YTpi", "Basic ***"),
            ("a=1; t=eyJh.eyJz.c2ln; b=2", "a=1; t=eyJh.eyJz.***; b=2"),
            ("reviews.default.svc", "reviews.default.svc"),
            ("eyJh", "eyJh"),
            ("Grüße, eyJ.ü", "Grüße, eyJ.ü"),
            ("", ""),
        ];
        for (value, expected) in cases {
            assert_eq!(shown(value.as_bytes()), expected);
        }
        assert_eq!(shown(b"\xff eyJh.b.c"), "\u{fffd} eyJh.b.***");
    }

    #[test]
    fn a_name_has_its_value_or_its_values() {
        let mut map = HeaderMap::new();
        for (name, value) in [("host", "a"), ("x-a", "1"), ("x-b", "2"), ("x-b", "3")] {
            map.append(name, value.parse().unwrap());
        }
        let seen = Value::Object(headers(&map));
        assert_eq!(seen, json!({"x-a": "1", "x-b": ["2", "3"]}));
    }
}
