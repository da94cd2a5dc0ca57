//! The answer itself.

use serde::Serialize;
use serde_json::{Map, Value};

/// What a workload says of itself and of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answer<'a> {
    pub(crate) name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) version: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) caller: Option<String>,
    /// So far, this one included.
    pub(crate) requests: u64,
    /// What stood in the way of what the request asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
    pub(crate) method: &'a str,
    pub(crate) authority: String,
    pub(crate) path: &'a str,
    pub(crate) headers: Map<String, Value>,
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) body_bytes: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) called: Vec<Called>,
}

/// What came of a call.
#[derive(Debug, Serialize, PartialEq)]
pub(crate) struct Called {
    pub(crate) service: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Until the last byte was there.
    pub(crate) seconds: f64,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// What was in the answer, if there was one.
#[derive(Debug, Serialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Outcome {
    /// JSON, as a workload like this one has it.
    Answer(Value),
    /// The beginning of anything else.
    Text(String),
    /// Why there is none.
    Problem(String),
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Answer<'_> {
    /// For people, and for programs all the same.
    pub(crate) fn text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
