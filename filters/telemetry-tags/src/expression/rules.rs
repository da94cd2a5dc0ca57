//! What functions and operators take and give, where Envoy's CEL and the interpreter of our tests agree.

use crate::attribute::Kind;

/// Functions, methods and their kinds of results.
pub(super) const METHODS: [(&str, usize, Kind); 5] = [
    ("startsWith", 1, Kind::Bool),
    ("endsWith", 1, Kind::Bool),
    ("contains", 1, Kind::Bool),
    ("matches", 1, Kind::Bool),
    ("size", 0, Kind::Int),
];
pub(super) const FUNCTIONS: [(&str, Kind); 5] = [
    ("size", Kind::Int),
    ("string", Kind::Text),
    ("int", Kind::Int),
    ("duration", Kind::Duration),
    ("timestamp", Kind::Time),
];
pub(super) const MACROS: [&str; 3] = ["exists", "all", "exists_one"];

/// Whether a function takes an argument of this kind; what `duration` and `timestamp` take is written
/// out.
pub(super) fn takes(name: &str, kind: Kind, is_literal: bool) -> bool {
    match name {
        "size" => has_size(kind),
        "string" => !matches!(
            kind,
            Kind::Duration | Kind::Time | Kind::Bool | Kind::Map | Kind::Null
        ),
        "int" => !matches!(
            kind,
            Kind::Duration | Kind::Bytes | Kind::Bool | Kind::Map | Kind::Null
        ),
        _ => is_literal && kind == Kind::Text,
    }
}

pub(super) fn unknown(name: &str) -> String {
    format!(
        "`{name}()` is not supported here; these are: `has(a.b)`, `size(a)`, `string(a)`, `int(a)`, \
         `duration('1s')`, `timestamp('…')`, `a.startsWith(b)`, `a.endsWith(b)`, `a.contains(b)`, \
         `a.matches('…')`, `a.exists(x, …)`, `a.all(x, …)`, `a.exists_one(x, …)`"
    )
}

pub(super) fn has_size(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Bytes | Kind::Map | Kind::Other)
}

pub(super) fn negated(digits: &str) -> String {
    match digits.strip_prefix('-') {
        Some(digits) => digits.to_owned(),
        None if digits == "0" => "0".to_owned(),
        None => format!("-{digits}"),
    }
}

pub(super) fn expect(found: Kind, kind: Kind, operator: &str) -> Result<(), String> {
    if found == kind || found == Kind::Other {
        return Ok(());
    }
    Err(format!(
        "`{operator}` takes {}, not {}",
        kind.name(),
        found.name()
    ))
}

pub(super) fn combine(operator: &str, left: Kind, right: Kind) -> Result<Kind, String> {
    let is_null = left == Kind::Null || right == Kind::Null;
    let same = left == right || left == Kind::Other || right == Kind::Other;
    let kind = if left == Kind::Other { right } else { left };
    let refuse = || {
        let remedy = match (left, right) {
            (Kind::Bytes, Kind::Text) | (Kind::Text, Kind::Bytes) => {
                "; write `string(…)` around the bytes"
            }
            (Kind::Uint, Kind::Int) | (Kind::Int, Kind::Uint) => "; write `5u` for an unsigned 5",
            (Kind::Text, Kind::Int) | (Kind::Int, Kind::Text) => {
                "; a number has no quotes, and `int(…)` makes one of a text"
            }
            _ => "",
        };
        Err(format!(
            "`{operator}` does not take {} and {}{remedy}",
            left.name(),
            right.name()
        ))
    };
    match operator {
        "||" | "&&" => {
            expect(left, Kind::Bool, operator)?;
            expect(right, Kind::Bool, operator)?;
            Ok(Kind::Bool)
        }
        "in" if matches!(right, Kind::Other | Kind::Map) => Ok(Kind::Bool),
        "==" | "!=" if same || is_null => Ok(Kind::Bool),
        "<" | "<=" | ">" | ">=" if same && !matches!(kind, Kind::Bool | Kind::Map | Kind::Null) => {
            Ok(Kind::Bool)
        }
        "+" if same && matches!(kind, Kind::Text | Kind::Int | Kind::Map | Kind::Other) => Ok(kind),
        "-" | "*" | "/" | "%" if same && matches!(kind, Kind::Int | Kind::Other) => Ok(kind),
        _ => refuse(),
    }
}
