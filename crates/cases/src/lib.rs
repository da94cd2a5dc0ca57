//! One corpus of cases for every engine: `filters/<name>/cases/*.yaml`.
//!
//! A file holds suites: a configuration, and either the requests with what is expected of each, or
//! the errors with which the configuration is refused. The same file is run natively, in the built
//! module under wasmtime, and in a real Envoy, so that they cannot drift apart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test support: a panic is how a test fails"
)]

mod native;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

pub use native::{Natively, natively};

/// The suites of one file.
#[derive(Debug, Clone)]
pub struct File {
    /// The filter whose folder it is in.
    pub filter: String,
    /// Its name without `.yaml`.
    pub name: String,
    /// What it holds.
    pub suites: Vec<Suite>,
}

/// A configuration and what is expected of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Suite {
    /// What it shows, in a few words; unique in its file.
    pub description: String,
    /// The plugin configuration.
    pub config: Value,
    /// Every warning, as `path: problem`.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Every error, as `path: problem`, where the configuration is refused.
    #[serde(default)]
    pub refused: Vec<String>,
    /// The requests.
    #[serde(default)]
    pub cases: Vec<Case>,
}

/// A request, the world it meets, and what is expected.
#[derive(Debug, Clone, Deserialize)]
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
    /// Envoy's attributes by dotted path: text, or a number as Envoy encodes it.
    #[serde(default)]
    pub facts: BTreeMap<String, Value>,
    /// The time, as RFC 3339; [`NOW`] where a world has to be told.
    pub now: Option<String>,
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
#[derive(Debug, Clone, Deserialize)]
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

impl Answered {
    /// The header block.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![(":status".to_owned(), self.status.to_string())];
        headers.extend(pairs(&self.headers));
        headers
    }
}

/// Where a tag is left, for others; a module itself writes it without `wasm.`.
pub const TAG: &str = "wasm.mesh_filters.tag.";

/// Requests that came before a case's own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Earlier {
    /// What is sent; the case's own request where left out.
    pub request: Option<Sent>,
    /// What is verified of its token; as in the case where left out.
    pub claims: Option<Value>,
    /// How often, in place of once.
    pub times: Option<u32>,
    /// How long after the last of them time stands still, by the clock that never steps.
    pub wait: Option<String>,
}

/// When cases happen that do not say when.
pub const NOW: &str = "2026-01-01T00:00:00Z";

/// A request as a case writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Sent {
    /// `:method`.
    pub method: String,
    /// `:path`, with its query.
    pub path: String,
    /// `:authority`.
    pub authority: String,
    /// Headers; a list is the header sent several times.
    pub headers: BTreeMap<String, Values>,
    /// Headers of any bytes: `\xff` is one.
    pub raw_headers: BTreeMap<String, String>,
    /// A path of any bytes, in place of the other.
    pub raw_path: Option<String>,
}

impl Default for Sent {
    fn default() -> Self {
        Sent {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            authority: "app.example".to_owned(),
            headers: BTreeMap::new(),
            raw_headers: BTreeMap::new(),
            raw_path: None,
        }
    }
}

impl Sent {
    /// `:path` as it is sent.
    pub fn path(&self) -> Vec<u8> {
        match &self.raw_path {
            Some(path) => unescaped(path),
            None => self.path.clone().into_bytes(),
        }
    }
}

/// One value or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// Sent once.
    One(String),
    /// Sent once each.
    Several(Vec<String>),
}

/// What a case expects. What it leaves out is expected not to be: a case without `reason` expects
/// that there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Expected {
    /// The filter's reason, as filter state has it.
    pub reason: Option<String>,
    /// The HTTP status of the filter's own answer; left out when the request goes on.
    pub status: Option<u16>,
    /// The `grpc-status` of it.
    pub grpc_status: Option<u32>,
    /// The body of it, or the `grpc-message`.
    pub body: Option<String>,
    /// How long the request is held.
    pub delay: Option<String>,
    /// Headers of the answer, whoever gives it; null for one that it must not have.
    pub headers: BTreeMap<String, Option<String>>,
    /// Every tag that is left in filter state by the time the response's headers have passed.
    pub tags: BTreeMap<String, String>,
}

/// What an engine saw, in the same terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// As in [`Expected`].
    pub reason: Option<String>,
    /// As in [`Expected`].
    pub status: Option<u16>,
    /// As in [`Expected`].
    pub grpc_status: Option<u32>,
    /// As in [`Expected`].
    pub body: Option<String>,
    /// How long the request was held.
    pub delay: Option<Duration>,
    /// The answer's headers, of a repeated one the first value.
    pub headers: BTreeMap<String, String>,
    /// As in [`Expected`].
    pub tags: BTreeMap<String, String>,
    /// `%RESPONSE_CODE_DETAILS%`, where the engine has them and the filter answered.
    pub details: Option<String>,
}

/// Whatever can run a suite.
pub trait Engine {
    /// Runs one request of a suite it was made for.
    fn run(&self, case: &Case) -> Outcome;

    /// Whether it can be made to meet what the case fixes.
    fn takes(&self, _case: &Case) -> bool {
        true
    }

    /// How much longer than asked a delay may last here.
    fn grain(&self) -> Duration {
        Duration::ZERO
    }
}

impl File {
    /// Every file of every filter below `filters`.
    pub fn all(filters: &Path) -> Vec<File> {
        let mut files = Vec::new();
        let mut filters = list(filters);
        filters.retain(|folder| folder.join("Cargo.toml").is_file());
        for folder in filters {
            let cases = list(&folder.join("cases"));
            assert!(!cases.is_empty(), "{} has no cases", folder.display());
            files.extend(cases.iter().map(|path| File::read(&stem(&folder), path)));
        }
        files
    }

    fn read(filter: &str, path: &Path) -> File {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let suites: Vec<Suite> = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for suite in &suites {
            let both = !suite.refused.is_empty() && !suite.cases.is_empty();
            let none =
                suite.refused.is_empty() && suite.cases.is_empty() && suite.warnings.is_empty();
            assert!(
                !both && !none,
                "{}: `{}` must have cases, warnings, or the errors it is refused with",
                path.display(),
                suite.description
            );
        }
        File {
            filter: filter.to_owned(),
            name: stem(path),
            suites,
        }
    }
}

impl Suite {
    /// The names of all tags that its cases expect.
    pub fn tags(&self) -> BTreeSet<&str> {
        let cases = self.cases.iter();
        cases
            .flat_map(|case| case.expect.tags.keys().map(String::as_str))
            .collect()
    }
}

impl Case {
    /// Whether it holds what only a fake world can be made to say, or a path that no HTTP library
    /// sends: such a case cannot run in Envoy.
    pub fn needs_fakes(&self) -> bool {
        self.request.raw_path.is_some()
            || self.dice.is_some()
            || self.now.is_some()
            || self.active.is_some()
            || !self.facts.is_empty()
            || !self.answers.is_empty()
            || self.before.iter().any(|earlier| earlier.wait.is_some())
    }

    /// Every request of it, its own last, with how long time then stands still.
    pub fn requests(&self) -> impl Iterator<Item = (Case, Option<Duration>)> {
        let earlier = self.before.iter().flat_map(|earlier| {
            let mut case = self.clone();
            case.request = earlier.request.clone().unwrap_or(case.request);
            case.claims = earlier.claims.clone().or(case.claims);
            let times = earlier.times.unwrap_or(1);
            let wait = earlier
                .wait
                .as_deref()
                .map(|text| sdk_helpers::config::duration(text).expect("the wait of a case"));
            (1..=times).map(move |time| (case.clone(), wait.filter(|_| time == times)))
        });
        earlier.chain([(self.clone(), None)])
    }

    /// The header block, pseudo headers first.
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let sent = &self.request;
        let mut headers: Vec<(String, Vec<u8>)> = [
            (":method", sent.method.clone().into_bytes()),
            (":path", sent.path()),
            (":scheme", b"http".into()),
            (":authority", sent.authority.clone().into_bytes()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        headers.extend(self.plain_headers());
        headers
    }

    /// The headers without pseudo headers.
    pub fn plain_headers(&self) -> impl Iterator<Item = (String, Vec<u8>)> {
        let raw = self.request.raw_headers.iter();
        pairs(&self.request.headers)
            .map(|(name, value)| (name, value.into_bytes()))
            .chain(raw.map(|(name, value)| (name.clone(), unescaped(value))))
    }

    /// The facts as Envoy encodes them.
    pub fn encoded_facts(&self) -> impl Iterator<Item = (Vec<&str>, Vec<u8>)> {
        self.facts.iter().map(|(path, value)| {
            let bytes = match value {
                Value::String(text) => text.clone().into_bytes(),
                Value::Number(number) => number
                    .as_i64()
                    .unwrap_or_else(|| panic!("{path}: `{number}` is not a whole number"))
                    .to_le_bytes()
                    .to_vec(),
                other => panic!("{path}: `{other}` is neither text nor a number"),
            };
            (path.split('/').collect(), bytes)
        })
    }

    /// Runs the case and compares.
    ///
    /// # Errors
    /// Says what differs.
    pub fn check(&self, engine: &dyn Engine) -> Result<(), Box<Difference>> {
        let seen = engine.run(self);
        let wanted = &self.expect;
        let delay = wanted
            .delay
            .as_deref()
            .map(|text| sdk_helpers::config::duration(text).expect("the delay a case expects"));
        let in_time = match (delay, seen.delay) {
            (None, None) => true,
            (Some(least), Some(held)) => (least..=least + engine.grain()).contains(&held),
            _ => false,
        };
        let same = seen.reason == wanted.reason
            && seen.status == wanted.status
            && seen.grpc_status == wanted.grpc_status
            && seen.body == wanted.body
            && seen.tags == wanted.tags
            && wanted
                .headers
                .iter()
                .all(|(name, value)| seen.headers.get(name) == value.as_ref());
        // The last reason is the one that answered.
        let last = wanted.reason.as_deref().and_then(|r| r.rsplit(',').next());
        let details = match (&seen.details, last) {
            (Some(details), Some(last)) => details.ends_with(&format!("{{{last}}}")),
            (Some(_), None) => false,
            (None, _) => true,
        };
        if same && in_time && details {
            Ok(())
        } else {
            Err(Box::new(Difference {
                wanted: wanted.clone(),
                seen,
            }))
        }
    }
}

/// The bytes of a text in which `\xff` stands for one.
fn unescaped(text: &str) -> Vec<u8> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        let byte = u8::from_str_radix(digits, 16);
        bytes.push(byte.unwrap_or_else(|_| panic!("`\\x{digits}` in `{text}` is no byte")));
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

fn pairs(headers: &BTreeMap<String, Values>) -> impl Iterator<Item = (String, String)> {
    headers.iter().flat_map(|(name, values)| {
        let values = match values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Several(values) => values,
        };
        values.iter().map(|value| (name.clone(), value.clone()))
    })
}

/// What an engine did against what was expected.
#[derive(Debug)]
pub struct Difference {
    wanted: Expected,
    seen: Outcome,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {:#?}\nbut saw  {:#?}", self.wanted, self.seen)
    }
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("an entry of a folder").path())
        .collect();
    paths.sort();
    paths
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .expect("a file has a name")
        .to_string_lossy()
        .into_owned()
}
