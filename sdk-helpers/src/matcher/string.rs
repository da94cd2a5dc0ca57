//! Istio's StringMatch: `exact`, `prefix` or `regex`, and nothing at all for "is there".

use serde::Deserialize;

use super::Regex;
use crate::config::{At, Problems};

/// `StringMatch` as Istio's API has it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StringMatchWire {
    /// The whole value.
    pub exact: Option<String>,
    /// The beginning of the value.
    pub prefix: Option<String>,
    /// RE2's syntax over bytes; the whole value must match.
    pub regex: Option<String>,
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
    /// Any value that matches as a whole.
    Regex(Box<Regex>),
}

impl StringMatch {
    /// Compiles what a user wrote at `at`. `ignore_case` is Istio's `ignoreUriCase`, which leaves
    /// regexes alone.
    pub fn compile(
        wire: StringMatchWire,
        ignore_case: bool,
        at: &At<'_>,
        problems: &Problems,
    ) -> Option<Self> {
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
            (None, None, Some(text)) => match Regex::compile(&text) {
                Ok(regex) => Some(StringMatch::Regex(Box::new(regex))),
                Err(problem) => {
                    problems.error(&at.field("regex"), problem);
                    None
                }
            },
            _ => {
                problems.error(at, "only one of `exact`, `prefix` and `regex` can be set");
                None
            }
        }
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
            StringMatch::Regex(regex) => regex.matches(value),
        }
    }
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
        let error = compile(wire(None, None, Some("*")), false).unwrap_err();
        assert_eq!(
            error,
            "regex: `*` is no regex of RE2: nothing stands before `*` for it to repeat; for anything write `.*`"
        );
    }

    #[test]
    fn one_of_three() {
        let error = compile(wire(Some("a"), None, Some("a")), false).unwrap_err();
        assert_eq!(
            error,
            "only one of `exact`, `prefix` and `regex` can be set"
        );
    }

    #[test]
    fn case_counts_unless_told_otherwise() {
        let exact = |ignore| compile(wire(Some("/Api"), None, None), ignore).unwrap();
        let prefix = |ignore| compile(wire(None, Some("/Api"), None), ignore).unwrap();
        assert!(!exact(false).matches(b"/api") && exact(true).matches(b"/aPI"));
        assert!(!prefix(false).matches(b"/api/x") && prefix(true).matches(b"/aPI/x"));
        assert!(!prefix(true).matches(b"/ap"));
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
    }
}
