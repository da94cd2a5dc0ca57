//! Texts and bytes as CEL writes them: `'a'`, `"a"`, `'''a'''`, raw with `r` and bytes with `b` before.

use super::token::Token;

/// How one begins.
struct Start {
    quote: &'static str,
    is_raw: bool,
    is_bytes: bool,
}

/// Longer ones before those they begin with.
const QUOTES: [&str; 4] = ["'''", "\"\"\"", "'", "\""];

/// The text or the bytes that come next, and what is behind; `None` if it is neither.
pub(super) fn quoted(text: &str) -> Option<Result<(Token, &str), String>> {
    let (is_bytes, rest) = after(text, ['b', 'B']);
    let (is_raw, rest) = after(rest, ['r', 'R']);
    let quote = QUOTES.into_iter().find(|quote| rest.starts_with(quote))?;
    let start = Start {
        quote,
        is_raw,
        is_bytes,
    };
    let rest = rest.strip_prefix(quote).unwrap_or_default();
    Some(start.read(rest))
}

fn after(text: &str, letters: [char; 2]) -> (bool, &str) {
    match text.strip_prefix(letters) {
        Some(rest) => (true, rest),
        None => (false, text),
    }
}

impl Start {
    fn read<'a>(&self, text: &'a str) -> Result<(Token, &'a str), String> {
        let mut value = Vec::new();
        let mut rest = text;
        let mut backslashes: usize = 0;
        loop {
            if let Some(tail) = rest.strip_prefix(self.quote) {
                if backslashes % 2 == 1 {
                    return Err("a raw text ends with no single backslash".to_owned());
                }
                return Ok((self.token(value)?, tail));
            }
            let mut characters = rest.chars();
            let Some(character) = characters.next() else {
                return Err("a text has no end".to_owned());
            };
            rest = characters.as_str();
            backslashes = match (character, self.is_raw) {
                ('\\', true) => backslashes.saturating_add(1),
                _ => 0,
            };
            match character {
                '\\' if !self.is_raw => {
                    rest = self.escaped(rest, &mut value).ok_or_else(no_escape)?;
                }
                '\n' | '\r' if self.quote.len() == 1 => {
                    return Err(
                        "a text ends on the line it begins on, or has three quotes on each side"
                            .to_owned(),
                    );
                }
                // As Envoy reads the ends of lines.
                '\r' => {
                    rest = rest.strip_prefix('\n').unwrap_or(rest);
                    value.push(b'\n');
                }
                plain => push(plain, &mut value),
            }
        }
    }

    fn token(&self, value: Vec<u8>) -> Result<Token, String> {
        if self.is_bytes {
            return Ok(Token::Bytes);
        }
        let text = String::from_utf8(value);
        text.map(Token::Text).map_err(|error| error.to_string())
    }

    /// Adds what an escape stands for; the rest behind it.
    fn escaped<'a>(&self, text: &'a str, value: &mut Vec<u8>) -> Option<&'a str> {
        let mut characters = text.chars();
        let first = characters.next()?;
        let rest = characters.as_str();
        let plain = match first {
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            '\\' | '"' | '\'' | '`' | '?' => first,
            'x' | 'X' => return self.numbered(rest, (2, 16), value),
            '0'..='3' => return self.numbered(text, (3, 8), value),
            'u' if !self.is_bytes => return self.numbered(rest, (4, 16), value),
            'U' if !self.is_bytes => return self.numbered(rest, (8, 16), value),
            _ => return None,
        };
        push(plain, value);
        Some(rest)
    }

    /// A character, or a byte, by its number.
    fn numbered<'a>(
        &self,
        text: &'a str,
        (count, radix): (usize, u32),
        value: &mut Vec<u8>,
    ) -> Option<&'a str> {
        let (digits, rest) = text.split_at_checked(count)?;
        // A sign would be read as well.
        if !digits.chars().all(|digit| digit.is_digit(radix)) {
            return None;
        }
        let number = u32::from_str_radix(digits, radix).ok()?;
        match u8::try_from(number) {
            Ok(byte) if self.is_bytes => value.push(byte),
            _ => push(char::from_u32(number)?, value),
        }
        Some(rest)
    }
}

fn push(character: char, value: &mut Vec<u8>) {
    value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}

fn no_escape() -> String {
    "of escapes in a text `\\n`, `\\r`, `\\t`, `\\a`, `\\b`, `\\f`, `\\v`, `\\\\`, `\\'`, `\\\"`, `` \\` ``, `\\?`, `\\x41`, \
     `\\101`, `\\u0041` and `\\U00000041` are known; a raw text, `r'…'`, has none"
        .to_owned()
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<String> {
        match quoted(text)?.ok()? {
            (Token::Text(value), "") => Some(value),
            _ => None,
        }
    }

    #[test]
    fn escapes_and_quotes_are_those_of_cel() {
        for (text, value) in [
            (r#""a'b""#, "a'b"),
            (r"'\a\b\f\v\n\r\t\\\'\`\?'", "\x07\x08\x0c\x0b\n\r\t\\'`?"),
            (r"'\x41\X42\103\u0044\U00000045'", "ABCDE"),
            (r"'\3777'", "\u{ff}7"),
            (r"r'\n\\'", r"\n\\"),
            ("'''a\r\nb\rc'd''e'''", "a\nb\nc'd''e"),
            (r"'''a\'''b'''", "a'''b"),
            ("''''a'''", "'a"),
            ("''", ""),
            ("R\"\"\"\"\"\"", ""),
        ] {
            assert_eq!(read(text).as_deref(), Some(value), "{text}");
        }
        for text in [
            "'a",
            "'a\nb'",
            r"'\q'",
            r"'\1'",
            r"'\400'",
            r"'\x4'",
            r"'\x+1'",
            r"'\ud800'",
            r"'\U00110000'",
            r"r'\'",
            r"r'''a\'''",
            "'''a''",
            r"'\",
            "rb'a'",
            "b'a'",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(matches!(quoted(r"b'\xff'"), Some(Ok((Token::Bytes, "")))));
        assert!(matches!(quoted(r"b'\u00e9'"), Some(Err(_))));
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(text in any::<String>()) {
            prop_assert_eq!(read(&quote(&text)), Some(text));
        }
    }
}
