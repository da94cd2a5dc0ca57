//! A request as a service's changes leave it: what the next service is asked about, and what DENY
//! and ALLOW policies match, as they would behind Envoy's own `ext_authz` filter.

use sdk_helpers::{HeaderEdit, Headers, Request};

/// The request after these changes.
pub fn edited(request: &Request, edits: &[HeaderEdit]) -> Request {
    let mut headers: Vec<(Vec<u8>, Vec<u8>)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_vec(), value.to_vec()))
        .collect();
    for edit in edits {
        let (name, value) = match edit {
            HeaderEdit::Set(name, value)
            | HeaderEdit::Add(name, value)
            | HeaderEdit::Overwrite(name, value)
            | HeaderEdit::Supply(name, value) => (name, Some(value)),
            HeaderEdit::Remove(name) => (name, None),
        };
        let name = match name.as_ref() {
            "host" => b":authority",
            name => name.as_bytes(),
        };
        let there = headers.iter().position(|(known, _)| known == name);
        let (replaces, writes) = match edit {
            HeaderEdit::Set(..) => (true, true),
            HeaderEdit::Remove(_) => (true, false),
            HeaderEdit::Add(..) => (false, true),
            HeaderEdit::Overwrite(..) => (there.is_some(), there.is_some()),
            HeaderEdit::Supply(..) => (false, there.is_none()),
        };
        if replaces {
            headers.retain(|(known, _)| known != name);
        }
        if let Some(value) = value
            && writes
        {
            let entry = (name.to_vec(), value.clone());
            // Where the first was, so that pseudo headers stay in front.
            match there.filter(|_| replaces) {
                Some(place) if place <= headers.len() => headers.insert(place, entry),
                _ => headers.push(entry),
            }
        }
    }
    Request::new(Headers::from_pairs(headers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_sees_the_ones_before() {
        let request = Request::new(Headers::from_pairs([
            (":authority", "a.example"),
            (":path", "/"),
            ("x-a", "1"),
            ("x-b", "1"),
            ("x-a", "2"),
        ]));
        let set = |name: &'static str, value: &str| HeaderEdit::Set(name.into(), value.into());
        let edits = [
            set("x-a", "3"),
            HeaderEdit::Add("x-a".into(), b"4".to_vec()),
            HeaderEdit::Remove("x-b".into()),
            HeaderEdit::Overwrite("x-b".into(), b"5".to_vec()),
            HeaderEdit::Supply("x-b".into(), b"6".to_vec()),
            HeaderEdit::Supply("x-b".into(), b"7".to_vec()),
            HeaderEdit::Overwrite("x-b".into(), b"8".to_vec()),
            set("host", "b.example"),
        ];
        let after = edited(&request, &edits);
        let pairs: Vec<_> = after.headers().iter().collect();
        let pair = |name: &'static str, value: &'static str| (name.as_bytes(), value.as_bytes());
        assert_eq!(
            pairs,
            [
                pair(":authority", "b.example"),
                pair(":path", "/"),
                pair("x-a", "3"),
                pair("x-a", "4"),
                pair("x-b", "8"),
            ]
        );
        assert_eq!(after.path(), b"/");
    }
}
