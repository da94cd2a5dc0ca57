//! Sets of bytes: what one character of a pattern can be.

/// Some of the 256 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Bytes([u128; 2]);

impl Bytes {
    /// Those from `first` to `last`.
    pub(super) fn range(first: u8, last: u8) -> Self {
        let mut bytes = Bytes::default();
        for byte in first..=last {
            bytes.add(byte);
        }
        bytes
    }

    /// Those of several ranges.
    fn of(ranges: &[(u8, u8)]) -> Self {
        let each = ranges
            .iter()
            .map(|(first, last)| Bytes::range(*first, *last));
        each.fold(Bytes::default(), Bytes::or)
    }

    fn add(&mut self, byte: u8) {
        let Bytes([low, high]) = self;
        let half = if byte < 128 { low } else { high };
        *half |= 1u128 << (byte % 128);
    }

    pub(super) fn holds(self, byte: u8) -> bool {
        let Bytes([low, high]) = self;
        (if byte < 128 { low } else { high }) >> (byte % 128) & 1 == 1
    }

    pub(super) fn or(self, other: Bytes) -> Self {
        let (Bytes([a, b]), Bytes([c, d])) = (self, other);
        Bytes([a | c, b | d])
    }

    pub(super) fn negated(self) -> Self {
        let Bytes([low, high]) = self;
        Bytes([!low, !high])
    }

    /// With the other case of every ASCII letter: RE2 folds no others where it reads bytes.
    pub(super) fn folded(self) -> Self {
        let mut all = self;
        for byte in self.iter() {
            all.add(byte.to_ascii_lowercase());
            all.add(byte.to_ascii_uppercase());
        }
        all
    }

    fn iter(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |byte| self.holds(*byte))
    }

    /// The longest ranges it is made of, in order.
    pub(super) fn ranges(self) -> Vec<(u8, u8)> {
        let mut ranges: Vec<(u8, u8)> = Vec::new();
        for byte in self.iter() {
            match ranges.last_mut() {
                Some((_, last)) if u16::from(*last) + 1 == u16::from(byte) => *last = byte,
                _ => ranges.push((byte, byte)),
            }
        }
        ranges
    }
}

const DIGIT: &[(u8, u8)] = &[(b'0', b'9')];
const WORD: &[(u8, u8)] = &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];
/// Without the vertical tab, which `[[:space:]]` has.
const SPACE: &[(u8, u8)] = &[(b'\t', b'\n'), (0x0c, b'\r'), (b' ', b' ')];

/// `\d`, `\s`, `\w` by their letter in lower case.
pub(super) fn perl(letter: u8) -> Option<Bytes> {
    Some(Bytes::of(match letter {
        b'd' => DIGIT,
        b's' => SPACE,
        b'w' => WORD,
        _ => return None,
    }))
}

/// `alpha` of `[[:alpha:]]`.
pub(super) fn posix(name: &[u8]) -> Option<Bytes> {
    Some(Bytes::of(match name {
        b"alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        b"alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        b"ascii" => &[(0, 0x7f)],
        b"blank" => &[(b'\t', b'\t'), (b' ', b' ')],
        b"cntrl" => &[(0, 0x1f), (0x7f, 0x7f)],
        b"digit" => DIGIT,
        b"graph" => &[(b'!', b'~')],
        b"lower" => &[(b'a', b'z')],
        b"print" => &[(b' ', b'~')],
        b"punct" => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        b"space" => &[(b'\t', b'\r'), (b' ', b' ')],
        b"upper" => &[(b'A', b'Z')],
        b"word" => WORD,
        b"xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    }))
}

/// The Unicode categories of Latin-1, each with the last character of its run.
#[rustfmt::skip]
const CATEGORIES: [(u8, &[u8; 2]); 60] = [
    (0x1f, b"Cc"), (0x20, b"Zs"), (0x23, b"Po"), (0x24, b"Sc"), (0x27, b"Po"), (0x28, b"Ps"),
    (0x29, b"Pe"), (0x2a, b"Po"), (0x2b, b"Sm"), (0x2c, b"Po"), (0x2d, b"Pd"), (0x2f, b"Po"),
    (0x39, b"Nd"), (0x3b, b"Po"), (0x3e, b"Sm"), (0x40, b"Po"), (0x5a, b"Lu"), (0x5b, b"Ps"),
    (0x5c, b"Po"), (0x5d, b"Pe"), (0x5e, b"Sk"), (0x5f, b"Pc"), (0x60, b"Sk"), (0x7a, b"Ll"),
    (0x7b, b"Ps"), (0x7c, b"Sm"), (0x7d, b"Pe"), (0x7e, b"Sm"), (0x9f, b"Cc"), (0xa0, b"Zs"),
    (0xa1, b"Po"), (0xa5, b"Sc"), (0xa6, b"So"), (0xa7, b"Po"), (0xa8, b"Sk"), (0xa9, b"So"),
    (0xaa, b"Lo"), (0xab, b"Pi"), (0xac, b"Sm"), (0xad, b"Cf"), (0xae, b"So"), (0xaf, b"Sk"),
    (0xb0, b"So"), (0xb1, b"Sm"), (0xb3, b"No"), (0xb4, b"Sk"), (0xb5, b"Ll"), (0xb7, b"Po"),
    (0xb8, b"Sk"), (0xb9, b"No"), (0xba, b"Lo"), (0xbb, b"Pf"), (0xbe, b"No"), (0xbf, b"Po"),
    (0xd6, b"Lu"), (0xd7, b"Sm"), (0xde, b"Lu"), (0xf6, b"Ll"), (0xf7, b"Sm"), (0xff, b"Ll"),
];

/// Categories of which Latin-1 has no character.
const ELSEWHERE: [&[u8]; 11] = [
    b"Co", b"Cs", b"Lm", b"Lt", b"M", b"Mc", b"Me", b"Mn", b"Nl", b"Zl", b"Zp",
];

/// `L` or `Lu` of `\p{Lu}`. Of the scripts, those that Latin-1 has characters of.
pub(super) fn unicode(name: &[u8]) -> Option<Bytes> {
    let of = |belongs: &dyn Fn(u8, &[u8; 2]) -> bool| {
        let mut bytes = Bytes::default();
        let mut first = 0;
        for (last, category) in CATEGORIES {
            for byte in first..=last {
                if belongs(byte, category) {
                    bytes.add(byte);
                }
            }
            first = last.saturating_add(1);
        }
        bytes
    };
    // Neither the micro sign nor a symbol is of a script.
    let is_latin = |byte: u8, category: &[u8; 2]| category[0] == b'L' && byte != 0xb5;
    match name {
        b"Any" => Some(Bytes::default().negated()),
        b"Latin" => Some(of(&is_latin)),
        b"Common" => Some(of(&|byte, category| !is_latin(byte, category))),
        _ if ELSEWHERE.contains(&name) => Some(Bytes::default()),
        _ => Some(of(&|_, category| category.starts_with(name)))
            .filter(|bytes| *bytes != Bytes::default() && !name.is_empty()),
    }
}
