//! A ceiling on the values of one label, and what is told when it is reached.

use sdk_helpers::{OutcomeId, Outcomes, Record, World};

use crate::bound::{Bound, ValueId};
use crate::config::BoundConfig;

#[derive(Debug)]
pub(super) struct LabelLimit {
    bound: Bound,
    label: String,
    most: u32,
    overflow: OutcomeId,
}

impl LabelLimit {
    /// `nth` tells apart those of labels with one name.
    pub(super) fn new(
        label: &str,
        nth: usize,
        config: &BoundConfig,
        outcomes: &mut Outcomes,
    ) -> Self {
        let what = match nth {
            0 => label.to_owned(),
            nth => format!("{label}#{nth}"),
        };
        LabelLimit {
            bound: Bound::new(&what, config.max_values, config.overflow.clone()),
            label: label.to_owned(),
            most: config.max_values,
            overflow: outcomes.add("overflow", Some(label)),
        }
    }

    /// The place of a clean value, which is that of the overflow for one beyond the ceiling.
    pub(super) fn admit(&self, value: &[u8], world: &dyn World, record: &mut Record) -> ValueId {
        self.bound.admit(world, value).unwrap_or_else(|| {
            super::note(record, self.overflow);
            if self.bound.ceiling.is_first_warning(world) {
                let overflow = self.with(ValueId::OVERFLOW, str::to_owned);
                record.warnings.push(format!(
                    "the label `{}` has its `maxValues`, {}: every other value is counted as `{overflow}`; give it \
                     `templates`, a narrower expression, or a larger `maxValues`",
                    self.label, self.most
                ));
            }
            ValueId::OVERFLOW
        })
    }

    /// How many values there are, over all workers.
    pub(super) fn count(&self, world: &dyn World) -> u32 {
        self.bound.ceiling.count(world)
    }

    /// The value at a place.
    pub(super) fn with<T>(&self, id: ValueId, see: impl FnOnce(&str) -> T) -> T {
        self.bound.with(id, see)
    }
}
