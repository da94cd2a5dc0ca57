//! Istio's StringMatch: `exact`, `prefix` or `regex`, and nothing at all for "is there".

use regex_lite::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::config::{At, Problems};

/// `StringMatch` as Istio's API has it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StringMatchWire {
    /// The whole value.
    pub exact: Option<String>,
    /// The beginning of the value.
    pub prefix: Option<String>,
    /// RE2 syntax; the whole value must match.
    pub regex: Option<String>,
}

/// A compiled StringMatch over bytes. A value that is not UTF-8 matches no regex, as in RE2.
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
    Regex(Regex),
}

/// As Istio's validation has it.
const LONGEST_REGEX: usize = 1024;

/// Bytes of a compiled regex. Matching is linear in the value, but every character walks through as
/// much of the program as could match there, and counted repetitions make a short regex a large
/// program: at this size the worst regex over the longest header Envoy accepts (60 KiB) costs 0.2 s
/// natively, an ordinary one 3 ms (`docs/decisions/regex-engine.md`).
const LARGEST_REGEX: usize = 16 * 1024;

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
            (None, None, Some(text)) => match regex(&text) {
                Ok(regex) => Some(StringMatch::Regex(regex)),
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
            StringMatch::Regex(regex) => {
                std::str::from_utf8(value).is_ok_and(|value| regex.is_match(value))
            }
        }
    }
}

fn regex(text: &str) -> Result<Regex, String> {
    if text.is_empty() {
        return Err("a regex must not be empty; for any value write `{}`".to_owned());
    }
    if text.len() > LONGEST_REGEX {
        return Err(format!(
            "a regex of {} characters is too large; at most {LONGEST_REGEX}",
            text.len()
        ));
    }
    let build = |text: &str| {
        RegexBuilder::new(text)
            .size_limit(LARGEST_REGEX)
            .build()
            .map_err(|error| {
                format!("`{text}` is no regex that can be used here: {error}; RE2 syntax, without `\\p`, `\\C` and `\\Q`")
            })
    };
    // Alone first: `a)|(b` must not become one when it is wrapped.
    build(text)?;
    if let Some(flag) = foreign_flag(text) {
        return Err(format!("RE2 has no flag `{flag}`"));
    }
    build(&format!(r"^(?:{text})$"))
}

/// A flag that this engine takes and RE2 does not; with it a regex would mean one thing here and
/// be refused by Istio.
fn foreign_flag(text: &str) -> Option<char> {
    text.split("(?").skip(1).find_map(|group| {
        group
            .chars()
            .take_while(|c| c.is_ascii_alphabetic() || *c == '-')
            .take_while(|c| *c != 'P')
            .find(|c| matches!(c, 'x' | 'R' | 'u'))
    })
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
    fn a_value_that_is_not_utf8_matches_no_regex() {
        assert!(!matches(".*", b"\xff"));
    }

    #[test]
    fn what_is_no_regex_is_refused() {
        for (pattern, part) in [
            ("", "must not be empty"),
            ("*", "is no regex"),
            ("a)|(b", "is no regex"),
            ("(", "is no regex"),
            (r"\p{Greek}", "is no regex"),
            ("(?x)a #", "no flag `x`"),
            ("(?i-x:a)", "no flag `x`"),
            ("a{1000}{1000}", "is no regex"),
            ("(?:(?:(?:a{50}){50}){50})", "is no regex"),
        ] {
            let error = compile(wire(None, None, Some(pattern)), false).unwrap_err();
            assert!(
                error.starts_with("regex: ") && error.contains(part),
                "{pattern}: {error}"
            );
        }
        let long = "a".repeat(1025);
        let error = compile(wire(None, None, Some(&long)), false).unwrap_err();
        assert!(error.contains("1025 characters"), "{error}");
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

        #[test]
        fn any_regex_compiles_or_is_refused(pattern in r"[ab(){}\[\]|*+?^$.\\,0-9?:xPi-]{0,20}", value in ".{0,10}") {
            if let Ok(regex) = compile(wire(None, None, Some(&pattern)), false) {
                let _ = regex.matches(value.as_bytes());
            }
        }
    }
}
