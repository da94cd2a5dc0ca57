//! What a request takes.

use sdk_helpers::config::header_name;
use sdk_helpers::{At, Problems};

use super::Cost;
use super::wire::CostWire;

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
                let name = header_name(&header, true, &at.field("header"), problems);
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
