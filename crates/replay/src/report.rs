//! What a replay found.

use explain::{Closest, Outcome};
use serde::{Serialize, Serializer};

use crate::lines::Lines;

/// What a replay found.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What became of the lines.
    pub lines: Lines,
    /// Requests that are decided otherwise.
    pub changed: u64,
    /// Requests that are decided alike.
    pub alike: u64,
    /// Requests of which the log does not say enough, so that it is not known whether they are.
    pub unjudged: u64,
    /// Requests that were refused for their token, which no log has.
    pub token_refused: u64,
    /// Requests that Envoy refused before any policy.
    pub before_filters: u64,
    /// Without old policies: requests of which the log does not say who answered them.
    pub unanswered: u64,
    /// Those that are decided otherwise, by the reasons of both decisions, most first.
    pub changes: Vec<Change>,
    /// What the log would have to say, most wanted first.
    pub missing: Vec<Unjudged>,
    /// Requests of which the log says what policies did and the old policies decide it: all of them, and those that
    /// were answered otherwise than the old policies say.
    pub compared: u64,
    /// Those.
    pub disagreed: u64,
    /// Those, by what the log says and by what is decided, most first.
    pub disagreements: Vec<Disagreement>,
    /// Requests that are counted, and are in no list because there were too many different reasons.
    pub unlisted: u64,
    /// Logs that could not be read to their end, and why.
    pub broken: Vec<String>,
}

/// A decision and its reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Decided {
    /// What was decided.
    #[serde(rename = "decision")]
    pub outcome: Outcome,
    /// Why; empty where no policy speaks of the request.
    pub reason: String,
}

/// Requests that are decided otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// By the old policies, or, without any, as the log says.
    pub before: Decided,
    /// By the new ones.
    pub after: Decided,
    /// How many.
    pub count: u64,
    /// The first of them.
    pub example: Example,
}

/// Requests that were answered otherwise than the old policies say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Disagreement {
    /// What the log says.
    pub logged: Decided,
    /// What the old policies say.
    pub judged: Decided,
    /// How many.
    pub count: u64,
    /// The first of them.
    pub example: Example,
}

/// A request, without anything secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// The log.
    pub file: String,
    /// Its line there.
    pub line: u64,
    /// The method; none of what follows where the log does not say it.
    pub method: Option<String>,
    /// The authority.
    pub authority: Option<String>,
    /// The path, the values of its query masked.
    pub path: Option<String>,
    /// Who sent it, by its certificate.
    pub peer: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// Where it is refused because no rule allows it, the one that came closest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closest: Option<Closest>,
}

/// Which policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The old ones.
    Old,
    /// The new ones.
    New,
}

/// A field of which requests lacked what policies ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unjudged {
    /// Which policies ask for it.
    pub policies: Side,
    /// The field of the log.
    #[serde(serialize_with = "text")]
    pub field: crate::Field,
    /// The conditions that ask for it.
    pub conditions: Vec<String>,
    /// How many requests could not be judged and lack it.
    pub count: u64,
}

fn text<T: std::fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
