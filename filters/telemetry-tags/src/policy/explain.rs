//! Where each tag comes from, for whoever wants to know why.

use sdk_helpers::World;
use sdk_helpers::explanation::RuleExplanation;

use super::{Policy, side};
use crate::attribute::Phase;

impl Policy {
    /// Where the value of each tag comes from, in order, and when. Whether a tag is there for a stream in
    /// the end is what filter state says.
    pub(crate) fn explain(&self, world: &dyn World) -> Vec<RuleExplanation> {
        let side = side(self.proxy(world));
        let explained = self.tags.iter().map(|tag| {
            let when = match tag.phase {
                Phase::Request => "with the request",
                Phase::Response => "with the response",
                Phase::End => "at the end",
            };
            RuleExplanation::new(&tag.name, tag.is_for(side))
                .with("from", tag.told())
                .with("set", when)
        });
        explained.collect()
    }
}
