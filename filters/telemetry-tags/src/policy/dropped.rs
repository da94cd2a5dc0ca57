//! Which labels series beyond the ceiling drop: those with the most values first, and last of all what the
//! proxy itself says of a stream, its response code and the like.

use std::cell::OnceCell;

use sdk_helpers::{Record, World};

use super::column::Column;
use super::group::Group;
use super::tag::Tag;
use crate::bound::{SHARED_DATA, ValueId};

/// How often a group drops more labels before the last step, which is all of them. Each step has a share of
/// the ceiling that the steps before it cannot take.
pub(super) const STEPS: usize = 3;

/// The labels that the series of one group drop, by step. All workers agree on them, and what was dropped
/// stays dropped: a combination of values is counted in one place.
#[derive(Debug, Default)]
pub(super) struct DroppedLabels {
    /// Places within the group's labels.
    steps: [OnceCell<Vec<u8>>; STEPS + 1],
}

/// What the choice of labels looks at.
pub(super) struct Choice<'a> {
    pub(super) columns: &'a [Column],
    pub(super) tags: &'a [Tag],
    /// The labels of the group, with their overflow values: what all workers call it by.
    pub(super) name: &'a str,
    /// `maxSeries`.
    pub(super) most: u32,
    /// How many series of a group may be left for a step to be enough.
    pub(super) room: usize,
    pub(super) world: &'a dyn World,
}

impl DroppedLabels {
    /// The key of a series without the labels that are dropped at a step. The first worker at the step chooses
    /// them.
    pub(super) fn without(
        &self,
        step: usize,
        key: &[u8],
        group: &Group,
        choice: &Choice<'_>,
        record: &mut Record,
    ) -> Vec<u8> {
        let Some(agreed) = self.steps.get(step) else {
            return key.to_vec();
        };
        let dropped = agreed.get_or_init(|| {
            let before = self.before(step);
            let proposed = self.propose(step, before, group, choice);
            let dropped = agree(step, proposed, choice);
            if dropped.len() > before.len() {
                tell(step, &dropped, group, choice, record);
            }
            dropped
        });
        without(key, dropped)
    }

    /// What was dropped at the step before, which always comes first.
    fn before(&self, step: usize) -> &[u8] {
        let before = step.checked_sub(1).and_then(|step| self.steps.get(step));
        before.and_then(OnceCell::get).map_or(&[], Vec::as_slice)
    }

    fn propose(&self, step: usize, before: &[u8], group: &Group, choice: &Choice<'_>) -> Vec<u8> {
        let all = || 0..u8::try_from(group.columns.len()).unwrap_or(u8::MAX);
        let column = |place: u8| {
            let place = group.columns.get(usize::from(place))?;
            choice.columns.get(*place)
        };
        let is_closed = |place: u8| column(place).is_some_and(Column::is_closed);
        match step {
            STEPS => return all().collect(),
            2 => return all().filter(|place| !is_closed(*place)).collect(),
            _ => {}
        }
        let mut dropped = before.to_vec();
        let width = |place: u8| {
            let column = column(place);
            column.map_or(0, |column| column.width(choice.tags, choice.world))
        };
        let mut wide: Vec<(u32, u8)> = all()
            .filter(|place| !is_closed(*place) && !dropped.contains(place))
            .map(|place| (width(place), place))
            .filter(|(width, _)| *width > 1)
            .collect();
        while let Some((at, _)) = wide.iter().enumerate().max_by_key(|(_, wide)| **wide) {
            dropped.push(wide.swap_remove(at).1);
            if group.fits_without(&dropped, choice.room) {
                break;
            }
        }
        dropped
    }
}

/// What all workers agree on is what the first of them proposed.
fn agree(step: usize, proposed: Vec<u8>, choice: &Choice<'_>) -> Vec<u8> {
    let key = format!("{SHARED_DATA}.given.{step}={}", choice.name);
    let mut agreed = None;
    let _ = choice.world.update(&key, &mut |there| {
        agreed = there.map(<[u8]>::to_vec);
        agreed.is_none().then(|| proposed.clone())
    });
    agreed.unwrap_or(proposed)
}

/// Tells in the log what is dropped: once for these labels and this ceiling, over all workers.
fn tell(step: usize, dropped: &[u8], group: &Group, choice: &Choice<'_>, record: &mut Record) {
    let labels = match step {
        STEPS => "all labels".to_owned(),
        _ => {
            let named = (0..=u8::MAX).zip(&group.columns);
            let named = named.filter(|(at, _)| dropped.contains(at));
            let columns = named.filter_map(|(_, place)| choice.columns.get(*place));
            let names: Vec<String> = columns
                .map(|column| format!("`{}`", column.name()))
                .collect();
            names.join(", ")
        }
    };
    let most = choice.most.to_le_bytes();
    let mut first = false;
    let key = format!("{SHARED_DATA}.told={labels}");
    let _ = choice.world.update(&key, &mut |told| {
        first = told != Some(&most);
        first.then(|| most.to_vec())
    });
    if first {
        record.warnings.push(format!(
            "`maxSeries`, {}, is near: combinations of labels that are new are counted without the values of \
             {labels}; give these `templates` or fewer values, remove them from metrics, or raise `maxSeries`",
            choice.most
        ));
    }
}

/// A key without the values at these places.
pub(super) fn without(key: &[u8], dropped: &[u8]) -> Vec<u8> {
    let mut key = key.to_vec();
    for (value, place) in key.chunks_exact_mut(4).zip(0..=u8::MAX) {
        if dropped.contains(&place) {
            value.copy_from_slice(&ValueId::OVERFLOW.to_bytes());
        }
    }
    key
}
