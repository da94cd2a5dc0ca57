//! The rules that listener, network and HTTP filters share: lists whose order is the point, of named
//! objects with a typed configuration.

use super::json;
use super::merge;
use super::patches::Running;
use super::resource::Operation;
use serde_json::Value;

/// The HTTP filter behind which nothing runs.
const ROUTER: &str = "envoy.filters.http.router";

/// Carries out every operation but a merge; `clause` is the filter the patch names, if it names one.
pub(super) fn edit(filters: &mut Vec<Value>, patch: &Running<'_>, clause: Option<&str>) {
    let position = |filters: &[Value]| {
        filters
            .iter()
            .position(|filter| Some(json::name(filter)) == clause)
    };
    let place = match (patch.operation, clause) {
        (Operation::Add, _) | (Operation::InsertAfter, None) => Some(filters.len()),
        (Operation::InsertFirst, _) | (Operation::InsertBefore, None) => Some(0),
        (Operation::InsertBefore, Some(_)) => position(filters),
        (Operation::InsertAfter, Some(_)) => position(filters).map(|found| found + 1),
        (Operation::Replace, Some(_)) => {
            if let Some(found) = position(filters).and_then(|found| filters.get_mut(found)) {
                *found = patch.value.clone();
                patch.hit();
            }
            None
        }
        (Operation::Remove, Some(name)) => {
            let before = filters.len();
            filters.retain(|filter| json::name(filter) != name);
            if filters.len() < before {
                patch.hit();
            }
            None
        }
        (Operation::Replace | Operation::Remove, None) => {
            patch.missed("it names no filter");
            None
        }
        (Operation::Merge | Operation::MergeAndReplaceList, _) => None,
    };
    if let Some(place) = place {
        if filters
            .iter()
            .take(place)
            .any(|filter| json::name(filter) == ROUTER)
        {
            patch.warn(format!("lands after `{ROUTER}`, where nothing runs"));
        }
        filters.insert(place, patch.value.clone());
        patch.hit();
    }
}

/// Merges into a filter's typed configuration, and renames the filter where the patch has a name.
pub(super) fn merge(filter: &mut Value, patch: &Running<'_>, clause: Option<&str>) {
    let old = json::name(filter).to_string();
    if !merge_configuration(filter, patch) {
        return;
    }
    let new = json::name(&patch.value);
    if !new.is_empty() && new != old {
        if clause.is_none() {
            patch.warn(format!("names no filter, so it renames `{old}` to `{new}`"));
        }
        json::set(filter, "name", new);
        patch.hit();
    }
}

/// The part of a merge that leaves the name alone; false where the filter cannot be merged into.
pub(super) fn merge_configuration(filter: &mut Value, patch: &Running<'_>) -> bool {
    let name = json::name(filter).to_string();
    let Some(configuration) = json::existing_object(filter, "typed_config") else {
        patch.missed(format!(
            "`{name}` has no typed_config, as a filter by config_discovery has not"
        ));
        return false;
    };
    if let Some(new) = patch.value.get("typed_config") {
        match merge::any(configuration, new) {
            Ok(()) => patch.hit(),
            Err(why) => patch.missed(format!("`{name}`: {why}")),
        }
    }
    true
}
