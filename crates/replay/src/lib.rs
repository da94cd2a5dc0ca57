//! What becomes of the requests of an access log under other policies, and the smallest policy that admits what it
//! says was answered.
//!
//! ```text
//! log ─lines→ entry ─Policies→ verdict before ┐
//!                  └─Policies→ verdict after  ┴─count→ Report
//! log ─lines→ entry ─who, method, path template→ Suggestion
//! ```
//!
//! Nothing here decides: the filter's own code does, by [`explain::Judge`]. Where the log does not say what a
//! condition asks for, the request is decided only if it is decided alike whatever that was.
//!
//! What is judged are AuthorizationPolicies. A limit depends on the requests before it and on other proxies, a fault on
//! dice, and no token is in a log: none of these is replayed.

mod answered;
mod count;
mod entry;
mod field;
mod input;
mod judges;
mod lines;
mod pipeline;
mod policies;
mod report;
mod run;
mod suggest;

pub use field::Field;
pub use input::Source;
pub use judges::Verdict;
pub use lines::{Lines, Unreadable};
pub use policies::{Need, Policies};
pub use report::{Change, Decided, Disagreement, Example, Report, Side, Unjudged};
pub use run::Replay;
pub use suggest::{Admitted, LeftOut, Suggest, Suggestion};
