//! Who gets another quota, and what a request takes.

use sdk_helpers::{At, Problems};

use super::key::{claim_path, header_name};
use super::wire::{CostWire, QuotaWire, TierWire, WhenWire};
use super::{Cost, When};

impl TierWire {
    pub(super) fn check(self, at: &At<'_>, problems: &Problems) -> (Option<When>, QuotaWire) {
        let at_when = at.field("when");
        let when = match self.when {
            Some(when) => when.check(&at_when, problems),
            None => {
                problems.error(&at_when, "is missing: whose tier it is");
                None
            }
        };
        let quota = QuotaWire {
            requests: self.requests,
            per: self.per,
            burst: self.burst,
        };
        (when, quota)
    }
}

impl WhenWire {
    fn check(self, at: &At<'_>, problems: &Problems) -> Option<When> {
        let values = self.values.unwrap_or_default();
        if values.is_empty() {
            problems.error(&at.field("values"), "is missing: at least one value");
        }
        match (self.claim, self.header) {
            (Some(claim), None) => {
                let path = claim_path(&claim, &at.field("claim"), problems)?;
                Some(When::Claim(path, values))
            }
            (None, Some(header)) => {
                let name = header_name(&header, &at.field("header"), problems)?;
                Some(When::Header(name, values))
            }
            _ => {
                problems.error(at, "must have exactly one of `claim`, `header`");
                None
            }
        }
    }
}

impl CostWire {
    pub(super) fn check(self, at: &At<'_>, problems: &Problems) -> Option<Cost> {
        let bounds = [
            ("min", self.min.is_some()),
            ("max", self.max.is_some()),
            ("default", self.default.is_some()),
        ];
        match (self.fixed, self.header) {
            (Some(fixed), None) => {
                for (field, there) in bounds {
                    if there {
                        problems.error(&at.field(field), "belongs to `header`; remove it");
                    }
                }
                if fixed == 0 {
                    problems.error(
                        &at.field("fixed"),
                        "0 would never count a request; at least 1",
                    );
                }
                Some(Cost::Fixed(fixed))
            }
            (None, Some(header)) => {
                let name = header_name(&header, &at.field("header"), problems);
                let min = self.min.unwrap_or(1);
                let default = self.default.unwrap_or(min);
                let Some(max) = self.max else {
                    problems.error(
                        &at.field("max"),
                        "is missing: the most that a request can be made to cost by its header",
                    );
                    return None;
                };
                if min > max || !(min..=max).contains(&default) {
                    problems.error(
                        at,
                        format!("must have `min` {min} <= `default` {default} <= `max` {max}"),
                    );
                }
                Some(Cost::Header {
                    name: name?,
                    min,
                    max,
                    default,
                })
            }
            _ => {
                problems.error(at, "must have exactly one of `fixed`, `header`");
                None
            }
        }
    }
}
