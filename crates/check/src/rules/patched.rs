//! The patches of an EnvoyFilter, read and with their places.

use istio::{EnvoyFilter, Patch};

use crate::source::Item;
use crate::spot::Spot;

/// One entry of `configPatches`.
pub(super) struct Patched<'a> {
    pub(super) spot: Spot<'a>,
    pub(super) patch: Patch,
}

/// Those of an object; none of one that is refused.
pub(super) fn patches<'a>(item: &Item<'a>) -> Vec<Patched<'a>> {
    let read = item.alone().map(|object| EnvoyFilter::try_from(&object));
    let Some(Ok(read)) = read else {
        return Vec::new();
    };
    let spots = item.spec().map(|spec| spec.list("configPatches"));
    let both = spots.unwrap_or_default().into_iter().zip(read.patches);
    both.map(|(spot, patch)| Patched { spot, patch }).collect()
}

/// The filter of a connection manager that a patch is about; empty where it says none.
pub(super) fn sub_filter<'a>(spot: &Spot<'a>) -> &'a str {
    let filter = clause(spot).and_then(|filter| filter.field("subFilter"));
    filter.map_or("", |filter| filter.text("name"))
}

/// The network filter that a patch is about; empty where it says none.
pub(super) fn filter<'a>(spot: &Spot<'a>) -> &'a str {
    clause(spot).map_or("", |filter| filter.text("name"))
}

/// The clause with the filter: of a listener, or of a waypoint's, which has one less around it.
pub(super) fn clause<'a>(spot: &Spot<'a>) -> Option<Spot<'a>> {
    let listener = spot.at(&["match", "listener", "filterChain", "filter"]);
    listener.or_else(|| spot.at(&["match", "waypoint", "filter"]))
}
