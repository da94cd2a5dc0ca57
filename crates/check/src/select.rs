//! Which workloads an object is for, as far as files can tell.

use crate::source::Item;

/// Whether there may be a workload that both are for: their namespaces meet, and no label keeps them
/// apart.
pub(crate) fn may_meet(one: &Item<'_>, other: &Item<'_>) -> bool {
    let namespaces = one.namespace() == other.namespace() || one.is_in_root || other.is_in_root;
    namespaces && labels_meet(one, other)
}

/// Whether every workload that `one` is for is one that `all` is for too.
pub(crate) fn covers(all: &Item<'_>, one: &Item<'_>) -> bool {
    let namespaces = one.namespace() == all.namespace() || all.is_in_root;
    if !namespaces || has_targets(all) || has_targets(one) {
        return false;
    }
    let mine = labels(one);
    let wanted = labels(all);
    wanted.iter().all(|label| mine.contains(label))
}

fn labels_meet(one: &Item<'_>, other: &Item<'_>) -> bool {
    if has_targets(one) != has_targets(other) {
        return false;
    }
    let yours = labels(other);
    let apart = |(name, value): &(&str, &str)| {
        let same = yours.iter().find(|(other, _)| other == name);
        same.is_some_and(|(_, other)| other != value)
    };
    !labels(one).iter().any(apart)
}

/// Whether it is for a gateway or a service, and not for workloads by label.
pub(crate) fn has_targets(item: &Item<'_>) -> bool {
    let spec = item.spec();
    spec.is_some_and(|spec| {
        spec.field("targetRef").is_some() || !spec.list("targetRefs").is_empty()
    })
}

/// The labels of its workloads; none for all.
pub(crate) fn labels<'a>(item: &Item<'a>) -> Vec<(&'a str, &'a str)> {
    let Some(spec) = item.spec() else {
        return Vec::new();
    };
    let of = |names: &[&str]| spec.at(names);
    let labels = of(&["selector", "matchLabels"]).or_else(|| of(&["workloadSelector", "labels"]));
    let labels = labels.map(|labels| labels.fields()).unwrap_or_default();
    let labels = labels.into_iter();
    labels
        .filter_map(|(name, spot)| Some((name, spot.value().as_str()?)))
        .collect()
}
