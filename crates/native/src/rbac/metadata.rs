//! Dynamic metadata in conditions: claims of a verified token, and what other filters have noted.

use super::Context;
use super::attribute::{self, Attribute, Clause};
use crate::claim;
use crate::expression::Expression;
use crate::node::Node;
use crate::text::{self, Matcher};

/// How claims come to metadata, as the `jwt_authn` before the filter has it, or istiod's where none is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Under which key; none where the providers do not agree.
    pub(crate) payload: Option<String>,
    /// Whether `scope` and `permission` are split at blanks, as ours always are.
    pub(crate) is_split: bool,
}

impl Default for Claims {
    fn default() -> Self {
        Claims {
            payload: Some(claim::PAYLOAD.to_owned()),
            is_split: true,
        }
    }
}

/// Reads a MetadataMatcher.
pub(super) fn metadata(node: &Node<'_>, context: Context<'_>) -> Expression<Clause> {
    let mut message = node.message();
    let filter = message
        .take("filter")
        .map(|it| it.text())
        .unwrap_or_default();
    let path = message
        .take("path")
        .map(|it| claim::path(&it))
        .unwrap_or_default();
    let value = message.take("value");
    let invert = message.take("invert").is_some_and(|it| it.flag());
    message.end_or_refuse();
    let Some(value) = value else {
        node.problem("has no `value`");
        return Expression::Unknown;
    };
    let read = match filter == claim::FILTER {
        true => of_claim(&value, &path, context),
        false => of_metadata(&value, filter, &path),
    };
    let found = read.unwrap_or_else(|| {
        context.unknown(
            node,
            "this matcher of metadata has no word in a policy. Of a claim it knows a text or an element of a list: `or_match` of `list_match` and `string_match`, as istiod writes it",
        )
    });
    if invert { found.not() } else { found }
}

/// A claim that is a matching text, or a list with one.
fn of_claim(value: &Node<'_>, path: &[&str], context: Context<'_>) -> Option<Expression<Clause>> {
    let (payload, claim) = path.split_first()?;
    let matched = matched(value);
    if context.claims.payload.as_deref() != Some(payload) {
        return None;
    }
    let is_split = |name: &&str| matches!(*name, "scope" | "permission");
    if claim.len() == 1 && claim.iter().any(is_split) && !context.claims.is_split {
        return None;
    }
    let writable = |name: &&str| !name.is_empty() && !name.contains(['[', ']']);
    if claim.is_empty() || !claim.iter().all(writable) {
        return None;
    }
    let texts = match matched {
        Matched::Both(texts) => texts,
        // Every token that is verified has texts there.
        Matched::Text(texts) if matches!(claim, ["iss" | "sub"]) => texts,
        _ => return None,
    };
    Some(Expression::Atom(Clause {
        attribute: Attribute::Claim(claim.iter().map(|name| (*name).to_owned()).collect()),
        values: texts.iter().map(attribute::value).collect::<Option<_>>()?,
    }))
}

/// Metadata of another filter: a text, or an element of a list.
fn of_metadata(value: &Node<'_>, filter: &str, path: &[&str]) -> Option<Expression<Clause>> {
    let matched = matched(value);
    let filter = filter.strip_prefix("envoy.filters.")?;
    let [key] = path else { return None };
    let writable = |text: &str| !text.is_empty() && !text.contains(['[', ']']);
    if !writable(filter) || !writable(key) {
        return None;
    }
    let (texts, is_list) = match matched {
        Matched::Text(texts) => (texts, false),
        Matched::List(texts) => (texts, true),
        Matched::Both(_) | Matched::Other => return None,
    };
    let written = |matcher: &Matcher| {
        let value = attribute::value(matcher)?;
        // Brackets say that it is an element.
        let is_bracketed = value.starts_with('[') || value.ends_with(']');
        match (is_list, is_bracketed) {
            (_, true) => None,
            (true, false) => Some(format!("[{value}]")),
            (false, false) => Some(value),
        }
    };
    Some(Expression::Atom(Clause {
        attribute: Attribute::Metadata(filter.to_owned(), (*key).to_owned()),
        values: texts.iter().map(written).collect::<Option<_>>()?,
    }))
}

/// What a ValueMatcher takes.
#[derive(Debug, PartialEq, Eq)]
enum Matched {
    /// A text that is one of these.
    Text(Vec<Matcher>),
    /// A list with one of these.
    List(Vec<Matcher>),
    /// Either.
    Both(Vec<Matcher>),
    Other,
}

/// Reads a ValueMatcher, of those that istiod writes.
fn matched(node: &Node<'_>) -> Matched {
    let mut message = node.message();
    let mut found = Matched::Other;
    if let Some(value) = message.take("string_match") {
        found = text::matcher(&value).map_or(Matched::Other, |it| Matched::Text(vec![it]));
    }
    if let Some(list) = message.take("list_match") {
        let mut inner = list.message();
        if let Some(of) = inner.take("one_of") {
            found = match matched(&of) {
                Matched::Text(texts) => Matched::List(texts),
                _ => Matched::Other,
            };
        }
        inner.end_or_refuse();
    }
    if let Some(any) = message.take("or_match") {
        let mut inner = any.message();
        let all = inner.take("value_matchers").map(|it| it.elements());
        inner.end_or_refuse();
        let all = all.unwrap_or_default();
        found = all
            .iter()
            .map(matched)
            .reduce(either)
            .unwrap_or(Matched::Other);
    }
    for field in ["null_match", "double_match", "bool_match", "present_match"] {
        if message.take(field).is_some() {
            found = Matched::Other;
        }
    }
    message.end_or_refuse();
    found
}

fn either(one: Matched, other: Matched) -> Matched {
    match (one, other) {
        (Matched::Text(one), Matched::Text(other)) => Matched::Text([one, other].concat()),
        (Matched::List(one), Matched::List(other)) => Matched::List([one, other].concat()),
        (Matched::List(list), Matched::Text(texts))
        | (Matched::Text(texts), Matched::List(list))
            if list == texts =>
        {
            Matched::Both(list)
        }
        _ => Matched::Other,
    }
}
