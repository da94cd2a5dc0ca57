//! What became of a request.

mod json;
mod message;

use std::collections::BTreeMap;

use sdk_helpers::headers::HeaderEdit;
use serde::{Serialize, Serializer};

use crate::closest::Closest;
use crate::rules::RuleVerdict;
use crate::secrets::Secrets;
pub use message::Message;

/// What became of a request. As JSON it is the answer to a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What was decided.
    pub decision: Outcome,
    /// The status that the client sees: 200 where the request is allowed.
    pub status: u16,
    /// The `grpc-status`, where a gRPC client is answered in place of the upstream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grpc_status: Option<u32>,
    /// The filter that answered; none where the upstream did.
    pub by: Option<&'static str>,
    /// Its reason; none where the upstream answered.
    pub reason: Option<String>,
    /// How long the request was held, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// The filters that saw the request, in order.
    pub filters: Vec<FilterAnswer>,
    /// The request as it left the last of them.
    pub request: Message,
    /// The response as the client sees it; of an upstream's, what filters made of an empty 200.
    pub response: Message,
    /// Every rule of every policy, where that is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleVerdict>,
    /// The tags for log, spans and metrics.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The upstream gets the request.
    Allow,
    /// It is refused: by a policy, for its token, or by Envoy for its path.
    Deny,
    /// It is answered: by a limit or a fault.
    Reply,
}

impl Outcome {
    /// What an answer of this filter is: limits and faults refuse nobody.
    #[must_use]
    pub fn of_reply(filter: &str) -> Self {
        match filter {
            "rate-limit" | "fault-injection" => Outcome::Reply,
            _ => Outcome::Deny,
        }
    }

    /// `allow`, `deny` or `reply`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Allow => "allow",
            Outcome::Deny => "deny",
            Outcome::Reply => "reply",
        }
    }
}

/// What a filter decided.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FilterAnswer {
    /// Its name.
    pub filter: &'static str,
    /// What it decided.
    pub decision: Outcome,
    /// Its reason; empty where it has none to give.
    pub reason: String,
    /// How long it held the request, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// What happens at which throws of the dice, where none was given and it would change anything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rolls: Vec<Threshold>,
    /// The rule that came closest, where none allowed the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closest: Option<Closest>,
    /// The service that it asked, which there is none of here: what is decided is what it decides without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<String>,
    /// What it changed in the request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request: Vec<Change>,
    /// What it changed in the response.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response: Vec<Change>,
}

/// What happens where the dice fall below a percentage.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Threshold {
    /// The percentage; throws below the one before it, if any, do something else.
    #[serde(serialize_with = "percentage")]
    pub below: f64,
    /// What happens: `reply 503, abort:http-0`.
    pub then: String,
}

/// Whole percents are whole numbers.
fn percentage<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number up to 100"
        )]
        return serializer.serialize_u32(*value as u32);
    }
    serializer.serialize_f64(*value)
}

/// A change of a header.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It has this value and no other.
    Set(String, String),
    /// It has this value beside those there were.
    Add(String, String),
    /// It is gone.
    Remove(String),
}

impl Change {
    pub(crate) fn of(edit: &HeaderEdit, secrets: &Secrets) -> Self {
        let name = edit.name().to_owned();
        let value = |value: &[u8]| secrets.header(&name, value).into_owned();
        match (edit, edit.value()) {
            (_, None) => Change::Remove(name),
            (HeaderEdit::Add(..) | HeaderEdit::AddPart(..), Some(bytes)) => {
                Change::Add(name.clone(), value(bytes))
            }
            (_, Some(bytes)) => Change::Set(name.clone(), value(bytes)),
        }
    }
}
