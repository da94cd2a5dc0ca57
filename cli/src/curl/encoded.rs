//! What curl escapes and unescapes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sdk_helpers::text::percent_decoded;

use crate::ending::Failure;

/// Data as `--data-urlencode` has it: `text`, `=text` or `name=text`, and with `@` in place of `=` out of a file.
pub(super) fn query(data: &str) -> Result<String, Failure> {
    let at = data.find(['=', '@']);
    let (name, mark) = match at.and_then(|at| data.split_at_checked(at)) {
        Some((name, rest)) => (name, rest),
        None => ("", data),
    };
    let text = match (mark.strip_prefix('='), mark.strip_prefix('@')) {
        (Some(text), _) => text.to_owned(),
        (None, Some(file)) => {
            let path = Path::new(file);
            fs::read_to_string(path).map_err(|error| Failure::at(path, error))?
        }
        (None, None) => mark.to_owned(),
    };
    let text = escaped(&text);
    Ok(match name {
        "" => text,
        name => [name, "=", &text].concat(),
    })
}

/// All but RFC 3986's unreserved characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => escaped.push(byte.into()),
            // Into memory, which does not fail.
            false => {
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
    }
    escaped
}

/// A URL without the user and the password that it may hold, and these: curl sends them as `-u` does.
pub(super) fn credentials(url: &str) -> (String, Option<String>) {
    let nothing = || (url.to_owned(), None);
    let Some((scheme, rest)) = url.split_once("://") else {
        return nothing();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let Some((user, host)) = authority.rsplit_once('@') else {
        return nothing();
    };
    let user = percent_decoded(user.as_bytes());
    let user = String::from_utf8_lossy(&user).into_owned();
    ([scheme, "://", host, path].concat(), Some(user))
}
