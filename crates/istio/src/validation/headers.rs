//! Headers that a route adds, sets and removes.

use super::{Told, header};
use crate::spot::Spot;

/// Checks `headers` of a route or of one of its destinations.
pub(super) fn check(headers: Option<Spot<'_>>, told: &Told) {
    for (side, may_set_authority) in [("request", true), ("response", false)] {
        let Some(side) = headers.as_ref().and_then(|headers| headers.field(side)) else {
            continue;
        };
        for list in ["add", "set"] {
            for (name, value) in side.field(list).iter().flat_map(Spot::fields) {
                told.result(&value, self::name(name, may_set_authority));
                told.result(
                    &value,
                    header::value(value.value().as_str().unwrap_or_default()),
                );
            }
        }
        for name in side.list("remove") {
            told.result(
                &name,
                self::name(name.value().as_str().unwrap_or_default(), false),
            );
        }
    }
}

/// Whether it is what requests are sent to: `:authority`, or `host` of HTTP/1.1.
pub(super) fn is_authority(name: &str) -> bool {
    [":authority", "host"]
        .iter()
        .any(|it| it.eq_ignore_ascii_case(name))
}

fn name(name: &str, may_be_authority: bool) -> Result<(), String> {
    if name.is_empty() {
        return Err("a header has a name".to_owned());
    }
    if may_be_authority && is_authority(name) {
        return Ok(());
    }
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "host" => Err(
            "`host` cannot be changed here; `rewrite: {authority: …}` does it for requests"
                .to_owned(),
        ),
        pseudo if pseudo.starts_with(':') => Err(format!(
            "`{}` is a pseudo header, which cannot be changed here; see `rewrite`",
            pseudo.escape_debug()
        )),
        _ => Ok(()),
    }
}
