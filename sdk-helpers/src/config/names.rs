//! Names of fields: their two spellings, and which one a wrong name was meant to be.

/// The place in `known`, which are in camel case, of a name in either spelling of protobuf's JSON.
pub(super) fn place(name: &str, known: &[&str]) -> Option<usize> {
    known
        .iter()
        .position(|field| *field == name)
        .or_else(|| known.iter().position(|field| is_snake(name, field)))
}

/// The one of `known`, which are in camel case, that a name in either spelling is.
pub(super) fn known<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known.get(place(name, known)?).copied()
}

/// Whether a name is this one, which is in camel case, in snake case: `jwks_uri` is `jwksUri`.
pub(super) fn is_snake(name: &str, field: &str) -> bool {
    // An upper-case letter begins a word where none stands before it: `source_cidr`, `sourceCIDR`.
    let mut upper = false;
    let mut rest = name.bytes();
    for byte in field.bytes() {
        let begins = byte.is_ascii_uppercase() && !upper;
        upper = byte.is_ascii_uppercase();
        if (begins && rest.next() != Some(b'_')) || rest.next() != Some(byte.to_ascii_lowercase()) {
            return false;
        }
    }
    rest.next().is_none()
}

/// A name in camel case in snake case: `sourceCIDR` is `source_cidr`.
pub fn snake(field: &str) -> String {
    let mut snake = String::with_capacity(field.len());
    let mut upper = false;
    for letter in field.chars() {
        if letter.is_ascii_uppercase() && !upper {
            snake.push('_');
        }
        upper = letter.is_ascii_uppercase();
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// A name in snake case in camel case; any other as it is.
pub(super) fn camel(name: &str) -> String {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return name.to_owned();
    }
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

/// A text without the spelling of its words: `fixed_delay`, `FixedDelay` and `fixedDelay` are one.
fn plain(text: &str) -> Vec<u8> {
    let letters = text.bytes().filter(|byte| !matches!(byte, b'_' | b'-'));
    letters.map(|byte| byte.to_ascii_lowercase()).collect()
}

/// No name that is known is as long.
const LONGEST: usize = 64;

/// Which of the known ones was surely meant: the nearest by letters added, left out, changed or
/// swapped, where at most a third of them are.
pub fn nearest<'a>(text: &str, known: &[&'a str]) -> Option<&'a str> {
    if text.len() > LONGEST {
        return None;
    }
    let wrong = plain(text);
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in known {
        let right = plain(candidate);
        let most = wrong.len().max(right.len()).max(3) / 3;
        let distance = distance(&wrong, &right);
        if distance <= most && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The one of the known ones that was meant: it has the same letters, or no second is near enough to be it.
pub fn surely<'a>(text: &str, known: &[&'a str]) -> Option<&'a str> {
    let meant = nearest(text, known)?;
    let others: Vec<&str> = known.iter().filter(|it| **it != meant).copied().collect();
    let is_sure = plain(text) == plain(meant) || nearest(text, &others).is_none();
    is_sure.then_some(meant)
}

/// The least number of letters to add, leave out, change, or swap with the next.
fn distance(from: &[u8], to: &[u8]) -> usize {
    // Three rows of the table of distances between the beginnings of both.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, letter) in from.iter().enumerate() {
        let mut next = vec![row.saturating_add(1)];
        for (column, other) in to.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let mut least = at(&last, column).saturating_add(usize::from(letter != other));
            least = least.min(at(&last, column.saturating_add(1)).saturating_add(1));
            least = least.min(at(&next, column).saturating_add(1));
            let swapped = row > 0
                && column > 0
                && from.get(row.wrapping_sub(1)) == Some(other)
                && to.get(column.wrapping_sub(1)) == Some(letter);
            if swapped {
                least = least.min(at(&before, column.wrapping_sub(1)).saturating_add(1));
            }
            next.push(least);
        }
        before = last;
        last = next;
    }
    last.last().copied().unwrap_or_default()
}

/// What is wrong with a value that is none of those it may be.
pub fn none_of(text: &str, known: &[&str]) -> String {
    let shown = text.escape_debug();
    match nearest(text, known) {
        None => format!("`{shown}` is none of {}", listed(known)),
        // A long list would be cut off before its end.
        Some(meant) if known.len() > 12 => format!("`{shown}`: did you mean `{meant}`?"),
        Some(meant) => format!(
            "`{shown}` is none of {}; did you mean `{meant}`?",
            listed(known)
        ),
    }
}

/// The names in quotes.
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_spellings_of_a_name() {
        for (snake, field) in [
            ("jwks_uri", "jwksUri"),
            ("http2_error", "http2Error"),
            ("v4_prefix_mask_len", "v4PrefixMaskLen"),
            ("source_cidr", "sourceCIDR"),
            ("match", "match"),
        ] {
            assert!(is_snake(snake, field), "{snake}");
            assert_eq!(super::snake(field), snake);
        }
        for (name, field) in [
            ("jwksUri", "jwksUri"),
            ("jwks_Uri", "jwksUri"),
            ("jwksuri", "jwksUri"),
            ("jwks__uri", "jwksUri"),
            ("jwks_uri_", "jwksUri"),
            ("jwks_ur", "jwksUri"),
            ("", "a"),
        ] {
            assert!(!is_snake(name, field), "{name}");
        }
    }

    #[test]
    fn the_nearest_is_what_was_meant() {
        let known = [
            "name",
            "requests",
            "per",
            "burst",
            "tiers",
            "rateLimitHeaders",
        ];
        for (wrong, right) in [
            ("nmae", Some("name")),
            ("request", Some("requests")),
            ("pre", Some("per")),
            ("rate-limit-header", Some("rateLimitHeaders")),
            ("tier", Some("tiers")),
            ("status", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, &known), right, "{wrong}");
        }
    }

    #[test]
    fn what_may_be_one_of_two_is_not_sure() {
        let known = ["hosts", "ports", "paths", "methods"];
        for (wrong, right) in [
            ("host", Some("hosts")),
            ("method", Some("methods")),
            ("PA_THS", Some("paths")),
            // A letter from either.
            ("posts", None),
            ("status", None),
        ] {
            assert_eq!(surely(wrong, &known), right, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_distance_is_one(a in "[ab]{0,6}", b in "[ab]{0,6}", c in "[ab]{0,6}") {
            let d = |a: &str, b: &str| distance(a.as_bytes(), b.as_bytes());
            prop_assert_eq!(d(&a, &b), d(&b, &a));
            prop_assert_eq!(d(&a, &b) == 0, a == b);
            prop_assert!(d(&a, &b) <= a.len().max(b.len()));
            // Letters that are swapped are not changed again, so it is no metric by a step at most.
            prop_assert!(d(&a, &c) <= 2 * (d(&a, &b) + d(&b, &c)));
        }

        #[test]
        fn a_name_in_snake_case_comes_back(words in prop::collection::vec("[a-z]{2,5}", 1..4)) {
            let snake = words.join("_");
            prop_assert!(is_snake(&snake, &camel(&snake)));
            prop_assert_eq!(place(&snake, &["x", &camel(&snake)]), Some(1));
        }
    }
}
