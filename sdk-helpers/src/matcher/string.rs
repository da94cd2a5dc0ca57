//! Istio's StringMatch: `exact`, `prefix` or `regex`, and nothing at all for "is there"; ours beside
//! them, as Envoy's StringMatcher has them, `suffix` and `contains`.

use super::Regex;
use crate::config::{At, Problems};

crate::fields! {
    /// `StringMatch` as Istio's API has it: one of these, or `{}` for any value that is there.
    /// `suffix` and `contains` are ours.
    #[derive(Clone, PartialEq)]
    pub struct StringMatchWire as "StringMatch" {
        /// the whole value
        pub exact: String { istio: "same" },
        /// the beginning of the value, as plain text
        pub prefix: String { istio: "same" },
        /// the end of the value
        pub suffix: String { istio: "ours" },
        /// a part of the value
        pub contains: String { istio: "ours" },
        /// RE2 syntax over bytes; the whole value must match
        pub regex: String { istio: "same" },
    }
}

/// A compiled StringMatch over bytes.
#[derive(Debug, Clone)]
pub enum StringMatch {
    /// Any value, the empty one too: `{}`.
    Present,
    /// This value and no other.
    Exact(Vec<u8>),
    /// This value in any ASCII case.
    ExactIgnoringCase(Vec<u8>),
    /// Any value that begins so.
    Prefix(Vec<u8>),
    /// Any value that begins so in any ASCII case.
    PrefixIgnoringCase(Vec<u8>),
    /// Any value that ends so.
    Suffix(Vec<u8>),
    /// Any value that ends so in any ASCII case.
    SuffixIgnoringCase(Vec<u8>),
    /// Any value with this in it.
    Contains(Vec<u8>),
    /// Any value with this in it in any ASCII case.
    ContainsIgnoringCase(Vec<u8>),
    /// Any value that matches as a whole.
    Regex(Box<Regex>),
}

const ONLY_ONE: &str = "only one of `exact`, `prefix`, `suffix`, `contains` and `regex` can be set";

impl StringMatch {
    /// Compiles what a user wrote at `at`. `ignore_case` is Istio's `ignoreUriCase`, which leaves
    /// regexes alone.
    pub fn compile(
        wire: StringMatchWire,
        ignore_case: bool,
        at: &At<'_>,
        problems: &Problems,
    ) -> Option<Self> {
        if wire.suffix.is_some() || wire.contains.is_some() {
            return StringMatch::beyond_istio(wire, ignore_case, at, problems);
        }
        match (wire.exact, wire.prefix, wire.regex) {
            (None, None, None) => Some(StringMatch::Present),
            (Some(text), None, None) if ignore_case => {
                Some(StringMatch::ExactIgnoringCase(text.into()))
            }
            (Some(text), None, None) => Some(StringMatch::Exact(text.into())),
            (None, Some(text), None) if ignore_case => {
                Some(StringMatch::PrefixIgnoringCase(text.into()))
            }
            (None, Some(text), None) => Some(StringMatch::Prefix(text.into())),
            (None, None, Some(text)) if text == "*" => {
                problems.error(
                    &at.field("regex"),
                    "`*` is no regex; write `.*` for any text, or `{}` in place of the whole for \
                     what is there, whatever it is",
                );
                None
            }
            (None, None, Some(text)) => match Regex::compile(&text) {
                Ok(regex) => Some(StringMatch::Regex(Box::new(regex))),
                Err(problem) => {
                    problems.error(&at.field("regex"), problem);
                    None
                }
            },
            _ => {
                problems.error(at, ONLY_ONE);
                None
            }
        }
    }

    /// What Istio's API has no word for.
    fn beyond_istio(
        wire: StringMatchWire,
        ignore_case: bool,
        at: &At<'_>,
        problems: &Problems,
    ) -> Option<Self> {
        let alone = wire.exact.is_none() && wire.prefix.is_none() && wire.regex.is_none();
        let (field, text) = match (wire.suffix, wire.contains) {
            (Some(text), None) if alone => ("suffix", text),
            (None, Some(text)) if alone => ("contains", text),
            _ => {
                problems.error(at, ONLY_ONE);
                return None;
            }
        };
        if text.is_empty() {
            problems.error(
                &at.field(field),
                "must not be empty; for any value write `{}`",
            );
            return None;
        }
        let text = text.into();
        Some(match (field, ignore_case) {
            ("suffix", false) => StringMatch::Suffix(text),
            ("suffix", true) => StringMatch::SuffixIgnoringCase(text),
            (_, false) => StringMatch::Contains(text),
            (_, true) => StringMatch::ContainsIgnoringCase(text),
        })
    }

    /// Whether a value that is there matches.
    pub fn matches(&self, value: &[u8]) -> bool {
        match self {
            StringMatch::Present => true,
            StringMatch::Exact(text) => value == text,
            StringMatch::ExactIgnoringCase(text) => value.eq_ignore_ascii_case(text),
            StringMatch::Prefix(text) => value.starts_with(text),
            StringMatch::PrefixIgnoringCase(text) => value
                .get(..text.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(text)),
            StringMatch::Suffix(text) => value.ends_with(text),
            StringMatch::SuffixIgnoringCase(text) => value
                .len()
                .checked_sub(text.len())
                .and_then(|start| value.get(start..))
                .is_some_and(|end| end.eq_ignore_ascii_case(text)),
            StringMatch::Contains(text) => parts(value, text).any(|part| part == text),
            StringMatch::ContainsIgnoringCase(text) => {
                parts(value, text).any(|part| part.eq_ignore_ascii_case(text))
            }
            StringMatch::Regex(regex) => regex.matches(value),
        }
    }
}

/// The parts of a value that are as long as a text, which is not empty.
fn parts<'a>(value: &'a [u8], text: &[u8]) -> std::slice::Windows<'a, u8> {
    value.windows(text.len().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(exact: Option<&str>, prefix: Option<&str>, regex: Option<&str>) -> StringMatchWire {
        StringMatchWire {
            exact: exact.map(str::to_owned),
            prefix: prefix.map(str::to_owned),
            regex: regex.map(str::to_owned),
            ..StringMatchWire::default()
        }
    }

    fn ours(suffix: Option<&str>, contains: Option<&str>) -> StringMatchWire {
        StringMatchWire {
            suffix: suffix.map(str::to_owned),
            contains: contains.map(str::to_owned),
            ..StringMatchWire::default()
        }
    }

    fn compile(wire: StringMatchWire, ignore_case: bool) -> Result<StringMatch, String> {
        let problems = Problems::default();
        StringMatch::compile(wire, ignore_case, &At::root(), &problems)
            .ok_or_else(|| problems.errors()[0].to_string())
    }

    fn matches(pattern: &str, value: &[u8]) -> bool {
        compile(wire(None, None, Some(pattern)), false)
            .expect("a regex")
            .matches(value)
    }

    #[test]
    fn a_regex_matches_the_whole_value() {
        assert!(matches("a|ab", b"ab"));
        assert!(!matches("a", b"ab"));
        assert!(!matches("b", b"ab"));
        assert!(matches("/reviews/[0-9]+", b"/reviews/12"));
        assert!(!matches("a", b"a\n"));
        assert!(matches(r"\d", b"1") && !matches(r"\d", "١".as_bytes()));
        assert!(matches("(?i)jason", b"JASON"));
    }

    #[test]
    fn a_value_that_is_no_text_matches_like_any_other() {
        assert!(matches(".*", b"\xff") && matches(".*bot.*", b"mybot/1\xff"));
        assert!(!matches("caf.", "café".as_bytes()) && matches("caf..", "café".as_bytes()));
    }

    #[test]
    fn a_regex_that_cannot_be_read_is_told_at_its_field() {
        for (pattern, problem) in [
            (
                "*",
                "`*` is no regex; write `.*` for any text, or `{}` in place of the whole for what is there, whatever it is",
            ),
            ("(", "`(` is no regex of RE2: a `)` is missing"),
        ] {
            let error = compile(wire(None, None, Some(pattern)), false).unwrap_err();
            assert_eq!(error, format!("regex: {problem}"));
        }
    }

    #[test]
    fn one_of_them() {
        let beside = |wire: StringMatchWire| StringMatchWire {
            exact: Some("a".to_owned()),
            ..wire
        };
        for two in [
            wire(Some("a"), None, Some("a")),
            ours(Some("a"), Some("a")),
            beside(ours(Some("a"), None)),
            beside(ours(None, Some("a"))),
        ] {
            assert_eq!(compile(two, false).unwrap_err(), ONLY_ONE);
        }
    }

    #[test]
    fn an_end_and_a_part_are_some() {
        for (field, empty) in [
            ("suffix", ours(Some(""), None)),
            ("contains", ours(None, Some(""))),
        ] {
            let error = compile(empty, false).unwrap_err();
            assert_eq!(
                error,
                format!("{field}: must not be empty; for any value write `{{}}`")
            );
        }
    }

    #[test]
    fn case_counts_unless_told_otherwise() {
        let exact = |ignore| compile(wire(Some("/Api"), None, None), ignore).unwrap();
        let prefix = |ignore| compile(wire(None, Some("/Api"), None), ignore).unwrap();
        assert!(!exact(false).matches(b"/api") && exact(true).matches(b"/aPI"));
        assert!(!prefix(false).matches(b"/api/x") && prefix(true).matches(b"/aPI/x"));
        assert!(!prefix(true).matches(b"/ap"));
        let suffix = |ignore| compile(ours(Some(".Js"), None), ignore).unwrap();
        let part = |ignore| compile(ours(None, Some("Bot")), ignore).unwrap();
        assert!(!suffix(false).matches(b"/a.js") && suffix(true).matches(b"/a.jS"));
        assert!(!suffix(true).matches(b"js"));
        assert!(!part(false).matches(b"a bot/1") && part(true).matches(b"a bOt/1"));
        assert!(!part(true).matches(b"bo"));
    }

    proptest! {
        #[test]
        fn prefix_and_exact_agree_with_std(pattern in ".{0,6}", value in prop::collection::vec(any::<u8>(), 0..8)) {
            let exact = compile(wire(Some(&pattern), None, None), false).unwrap();
            let prefix = compile(wire(None, Some(&pattern), None), false).unwrap();
            prop_assert_eq!(exact.matches(&value), value == pattern.as_bytes());
            prop_assert_eq!(prefix.matches(&value), value.starts_with(pattern.as_bytes()));
            prop_assert!(prefix.matches(pattern.as_bytes()));
        }

        /// A byte is a byte, whether a text has it or not.
        #[test]
        fn suffix_and_contains_agree_with_std(
            pattern in "[ab\u{e9}]{1,3}", value in prop::collection::vec(prop::sample::select(b"abAB\xc3\xa9\xff".to_vec()), 0..8),
        ) {
            let bytes = pattern.as_bytes();
            let suffix = compile(ours(Some(&pattern), None), false).unwrap();
            let part = compile(ours(None, Some(&pattern)), false).unwrap();
            prop_assert_eq!(suffix.matches(&value), value.ends_with(bytes));
            let at = (0..=value.len()).any(|at| value[at..].starts_with(bytes));
            prop_assert_eq!(part.matches(&value), at);
            let (lower, pattern) = (value.to_ascii_lowercase(), pattern.to_ascii_lowercase());
            let any_suffix = compile(ours(Some(&pattern), None), true).unwrap();
            let any_part = compile(ours(None, Some(&pattern)), true).unwrap();
            prop_assert_eq!(any_suffix.matches(&value), suffix.matches(&lower));
            prop_assert_eq!(any_part.matches(&value), part.matches(&lower));
        }
    }
}
