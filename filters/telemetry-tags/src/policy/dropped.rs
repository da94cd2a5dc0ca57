//! What series beyond the ceiling give up of their labels: the widest first, and last of all what the
//! proxy itself says of a stream, its response code and the like.

use std::cell::OnceCell;

use sdk_helpers::{Record, World};

use super::column::Column;
use super::group::Group;
use super::tag::Tag;
use crate::bound::{CELLS, ValueId};

/// How often a group gives up more labels before the last step, which is all of them. Each has a share of
/// the ceiling that the steps before it cannot take.
pub(super) const STEPS: usize = 3;

/// The labels that the series of one group give up, by step. All workers agree on them, and what was given up
/// stays so: a combination of values is counted in one place.
#[derive(Debug, Default)]
pub(super) struct Given {
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
    /// So many series is a good size for what is left of a group's.
    pub(super) room: usize,
    pub(super) world: &'a dyn World,
}

impl Given {
    /// The key of a series without what is given up at a step. Whoever comes to the step first says so.
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
        let given = agreed.get_or_init(|| {
            let before = self.before(step);
            let proposed = self.propose(step, before, group, choice);
            let given = agree(step, proposed, choice);
            if given.len() > before.len() {
                tell(step, &given, group, choice, record);
            }
            given
        });
        without(key, given)
    }

    /// What was given up at the step before, which always comes first.
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
        let mut given = before.to_vec();
        let width = |place: u8| {
            let column = column(place);
            column.map_or(0, |column| column.width(choice.tags, choice.world))
        };
        let mut wide: Vec<(u32, u8)> = all()
            .filter(|place| !is_closed(*place) && !given.contains(place))
            .map(|place| (width(place), place))
            .filter(|(width, _)| *width > 1)
            .collect();
        while let Some((at, _)) = wide.iter().enumerate().max_by_key(|(_, wide)| **wide) {
            given.push(wide.swap_remove(at).1);
            if group.fits_without(&given, choice.room) {
                break;
            }
        }
        given
    }
}

/// What all workers agree on is what the first of them proposed.
fn agree(step: usize, proposed: Vec<u8>, choice: &Choice<'_>) -> Vec<u8> {
    let cell = format!("{CELLS}.given.{step}={}", choice.name);
    let mut agreed = None;
    let _ = choice.world.update(&cell, &mut |there| {
        agreed = there.map(<[u8]>::to_vec);
        agreed.is_none().then(|| proposed.clone())
    });
    agreed.unwrap_or(proposed)
}

/// Says in the log what is given up: once for these labels and this ceiling, whoever comes to it.
fn tell(step: usize, given: &[u8], group: &Group, choice: &Choice<'_>, record: &mut Record) {
    let labels = match step {
        STEPS => "all labels".to_owned(),
        _ => {
            let named = (0..=u8::MAX).zip(&group.columns);
            let named = named.filter(|(at, _)| given.contains(at));
            let columns = named.filter_map(|(_, place)| choice.columns.get(*place));
            let names: Vec<String> = columns
                .map(|column| format!("`{}`", column.name()))
                .collect();
            names.join(", ")
        }
    };
    let most = choice.most.to_le_bytes();
    let mut is_news = false;
    let cell = format!("{CELLS}.told={labels}");
    let _ = choice.world.update(&cell, &mut |told| {
        is_news = told != Some(&most);
        is_news.then(|| most.to_vec())
    });
    if is_news {
        record.warnings.push(format!(
            "`maxSeries`, {}, is near: combinations of labels that are new are counted without the values of \
             {labels}; give these `templates` or fewer values, remove them from metrics, or raise `maxSeries`",
            choice.most
        ));
    }
}

/// A key without the values at these places.
pub(super) fn without(key: &[u8], given: &[u8]) -> Vec<u8> {
    let mut key = key.to_vec();
    for (value, place) in key.chunks_exact_mut(4).zip(0..=u8::MAX) {
        if given.contains(&place) {
            value.copy_from_slice(&ValueId::OVERFLOW.to_bytes());
        }
    }
    key
}
