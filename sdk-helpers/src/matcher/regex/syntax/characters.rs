//! One character of a pattern: escapes, and classes in brackets.

use regex_automata::util::look::Look;

use super::super::class::{self, Bytes};
use super::{Parser, Tree, any_byte};

impl Parser<'_> {
    /// Behind a backslash outside of a class.
    pub(super) fn escape(&mut self, into: &mut Vec<Tree>) -> Result<(), String> {
        if self.skip(b"Q") {
            let literal = self
                .until(b"\\E")
                .unwrap_or_else(|| std::mem::take(&mut self.rest));
            into.extend(literal.iter().map(|byte| self.literal(*byte)));
            return Ok(());
        }
        let place = match self.rest.first() {
            Some(b'A') => Some(Tree::Look(Look::Start)),
            Some(b'z') => Some(Tree::Look(Look::End)),
            Some(b'b') => Some(Tree::Look(Look::WordAscii)),
            Some(b'B') => Some(Tree::Look(Look::WordAsciiNegate)),
            Some(b'C') => Some(any_byte()),
            _ => None,
        };
        into.push(match place {
            Some(place) => {
                self.next();
                place
            }
            None => match self.named_class()? {
                Some(bytes) => Tree::Bytes(bytes),
                None => {
                    let byte = self.character()?;
                    self.literal(byte)
                }
            },
        });
        Ok(())
    }

    /// Behind a backslash: `\d`, `\pL`, and those in capitals that are all but these.
    fn named_class(&mut self) -> Result<Option<Bytes>, String> {
        let Some(letter) = self.rest.first().copied() else {
            return Ok(None);
        };
        let mut negated = letter.is_ascii_uppercase();
        let small = letter.to_ascii_lowercase();
        let bytes = match class::perl(small) {
            Some(bytes) => {
                self.next();
                bytes
            }
            None if small == b'p' => {
                self.next();
                let name = if self.skip(b"{") {
                    self.until(b"}").ok_or("a `}` is missing")?
                } else {
                    let (name, rest) = self.rest.split_at_checked(1).unwrap_or_default();
                    self.rest = rest;
                    name
                };
                let (name, inner) = match name.strip_prefix(b"^") {
                    Some(name) => (name, true),
                    None => (name, false),
                };
                negated ^= inner;
                class::unicode(name).ok_or_else(|| {
                    format!(
                        "`\\p{{{}}}` is no category of characters that bytes can be of",
                        String::from_utf8_lossy(name)
                    )
                })?
            }
            None => return Ok(None),
        };
        let bytes = self.cased(bytes);
        Ok(Some(if negated { bytes.negated() } else { bytes }))
    }

    /// Behind a backslash: one byte.
    fn character(&mut self) -> Result<u8, String> {
        let first = self.next().ok_or("a backslash stands at the end")?;
        let byte = match first {
            // One digit from 1 to 7 would be a reference to a group.
            b'1'..=b'7' if !self.rest.first().is_some_and(is_octal) => None,
            b'0'..=b'7' => {
                let mut code = u32::from(first & 7);
                for _ in 0..2 {
                    if let Some(digit) = self.rest.first().copied().filter(is_octal) {
                        self.next();
                        code = code.saturating_mul(8).saturating_add(u32::from(digit & 7));
                    }
                }
                u8::try_from(code).ok()
            }
            b'x' if self.skip(b"{") => self.until(b"}").and_then(hexadecimal),
            b'x' => {
                let (digits, rest) = self.rest.split_at_checked(2).unwrap_or_default();
                self.rest = rest;
                hexadecimal(digits)
            }
            b'a' => Some(7),
            b'f' => Some(12),
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'v' => Some(11),
            _ if first.is_ascii() && !first.is_ascii_alphanumeric() => Some(first),
            _ => None,
        };
        byte.ok_or_else(|| {
            format!(
                "`\\{}` is no escape of RE2 for a byte",
                char::from(first).escape_debug()
            )
        })
    }

    /// Behind a `[`.
    pub(super) fn class(&mut self) -> Result<Bytes, String> {
        let negated = self.skip(b"^");
        let mut bytes = Bytes::default();
        let mut first = true;
        loop {
            if !first && self.skip(b"]") {
                break;
            }
            first = false;
            bytes = bytes.or(self.class_item()?);
        }
        Ok(if negated { bytes.negated() } else { bytes })
    }

    fn class_item(&mut self) -> Result<Bytes, String> {
        let start = self.rest;
        if self.skip(b"[:") {
            if let Some(name) = self.until(b":]") {
                let (name, negated) = match name.strip_prefix(b"^") {
                    Some(name) => (name, true),
                    None => (name, false),
                };
                let bytes = class::posix(name).ok_or_else(|| {
                    format!("`[:{}:]` is no class", String::from_utf8_lossy(name))
                })?;
                let bytes = self.cased(bytes);
                return Ok(if negated { bytes.negated() } else { bytes });
            }
            self.rest = start;
        }
        if self.skip(b"\\") {
            if let Some(bytes) = self.named_class()? {
                return Ok(bytes);
            }
            self.rest = start;
        }
        let low = self.class_character()?;
        let mut high = low;
        if let [b'-', next, ..] = self.rest
            && *next != b']'
        {
            self.next();
            high = self.class_character()?;
        }
        if high < low {
            return Err("a range of a class ends before it begins".to_owned());
        }
        Ok(self.cased(Bytes::range(low, high)))
    }

    fn class_character(&mut self) -> Result<u8, String> {
        match self.next() {
            Some(b'\\') => self.character(),
            Some(byte) => Ok(byte),
            None => Err("a `]` is missing".to_owned()),
        }
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(digits.trim_start_matches('0'), 16)
        .ok()
        .or_else(|| digits.bytes().all(|digit| digit == b'0').then_some(0))
}

fn is_octal(digit: &u8) -> bool {
    matches!(digit, b'0'..=b'7')
}
