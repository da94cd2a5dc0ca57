//! Mixer's expressions on attributes, those that quotas were written with.

use crate::chain;
use crate::expression::Expression;
use crate::limit::condition::Condition;
use crate::limit::entry::{self, Entry, Source};
use crate::text::{Matcher, Named, Text};

/// A dimension of an instance.
#[derive(Debug)]
pub(super) struct Dimension<'a> {
    pub(super) name: &'a str,
    pub(super) entry: Entry,
}

impl Dimension<'_> {
    /// That a request's value is this one.
    pub(super) fn equals(&self, value: &str) -> Expression<Condition> {
        match self.entry.source {
            // A service by its short name, with its domain or not, with a port or not.
            Source::Cluster => {
                chain::domains(&[value, &format!("{value}:*"), &format!("{value}.*")])
            }
            ref source => entry::equals(source, value),
        }
    }
}

/// What an expression such as `request.headers["x"] | "unknown"` takes; none where a limit is told no such thing.
pub(super) fn dimension<'a>(name: &'a str, expression: &str) -> Option<Dimension<'a>> {
    let source = expression.split('|').map(str::trim).find_map(source)?;
    let key = name.to_owned();
    Some(Dimension {
        name,
        entry: Entry { key, source },
    })
}

fn source(attribute: &str) -> Option<Source> {
    if let Some(header) = indexed(attribute, "request.headers") {
        return Some(Source::Header(header.to_ascii_lowercase()));
    }
    if let Some(claim) = indexed(attribute, "request.auth.claims") {
        let is_plain = !claim.is_empty() && !claim.contains(['[', ']', '.']);
        return is_plain.then(|| Source::Claim(claim.to_owned()));
    }
    Some(match attribute {
        "request.path" | "request.url_path" => Source::Path,
        "request.method" => Source::Method,
        "request.host" => Source::Host,
        "source.ip" | "origin.ip" => Source::Address {
            v4: 32,
            v6: 128,
            masked: false,
        },
        "source.principal" | "source.user" => Source::Principal,
        _ if attribute.starts_with("destination.service") => Source::Cluster,
        "destination.labels[\"app\"]" | "destination.workload.name" | "destination.name" => {
            Source::Cluster
        }
        _ => return None,
    })
}

/// The name in `map["name"]`.
fn indexed<'t>(text: &'t str, map: &str) -> Option<&'t str> {
    let inner = text
        .strip_prefix(map)?
        .strip_prefix('[')?
        .strip_suffix(']')?;
    quoted(inner.trim())
}

fn quoted(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['"', '\\'])).then_some(inner)
}

/// The `match` of a rule: `match(request.headers["cookie"], "user=*") == false`, `request.headers["x"] == "y"`.
pub(super) fn matched(expression: &str) -> Option<Expression<Condition>> {
    let all = expression.split("&&").map(|part| one(part.trim()));
    Some(Expression::All(all.collect::<Option<_>>()?))
}

fn one(expression: &str) -> Option<Expression<Condition>> {
    if expression == "true" {
        return Some(Expression::always());
    }
    let (left, is_equal, right) = match (expression.split_once("=="), expression.split_once("!=")) {
        (Some((left, right)), None) => (left.trim(), true, right.trim()),
        (None, Some((left, right))) => (left.trim(), false, right.trim()),
        (None, None) => (expression, true, "true"),
        _ => return None,
    };
    let holds = |condition: Expression<Condition>, holds: bool| match holds {
        true => condition,
        false => condition.not(),
    };
    if let Some(arguments) = left
        .strip_prefix("match(")
        .and_then(|it| it.strip_suffix(')'))
    {
        let (attribute, pattern) = arguments.split_once(',')?;
        let header = indexed(attribute.trim(), "request.headers")?;
        let expected = right.parse::<bool>().ok()?;
        let condition = of_header(header, glob(quoted(pattern.trim())?)?);
        return Some(holds(condition, expected == is_equal));
    }
    let header = indexed(left, "request.headers")?;
    let value = quoted(right)?;
    Some(holds(
        of_header(header, Text::Exact(value.to_owned())),
        is_equal,
    ))
}

/// Mixer's patterns have a star at one end.
fn glob(pattern: &str) -> Option<Text> {
    let text = match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), None) => Text::Suffix(end.to_owned()),
        (None, Some(start)) => Text::Prefix(start.to_owned()),
        (None, None) => Text::Exact(pattern.to_owned()),
        (Some(_), Some(_)) => return None,
    };
    let inner = pattern.trim_matches('*');
    (!inner.is_empty() && !inner.contains('*')).then_some(text)
}

fn of_header(name: &str, text: Text) -> Expression<Condition> {
    Expression::Atom(Condition::Header(Named {
        name: name.to_ascii_lowercase(),
        matcher: Matcher {
            text,
            ignore_case: false,
        },
    }))
}
