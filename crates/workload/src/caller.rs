//! Who calls, as the sidecar before a workload vouches for it in `x-forwarded-client-cert`.

/// The URI of the last certificate, which is that of the last hop. Each element is `key=value;…`, and elements are
/// separated by commas; values with either are quoted.
pub(crate) fn caller(header: &str) -> Option<String> {
    let element = split(header, ',').pop()?;
    let mut values = split(element, ';').into_iter();
    values.find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let is_uri = key.trim().eq_ignore_ascii_case("uri");
        is_uri.then(|| unquoted(value.trim()))
    })
}

/// Splits outside of quotes.
fn split(text: &str, at: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|each: char| {
        match each {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return each == at && !quoted,
        }
        false
    })
    .collect()
}

fn unquoted(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    match inner {
        Some(inner) => inner.replace("\\\"", "\""),
        None => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::caller;

    #[test]
    fn the_last_hop_is_the_caller() {
        let one = "By=spiffe://a/ns/x/sa/y;Hash=ab;Subject=\"\";URI=spiffe://a/ns/b/sa/c";
        assert_eq!(caller(one).as_deref(), Some("spiffe://a/ns/b/sa/c"));
        let two = format!("{one},By=spiffe://a;Subject=\"O=a,CN=\\\"b;URI=no\\\"\";uri=spiffe://d");
        assert_eq!(caller(&two).as_deref(), Some("spiffe://d"));
        assert_eq!(caller("URI=\"spiffe://e\"").as_deref(), Some("spiffe://e"));
    }

    #[test]
    fn a_header_without_one_names_nobody() {
        for header in [
            "",
            ",",
            ";;",
            "By=spiffe://a;Hash=b",
            "URI=a,Hash=b",
            "\"URI=a",
        ] {
            assert_eq!(caller(header), None, "{header}");
        }
    }
}
