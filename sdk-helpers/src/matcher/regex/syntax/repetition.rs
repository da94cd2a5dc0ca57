//! How often something is repeated.

use super::{Parser, Tree};

/// RE2's own limit, also of repetitions within repetitions.
const MOST_REPETITIONS: u16 = 1000;

impl Parser<'_> {
    /// `*`, `+`, `?` or a count in braces, if one stands here; lazy ones are as good.
    pub(super) fn repetition(&mut self) -> Result<Option<(u16, Option<u16>)>, String> {
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

/// Repeats a tree.
pub(super) fn repeat(tree: Tree, least: u16, most: Option<u16>) -> Result<Tree, String> {
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

pub(super) fn nothing_to_repeat(at: &[u8]) -> String {
    format!(
        "nothing stands before `{}` for it to repeat",
        at.first().map_or(' ', |byte| char::from(*byte))
    )
}

fn too_often() -> String {
    format!("more than {MOST_REPETITIONS} repetitions, counted with those around them")
}
