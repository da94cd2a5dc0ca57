//! Changes to the query of a request, as Envoy's `ext_authz` makes them.

/// A path with its query changed. As Envoy leaves it: the parameters in the order of their names,
/// each with its `=`, nothing decoded.
pub(super) fn changed(path: &[u8], set: &[(&str, &str)], removed: &[&str]) -> Vec<u8> {
    let (path, query) = match path.iter().position(|byte| *byte == b'?') {
        Some(at) => {
            let (path, query) = path.split_at(at);
            (path, query.get(1..).unwrap_or_default())
        }
        None => (path, &[][..]),
    };
    let mut parameters: Vec<(&[u8], &[u8])> = Vec::new();
    // What is behind the last `&` is a parameter only where it is something.
    let query = query
        .strip_suffix(b"&")
        .or((!query.is_empty()).then_some(query));
    if let Some(query) = query {
        for pair in query.split(|byte| *byte == b'&') {
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => {
                    let (name, value) = pair.split_at(at);
                    (name, value.get(1..).unwrap_or_default())
                }
                None => (pair, &[][..]),
            };
            insert(&mut parameters, name, value);
        }
    }
    for (name, value) in set {
        parameters.retain(|(known, _)| *known != name.as_bytes());
        insert(&mut parameters, name.as_bytes(), value.as_bytes());
    }
    parameters.retain(|(name, _)| !removed.iter().any(|gone| gone.as_bytes() == *name));
    let mut changed = path.to_vec();
    for (index, (name, value)) in parameters.iter().enumerate() {
        changed.push(if index == 0 { b'?' } else { b'&' });
        changed.extend_from_slice(name);
        changed.push(b'=');
        changed.extend_from_slice(value);
    }
    changed
}

/// Behind those of the same name and of the names before it.
fn insert<'a>(parameters: &mut Vec<(&'a [u8], &'a [u8])>, name: &'a [u8], value: &'a [u8]) {
    let place = parameters.partition_point(|(known, _)| *known <= name);
    parameters.insert(place, (name, value));
}

/// Whether a name or value can stand in a query without ending it or its line.
pub(super) fn is_safe(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(path: &str, set: &[(&str, &str)], removed: &[&str]) -> String {
        String::from_utf8(changed(path.as_bytes(), set, removed)).expect("text")
    }

    #[test]
    fn parameters_are_set_and_removed() {
        assert_eq!(after("/a", &[("x", "1")], &[]), "/a?x=1");
        assert_eq!(after("/a?x=1&y=2&x=3", &[("x", "4")], &[]), "/a?x=4&y=2");
        assert_eq!(
            after("/a?z=1&b&a=%20", &[("c", "")], &[]),
            "/a?a=%20&b=&c=&z=1"
        );
        assert_eq!(after("/a?x=1&x=2&y=3", &[], &["x"]), "/a?y=3");
        assert_eq!(after("/a?x=1", &[("y", "1")], &["x", "y"]), "/a");
        assert_eq!(after("/a?", &[], &["x"]), "/a");
        assert_eq!(after("/a?&&", &[], &["x"]), "/a?=&=");
        assert_eq!(after("/a?b&", &[], &["x"]), "/a?b=");
    }

    #[test]
    fn equal_names_keep_their_order() {
        assert_eq!(
            after("/?b=2&a=2&b=1&a=1", &[("c", "0")], &[]),
            "/?a=2&a=1&b=2&b=1&c=0"
        );
    }

    #[test]
    fn what_would_end_the_path_is_unsafe() {
        assert!(is_safe("a%20b&c=d") && is_safe(""));
        for text in ["a b", "a#b", "a\r\nb", "\0", "é"] {
            assert!(!is_safe(text), "{text:?}");
        }
    }
}
