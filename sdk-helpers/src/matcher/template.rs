//! Path templates with `{*}` and `{**}`, as Istio's AuthorizationPolicy has them.

/// A compiled path template.
///
/// `{*}` stands for exactly one segment, `{**}` for any number of them, and both only for the
/// characters Envoy's `uri_template` allows in a path; anything else in their place does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    segments: Vec<Segment>,
    /// Whether an operator stands for any character, and not only for those that Envoy lets it.
    is_loose: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(Vec<u8>),
    One,
    Any,
}

impl PathTemplate {
    /// Whether Istio takes a path for a template.
    pub fn is_template(text: &str) -> bool {
        text.contains("{*}") || text.contains("{**}")
    }

    /// Compiles a template.
    ///
    /// # Errors
    /// Says which segment cannot stand where it does. Refuses as well what Istio lets through and
    /// native Envoy then dies of: a template without its leading `/`, or with empty segments.
    pub fn compile(text: &str) -> Result<Self, String> {
        Self::compile_with(text, |_| false)
    }

    /// Compiles a template in which a name in braces, as in `/orders/{id}`, is one segment too, and every
    /// operator stands for any character: it names paths and lets none through, so none should get by it.
    ///
    /// # Errors
    /// As [`PathTemplate::compile`].
    pub fn compile_named(text: &str) -> Result<Self, String> {
        let template = Self::compile_with(text, |part| {
            let name = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'));
            let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            name.is_some_and(|name| !name.is_empty() && name.chars().all(legal))
        })?;
        Ok(PathTemplate {
            is_loose: true,
            ..template
        })
    }

    fn compile_with(text: &str, is_name: fn(&str) -> bool) -> Result<Self, String> {
        let refuse = |why: &str| format!("`{text}` is no path template: {why}");
        let Some(inner) = text.strip_prefix('/') else {
            return Err(refuse("it must begin with `/`"));
        };
        let mut segments = Vec::new();
        let mut after_any = false;
        let parts: Vec<&str> = inner.split('/').collect();
        let last = parts.len().saturating_sub(1);
        for (index, part) in parts.into_iter().enumerate() {
            let segment = match part {
                _ if after_any && (matches!(part, "{*}" | "{**}") || is_name(part)) => {
                    return Err(refuse("`{**}` must be the last operator"));
                }
                "{*}" => Segment::One,
                "{**}" => Segment::Any,
                _ if is_name(part) => Segment::One,
                // A slash at the end is a literal of its own.
                "" if index == last => Segment::Literal(vec![]),
                "" => return Err(refuse("a segment is empty")),
                _ if part.contains(['{', '}', '*']) => {
                    return Err(refuse(&format!(
                        "`{part}` must be `{{*}}`, `{{**}}` or plain text"
                    )));
                }
                _ if !part.bytes().all(in_segment) => {
                    return Err(refuse(&format!(
                        "`{part}` has characters that no path segment has"
                    )));
                }
                _ => Segment::Literal(part.into()),
            };
            after_any |= segment == Segment::Any;
            segments.push(segment);
        }
        Ok(PathTemplate {
            segments,
            is_loose: false,
        })
    }

    /// What every path that matches begins with: `/orders/` of `/orders/{*}/items`.
    pub fn literal_start(&self) -> Vec<u8> {
        let mut start = Vec::new();
        for segment in &self.segments {
            start.push(b'/');
            let Segment::Literal(text) = segment else {
                break;
            };
            start.extend_from_slice(text);
        }
        start
    }

    /// How many characters of a path it says: the more, the fewer paths match.
    pub fn literal_length(&self) -> usize {
        let length = |segment: &Segment| match segment {
            Segment::Literal(text) => text.len(),
            Segment::One | Segment::Any => 0,
        };
        // With the slash before each segment.
        let literals: usize = self.segments.iter().map(length).sum();
        literals.saturating_add(self.segments.len())
    }

    /// Whether a path (without its query) matches as a whole.
    pub fn matches(&self, path: &[u8]) -> bool {
        let Some(rest) = path.strip_prefix(b"/") else {
            return false;
        };
        let any = self.segments.iter().position(|s| *s == Segment::Any);
        let Some(any) = any else {
            let mut parts = rest.split(|byte| *byte == b'/');
            return self.segments.iter().all(|segment| {
                parts
                    .next()
                    .is_some_and(|part| segment.matches(part, self.is_loose))
            }) && parts.next().is_none();
        };
        let (before, after) = self.segments.split_at(any);
        let after = after.get(1..).unwrap_or_default();
        // What stands before `{**}` is taken from the front, with the slash behind each.
        let mut middle = rest;
        for segment in before {
            let Some(at) = middle.iter().position(|byte| *byte == b'/') else {
                return false;
            };
            let (part, tail) = middle.split_at(at);
            if !segment.matches(part, self.is_loose) {
                return false;
            }
            middle = tail.get(1..).unwrap_or_default();
        }
        // What stands after it is literal, and taken from the back with the slash before each.
        for segment in after.iter().rev() {
            let Segment::Literal(text) = segment else {
                return false;
            };
            let Some(head) = middle
                .strip_suffix(text.as_slice())
                .and_then(|head| head.strip_suffix(b"/"))
            else {
                return false;
            };
            middle = head;
        }
        self.is_loose || middle.iter().all(|byte| *byte == b'/' || in_capture(*byte))
    }
}

impl Segment {
    fn matches(&self, part: &[u8], is_loose: bool) -> bool {
        match self {
            Segment::Literal(text) => part == text,
            Segment::One => {
                !part.is_empty() && (is_loose || part.iter().all(|byte| in_capture(*byte)))
            }
            Segment::Any => false,
        }
    }
}

fn in_segment(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()+,;:@=".contains(&byte)
}

/// Envoy also lets an operator stand for `*`.
fn in_capture(byte: u8) -> bool {
    in_segment(byte) || byte == b'*'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matcher::Regex;
    use proptest::prelude::*;

    fn matches(template: &str, path: &str) -> bool {
        PathTemplate::compile(template)
            .expect("a template")
            .matches(path.as_bytes())
    }

    #[test]
    fn operators_match_as_envoys() {
        for (template, yes, no) in [
            (
                "/foo/{*}",
                &["/foo/bar", "/foo/%20", "/foo/*"][..],
                &["/foo/", "/foo/a/b", "/foo"][..],
            ),
            ("/foo/{**}", &["/foo/", "/foo/a", "/foo/a/b/"], &["/foo"]),
            (
                "/{**}/path",
                &["/x/path", "//path", "/a/b/path"],
                &["/path", "/x/path/"],
            ),
            (
                "/foo/{**}/",
                &["/foo/bar/", "/foo//"],
                &["/foo/bar", "/foo/"],
            ),
            ("/{*}/b/{**}", &["/a/b/", "/a/b/c"], &["/a/b", "//b/c"]),
            ("/{*}", &["/a"], &["/", "/a\"", "/a<", "/\u{e4}", "/a/"]),
            ("/{**}", &["/", "/a/b"], &["", "/a|b"]),
        ] {
            for path in yes {
                assert!(matches(template, path), "{template} {path}");
            }
            for path in no {
                assert!(!matches(template, path), "{template} {path}");
            }
        }
    }

    #[test]
    fn a_named_template_stands_for_any_character() {
        let template = PathTemplate::compile_named("/orders/{id}/{**}").expect("a template");
        for path in [
            &b"/orders/\xff/"[..],
            b"/orders/a|b/c\"d",
            b"/orders/\xc3\xa9/x",
        ] {
            assert!(template.matches(path));
        }
        for path in [&b"/orders//x"[..], b"/orders/a|b"] {
            assert!(!template.matches(path));
        }
    }

    #[test]
    fn what_envoy_cannot_run_is_refused() {
        for text in [
            "foo/{*}",
            "{**}",
            "/foo{*}",
            "/{*}.txt",
            "/{**}/{*}",
            "/{**}/{**}",
            "/a//{*}",
            "//a/{*}",
            "/a/{**}//",
            "/a/{b}/{*}",
            "/a*/{*}",
            "/\u{e4}/{*}",
            "/a b/{*}",
        ] {
            assert!(PathTemplate::compile(text).is_err(), "{text}");
        }
    }

    /// What istiod's documentation gives as the meaning: a regex over the whole path.
    fn as_regex(template: &str) -> Regex {
        const CLASS: &str = r"[a-zA-Z0-9\-._~%!$&'()+,;:@=*";
        let mut text = String::new();
        for segment in template.strip_prefix('/').unwrap().split('/') {
            text.push('/');
            match segment {
                "{*}" => text.push_str(&format!("{CLASS}]+")),
                "{**}" => text.push_str(&format!("{CLASS}/]*")),
                literal => text.push_str(&format!(r"\Q{literal}\E")),
            }
        }
        Regex::compile(&text).unwrap()
    }

    proptest! {
        #[test]
        fn a_template_means_its_regex(
            segments in prop::collection::vec(prop_oneof![Just("a"), Just("b"), Just("{*}"), Just("{**}"), Just("")], 1..5),
            path in "(/|/a|/b|/\\*|/%2f|/\"|a|//){0,6}",
        ) {
            let template = format!("/{}", segments.join("/"));
            if let Ok(compiled) = PathTemplate::compile(&template) {
                prop_assert_eq!(compiled.matches(path.as_bytes()), as_regex(&template).matches(path.as_bytes()), "{} {}", template, path);
                if compiled.matches(path.as_bytes()) {
                    prop_assert!(path.as_bytes().starts_with(&compiled.literal_start()), "{} {}", template, path);
                }
            }
        }
    }
}
