//! The words of an expression.

use super::literal::quoted;

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    /// Only Envoy needs to know which.
    Bytes,
    /// Without its sign.
    Int(u64),
    Uint(u64),
    /// A number with a fraction or an exponent.
    Fraction,
    Sign(&'static str),
}

/// The words still to be read.
pub(super) struct Tokens {
    /// The first one last.
    rest: Vec<Token>,
    /// Whether a word was found where it cannot stand: what is wrong is the syntax.
    pub(super) broken: bool,
}

/// The least of all numbers, without its sign.
pub(super) const LEAST: u64 = 1 << 63;

/// Longer ones before those they begin with.
const SIGNS: [&str; 24] = [
    "||", "&&", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}",
];

/// Operators of two operands, and how tight they bind.
const OPERATORS: [(&str, u8); 14] = [
    ("||", 0),
    ("&&", 1),
    ("==", 2),
    ("!=", 2),
    ("<=", 2),
    (">=", 2),
    ("<", 2),
    (">", 2),
    ("in", 2),
    ("+", 3),
    ("-", 3),
    ("*", 4),
    ("/", 4),
    ("%", 4),
];

impl Tokens {
    pub(super) fn of(text: &str) -> Result<Self, String> {
        let mut rest = Vec::new();
        let mut left = blank(text);
        while let Some(first) = left.chars().next() {
            let (token, tail) = if let Some(quoted) = quoted(left) {
                quoted?
            } else if first.is_ascii_alphabetic() || first == '_' {
                word(left)
            } else if let Some(tail) = behind_fraction(left) {
                (Token::Fraction, tail)
            } else if first.is_ascii_digit() {
                number(left)?
            } else {
                sign(left, first)?
            };
            rest.push(token);
            left = blank(tail);
        }
        if rest.is_empty() {
            return Err("is empty".to_owned());
        }
        rest.reverse();
        Ok(Tokens {
            rest,
            broken: false,
        })
    }

    pub(super) fn next(&mut self) -> Option<Token> {
        self.rest.pop()
    }

    /// The number that comes next, where it may only stand behind a minus: one more than the largest.
    pub(super) fn take_least(&mut self) -> bool {
        let there = matches!(self.rest.last(), Some(Token::Int(number)) if *number == LEAST);
        if there {
            self.rest.pop();
        }
        there
    }

    pub(super) fn advance(&mut self) {
        self.rest.pop();
    }

    /// Takes a sign if it comes next.
    pub(super) fn take(&mut self, sign: &str) -> bool {
        let there = matches!(self.rest.last(), Some(Token::Sign(next)) if *next == sign);
        if there {
            self.rest.pop();
        }
        there
    }

    pub(super) fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.take(sign) {
            return Ok(());
        }
        let found = self.next();
        Err(format!(
            "`{sign}` is missing: {}",
            self.unexpected(found.as_ref())
        ))
    }

    pub(super) fn expect_end(&mut self) -> Result<(), String> {
        match self.next() {
            None => Ok(()),
            found => Err(self.unexpected(found.as_ref())),
        }
    }

    pub(super) fn name(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Name(name)) if !is_word(&name) => Ok(name),
            found => Err(format!(
                "a name is missing: {}",
                self.unexpected(found.as_ref())
            )),
        }
    }

    /// The operator that comes next.
    pub(super) fn operator(&self) -> Option<(&'static str, u8)> {
        let next = match self.rest.last()? {
            Token::Sign(sign) => sign,
            Token::Name(name) if name == "in" => "in",
            _ => return None,
        };
        OPERATORS
            .into_iter()
            .find(|(operator, _)| *operator == next)
    }

    pub(super) fn unexpected(&mut self, found: Option<&Token>) -> String {
        self.broken = true;
        match found {
            None => "the expression ends too early".to_owned(),
            Some(Token::Name(text)) => format!("`{text}` does not belong there"),
            Some(Token::Text(text)) => format!("the text `{text}` does not belong there"),
            Some(Token::Bytes) => "bytes do not belong there".to_owned(),
            Some(Token::Int(number)) => format!("`{number}` does not belong there"),
            Some(Token::Uint(number)) => format!("`{number}u` does not belong there"),
            Some(Token::Fraction) => "a fraction does not belong there".to_owned(),
            Some(Token::Sign(sign)) => format!("`{sign}` does not belong there"),
        }
    }
}

type Cut<'a> = (Token, &'a str);

/// What is behind blanks and comments.
fn blank(text: &str) -> &str {
    let mut left = text;
    loop {
        left = left.trim_start_matches([' ', '\t', '\n', '\r', '\x0c']);
        match left.strip_prefix("//") {
            Some(comment) => left = comment.split_once('\n').map_or("", |(_, tail)| tail),
            None => return left,
        }
    }
}

/// Whether it is a word of the language, which is no name of a field either.
pub(super) fn is_word(name: &str) -> bool {
    matches!(name, "in" | "true" | "false" | "null")
}

/// Words that CEL keeps to itself; behind a dot they are names.
pub(super) const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

fn word(text: &str) -> Cut<'_> {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (name, tail) = text.split_at(end);
    (Token::Name(name.to_owned()), tail)
}

/// What is behind a number with a fraction or an exponent.
fn behind_fraction(text: &str) -> Option<&str> {
    let digits = |text: &'_ str| {
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let (_, rest) = text.split_at(digits(text));
    let is_whole = rest.len() < text.len();
    let fraction = rest.strip_prefix('.').filter(|rest| digits(rest) > 0);
    let rest = fraction.map_or(rest, |rest| rest.split_at(digits(rest)).1);
    let exponent = rest.strip_prefix(['e', 'E']).and_then(|rest| {
        let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        (digits(rest) > 0).then(|| rest.split_at(digits(rest)).1)
    });
    match exponent {
        Some(rest) if is_whole || fraction.is_some() => Some(rest),
        _ => fraction.map(|_| rest),
    }
}

fn number(text: &str) -> Result<Cut<'_>, String> {
    let hex = text.strip_prefix("0x");
    let hex = hex.filter(|rest| rest.starts_with(|first: char| first.is_ascii_hexdigit()));
    let (digits, radix) = hex.map_or((text, 10), |rest| (rest, 16));
    let end = digits.find(|c: char| !c.is_digit(radix));
    let (digits, tail) = digits.split_at(end.unwrap_or(digits.len()));
    let number = u64::from_str_radix(digits, radix)
        .map_err(|_| format!("`{digits}` is larger than any whole number"))?;
    Ok(match tail.strip_prefix(['u', 'U']) {
        Some(tail) => (Token::Uint(number), tail),
        None => (Token::Int(number), tail),
    })
}

fn sign(text: &str, first: char) -> Result<Cut<'_>, String> {
    let found = SIGNS
        .into_iter()
        .find_map(|sign| Some((Token::Sign(sign), text.strip_prefix(sign)?)));
    found.ok_or_else(|| format!("`{first}` does not belong there"))
}
