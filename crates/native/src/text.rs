//! Envoy's matchers of texts and headers.

use crate::expression::Expression;
use crate::node::Node;

/// What a text has to be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Text {
    /// Anything, the empty text too.
    Any,
    /// Anything but the empty text: the regex `.+`.
    Some,
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
    /// RE2, over the whole text.
    Regex(String),
}

/// Envoy's StringMatcher.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Matcher {
    pub(crate) text: Text,
    pub(crate) ignore_case: bool,
}

impl Matcher {
    fn of(text: Text) -> Self {
        Matcher {
            text,
            ignore_case: false,
        }
    }

    /// Whether the empty text matches; none where that takes a regex to tell.
    fn takes_nothing(&self) -> Option<bool> {
        match &self.text {
            Text::Any => Some(true),
            Text::Some => Some(false),
            Text::Exact(text) | Text::Prefix(text) | Text::Suffix(text) | Text::Contains(text) => {
                Some(text.is_empty())
            }
            Text::Regex(_) => None,
        }
    }
}

/// Reads a StringMatcher; none where it is of a kind that only Envoy has, which is told.
pub(crate) fn matcher(node: &Node<'_>) -> Option<Matcher> {
    let mut message = node.message();
    let mut text = None;
    let mut set = |of: Text| text = Some(of);
    if let Some(exact) = message.take("exact") {
        set(Text::Exact(exact.text().to_owned()));
    }
    if let Some(prefix) = message.take("prefix") {
        set(Text::Prefix(prefix.text().to_owned()));
    }
    if let Some(suffix) = message.take("suffix") {
        set(Text::Suffix(suffix.text().to_owned()));
    }
    if let Some(contains) = message.take("contains") {
        set(Text::Contains(contains.text().to_owned()));
    }
    if let Some(regex) = message.take("safe_regex") {
        set(regex_text(&regex));
    }
    let ignore_case = message.take("ignore_case").is_some_and(|it| it.flag());
    // Regexes heed no `ignore_case` in Envoy.
    let ignore_case = ignore_case && !matches!(text, Some(Text::Some | Text::Regex(_)));
    let is_read = message.is_read();
    message.end();
    let text = text.filter(|_| is_read)?;
    Some(Matcher { text, ignore_case })
}

/// Reads a RegexMatcher.
pub(crate) fn regex_text(node: &Node<'_>) -> Text {
    let mut message = node.message();
    // RE2 is the only engine there is.
    message.take("google_re2");
    let regex = message
        .take("regex")
        .map(|it| it.text())
        .unwrap_or_default();
    message.end();
    match regex {
        ".+" => Text::Some,
        regex => Text::Regex(regex.to_owned()),
    }
}

/// A condition on the value of something with a name: a header.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    /// In lower case.
    pub(crate) name: String,
    /// What one of its values has to be; any value where it only has to be there.
    pub(crate) matcher: Matcher,
}

/// Reads a HeaderMatcher as Envoy decides it (`source/common/http/header_utility.cc`): without the header
/// nothing matches, inverted or not, but for `present_match`, and where it is to be taken for an empty one.
pub(crate) fn header(node: &Node<'_>) -> Expression<Named> {
    let mut message = node.message();
    let name = message.take("name").map(|it| it.text()).unwrap_or_default();
    let name = name.to_ascii_lowercase();
    let old = [
        ("exact_match", Text::Exact as fn(String) -> Text),
        ("prefix_match", Text::Prefix),
        ("suffix_match", Text::Suffix),
        ("contains_match", Text::Contains),
    ];
    let mut text = None;
    let mut is_known = true;
    for (field, of) in old {
        if let Some(value) = message.take(field) {
            // An empty text stands for any value in the deprecated fields.
            let value = value.text();
            let read = if value.is_empty() {
                Text::Any
            } else {
                of(value.to_owned())
            };
            text = Some(Matcher::of(read));
        }
    }
    if let Some(regex) = message.take("safe_regex_match") {
        text = Some(Matcher::of(regex_text(&regex)));
    }
    if let Some(value) = message.take("string_match") {
        text = matcher(&value);
        is_known = text.is_some();
    }
    let present = message.take("present_match").map(|it| it.flag());
    let invert = message.take("invert_match").is_some_and(|it| it.flag());
    let empty = message.take("treat_missing_header_as_empty");
    let empty = empty.is_some_and(|it| it.flag());
    is_known &= message.is_read();
    message.end();
    if !is_known {
        return Expression::Unknown;
    }
    let atom = |matcher: Matcher| {
        let name = name.clone();
        Expression::Atom(Named { name, matcher })
    };
    let there = atom(Matcher::of(Text::Any));
    let Some(matcher) = text else {
        // Envoys differ in whether a header that is not there is then one that is.
        if empty {
            return Expression::Unknown;
        }
        let is_asked = present.unwrap_or(true) != invert;
        return if is_asked { there } else { there.not() };
    };
    if !empty {
        let matches = atom(matcher);
        return match invert {
            true => Expression::All(vec![there, matches.not()]),
            false => matches,
        };
    }
    let nothing = matcher.takes_nothing();
    let matches = match nothing {
        Some(false) => atom(matcher),
        Some(true) => Expression::Any(vec![atom(matcher), there.not()]),
        None => return Expression::Unknown,
    };
    if invert { matches.not() } else { matches }
}
