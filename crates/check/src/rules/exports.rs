//! `exportTo`: to which namespaces an object is shown. Without it, to all.

use crate::source::Item;

/// Whether proxies of a namespace are shown an object.
pub(super) fn is_shown(item: &Item<'_>, namespace: &str) -> bool {
    match to(item) {
        None => true,
        Some(to) => to.contains(&namespace),
    }
}

/// Whether there may be a proxy that is shown both.
pub(super) fn meet(one: &Item<'_>, other: &Item<'_>) -> bool {
    match (to(one), to(other)) {
        (Some(one), Some(other)) => one.iter().any(|to| other.contains(to)),
        _ => true,
    }
}

/// The namespaces that an object is shown to; none where it is shown to all.
fn to<'a>(item: &Item<'a>) -> Option<Vec<&'a str>> {
    let to = item.spec().map(|spec| spec.texts("exportTo"))?;
    if to.is_empty() || to.contains(&"*") {
        return None;
    }
    let own = item.namespace();
    let named = to.into_iter();
    Some(named.map(|to| if to == "." { own } else { to }).collect())
}
