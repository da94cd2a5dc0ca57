//! A suite and its cases, as a file has them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use sdk_helpers::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::expected::Expected;
use crate::file::File;
use crate::schema;
use crate::sent::{Sent, Values, pairs};
use crate::text;

/// A configuration and what is expected of it.
#[derive(Debug, Clone)]
pub struct Suite {
    /// What it shows, in a few words; unique in its file.
    pub description: String,
    /// The filter it is of, where the file says so.
    pub filter: Option<String>,
    /// The plugin configuration.
    pub config: Value,
    /// The files and folders that the configuration was read from, where it does not stand in the case file.
    pub files: Vec<PathBuf>,
    /// Every warning, as `path: problem`.
    pub warnings: Vec<String>,
    /// Whether there may be others: those of a configuration in other files count only where they are written down.
    pub any_warnings: bool,
    /// Every error, as `path: problem`, where the configuration is refused.
    pub refused: Vec<String>,
    /// The requests.
    pub cases: Vec<Case>,
}

/// A request, the world it meets, and what is expected.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// Unique in its suite.
    pub name: String,
    /// What is sent before it, in the same world, with answers that nobody looks at.
    #[serde(default)]
    pub before: Vec<Earlier>,
    /// What is sent.
    #[serde(default)]
    pub request: Sent,
    /// What is verified of its token.
    pub claims: Option<Value>,
    /// Envoy's attributes as it encodes them, by the parts of their path. A file has the path with slashes, and
    /// text or a whole number.
    #[serde(default, deserialize_with = "text::attributes")]
    #[schemars(schema_with = "schema::attributes")]
    pub attributes: BTreeMap<Vec<String>, Vec<u8>>,
    /// The time, as RFC 3339; see [`Case::time`] where left out.
    #[serde(default, deserialize_with = "text::time")]
    #[schemars(schema_with = "schema::time")]
    pub now: Option<Timestamp>,
    /// The rolls, in order, 0 to 999,999.
    pub dice: Option<Vec<u32>>,
    /// How many streams the filter holds already.
    pub active: Option<u64>,
    /// What the services that the filter asks answer, in order. Those that have no more answer
    /// cannot be reached, as in Envoy, where there are none.
    #[serde(default)]
    pub answers: Vec<Answered>,
    /// What comes of it.
    pub expect: Expected,
}

/// An HTTP answer to a call of the filter's.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answered {
    /// `:status`.
    pub status: u16,
    /// Headers; a list is the header sent several times.
    #[serde(default)]
    pub headers: BTreeMap<String, Values>,
    /// The body.
    #[serde(default)]
    pub body: String,
}

/// Requests that came before a case's own.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Earlier {
    /// What is sent; the case's own request where left out.
    pub request: Option<Sent>,
    /// What is verified of its token; as in the case where left out.
    pub claims: Option<Value>,
    /// How often, in place of once.
    pub times: Option<u32>,
    /// How long after the last of them time stands still, by the clock that never steps.
    #[serde(deserialize_with = "text::duration")]
    #[schemars(schema_with = "schema::duration")]
    pub wait: Option<Duration>,
}

/// One request of a case: its own, or one before it.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// What is sent.
    pub request: &'a Sent,
    /// What is verified of its token.
    pub claims: Option<&'a Value>,
    /// How long time stands still after it.
    pub wait: Duration,
}

/// When cases happen that do not say when: 2026-01-01T00:00:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_767_225_600);

impl Suite {
    /// The filter whose configuration it has, in this file.
    pub fn filter_in<'a>(&'a self, file: &'a File) -> &'a str {
        self.filter.as_deref().unwrap_or(&file.filter)
    }

    /// The names of all tags that its cases expect.
    pub fn tags(&self) -> BTreeSet<&str> {
        let cases = self.cases.iter();
        cases
            .flat_map(|case| case.expect.tags.keys().map(String::as_str))
            .collect()
    }

    /// When the configuration is loaded.
    pub fn time(&self) -> Timestamp {
        NOW
    }
}

impl Case {
    /// What it holds that only a fake world can be made to say, or that no HTTP library sends, by the names of its
    /// fields: a case with any of it cannot run in Envoy.
    pub fn fakes(&self) -> Vec<&'static str> {
        let sent = |is: fn(&Sent) -> bool| self.steps().any(|step| is(step.request));
        let waits = self.before.iter().any(|earlier| earlier.wait.is_some());
        let all = [
            ("rawPath", sent(|it| it.raw_path.is_some())),
            // It is cut off before anything is sent.
            ("path with a fragment", sent(|it| it.path.contains('#'))),
            ("attributes", !self.attributes.is_empty()),
            ("now", self.now.is_some()),
            ("dice", self.dice.is_some()),
            ("active", self.active.is_some()),
            ("answers", !self.answers.is_empty()),
            ("wait", waits),
        ];
        let held = all.into_iter().filter(|(_, is_held)| *is_held);
        held.map(|(name, _)| name).collect()
    }

    /// When it happens.
    pub fn time(&self) -> Timestamp {
        self.now.unwrap_or(NOW)
    }

    /// Every request of it, those before its own first.
    pub fn steps(&self) -> impl Iterator<Item = Step<'_>> {
        let earlier = self.before.iter().flat_map(|earlier| {
            let step = Step {
                request: earlier.request.as_ref().unwrap_or(&self.request),
                claims: earlier.claims.as_ref().or(self.claims.as_ref()),
                wait: Duration::ZERO,
            };
            let last = earlier.times.unwrap_or(1);
            (1..=last).map(move |time| Step {
                wait: earlier.wait.filter(|_| time == last).unwrap_or_default(),
                ..step
            })
        });
        earlier.chain([self.own()])
    }

    /// Its own request, the one that is looked at.
    pub fn own(&self) -> Step<'_> {
        Step {
            request: &self.request,
            claims: self.claims.as_ref(),
            wait: Duration::ZERO,
        }
    }
}

impl Answered {
    /// The header block.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![(":status".to_owned(), self.status.to_string())];
        headers.extend(pairs(&self.headers));
        headers
    }
}
