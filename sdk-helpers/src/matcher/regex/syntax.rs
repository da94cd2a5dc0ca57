//! RE2's syntax (<https://github.com/google/re2/wiki/Syntax>), with what Envoy 1.40 was seen to
//! take and refuse where that page leaves doubt.

mod characters;
mod repetition;

use regex_automata::util::look::Look;

use super::class::Bytes;
use repetition::{nothing_to_repeat, repeat};

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
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn any_byte() -> Tree {
    Tree::Bytes(Bytes::default().negated())
}
