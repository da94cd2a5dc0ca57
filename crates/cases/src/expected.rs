//! What a case expects.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{schema, text};

/// What comes of a request. What is left out is expected not to be: a case without `reason` expects
/// that there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Expected {
    /// The filter's reason, as filter state has it.
    pub reason: Option<String>,
    /// The reasons of the filters of a chain, by their names. Where there are several a filter has its
    /// reason here.
    pub reasons: BTreeMap<String, String>,
    /// The HTTP status of the filter's own answer; left out when the request goes on.
    pub status: Option<u16>,
    /// The `grpc-status` of it.
    pub grpc_status: Option<u32>,
    /// The body of it, or the `grpc-message`.
    pub body: Option<String>,
    /// How long the request is held.
    #[serde(deserialize_with = "text::duration")]
    #[schemars(schema_with = "schema::duration")]
    pub delay: Option<Duration>,
    /// Headers of the answer, whoever gives it; null for one that it must not have.
    pub headers: BTreeMap<String, Option<String>>,
    /// Every tag that is left in filter state for the access log.
    pub tags: BTreeMap<String, String>,
}
