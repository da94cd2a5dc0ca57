//! What stands between parts of an expression, or before them.

/// An operator, a function or a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expression) enum Operator {
    Not,
    And,
    Or,
    Choice,
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Plus,
    Minus,
    Times,
    Over,
    Rest,
    List,
    In,
    StartsWith,
    EndsWith,
    Contains,
    Size,
    ToText,
    ToInt,
}

/// As they are written.
const WRITTEN: [(&str, Operator); 23] = [
    ("!", Operator::Not),
    ("&&", Operator::And),
    ("||", Operator::Or),
    ("?", Operator::Choice),
    ("==", Operator::Equal),
    ("!=", Operator::Unequal),
    ("<", Operator::Less),
    ("<=", Operator::AtMost),
    (">", Operator::Greater),
    (">=", Operator::AtLeast),
    ("+", Operator::Plus),
    ("-", Operator::Minus),
    ("*", Operator::Times),
    ("/", Operator::Over),
    ("%", Operator::Rest),
    ("[", Operator::List),
    ("in", Operator::In),
    ("startsWith", Operator::StartsWith),
    ("endsWith", Operator::EndsWith),
    ("contains", Operator::Contains),
    ("size", Operator::Size),
    ("string", Operator::ToText),
    ("int", Operator::ToInt),
];

impl Operator {
    pub(super) fn find(written: &str) -> Option<Self> {
        let mut known = WRITTEN.iter();
        let (_, operator) = known.find(|(known, _)| *known == written)?;
        Some(*operator)
    }
}
