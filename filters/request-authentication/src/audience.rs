//! How Envoy compares audiences.

/// An audience without one `http://` or `https://` before it and one `/` behind it.
pub(crate) fn normalized(audience: &str) -> &str {
    let bare = audience
        .strip_prefix("https://")
        .or_else(|| audience.strip_prefix("http://"))
        .unwrap_or(audience);
    bare.strip_suffix('/').unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_scheme_and_one_slash_do_not_count() {
        for (audience, bare) in [
            ("https://a.example/", "a.example"),
            ("http://a.example", "a.example"),
            ("a.example//", "a.example/"),
            ("https://http://a", "http://a"),
            ("HTTPS://a", "HTTPS://a"),
            ("", ""),
        ] {
            assert_eq!(normalized(audience), bare);
        }
    }
}
