//! Answers that a proxy gives without asking anyone: redirects, and those that are written out.

use super::{Told, numbers};
use crate::spot::Spot;

/// The longest body that istiod takes, in bytes.
const LONGEST_BODY: usize = 1 << 20;
/// From this length on it warns.
const LONG_BODY: usize = 100 << 10;

/// A redirect; `entries` are what its route is told by.
pub(super) fn redirect(redirect: &Spot<'_>, entries: &[Spot<'_>], told: &Told) {
    let has = |name: &str| !redirect.text(name).is_empty();
    let ports = ["port", "derivePort"];
    if has("uri") && has("prefixRewrite") {
        told.at(
            redirect.path_of("prefixRewrite"),
            "stands beside `uri`, and only one of them may be",
        );
    } else if has("prefixRewrite") {
        let uris = entries.iter().filter_map(|entry| entry.field("uri"));
        let mut others = uris.filter(|uri| uri.field("prefix").is_none());
        if let Some(uri) = others.next() {
            told.error(
                &uri,
                "has no prefix for `redirect.prefixRewrite` to put another in place of",
            );
        }
    } else if !["uri", "authority", "scheme"].into_iter().any(has)
        && !ports.iter().any(|name| redirect.field(name).is_some())
    {
        told.error(redirect, "leads to what was asked for: one of `uri`, `prefixRewrite`, `authority`, `scheme` and `port`");
    }
    if let Some(code) = redirect
        .field("redirectCode")
        .filter(|code| code.value() != 0)
        && !code
            .value()
            .as_i64()
            .is_some_and(|code| (300..400).contains(&code))
    {
        told.error(
            &code,
            format!("`{}` is no status of a redirect: 300 to 399", code.value()),
        );
    }
    if !["", "http", "https"].contains(&redirect.text("scheme")) {
        told.at(redirect.path_of("scheme"), "is neither `http` nor `https`");
    }
    if let Some(port) = redirect.field("port").filter(|port| port.value() != 0) {
        numbers::port_here(&port, told);
    }
}

/// An answer that the proxy gives itself.
pub(super) fn direct(response: &Spot<'_>, told: &Told) {
    let status = response.number("status");
    if !status.is_some_and(|status| (200..=600).contains(&status)) {
        told.at(
            response.path_of("status"),
            "is no status of an answer: 200 to 599",
        );
    }
    let body = response.field("body");
    let length = |name: &str| body.as_ref().map_or(0, |body| body.text(name).len());
    // Bytes stand in base64, four letters for three of them.
    let length = length("string").max(length("bytes") / 4 * 3);
    let path = body.clone().unwrap_or_else(|| response.clone());
    if length > LONGEST_BODY {
        told.error(&path, "is longer than 1 MiB");
    } else if length > LONG_BODY {
        told.warn(
            &path,
            "is longer than 100 KiB, which every proxy is sent with its routes",
        );
    }
}
