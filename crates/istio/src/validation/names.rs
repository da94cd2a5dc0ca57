//! Names of hosts, namespaces and subsets, as istiod takes them.
//!
//! Labels are those of RFC 1123, in capitals too. Of a host only the first one may have an asterisk, alone or
//! before the rest: `*`, `*.example`, `*-eu.example`.

/// The longest label of a name.
const LONGEST_LABEL: usize = 63;
/// The longest name.
const LONGEST_NAME: usize = 255;

/// Whether it is one label of a name.
pub(super) fn is_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_end = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    text.len() <= LONGEST_LABEL
        && text.bytes().all(is_inner)
        && is_end(text.bytes().next())
        && is_end(text.bytes().last())
}

/// A name that is complete in itself: no asterisk.
pub(super) fn full(name: &str) -> Result<(), String> {
    length(name)?;
    labels(name, name)
}

/// A name whose first label may have an asterisk.
pub(super) fn wildcard(name: &str) -> Result<(), String> {
    length(name)?;
    let (first, rest) = match name.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (name, None),
    };
    let bare = first.strip_prefix("*-").or_else(|| first.strip_prefix('*'));
    let is_first = first == "*" || is_label(bare.unwrap_or(first));
    if !is_first || first.len() > LONGEST_LABEL {
        return Err(refused(name, first));
    }
    rest.map_or(Ok(()), |rest| labels(name, rest))
}

/// A name with an asterisk that is more than its first label: `*-eu.example`.
pub(super) fn is_partial(name: &str) -> bool {
    name.contains('*') && name != "*" && !name.starts_with("*.")
}

fn length(name: &str) -> Result<(), String> {
    match name.len() {
        0 => Err("is no host but empty".to_owned()),
        length if length > LONGEST_NAME => Err(format!(
            "is a host of {length} bytes; at most {LONGEST_NAME}"
        )),
        _ => Ok(()),
    }
}

fn labels(name: &str, rest: &str) -> Result<(), String> {
    let last = rest.rsplit('.').next().unwrap_or(rest);
    if last.parse::<i64>().is_ok() {
        return Err(format!(
            "`{}` is no host: its last label is a number",
            name.escape_debug()
        ));
    }
    // A name may end in a dot.
    let rest = rest.strip_suffix('.').unwrap_or(rest);
    match rest.split('.').find(|label| !is_label(label)) {
        Some(label) => Err(refused(name, label)),
        None => Ok(()),
    }
}

fn refused(name: &str, label: &str) -> String {
    let is_whole = name == label;
    let (name, label) = (name.escape_debug(), label.escape_debug());
    if is_whole {
        format!(
            "`{name}` is no host: letters, digits and dashes inside, at most {LONGEST_LABEL} of them, and an asterisk only at the front"
        )
    } else {
        format!(
            "`{name}` is no host: its label `{label}` is none (letters, digits and dashes inside, at most {LONGEST_LABEL} of them)"
        )
    }
}

/// Whether two hosts have names in common: `*.example` and `shop.example`.
#[must_use]
pub fn matches(one: &str, other: &str) -> bool {
    is_subset(one, other) || is_subset(other, one)
}

/// Whether each name of a host is one of another host.
#[must_use]
pub fn is_subset(narrow: &str, wide: &str) -> bool {
    match (narrow.strip_prefix('*'), wide.strip_prefix('*')) {
        (Some(rest), Some(end)) => rest.ends_with(end),
        (None, Some(end)) => narrow.ends_with(end),
        (Some(_), None) => false,
        (None, None) => narrow == wide,
    }
}
