//! The names of a peer, as Envoy's RBAC matches them, which are those that istiod writes.

use super::attribute::{Attribute, Clause};
use crate::text::{Matcher, Text};

const SPIFFE: &str = "spiffe://";

/// The condition on the names of a peer's certificate; none where policies have no word for it.
pub(super) fn clause(matcher: &Matcher) -> Option<Clause> {
    let one = |attribute, value: String| {
        Some(Clause {
            attribute,
            values: vec![value],
        })
    };
    if matcher.ignore_case {
        return None;
    }
    match &matcher.text {
        Text::Some => one(Attribute::Principal, "*".to_owned()),
        Text::Exact(text) => one(Attribute::Principal, plain(text.strip_prefix(SPIFFE)?)?),
        Text::Prefix(text) => match text.strip_prefix(SPIFFE)? {
            "" => one(Attribute::TrustDomain, "*".to_owned()),
            rest => one(Attribute::Principal, format!("{}*", plain(rest)?)),
        },
        Text::Regex(regex) => {
            let (attribute, value) = of_regex(regex)?;
            one(attribute, value)
        }
        Text::Any | Text::Suffix(_) | Text::Contains(_) => None,
    }
}

fn plain(text: &str) -> Option<String> {
    let is_plain = !text.is_empty() && !text.starts_with('*') && !text.ends_with('*');
    is_plain.then(|| text.to_owned())
}

/// The regexes that istiod writes (`pilot/pkg/security/authz/matcher`).
fn of_regex(regex: &str) -> Option<(Attribute, String)> {
    if let Some(inner) = regex
        .strip_prefix(".*/ns/")
        .and_then(|rest| rest.strip_suffix("/.*"))
    {
        let parts: Option<Vec<String>> = inner.split(".*").map(unquoted).collect();
        let value = parts?.join("*");
        return (!value.is_empty()).then_some((Attribute::Namespace, value));
    }
    let rest = regex.strip_prefix(SPIFFE)?;
    if let Some(account) = rest
        .strip_prefix(".+/ns/")
        .and_then(|rest| rest.strip_suffix("(/.+)?"))
    {
        let (namespace, name) = account.split_once("/(.+/|)sa/")?;
        let (namespace, name) = (unquoted(namespace)?, unquoted(name)?);
        let legal = |text: &str| !text.is_empty() && !text.contains(['/', '*']);
        let both = format!("{namespace}/{name}");
        let is_legal = legal(&namespace) && legal(&name) && both.len() <= 320;
        return is_legal.then_some((Attribute::ServiceAccount, both));
    }
    if let Some(domain) = rest.strip_suffix("/.*") {
        let (start, end) = domain.split_once("[^/]*")?;
        let (start, end) = (unquoted(start)?, unquoted(end)?);
        let is_one_ended = start.is_empty() != end.is_empty();
        let legal = is_one_ended && !start.contains(['/', '*']) && !end.contains(['/', '*']);
        return legal.then(|| (Attribute::TrustDomain, format!("{start}*{end}")));
    }
    let end = unquoted(rest.strip_prefix(".*")?)?;
    Some((Attribute::Principal, format!("*{}", plain(&end)?)))
}

/// The text that a regex takes as it is; none where it takes others.
fn unquoted(regex: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = regex.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let quoted = characters.next().filter(char::is_ascii_punctuation)?;
                text.push(quoted);
            }
            '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => {
                return None;
            }
            plain => text.push(plain),
        }
    }
    Some(text)
}
