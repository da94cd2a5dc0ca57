//! The words of an expression.

/// A word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Text(String),
    Int(i64),
    Uint(u64),
    Sign(&'static str),
}

/// The words still to be read.
pub(super) struct Tokens {
    /// The first one last.
    rest: Vec<Token>,
    /// Whether a word was found where it cannot stand: what is wrong is the syntax.
    pub(super) broken: bool,
}

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
        let mut left = text.trim_start();
        while let Some(first) = left.chars().next() {
            let (token, tail) = if first.is_ascii_alphabetic() || first == '_' {
                word(left)
            } else if first.is_ascii_digit() {
                number(left)?
            } else if matches!(first, '"' | '\'') {
                quoted(left, first)?
            } else {
                sign(left, first)?
            };
            rest.push(token);
            left = tail.trim_start();
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
            Some(Token::Name(name)) if name != "in" => Ok(name),
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
            Some(Token::Int(number)) => format!("`{number}` does not belong there"),
            Some(Token::Uint(number)) => format!("`{number}u` does not belong there"),
            Some(Token::Sign(sign)) => format!("`{sign}` does not belong there"),
        }
    }
}

type Cut<'a> = (Token, &'a str);

fn word(text: &str) -> Cut<'_> {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (name, tail) = text.split_at(end);
    (Token::Name(name.to_owned()), tail)
}

fn number(text: &str) -> Result<Cut<'_>, String> {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .unwrap_or(text.len());
    let (digits, tail) = text.split_at(end);
    let refuse = || format!("`{digits}` is no whole number");
    let (bare, unsigned) = match digits.strip_suffix('u') {
        Some(bare) => (bare, true),
        None => (digits, false),
    };
    if !bare.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refuse());
    }
    let token = if unsigned {
        Token::Uint(bare.parse().map_err(|_| refuse())?)
    } else {
        Token::Int(bare.parse().map_err(|_| refuse())?)
    };
    Ok((token, tail))
}

fn quoted(text: &str, quote: char) -> Result<Cut<'_>, String> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        if character == quote {
            let tail = text.get(at.saturating_add(1)..).unwrap_or_default();
            if value.is_empty() && tail.starts_with(quote) {
                return Err("a text has one quote on each side here, not three".to_owned());
            }
            return Ok((Token::Text(value), tail));
        }
        value.push(match character {
            '\\' => match characters.next().map(|(_, escaped)| escaped) {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(same @ ('\\' | '"' | '\'')) => same,
                _ => return Err("of escapes in a text only `\\n`, `\\r`, `\\t`, `\\\\`, `\\\"` and `\\'` are known".to_owned()),
            },
            '\n' | '\r' => return Err("a text ends on the line it begins on".to_owned()),
            plain => plain,
        });
    }
    Err("a text has no end".to_owned())
}

/// Writes a text as [`quoted`] reads it.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::from("'");
    for character in text.chars() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\\' | '\'' => quoted.extend(['\\', character]),
            plain => quoted.push(plain),
        }
    }
    quoted.push('\'');
    quoted
}

fn sign(text: &str, first: char) -> Result<Cut<'_>, String> {
    let found = SIGNS
        .into_iter()
        .find_map(|sign| Some((Token::Sign(sign), text.strip_prefix(sign)?)));
    found.ok_or_else(|| format!("`{first}` does not belong there"))
}

#[cfg(test)]
mod tests {
    use super::{Token, Tokens, quote};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(text in any::<String>()) {
            let mut tokens = Tokens::of(&quote(&text)).unwrap();
            prop_assert_eq!(tokens.next(), Some(Token::Text(text)));
            prop_assert_eq!(tokens.next(), None);
        }
    }
}
