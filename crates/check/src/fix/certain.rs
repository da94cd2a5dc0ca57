//! Which findings have a mend that is certain, and when.

/// Codes of findings, and when what they find is mended.
static CERTAIN: &[(&[&str], &str)] = &[
    (
        &["MF0003"],
        "the kind is one of Istio's but for a letter or two",
    ),
    (
        &["MF0004"],
        "the code is of what an object is by itself, `MF01…`: others may be there when more files are checked together",
    ),
    (
        &["MF0101", "MF0103", "MF0104", "MF0105", "MF0106"],
        "a field or a word is one of those that are known but for a letter or two, a text lacks its quotes, a number or a \
         flag has some, one text stands where a list is read, the `apiVersion` is another kind's, a percentage has a `%`, or stands where `{value: …}` is read",
    ),
    (
        &["MF0111", "MF0112", "MF0113", "MF0114", "MF0115", "MF0116"],
        "a field or a word is one of those that are known but for a letter or two, a text lacks its quotes, a number or a \
         flag has some, or one text stands where a list is read",
    ),
    (
        &["MF0108"],
        "a word is one of those that are known but for a letter or two",
    ),
    (
        &["MF0109"],
        "a field is one of those that are known but for a letter or two",
    ),
    (
        &["MF0208"],
        "Envoy still has the filter, under the name that it has today",
    ),
];

/// When `--fix` mends what has this code; none where it never does.
#[must_use]
pub fn fixed_where(code: &str) -> Option<&'static str> {
    let found = CERTAIN.iter().find(|(codes, _)| codes.contains(&code));
    found.map(|(_, when)| *when)
}
