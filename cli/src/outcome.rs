//! What was decided, as people read it.

use anstyle::Style;
use explain::Outcome;

use crate::output::{BAD, DOUBTFUL, GOOD};

/// The word, and how it is shown.
pub(crate) fn word(outcome: Outcome) -> (Style, &'static str) {
    let style = match outcome {
        Outcome::Allow => GOOD,
        Outcome::Deny => BAD,
        // It is answered, though nothing is refused.
        Outcome::Reply => DOUBTFUL,
    };
    (style, outcome.name())
}
