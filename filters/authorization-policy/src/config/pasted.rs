//! What people paste that Istio takes in silence and that never matches, or not as it was meant.

use sdk_helpers::matcher::PathTemplate;
use sdk_helpers::{At, Problems};

use super::values::{Kind, about};

/// Speaks of a value.
pub(super) fn warn(kind: Kind, value: &str, at: &At<'_>, problems: &Problems) {
    let inner = value.strip_prefix('*').unwrap_or(value);
    let inner = match inner.len() == value.len() {
        true => inner.strip_suffix('*').unwrap_or(inner),
        false => inner,
    };
    let is_text = !matches!(
        kind,
        Kind::Namespace
            | Kind::Account
            | Kind::TrustDomain
            | Kind::TrustDomainKey
            | Kind::Address
            | Kind::Port
            | Kind::Token
    );
    let template = kind == Kind::Path && PathTemplate::is_template(value);
    if matches!(kind, Kind::Path | Kind::Method | Kind::Host) && is_regex(value) {
        problems.warn(
            at,
            about(
                value,
                " looks like a regex and is compared as it stands; list each value, with a `*` at \
                 one end where that helps",
            ),
        );
        return;
    }
    if is_text && !template && inner.contains('*') {
        problems.warn(
            at,
            about(
                value,
                ": only a `*` at the beginning, or else one at the end, is a \
                 wildcard; any other is a plain character",
            ),
        );
    }
    if let Some(never) = never(kind, value) {
        problems.warn(at, [&about(value, " never matches: "), never].concat());
    }
}

/// Why nothing is ever equal to a value.
fn never(kind: Kind, value: &str) -> Option<&'static str> {
    let begins_with_blank = |text: &str| text.trim().len() != text.len();
    Some(match kind {
        Kind::Text | Kind::Metadata | Kind::Address | Kind::Port => return None,
        _ if begins_with_blank(value) => "remove the blank at its beginning or end",
        Kind::Principal if value.starts_with("spiffe://") => {
            "a principal is written without `spiffe://`"
        }
        Kind::Principal if !value.contains(['/', '*']) => {
            "a principal is `<trust domain>/ns/<namespace>/sa/<service account>`; for a service \
             account whatever its trust domain there is `serviceAccounts`"
        }
        Kind::Account if value.contains(':') => {
            "a service account is `<namespace>/<name>`, without `system:serviceaccount:`"
        }
        Kind::Token if is_bare_issuer(value) => {
            "a request principal is `<issuer>/<subject>`; for every subject end it with `/*`"
        }
        Kind::Path if value.contains(['?', '#']) => "a path is compared without its query",
        Kind::Path if !value.starts_with(['/', '*']) => "a path begins with `/`",
        Kind::Path if value.contains(",/") => "write each path as an entry of its own",
        Kind::Path if value.contains("/:") => {
            "a segment of any text is `{*}`, and `:` is a plain character"
        }
        Kind::Host if value.contains('/') => {
            "a host is `example.com` or `example.com:8080`, without scheme and path"
        }
        Kind::Host if value.contains([',', ' ']) => "write each host as an entry of its own",
        Kind::Method if value.contains([',', ' ']) => {
            "write each method as an entry of its own, as in `[GET, POST]`"
        }
        Kind::Method if value.bytes().any(|byte| byte.is_ascii_lowercase()) => {
            "methods are written in upper case"
        }
        _ => return None,
    })
}

/// Whether a text has what regexes are made of, and paths and hosts are not.
fn is_regex(value: &str) -> bool {
    // `example.*` is what begins so.
    let inner = value.strip_suffix('*').unwrap_or(value);
    value.starts_with('^')
        || value.ends_with('$')
        || value.starts_with(".*")
        || value.contains(['|', '\\'])
        || inner.contains(".*")
        || ["/.*", ".+", "[^", "[a-", "[A-", "[0-"]
            .iter()
            .any(|part| value.contains(part))
}

/// `https://issuer.example`, of which what stands behind the last slash is taken for the subject.
fn is_bare_issuer(value: &str) -> bool {
    let host = value
        .strip_prefix("https://")
        .or_else(|| value.strip_prefix("http://"));
    host.is_some_and(|host| !host.contains(['/', '*']))
}

/// Speaks of quotes in the brackets of a key of `when`.
pub(super) fn warn_of_quotes(key: &str, at: &At<'_>, problems: &Problems) {
    let mut bare = key.to_owned();
    for (quoted, plain) in [("[\"", "["), ("\"]", "]"), ("['", "["), ("']", "]")] {
        bare = bare.replace(quoted, plain);
    }
    if bare != key {
        problems.warn(
            at,
            format!("the quotes are taken for a part of the name; write `{bare}`"),
        );
    }
}

/// Speaks of a claim that is one name with dots in it and looks like several.
pub(super) fn warn_of_claim(name: &str, at: &At<'_>, problems: &Problems) {
    let parts: Vec<&str> = name.split('.').collect();
    let is_word = |part: &&str| {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        !part.is_empty() && part.chars().all(legal)
    };
    if parts.len() > 1 && parts.iter().all(is_word) {
        problems.warn(
            at,
            format!(
                "`{name}` is the name of one claim, dots and all; a claim in a claim is \
                 `request.auth.claims[{}]`",
                parts.join("][")
            ),
        );
    }
}
