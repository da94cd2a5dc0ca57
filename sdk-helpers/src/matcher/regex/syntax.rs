//! RE2's syntax (<https://github.com/google/re2/wiki/Syntax>), with what Envoy 1.40 was seen to
//! take and refuse where that page leaves doubt.

use regex_automata::util::look::Look;

use super::class::{self, Bytes};

/// What a pattern says.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    /// One byte of these.
    Bytes(Bytes),
    /// A place between bytes.
    Look(Look),
    /// One after the other.
    Concatenation(Vec<Tree>),
    /// Any of these.
    Alternation(Vec<Tree>),
    /// One several times.
    Repetition {
        /// What is repeated.
        tree: Box<Tree>,
        /// The fewest times.
        least: u16,
        /// The most times, where there is a limit.
        most: Option<u16>,
    },
}

/// RE2's own limit, also of repetitions within repetitions.
const MOST_REPETITIONS: u16 = 1000;

/// Groups within groups. Each takes a piece of a stack that a module has little of; RE2 stops at
/// a thousand.
const DEEPEST: usize = 200;

/// Reads a pattern.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(pattern: &[u8]) -> Result<Tree, String> {
    let mut parser = Parser {
        rest: pattern,
        flags: Flags::default(),
        depth: 0,
    };
    let tree = parser.alternatives()?;
    if parser.rest.is_empty() {
        Ok(tree)
    } else {
        Err("unexpected `)`".to_owned())
    }
}

/// `(?ims)`. `U` makes repetitions lazy, which cannot be seen where the whole value must match.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    ignore_case: bool,
    lines: bool,
    dot_takes_newline: bool,
}

struct Parser<'a> {
    rest: &'a [u8],
    flags: Flags,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, text: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What stands before `end`, which is passed over with it.
    fn until(&mut self, end: &[u8]) -> Option<&'a [u8]> {
        let at = self.rest.windows(end.len()).position(|text| text == end)?;
        let (inner, rest) = self.rest.split_at_checked(at)?;
        self.rest = rest.get(end.len()..).unwrap_or_default();
        Some(inner)
    }

    /// Everything up to the end or to a closing parenthesis.
    fn alternatives(&mut self) -> Result<Tree, String> {
        let mut done = Vec::new();
        let mut current = Vec::new();
        let mut repeated = false;
        while let Some(first) = self.rest.first().filter(|byte| **byte != b')') {
            let before = self.rest;
            if let Some((least, most)) = self.repetition()? {
                if repeated {
                    return Err(
                        "a repetition of a repetition; put the first one in parentheses".to_owned(),
                    );
                }
                repeated = true;
                let tree = current.pop().ok_or_else(|| nothing_to_repeat(before))?;
                current.push(repeat(tree, least, most)?);
                continue;
            }
            repeated = false;
            if *first == b'|' {
                self.next();
                done.push(Tree::Concatenation(std::mem::take(&mut current)));
            } else {
                self.item(&mut current)?;
            }
        }
        let last = Tree::Concatenation(current);
        if done.is_empty() {
            return Ok(last);
        }
        done.push(last);
        Ok(Tree::Alternation(done))
    }

    /// One character, class, group or place.
    fn item(&mut self, into: &mut Vec<Tree>) -> Result<(), String> {
        let tree = match self.next() {
            Some(b'(') => return self.group(into),
            Some(b'[') => Tree::Bytes(self.class()?),
            Some(b'\\') => return self.escape(into),
            Some(b'.') if self.flags.dot_takes_newline => any_byte(),
            Some(b'.') => Tree::Bytes(Bytes::range(b'\n', b'\n').negated()),
            Some(b'^') if self.flags.lines => Tree::Look(Look::StartLF),
            Some(b'^') => Tree::Look(Look::Start),
            Some(b'$') if self.flags.lines => Tree::Look(Look::EndLF),
            Some(b'$') => Tree::Look(Look::End),
            Some(byte) => self.literal(byte),
            None => return Ok(()),
        };
        into.push(tree);
        Ok(())
    }

    fn literal(&self, byte: u8) -> Tree {
        Tree::Bytes(self.cased(Bytes::range(byte, byte)))
    }

    fn cased(&self, bytes: Bytes) -> Bytes {
        if self.flags.ignore_case {
            bytes.folded()
        } else {
            bytes
        }
    }

    /// Behind a `(`.
    fn group(&mut self, into: &mut Vec<Tree>) -> Result<(), String> {
        let outer = self.flags;
        if self.skip(b"?P<") || self.skip(b"?<") {
            let name = self.until(b">").filter(|name| !name.is_empty());
            if !name.is_some_and(|name| name.iter().all(|byte| is_word(*byte))) {
                return Err(
                    "the name of a group is one of letters, digits and `_`, as in `(?P<name>…)`"
                        .to_owned(),
                );
            }
        } else if self.skip(b"?") && !self.flag_group()? {
            return Ok(());
        }
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEEPEST {
            return Err(format!("groups stand more than {DEEPEST} deep"));
        }
        let tree = self.alternatives()?;
        self.depth = self.depth.saturating_sub(1);
        if self.next() != Some(b')') {
            return Err("a `)` is missing".to_owned());
        }
        self.flags = outer;
        into.push(tree);
        Ok(())
    }

    /// Behind a `(?`: whether a group follows the flags, or they stand alone and go on until the
    /// group around them ends.
    fn flag_group(&mut self) -> Result<bool, String> {
        let mut value = true;
        // A minus must have a flag behind it.
        let mut dangling = false;
        loop {
            let byte = self.next();
            match byte {
                Some(b'i') => self.flags.ignore_case = value,
                Some(b'm') => self.flags.lines = value,
                Some(b's') => self.flags.dot_takes_newline = value,
                Some(b'U') => {}
                Some(b'-') if value => value = false,
                Some(b':') if !dangling => return Ok(true),
                Some(b')') if !dangling => return Ok(false),
                _ => {
                    return Err(
                        "behind `(?` stand flags of `imsU`, `:` or `P<name>`; RE2 looks neither ahead nor behind"
                            .to_owned(),
                    );
                }
            }
            dangling = byte == Some(b'-');
        }
    }

    /// Behind a backslash outside of a class.
    fn escape(&mut self, into: &mut Vec<Tree>) -> Result<(), String> {
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
    fn class(&mut self) -> Result<Bytes, String> {
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

    /// `*`, `+`, `?` or a count in braces, if one stands here; lazy ones are as good.
    fn repetition(&mut self) -> Result<Option<(u16, Option<u16>)>, String> {
        let counts = match self.rest.first() {
            Some(b'*') => Some((0, None)),
            Some(b'+') => Some((1, None)),
            Some(b'?') => Some((0, Some(1))),
            Some(b'{') => {
                let Some((counts, rest)) = braces(self.rest) else {
                    return Ok(None);
                };
                self.rest = rest;
                self.skip(b"?");
                let (least, most) = counts;
                let legal =
                    |count: u32| u16::try_from(count).ok().filter(|n| *n <= MOST_REPETITIONS);
                let (Some(few), many) = (legal(least), most.map(legal)) else {
                    return Err(too_often());
                };
                return match many {
                    None => Ok(Some((few, None))),
                    Some(Some(many)) if many >= few => Ok(Some((few, Some(many)))),
                    Some(Some(_)) => Err("a count of repetitions ends before it begins".to_owned()),
                    Some(None) => Err(too_often()),
                };
            }
            _ => None,
        };
        if counts.is_some() {
            self.next();
            self.skip(b"?");
        }
        Ok(counts)
    }
}

fn repeat(tree: Tree, least: u16, most: Option<u16>) -> Result<Tree, String> {
    let tree = Tree::Repetition {
        tree: Box::new(tree),
        least,
        most,
    };
    if room(&tree, MOST_REPETITIONS) == 0 {
        return Err(too_often());
    }
    Ok(tree)
}

/// How often what is innermost might still be repeated, as RE2 counts it.
fn room(tree: &Tree, left: u16) -> u16 {
    let of = |trees: &[Tree]| {
        let rooms = trees.iter().map(|tree| room(tree, left));
        rooms.min().unwrap_or(left)
    };
    match tree {
        Tree::Bytes(_) | Tree::Look(_) => left,
        Tree::Concatenation(trees) | Tree::Alternation(trees) => of(trees),
        // `*`, `+` and `?` count for nothing.
        Tree::Repetition { tree, least, most } => {
            let times = most.unwrap_or(*least).max(1);
            room(tree, left / times)
        }
    }
}

/// `{2}`, `{2,}` or `{2,5}`, and what follows; anything else is text.
#[allow(clippy::type_complexity, reason = "two counts and the rest")]
fn braces(text: &[u8]) -> Option<((u32, Option<u32>), &[u8])> {
    let (least, rest) = number(text.strip_prefix(b"{")?)?;
    let (most, rest) = match rest.strip_prefix(b",") {
        None => (Some(least), rest),
        Some(rest) if rest.first() == Some(&b'}') => (None, rest),
        Some(rest) => {
            let (most, rest) = number(rest)?;
            (Some(most), rest)
        }
    };
    Some(((least, most), rest.strip_prefix(b"}")?))
}

/// A number without leading zeros, small enough for RE2 to read it as one.
fn number(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(digits)?;
    let is_number = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= 9;
    let digits = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    Some((digits.parse().ok()?, rest))
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

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn any_byte() -> Tree {
    Tree::Bytes(Bytes::default().negated())
}

fn nothing_to_repeat(at: &[u8]) -> String {
    let star = at.first() == Some(&b'*');
    let hint = if star {
        "; for anything write `.*`"
    } else {
        ""
    };
    format!(
        "nothing stands before `{}` for it to repeat{hint}",
        at.first().map_or(' ', |byte| char::from(*byte))
    )
}

fn too_often() -> String {
    format!("more than {MOST_REPETITIONS} repetitions, counted with those around them")
}
