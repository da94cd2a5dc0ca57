//! What to write in place of what people paste: formats of access logs, conditions of AuthorizationPolicy,
//! and defaults as other languages have them.

use super::literal::quote;
use crate::formatter::attribute_of;

/// What to write in place of a text that is no expression, where that is known.
pub(super) fn instead_of(text: &str) -> Option<String> {
    of_format(text)
        .or_else(|| of_claims(text))
        .or_else(|| of_dash(text))
}

/// `%REQ(x-user)%` and its like.
pub(super) fn of_format(text: &str) -> Option<String> {
    let (inside, _) = text.rsplit_once('%')?;
    let mut operators = inside.split('%').skip(1);
    operators.find_map(|operator| {
        let expression = attribute_of(operator)?;
        Some(format!(
            "`%{operator}%` is a format of access logs and no CEL; write `{expression}`"
        ))
    })
}

/// `request.headers.x-user`, which is `request.headers.x` less `user`.
fn of_dash(text: &str) -> Option<String> {
    let (before, behind) = text.split_once(".headers.")?;
    let root = if before.ends_with("response") {
        "response"
    } else {
        "request"
    };
    let end = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
    let (name, _) = behind.split_at(end.unwrap_or(behind.len()));
    name.contains('-').then(|| {
        format!(
            "a name with a dash cannot stand behind a dot; write `{root}.headers[{}]`",
            quote(name)
        )
    })
}

/// `request.auth.claims[plan]`.
fn of_claims(text: &str) -> Option<String> {
    let (_, behind) = text.split_once("request.auth.claims")?;
    let mut names = Vec::new();
    let mut rest = behind;
    loop {
        let (name, tail) = if let Some(inner) = rest.strip_prefix('[') {
            inner.split_once(']')?
        } else if let Some(inner) = rest.strip_prefix('.') {
            let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-');
            inner.split_at(end.unwrap_or(inner.len()))
        } else {
            break;
        };
        names.push(name.trim_matches(['\'', '"']));
        rest = tail;
    }
    let claim = match names.iter().any(|name| name.contains('.')) {
        true => format!("[{}]", names.join("][")),
        false => names.join("."),
    };
    let claim = if claim.is_empty() { "sub" } else { &claim };
    Some(format!(
        "`request.auth.claims` is no attribute of Envoy's; claims are a source of their own: in place of \
         the expression write `claim: {claim}`"
    ))
}

/// What asks whether a value is there.
pub(super) fn is_there(path: &[String], dotted: bool) -> Option<String> {
    let (name, map) = path.split_last()?;
    Some(match dotted {
        true => format!("has({})", written(path)),
        false => format!("{} in {}", quote(name), written(map)),
    })
}

/// A value, or another one where it is missing.
pub(super) fn or_else(path: &[String], dotted: bool, other: Option<&str>) -> Option<String> {
    let there = is_there(path, dotted)?;
    let (name, map) = path.split_last()?;
    let value = match dotted {
        true => written(path),
        false => format!("{}[{}]", written(map), quote(name)),
    };
    let other = other.map_or_else(|| "…".to_owned(), quote);
    Some(format!("{there} ? {value} : {other}"))
}

/// A path as it is written in an expression.
pub(super) fn written(path: &[String]) -> String {
    let mut text = String::new();
    for name in path {
        let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match (text.is_empty(), is_word) {
            (true, _) => text.push_str(name),
            (false, true) => {
                text.push('.');
                text.push_str(name);
            }
            (false, false) => {
                text.push('[');
                text.push_str(&quote(name));
                text.push(']');
            }
        }
    }
    text
}
