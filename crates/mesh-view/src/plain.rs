//! Text of others, as it may be shown on a terminal.

/// The text on one line, without what a terminal would obey, and not longer than this many characters.
#[must_use]
pub fn plain(text: &str, most: usize) -> String {
    let shown = text.trim();
    let mut plain: String = shown
        .chars()
        .map(|each| if each.is_control() { ' ' } else { each })
        .filter(|each| !is_direction(*each))
        .take(most)
        .collect();
    if shown.chars().nth(most).is_some() {
        plain.pop();
        plain.push('…');
    }
    plain
}

/// Characters that have others shown in another order than they are in.
fn is_direction(each: char) -> bool {
    matches!(each, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_terminal_obeys_nothing_of_it() {
        assert_eq!(plain(" a\x1b[31mb\r\nc\u{202e}d ", 20), "a [31mb  cd");
        assert_eq!(plain("abcdef", 3), "ab…");
        assert_eq!(plain("äöü", 3), "äöü");
    }
}
