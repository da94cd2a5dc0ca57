//! Istio's texts with a star at one end, as AuthorizationPolicy has them.

/// A text that stands for itself, for what begins or ends so, or for anything.
///
/// Tested in Istio's order: `*` alone, then a star in front, then one at the end. Any other star is
/// a plain character: `*a*` is what ends in `a*`, and `a*b` is just that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wildcard {
    /// `*`.
    Any,
    /// No star at either end.
    Exact(Box<[u8]>),
    /// `abc*`.
    Prefix(Box<[u8]>),
    /// `*abc`.
    Suffix(Box<[u8]>),
}

impl Wildcard {
    /// Reads what a user wrote.
    pub fn compile(text: &str) -> Self {
        match (text, text.strip_prefix('*'), text.strip_suffix('*')) {
            ("*", ..) => Wildcard::Any,
            (_, Some(end), _) => Wildcard::Suffix(end.as_bytes().into()),
            (_, None, Some(start)) => Wildcard::Prefix(start.as_bytes().into()),
            (_, None, None) => Wildcard::Exact(text.as_bytes().into()),
        }
    }

    /// Whether a value matches as Istio's string matcher has it, where `*` is the regex `.+`: any
    /// bytes without a newline but none at all.
    pub fn matches(&self, value: &[u8]) -> bool {
        match self {
            Wildcard::Any => !value.is_empty() && is_line(value),
            _ => self.matches_header(value),
        }
    }

    /// Whether the value of a header matches, where `*` asks no more than that it is there.
    pub fn matches_header(&self, value: &[u8]) -> bool {
        match self {
            Wildcard::Any => true,
            Wildcard::Exact(text) => value == &**text,
            Wildcard::Prefix(text) => value.starts_with(text),
            Wildcard::Suffix(text) => value.ends_with(text),
        }
    }

    /// The same in any ASCII case, as for hosts.
    pub fn matches_host(&self, value: &[u8]) -> bool {
        let part = match self {
            Wildcard::Any => return true,
            Wildcard::Exact(text) => return value.eq_ignore_ascii_case(text),
            Wildcard::Prefix(text) => (value.get(..text.len()), text),
            Wildcard::Suffix(text) => {
                let start = value.len().checked_sub(text.len());
                (start.and_then(|start| value.get(start..)), text)
            }
        };
        matches!(part, (Some(part), text) if part.eq_ignore_ascii_case(text))
    }

    /// Whether it matches every value without line ends that another one matches. `fold` is whether case does not
    /// count, as for hosts.
    pub fn covers(&self, other: &Wildcard, fold: bool) -> bool {
        let same = |one: Option<&[u8]>, other: &[u8]| match (one, fold) {
            (Some(one), true) => one.eq_ignore_ascii_case(other),
            (Some(one), false) => one == other,
            (None, _) => false,
        };
        match (self, other) {
            (Wildcard::Any, Wildcard::Any) => true,
            (
                Wildcard::Any,
                Wildcard::Exact(text) | Wildcard::Prefix(text) | Wildcard::Suffix(text),
            ) => !text.is_empty() && is_line(text),
            (Wildcard::Exact(wide), Wildcard::Exact(text)) => same(Some(text), wide),
            (Wildcard::Prefix(wide), Wildcard::Exact(text) | Wildcard::Prefix(text)) => {
                same(text.get(..wide.len()), wide)
            }
            (Wildcard::Suffix(wide), Wildcard::Exact(text) | Wildcard::Suffix(text)) => {
                let start = text.len().checked_sub(wide.len());
                same(start.and_then(|start| text.get(start..)), wide)
            }
            _ => false,
        }
    }
}

/// Whether RE2's `.*` takes a value as a whole: any bytes without a newline among them. Envoy's
/// RE2 reads bytes, so a value need not be UTF-8.
pub fn is_line(value: &[u8]) -> bool {
    !value.contains(&b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::Regex;
    use proptest::prelude::*;

    fn matches(pattern: &str, value: &[u8]) -> [bool; 3] {
        let pattern = Wildcard::compile(pattern);
        [
            pattern.matches(value),
            pattern.matches_header(value),
            pattern.matches_host(value),
        ]
    }

    #[test]
    fn what_covers_another_matches_no_less() {
        for (wide, narrow, expected) in [
            ("*", "*", true),
            ("*", "a*", true),
            ("*", "", false),
            ("a*", "a", true),
            ("a*", "ab*", true),
            ("ab*", "a*", false),
            ("*a", "ba", true),
            ("*a", "*ba", true),
            ("*a", "a*", false),
            ("a*", "*a", false),
            ("a", "a*", false),
            ("a", "*", false),
        ] {
            let [wide, narrow] = [wide, narrow].map(Wildcard::compile);
            assert_eq!(wide.covers(&narrow, false), expected, "{wide:?} {narrow:?}");
        }
        let [upper, lower] = ["*.EXAMPLE", "shop.example"].map(Wildcard::compile);
        assert!(upper.covers(&lower, true) && !upper.covers(&lower, false));
    }

    proptest! {
        #[test]
        fn what_is_covered_is_matched(
            wide in "\\*?[abA]{0,3}\\*?",
            narrow in "\\*?[abA]{0,3}\\*?",
            value in "[abA]{0,4}",
        ) {
            let [wide, narrow] = [wide, narrow].map(|text| Wildcard::compile(&text));
            let value = value.as_bytes();
            if wide.covers(&narrow, false) {
                prop_assert!(wide.matches(value) || !narrow.matches(value));
                prop_assert!(wide.matches_header(value) || !narrow.matches_header(value));
            }
            if wide.covers(&narrow, true) {
                prop_assert!(wide.matches_host(value) || !narrow.matches_host(value));
            }
        }
    }

    #[test]
    fn stars_count_at_the_ends_only() {
        for (pattern, yes, no) in [
            ("abc", "abc", "abcd"),
            ("abc*", "abcd", "zabc"),
            ("*abc", "zabc", "abcd"),
            ("a*b", "a*b", "axb"),
            ("*a*", "za*", "zab"),
            ("**", "a*", "a"),
            ("abc*", "abc", "ab"),
        ] {
            assert_eq!(matches(pattern, yes.as_bytes()), [true; 3], "{pattern}");
            assert_eq!(matches(pattern, no.as_bytes()), [false; 3], "{pattern}");
        }
    }

    #[test]
    fn a_star_alone_asks_headers_less_than_texts() {
        assert_eq!(matches("*", b"a"), [true; 3]);
        assert_eq!(matches("*", b""), [false, true, true]);
        assert_eq!(matches("*", b"a\nb"), [false, true, true]);
        assert_eq!(matches("*", b"\xff"), [true; 3]);
        assert_eq!(matches("*", b"\0"), [true; 3]);
        assert_eq!(matches("*", "é".as_bytes()), [true; 3]);
    }

    #[test]
    fn case_counts_but_for_hosts() {
        for pattern in ["Abc", "Abc*", "*Abc"] {
            assert_eq!(matches(pattern, b"aBC"), [false, false, true], "{pattern}");
        }
        assert!(!Wildcard::compile("*abc").matches_host(b"bc"));
    }

    proptest! {
        #[test]
        fn a_wildcard_is_the_regex_istio_means(pattern in r"\*?[ab*]{0,3}\*?", value in prop::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'*'), Just(b'\n'), Just(0xff)], 0..5)) {
            let wildcard = Wildcard::compile(&pattern);
            let quoted = |text: &str| format!(r"(?:\Q{text}\E)");
            let regex = match (pattern.as_str(), pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
                ("*", ..) => ".+".to_owned(),
                (_, Some(end), _) => format!(".*{}", quoted(end)),
                (_, _, Some(start)) => format!("{}.*", quoted(start)),
                _ => quoted(&pattern),
            };
            let regex = Regex::compile(&regex).expect("a regex");
            // Envoy has the beginning and the end of a text as such, and a newline may be in them.
            if wildcard == Wildcard::Any || !value.contains(&b'\n') {
                prop_assert_eq!(wildcard.matches(&value), regex.matches(&value));
            }
        }
    }
}
