//! Paths as rules may say them.

use sdk_helpers::matcher::PathTemplate;

/// A path without its query, and what it is an example of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape<'a> {
    /// Itself.
    pub(super) path: &'a str,
    /// With `{*}` in place of what is another one in other requests; none where nothing is.
    pub(super) template: Option<String>,
}

/// Stands for one segment.
const ONE: &str = "{*}";

/// What rules may say of a path.
///
/// # Errors
/// Why they cannot: what they would say is more than this path.
pub(super) fn shape(path: &str) -> Result<Shape<'_>, &'static str> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    if !path.starts_with('/') {
        return Err("have a path that does not begin with a slash");
    }
    if path.contains(['*', '{', '}']) {
        return Err(
            "have a path with `*`, `{` or `}`, which a rule would take for more than that path",
        );
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("have a path with characters that must be escaped in one");
    }
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let is_literal = |segment: &&str| !segment.is_empty() && !is_variable(segment);
    // Of which nothing stays would be every path of that length.
    let has_literal = segments.iter().any(is_literal);
    let template = (has_literal && segments.iter().any(|segment| is_variable(segment)))
        .then(|| {
            let segments = segments.iter().map(|segment| match is_variable(segment) {
                true => ONE,
                false => segment,
            });
            let segments: Vec<&str> = segments.collect();
            ["/", &segments.join("/")].concat()
        })
        // Not every path is one that Envoy has templates for.
        .filter(|template| PathTemplate::compile(template).is_ok());
    Ok(Shape { path, template })
}

/// A shorter run of hexadecimal digits may be a word.
const SHORTEST_HASH: usize = 16;

/// Where the hyphens of a UUID stand.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
const UUID: usize = 36;

/// A number, a UUID or a hash.
fn is_variable(segment: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_hexdigit();
    let is_number = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let is_hash = segment.len() >= SHORTEST_HASH
        && segment.bytes().all(hex)
        && segment.bytes().any(|byte| byte.is_ascii_digit());
    let is_uuid = segment.len() == UUID
        && segment
            .bytes()
            .enumerate()
            .all(|(place, byte)| match HYPHENS.contains(&place) {
                true => byte == b'-',
                false => hex(byte),
            });
    is_number || is_hash || is_uuid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_uuids_and_hashes_are_one_of_many() {
        for (path, template) in [
            ("/orders/7", "/orders/{*}"),
            ("/orders/7/items/19?page=2", "/orders/{*}/items/{*}"),
            ("/a/6f1e2d3c-0000-4a5b-8c9d-0123456789ab", "/a/{*}"),
            ("/a/507f1f77bcf86cd799439011/", "/a/{*}/"),
        ] {
            assert_eq!(
                shape(path).unwrap().template.as_deref(),
                Some(template),
                "{path}"
            );
        }
    }

    #[test]
    fn a_path_of_which_nothing_would_stay_is_itself() {
        for path in [
            "/",
            "/7",
            "/7/8",
            "/7/",
            "/orders",
            "/v1/orders",
            "/a//7",
            "/a|b/7",
            "/cafe/deadbeef",
            "/facadefacadefacade/x",
        ] {
            let shape = shape(path).unwrap();
            assert_eq!((shape.path, shape.template), (path, None), "{path}");
        }
    }

    #[test]
    fn what_a_rule_would_take_for_more_is_left_out() {
        for path in [
            "*",
            "/*",
            "/orders/*",
            "/orders/{*}",
            "/orders/{id}",
            "/a*b",
            "http://a/",
            "",
            "/a b",
            "/\u{e9}",
            "/a\u{1b}",
            "/\u{7f}",
        ] {
            shape(path).unwrap_err();
        }
    }
}
