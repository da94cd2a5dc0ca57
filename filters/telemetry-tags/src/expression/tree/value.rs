//! Values, and what operators make of them as Envoy's CEL does. `None` is CEL's error.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::operator::Operator;
use super::text::{int, size};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A string: bytes, which need be no UTF-8.
    Text(Cow<'a, [u8]>),
    Int(i64),
    Bool(bool),
}

use Value::{Bool, Int, Text};

impl<'a> Value<'a> {
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            Bool(is) => Some(*is),
            Text(_) | Int(_) => None,
        }
    }

    /// As `string()` writes it.
    pub(super) fn into_text(self) -> Cow<'a, [u8]> {
        match self {
            Text(text) => text,
            Int(number) => Cow::Owned(number.to_string().into_bytes()),
            Bool(true) => Cow::Borrowed(b"true"),
            Bool(false) => Cow::Borrowed(b"false"),
        }
    }
}

/// What an operator makes of one value.
pub(super) fn of_one(operator: Operator, value: Value<'_>) -> Option<Value<'_>> {
    Some(match (operator, value) {
        (Operator::Not, Bool(is)) => Bool(!is),
        (Operator::Minus, Int(number)) => Int(number.checked_neg()?),
        (Operator::Size, Text(text)) => Int(size(&text)?),
        (Operator::ToInt, Text(text)) => Int(int(&text)?),
        (Operator::ToInt, Int(number)) => Int(number),
        (Operator::ToText, value) => Text(value.into_text()),
        _ => return None,
    })
}

/// What an operator makes of two.
pub(super) fn of_two<'a>(operator: Operator, a: Value<'a>, b: Value<'a>) -> Option<Value<'a>> {
    let order = match (&a, &b) {
        // Strings by their bytes.
        (Text(a), Text(b)) => a.cmp(b),
        (Int(a), Int(b)) => a.cmp(b),
        (Bool(a), Bool(b)) => a.cmp(b),
        _ => return None,
    };
    if let Some(holds) = compared(operator, order) {
        return Some(Bool(holds));
    }
    match (a, b) {
        (Text(a), Text(b)) => of_texts(operator, a, b),
        (Int(a), Int(b)) => calculated(operator, a, b).map(Int),
        _ => None,
    }
}

fn compared(operator: Operator, order: Ordering) -> Option<bool> {
    Some(match operator {
        Operator::Equal => order.is_eq(),
        Operator::Unequal => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::AtMost => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::AtLeast => order.is_ge(),
        _ => return None,
    })
}

fn of_texts<'a>(operator: Operator, a: Cow<'a, [u8]>, b: Cow<'a, [u8]>) -> Option<Value<'a>> {
    Some(Bool(match operator {
        Operator::StartsWith => a.starts_with(&b),
        Operator::EndsWith => a.ends_with(&b),
        Operator::Contains => b.is_empty() || a.windows(b.len()).any(|part| part == &*b),
        Operator::Plus => {
            let mut joined = a.into_owned();
            joined.extend_from_slice(&b);
            return Some(Text(Cow::Owned(joined)));
        }
        _ => return None,
    }))
}

fn calculated(operator: Operator, a: i64, b: i64) -> Option<i64> {
    match operator {
        Operator::Plus => a.checked_add(b),
        Operator::Minus => a.checked_sub(b),
        Operator::Times => a.checked_mul(b),
        Operator::Over => a.checked_div(b),
        Operator::Rest => a.checked_rem(b),
        _ => None,
    }
}
