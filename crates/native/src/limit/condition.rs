//! What a request has to be for a limit to count it, as Istio's HTTPMatchRequest with our fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::expression::{Atom, Conjunction, Expression};
use crate::text::{Matcher, Named, Text};

/// Requests are selected by no more than so many alternatives.
pub(crate) const MOST: usize = 64;

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Header(Named),
    Query(Named),
    Claim(Named),
    /// The client's address is in one of the blocks.
    Address(Vec<String>),
    /// The path, without its query.
    Path(Matcher),
    /// The name of Envoy's route.
    Route(String),
    /// The port that the request came to.
    Port(u64),
}

impl Atom for Condition {
    fn or(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Condition::Address(one), Condition::Address(other)) => {
                Some(Condition::Address([one.as_slice(), other].concat()))
            }
            _ if self == other => Some(self.clone()),
            _ => None,
        }
    }
}

/// Why a condition has no HTTPMatchRequest.
pub(crate) type Inexpressible = &'static str;

/// The alternatives that a limit's `match` lists; empty where every request is counted, none where no request is.
pub(crate) fn matches(
    expression: &Expression<Condition>,
) -> Result<Option<Vec<Value>>, Inexpressible> {
    if has_unknown(expression) {
        return Err("a part of the condition is of a kind that only Envoy has");
    }
    let alternatives = expression
        .alternatives(false, MOST)
        .map_err(|_| "the condition would take more than 64 alternatives")?;
    if alternatives.is_empty() {
        return Ok(None);
    }
    if alternatives.iter().any(Vec::is_empty) {
        return Ok(Some(Vec::new()));
    }
    let mut list = Vec::new();
    for alternative in &alternatives {
        list.extend(request(alternative)?);
    }
    Ok((!list.is_empty()).then_some(list))
}

/// Whether a part of it has no word in a match.
pub(crate) fn has_unknown(expression: &Expression<Condition>) -> bool {
    match expression {
        Expression::All(list) | Expression::Any(list) => list.iter().any(has_unknown),
        Expression::Not(one) => has_unknown(one),
        Expression::Atom(_) => false,
        Expression::Unknown => true,
    }
}

/// One HTTPMatchRequest; none for what no request is.
fn request(all: &Conjunction<Condition>) -> Result<Option<Value>, Inexpressible> {
    let mut written = Map::new();
    let mut named: BTreeMap<(&str, String), Vec<&Matcher>> = BTreeMap::new();
    for literal in all {
        let negated = literal.negated;
        match &literal.atom {
            Condition::Header(header) => {
                let field = if negated { "withoutHeaders" } else { "headers" };
                let key = (field, header.name.clone());
                named.entry(key).or_default().push(&header.matcher);
            }
            Condition::Claim(claim) => {
                let field = if negated { "withoutClaims" } else { "claims" };
                let key = (field, claim.name.clone());
                named.entry(key).or_default().push(&claim.matcher);
            }
            Condition::Query(parameter) if !negated => {
                let key = ("queryParams", parameter.name.clone());
                named.entry(key).or_default().push(&parameter.matcher);
            }
            Condition::Query(_) => return Err("a match has no `withoutQueryParams`"),
            Condition::Address(blocks) => {
                let field = if negated {
                    "notSourceCIDR"
                } else {
                    "sourceCIDR"
                };
                if written.insert(field.to_owned(), json!(blocks)).is_some() {
                    return Err("an address would have to be in two lists of blocks");
                }
            }
            Condition::Path(_) | Condition::Route(_) | Condition::Port(_) if negated => {
                return Err("a match cannot say of which path, route or port a request is not");
            }
            Condition::Path(path) => {
                let of = string_match(path);
                if written.insert("uri".to_owned(), of).is_some() {
                    return Err("a path would have to match twice");
                }
            }
            Condition::Route(name) => {
                let of = json!({"exact": name});
                if written.insert("route".to_owned(), of).is_some() {
                    return Ok(None);
                }
            }
            Condition::Port(port) => {
                if written.insert("port".to_owned(), json!(port)).is_some() {
                    return Ok(None);
                }
            }
        }
    }
    for ((field, name), matchers) in named {
        let one = match field.starts_with("without") {
            true => none_of(&matchers),
            false => all_of(&matchers)?,
        };
        let map = written.entry(field).or_insert_with(|| json!({}));
        if let Some(map) = map.as_object_mut() {
            map.insert(name, one);
        }
    }
    Ok(Some(Value::Object(written)))
}

/// One StringMatch that asks for all.
fn all_of(matchers: &[&Matcher]) -> Result<Value, Inexpressible> {
    let mut asking = matchers.iter().filter(|one| one.text != Text::Any);
    let first = asking.next();
    match (first, asking.next()) {
        (None, _) => Ok(json!({})),
        (Some(one), None) => Ok(string_match(one)),
        (Some(_), Some(_)) => Err("a match can ask for one thing of a header, not for two at once"),
    }
}

/// One StringMatch that holds where any does: what none of them may be.
fn none_of(matchers: &[&Matcher]) -> Value {
    match matchers {
        _ if matchers.iter().any(|one| one.text == Text::Any) => json!({}),
        [one] => string_match(one),
        several => {
            let all: Vec<String> = several.iter().map(|one| regex(one)).collect();
            json!({"regex": all.join("|")})
        }
    }
}

/// A StringMatcher of Envoy's as a StringMatch of ours.
pub(crate) fn string_match(matcher: &Matcher) -> Value {
    if matcher.ignore_case {
        return json!({"regex": regex(matcher)});
    }
    match &matcher.text {
        Text::Any => json!({}),
        Text::Some => json!({"regex": ".+"}),
        Text::Exact(text) => json!({"exact": text}),
        Text::Prefix(text) => json!({"prefix": text}),
        Text::Suffix(text) => json!({"suffix": text}),
        Text::Contains(text) => json!({"contains": text}),
        Text::Regex(regex) => json!({"regex": regex}),
    }
}

fn regex(matcher: &Matcher) -> String {
    let flags = if matcher.ignore_case { "(?is)" } else { "(?s)" };
    let inner = match &matcher.text {
        Text::Any => ".*".to_owned(),
        Text::Some => ".+".to_owned(),
        Text::Exact(text) => quoted(text),
        Text::Prefix(text) => format!("{}.*", quoted(text)),
        Text::Suffix(text) => format!(".*{}", quoted(text)),
        Text::Contains(text) => format!(".*{}.*", quoted(text)),
        Text::Regex(regex) => return format!("(?:{regex})"),
    };
    // A group, so that the flags are this alternative's alone.
    format!("(?:{flags}{inner})")
}

fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for character in text.chars() {
        if character.is_ascii_punctuation() {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// A condition on headers. A header that matches a regex is there; said apart, so that the opposite is
/// that it is not there, or does not match.
pub(crate) fn of_headers(headers: Expression<Named>) -> Expression<Condition> {
    headers.map(&mut |named| {
        let there = Expression::Atom(Condition::Header(Named {
            name: named.name.clone(),
            matcher: present(),
        }));
        let is_regex = matches!(named.matcher.text, Text::Regex(_) | Text::Some);
        let matches = Expression::Atom(Condition::Header(named));
        match is_regex {
            true => Expression::All(vec![there, matches]),
            false => matches,
        }
    })
}

/// What only has to be there.
pub(crate) fn present() -> Matcher {
    Matcher {
        text: Text::Any,
        ignore_case: false,
    }
}

/// One very text.
pub(crate) fn exactly(text: &str) -> Matcher {
    Matcher {
        text: Text::Exact(text.to_owned()),
        ignore_case: false,
    }
}
