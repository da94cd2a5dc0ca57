//! A change of a text.

use std::cmp::Reverse;

/// What stands between two bytes of a file gives way to something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The first byte that goes.
    pub start: usize,
    /// The first one behind it that stays.
    pub end: usize,
    /// What comes in its place.
    pub text: String,
}

impl Edit {
    /// Whether both change the same, or one next to the other.
    pub(super) fn touches(&self, other: &Edit) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

/// A text after edits that do not touch each other; those that are the same are made once. One that is beyond its end,
/// or within a letter, is not made.
pub(super) fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    // From the end, so that the places of the others stay.
    edits.sort_by_key(|edit| Reverse((edit.start, edit.end)));
    edits.dedup();
    let mut text = text.to_owned();
    for edit in edits {
        if text.get(edit.start..edit.end).is_some() {
            text.replace_range(edit.start..edit.end, &edit.text);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, end: usize, text: &str) -> Edit {
        let text = text.to_owned();
        Edit { start, end, text }
    }

    #[test]
    fn edits_are_made_whatever_their_order() {
        let edits = vec![edit(0, 1, "xyz"), edit(4, 5, ""), edit(0, 1, "xyz")];
        assert_eq!(apply("abcde", edits), "xyzbcd");
        // Within a letter, and beyond the end.
        assert_eq!(apply("é", vec![edit(1, 2, ""), edit(2, 9, "")]), "é");
    }

    #[test]
    fn neighbours_touch() {
        assert!(edit(0, 2, "").touches(&edit(2, 3, "")));
        assert!(edit(1, 1, "").touches(&edit(0, 2, "")));
        assert!(!edit(0, 1, "").touches(&edit(2, 3, "")));
    }
}
