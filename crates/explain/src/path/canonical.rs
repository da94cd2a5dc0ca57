//! A path in the one spelling that Envoy gives it: RFC 3986 §6.2.2 as browsers have it, for Envoy uses
//! their library.

/// What becomes of a character.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It stays as it is written, escaped or not.
    Kept,
    /// Unreserved: an escape of it is undone.
    Plain,
    /// It is escaped if it is not.
    Escaped,
    /// It stands in no path.
    Refused,
}

fn kind(byte: u8) -> Kind {
    match byte {
        0 => Kind::Refused,
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'~' => Kind::Plain,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'.' | b'/' | b':'
        | b';' | b'=' | b'@' | b'[' | b']' => Kind::Kept,
        _ => Kind::Escaped,
    }
}

/// The path in its one spelling, beginning with a slash. None where it holds a NUL, escaped or not.
pub(super) fn canonical(path: &[u8]) -> Option<Vec<u8>> {
    let mut out = Canonical {
        path: Vec::with_capacity(path.len().saturating_add(1)),
        stray: None,
    };
    if !path.first().is_some_and(|byte| is_slash(*byte)) {
        out.path.push(b'/');
    }
    let mut rest = path;
    while !rest.is_empty() {
        rest = out.take(rest)?;
    }
    Some(out.path)
}

struct Canonical {
    path: Vec<u8>,
    /// Where the last percent sign stands that begins no escape.
    stray: Option<usize>,
}

impl Canonical {
    /// Takes what comes next, and tells what comes after it.
    fn take<'a>(&mut self, rest: &'a [u8]) -> Option<&'a [u8]> {
        if let Some(after) = dot(rest) {
            return Some(self.dots(after));
        }
        let (byte, after) = rest.split_first()?;
        if *byte == b'\\' {
            self.path.push(b'/');
            return Some(after);
        }
        if *byte != b'%' {
            match kind(*byte) {
                Kind::Kept | Kind::Plain => self.path.push(*byte),
                Kind::Escaped => self.escape(*byte),
                Kind::Refused => return None,
            }
            return Some(after);
        }
        let Some((escaped, after)) = escape(rest) else {
            self.stray = Some(self.path.len());
            self.path.push(b'%');
            return Some(after);
        };
        match kind(escaped) {
            Kind::Plain => {
                self.path.push(escaped);
                self.no_new_escape(after);
            }
            Kind::Kept | Kind::Escaped => {
                self.path.extend(rest.iter().take(ESCAPE));
            }
            Kind::Refused => return None,
        }
        Some(after)
    }

    /// A dot, plain or escaped, with what comes after it.
    fn dots<'a>(&mut self, after: &'a [u8]) -> &'a [u8] {
        if self.path.last() != Some(&b'/') {
            self.path.push(b'.');
            return after;
        }
        if let Some(after) = end_of_segment(after) {
            return after;
        }
        if let Some(after) = dot(after).and_then(end_of_segment) {
            self.up();
            return after;
        }
        self.path.push(b'.');
        after
    }

    /// Back to the slash before the last segment.
    fn up(&mut self) {
        let before = self.path.split_last().map_or(&[][..], |(_, before)| before);
        if let Some(slash) = before.iter().rposition(|byte| *byte == b'/') {
            self.path.truncate(slash.saturating_add(1));
        }
    }

    fn escape(&mut self, byte: u8) {
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        let digit = |of: u8| DIGITS.get(usize::from(of & 15)).copied().unwrap_or(b'0');
        self.path.extend([b'%', digit(byte >> 4), digit(byte)]);
    }

    /// What was unescaped must not make an escape of a stray percent sign before it, which is escaped then.
    fn no_new_escape(&mut self, after: &[u8]) {
        let Some(stray) = self.stray else {
            return;
        };
        let tail: Vec<u8> = self.path.iter().skip(stray).copied().collect();
        let next = after.first().filter(|byte| byte.is_ascii());
        let completes = match (tail.as_slice(), next) {
            ([_, one], Some(next)) => escape(&[b'%', *one, *next]).is_some(),
            ([_, one, other], _) => escape(&[b'%', *one, *other]).is_some(),
            _ => false,
        };
        if completes {
            self.path.truncate(stray);
            self.path.extend_from_slice(b"%25");
            self.path.extend(tail.iter().skip(1));
        }
    }
}

/// How long an escape is.
const ESCAPE: usize = 3;

/// The byte that an escape stands for, and what comes after.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', one, other, after @ ..] = text else {
        return None;
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = digit(one)? << 4 | digit(other)?;
    Some((u8::try_from(byte).ok()?, after))
}

/// What comes after a dot, plain or escaped.
fn dot(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'.', after @ ..] | [b'%', b'2', b'e' | b'E', after @ ..] => Some(after),
        _ => None,
    }
}

/// What comes after the slash that ends a segment, if it ends here.
fn end_of_segment(text: &[u8]) -> Option<&[u8]> {
    match text.split_first() {
        None => Some(text),
        Some((byte, after)) if is_slash(*byte) => Some(after),
        Some(_) => None,
    }
}

fn is_slash(byte: u8) -> bool {
    matches!(byte, b'/' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_spelling() {
        for (path, expected) in [
            ("", "/"),
            ("a", "/a"),
            ("/a b\"<>`{|}^", "/a%20b%22%3C%3E%60%7B%7C%7D%5E"),
            ("/é", "/%C3%A9"),
            ("/%c3%a9%2f", "/%c3%a9%2f"),
            ("/!$&'()*+,;=:@[]", "/!$&'()*+,;=:@[]"),
            ("/a/b/../../../c", "/c"),
            ("/a/...", "/a/..."),
            ("/a/..b", "/a/..b"),
            ("/a/.%2e\\b", "/b"),
            ("/a//../b", "/a/b"),
            ("/%", "/%"),
            ("/%zz%4", "/%zz%4"),
            ("/%%34%31", "/%2541"),
            ("/%25%34%31", "/%2541"),
        ] {
            let seen = canonical(path.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(seen).unwrap(), expected, "{path}");
        }
        assert_eq!(canonical(b"/\0"), None);
    }
}
