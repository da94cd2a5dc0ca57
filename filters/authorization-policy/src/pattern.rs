//! What a condition compares a value with. There is no regex engine: each of the few regexes that
//! istiod writes has a form of its own here.

use sdk_helpers::matcher::{Address, Cidr, PathTemplate, Wildcard, is_line};

/// One entry of a list such as `principals`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// A text, with a star at one end or none.
    Text(Wildcard),
    /// A path with `{*}` or `{**}`.
    Template(PathTemplate),
    /// A principal that ends so: the regex `spiffe://.*<end>`.
    PrincipalEnd(Box<[u8]>),
    /// A namespace, as the texts between its stars: the regex `.*/ns/<namespace>/.*`.
    Namespace(Box<[Box<[u8]>]>),
    /// A service account: the regex `spiffe://.+/ns/<namespace>/(.+/|)sa/<name>(/.+)?`.
    Account {
        /// Its namespace.
        namespace: Box<[u8]>,
        /// Its name.
        name: Box<[u8]>,
    },
    /// A trust domain with a star: the regex `spiffe://<start>[^/]*<end>/.*`.
    TrustDomain {
        /// What stands before the star.
        start: Box<[u8]>,
        /// What stands behind it.
        end: Box<[u8]>,
    },
    /// A token by its issuer and its subject.
    Token(Wildcard, Wildcard),
    /// Addresses.
    Block(Box<Cidr>),
    /// A port.
    Port(u16),
    /// An element of a list in dynamic metadata.
    Element(Wildcard),
}

/// What an attribute holds.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// A text: a path, an identity, a claim.
    Text(&'a [u8]),
    /// One value of a header.
    Header(&'a [u8]),
    /// `:authority`, in which case does not count.
    Host(&'a [u8]),
    /// A token's issuer and subject.
    Token(&'a [u8], &'a [u8]),
    /// An address.
    Address(Address),
    /// A port.
    Port(u16),
    /// An element of a list in dynamic metadata.
    Element(&'a [u8]),
}

/// What an identity of a mesh begins with.
pub const SPIFFE: &[u8] = b"spiffe://";

impl Pattern {
    /// Whether a value matches.
    pub fn matches(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Pattern::Text(text), Value::Text(value))
            | (Pattern::Element(text), Value::Element(value)) => text.matches(value),
            (Pattern::Text(text), Value::Header(value)) => text.matches_header(value),
            (Pattern::Text(text), Value::Host(value)) => text.matches_host(value),
            (Pattern::Template(template), Value::Text(value)) => template.matches(value),
            (Pattern::PrincipalEnd(end), Value::Text(value)) => {
                after(value, SPIFFE).is_some_and(|rest| rest.ends_with(end)) && is_line(value)
            }
            (Pattern::Namespace(parts), Value::Text(value)) => is_in(parts, value),
            (Pattern::Account { namespace, name }, Value::Text(value)) => {
                each_account(value, &mut |ns, sa| ns == &**namespace && sa == &**name)
            }
            (Pattern::TrustDomain { start, end }, Value::Text(value)) => {
                is_of_domain(start, end, value)
            }
            (Pattern::Token(issuer, subject), Value::Token(iss, sub)) => {
                issuer.matches(iss) && subject.matches(sub)
            }
            (Pattern::Block(block), Value::Address(address)) => block.contains(address),
            (Pattern::Port(port), Value::Port(value)) => *port == value,
            _ => false,
        }
    }

    /// Whether it can match an identity that is no SPIFFE id: a DNS name, a certificate's subject.
    pub fn takes_any_name(&self) -> bool {
        matches!(self, Pattern::Text(Wildcard::Any) | Pattern::Namespace(_))
    }
}

fn after<'a>(value: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    value.strip_prefix(start)
}

/// The rest behind the first `part`.
fn behind<'a>(value: &'a [u8], part: &[u8]) -> Option<&'a [u8]> {
    if part.is_empty() {
        return Some(value);
    }
    let at = value.windows(part.len()).position(|here| here == part)?;
    value.get(at.saturating_add(part.len())..)
}

/// `.*/ns/<parts with anything between them>/.*`.
fn is_in(parts: &[Box<[u8]>], value: &[u8]) -> bool {
    let Some((first, others)) = parts.split_first() else {
        return false;
    };
    is_line(value)
        && each_namespace(value, &mut |tail| {
            let Some(tail) = after(tail, first) else {
                return false;
            };
            // Taking each part where it first occurs leaves the most for those behind it.
            match others.split_last() {
                None => tail.first() == Some(&b'/'),
                Some((last, middle)) => middle
                    .iter()
                    .try_fold(tail, |tail, part| behind(tail, part))
                    .is_some_and(|tail| behind(tail, &[last, &b"/"[..]].concat()).is_some()),
            }
        })
}

/// Shows what follows each `/ns/` of an identity, until told that it was found.
pub fn each_namespace(value: &[u8], found: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    let mut rest = value;
    while let Some((_, tail)) = cut(rest) {
        if after(tail, b"ns/").is_some_and(&mut *found) {
            return true;
        }
        rest = tail;
    }
    false
}

/// Shows every namespace and service account that the regex
/// `spiffe://.+/ns/<namespace>/(.+/|)sa/<name>(/.+)?` finds in an identity, neither of which has a
/// slash in it, until told that it was found.
pub fn each_account(value: &[u8], found: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> bool {
    let Some(rest) = after(value, SPIFFE).filter(|_| is_line(value)) else {
        return false;
    };
    for (start, segment) in segments(rest) {
        // A trust domain comes before it.
        if segment != b"ns" || start < 2 {
            continue;
        }
        let inner = rest.get(start.saturating_add(3)..).unwrap_or_default();
        let Some((namespace, inner)) = cut(inner) else {
            continue;
        };
        for (start, segment) in segments(inner) {
            // Directly behind the namespace, or with something and a slash between.
            if segment != b"sa" || start == 1 {
                continue;
            }
            let Some(rest) = inner.get(start.saturating_add(3)..) else {
                continue;
            };
            // The end follows, or a slash and something.
            let (name, ends) = match cut(rest) {
                Some((name, tail)) => (name, !tail.is_empty()),
                None => (rest, true),
            };
            if ends && found(namespace, name) {
                return true;
            }
        }
    }
    false
}

/// What stands before the first slash, and behind it.
fn cut(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'/')?;
    Some((text.get(..at)?, text.get(at.saturating_add(1)..)?))
}

/// The texts between slashes, each with where it begins.
fn segments(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0usize;
    text.split(|byte| *byte == b'/').map(move |segment| {
        let here = start;
        start = start.saturating_add(segment.len()).saturating_add(1);
        (here, segment)
    })
}

/// `spiffe://<start>[^/]*<end>/.*`.
fn is_of_domain(start: &[u8], end: &[u8], value: &[u8]) -> bool {
    let Some(rest) = after(value, SPIFFE).and_then(|rest| after(rest, start)) else {
        return false;
    };
    (0..=rest.len())
        .take_while(|at| *at == 0 || rest.get(at.saturating_sub(1)) != Some(&b'/'))
        .filter_map(|at| after(rest.get(at..)?, end)?.strip_prefix(b"/"))
        .any(is_line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sdk_helpers::matcher::Regex;

    fn boxed(text: &str) -> Box<[u8]> {
        text.as_bytes().into()
    }

    fn agrees(pattern: &Pattern, regex: &str, value: &[u8]) {
        let regex = Regex::compile(regex).expect("a regex");
        assert_eq!(
            pattern.matches(Value::Text(value)),
            regex.matches(value),
            "{pattern:?} {value:?}"
        );
    }

    /// Identities, near misses among them.
    fn identity() -> impl Strategy<Value = Vec<u8>> {
        let text = prop_oneof![
            "(spiffe:/?/?)?(td|a|)(/ns|/ns/|/|ns/)?(a|b|ns|sa|)(/|)(/?sa/?(a|b|sa|)(/x|/|))?",
            "spiffe://(/ns|/sa|/a|/b|/|a|\n|é){0,9}",
        ];
        // One byte of a character alone is no text, and a value like any other.
        text.prop_map(|text| text.bytes().filter(|byte| *byte != 0xa9).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn a_service_account_is_istios_regex(value in identity()) {
            let pattern = Pattern::Account { namespace: boxed("a"), name: boxed("b") };
            agrees(&pattern, "spiffe://.+/ns/a/(.+/|)sa/b(/.+)?", &value);
            let pattern = Pattern::Account { namespace: boxed("ns"), name: boxed("sa") };
            agrees(&pattern, "spiffe://.+/ns/ns/(.+/|)sa/sa(/.+)?", &value);
        }

        #[test]
        fn a_namespace_is_istios_regex(value in identity(), namespace in "(a|b|ns|\\*|/){1,4}") {
            let parts = namespace.split('*').map(boxed).collect();
            let regex = format!(r"\Q{}\E", namespace.replace('*', r"\E.*\Q"));
            agrees(&Pattern::Namespace(parts), &format!(".*/ns/{regex}/.*"), &value);
        }

        #[test]
        fn a_trust_domain_is_istios_regex(value in identity(), start in "(t|td|a|a/)?", end in "(d|a|/a|b)?") {
            let pattern = Pattern::TrustDomain { start: boxed(&start), end: boxed(&end) };
            agrees(&pattern, &format!("spiffe://{start}[^/]*{end}/.*"), &value);
        }

        #[test]
        fn the_end_of_a_principal_is_istios_regex(value in identity()) {
            agrees(&Pattern::PrincipalEnd(boxed("/sa/b")), "spiffe://.*/sa/b", &value);
        }
    }

    /// Ten thousand rules have twenty thousand of them, in every worker.
    #[test]
    fn a_pattern_is_small() {
        assert!(size_of::<Pattern>() <= 56, "{}", size_of::<Pattern>());
    }

    #[test]
    fn bytes_that_are_no_text_match_like_any_others() {
        let value = b"spiffe://td\xff/ns/a/sa/b";
        for pattern in [
            Pattern::Text(Wildcard::Any),
            Pattern::Account {
                namespace: boxed("a"),
                name: boxed("b"),
            },
            Pattern::Namespace([boxed("a")].into()),
            Pattern::TrustDomain {
                start: boxed("t"),
                end: boxed(""),
            },
            Pattern::PrincipalEnd(boxed("b")),
        ] {
            assert!(pattern.matches(Value::Text(value)), "{pattern:?}");
        }
    }
}
