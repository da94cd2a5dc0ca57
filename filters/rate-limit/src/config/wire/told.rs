//! Which answers tell of a limit, and by which headers, as a user writes it.

use sdk_helpers::config::Node;
use sdk_helpers::config::kind::FieldKind;
use sdk_helpers::config::table::Type;
use sdk_helpers::words;

words! {
    /// The answers that tell of a limit.
    pub enum TellsOn {
        /// Every one.
        All = "all",
        /// Those of requests that are refused.
        Refusals = "refusals",
        /// None.
        None = "none",
    }
}

words! {
    /// Headers that belong together.
    pub enum Family {
        /// `x-ratelimit-limit`, `-remaining` and `-reset`.
        XRateLimit = "x-ratelimit",
        /// `ratelimit-policy` and `ratelimit`.
        RateLimit = "ratelimit",
    }
}

/// One of the words, or whether all answers tell of it.
#[derive(Debug)]
pub(in crate::config) struct TellsOnOrFlag;

impl FieldKind for TellsOnOrFlag {
    type Value = TellsOn;

    fn read(node: Node<'_>) -> TellsOn {
        match (node.is_flag(), node) {
            (false, node) => TellsOn::read(node),
            (true, node) if node.flag() => TellsOn::All,
            (true, _) => TellsOn::None,
        }
    }

    fn describe() -> Type {
        Type::Either(vec![TellsOn::describe(), bool::describe()])
    }
}
