//! What routes of HTTP are told by.

use sdk_helpers::config::is_token;
use sdk_helpers::matcher::Regex;

use super::{Told, names, numbers, selector, virtual_service};
use crate::spot::Spot;

/// Pseudo headers that may be asked for.
const PSEUDO: [&str; 5] = [":method", ":scheme", ":authority", ":path", ":status"];
/// What a claim of a token begins with, where it stands for a header.
const CLAIM: &str = "@request.auth.claims";

pub(super) fn check(entry: &Spot<'_>, told: &Told) {
    for (name, value) in entry.field("headers").iter().flat_map(Spot::fields) {
        told.result(&value, header_name(name));
        text(&value, true, told);
    }
    for (name, value) in entry.field("withoutHeaders").iter().flat_map(Spot::fields) {
        told.result(&value, header_name(name));
        // Istio has this for "whatever it says", and gives Envoy no regex of it.
        if value.text("regex") != "*" {
            text(&value, true, told);
        }
    }
    if let Some(uri) = entry.field("uri") {
        text(&uri, false, told);
    }
    for name in ["scheme", "method", "authority"] {
        if let Some(value) = entry.field(name) {
            text(&value, true, told);
        }
    }
    for (_, value) in entry.field("queryParams").iter().flat_map(Spot::fields) {
        text(&value, true, told);
    }
    if let Some(port) = entry.field("port").filter(|port| port.value() != 0) {
        numbers::port_here(&port, told);
    }
    selector::labels(entry.field("sourceLabels"), told);
    virtual_service::gateway_names(entry, told);
    let namespace = entry.text("sourceNamespace");
    if !namespace.is_empty() && !names::is_label(namespace) {
        let path = entry.path_of("sourceNamespace");
        told.at(
            path,
            format!("`{}` is no name of a namespace", namespace.escape_debug()),
        );
    }
}

/// A text that is compared. Of a path alone an empty prefix is one, which all have.
fn text(spot: &Spot<'_>, is_prefix_said: bool, told: &Told) {
    if is_prefix_said
        && spot
            .value()
            .get("prefix")
            .is_some_and(|prefix| prefix == "")
    {
        told.at(spot.path_of("prefix"), "is empty");
    }
    if let Some(regex) = spot.field("regex") {
        self::regex(&regex, told);
    }
}

/// A regex of RE2.
pub(super) fn regex(spot: &Spot<'_>, told: &Told) {
    if let Err(problem) = Regex::compile(spot.value().as_str().unwrap_or_default()) {
        told.error(spot, problem);
    }
}

fn header_name(name: &str) -> Result<(), String> {
    let is_claim = match name.get(..CLAIM.len()) {
        Some(start) if start.eq_ignore_ascii_case(CLAIM) => {
            let rest = name.get(CLAIM.len()..).unwrap_or_default();
            let is_dotted = rest.starts_with('.') && rest.len() > 1;
            is_dotted || rest.starts_with('[') && rest.ends_with(']') && rest.len() > 2
        }
        _ => false,
    };
    match is_claim || PSEUDO.contains(&name) || is_token(name) {
        true => Ok(()),
        false => Err(format!("`{}` is no name of a header", name.escape_debug())),
    }
}
