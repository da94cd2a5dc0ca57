//! One fetch: which call comes next, and what an answer means.

use std::time::Duration;

use sdk_helpers::config::json;
use sdk_helpers::decision::USER_AGENT;
use sdk_helpers::{Call, CallResult, Headers};

use crate::config::url::Url;
use crate::config::{Origin, Remote};
use crate::keys::KeySet;
use crate::keys::set::Read;

/// Some hundreds of keys. Each takes every worker some 50 µs to read.
const LARGEST: usize = 256 * 1024;

/// Takes keys of every server: of one that serves `application/jwk-set+json` alone, as Kubernetes does,
/// and of one that knows of no such type.
const ACCEPT: &str = "application/json, application/jwk-set+json, */*";

/// The call that a fetch waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FetchStep {
    /// For the issuer's OpenID configuration.
    Discovery(Url),
    /// For the keys.
    Keys(Url),
}

/// What an answer brought.
#[derive(Debug)]
pub(super) enum Received {
    /// Where the keys are: the next call.
    Next(FetchStep),
    /// A key set, as text and read. It may be without keys.
    Keys(Vec<u8>, Read),
}

/// Why a fetch failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    /// What came, in a few words: `status 404`.
    pub(super) what: String,
}

/// Kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// No such cluster, no healthy host, no answer in time.
    Unreachable,
    /// An answer other than 2xx. Redirects are not followed.
    Status,
    /// An answer that is no key set.
    Invalid,
}

impl FailureKind {
    fn of(self, what: impl Into<String>) -> Failure {
        Failure {
            kind: self,
            what: what.into(),
        }
    }
}

impl FetchStep {
    pub(super) fn first(remote: &Remote) -> Self {
        match &remote.origin {
            Origin::Jwks(url) => FetchStep::Keys(url.clone()),
            Origin::Discovery(url) => FetchStep::Discovery(url.clone()),
        }
    }

    fn url(&self) -> &Url {
        let (FetchStep::Discovery(url) | FetchStep::Keys(url)) = self;
        url
    }

    pub(super) fn call(&self, remote: &Remote) -> Call {
        let url = self.url();
        let header = |name: &str, value: &str| (name.to_owned(), value.into());
        Call::Http {
            cluster: cluster(remote, url),
            headers: vec![
                header(":method", "GET"),
                header(":scheme", url.scheme),
                header(":path", &url.path),
                header(":authority", &url.authority),
                header("accept", ACCEPT),
                header("user-agent", USER_AGENT),
            ],
            body: Vec::new(),
            timeout: remote.timeout,
        }
    }

    /// Whom it asks and what came of that, for people. Nothing in it is secret.
    pub(super) fn report(&self, remote: &Remote, what: &str) -> String {
        /// A name of a key in an answer may be a book.
        const LONGEST: usize = 500;
        let url = self.url();
        let line = format!("{url} through cluster `{}`: {what}", cluster(remote, url));
        line.chars().take(LONGEST).collect()
    }

    pub(super) fn answered(
        &self,
        answer: &CallResult,
        remote: &Remote,
    ) -> Result<Received, Failure> {
        let CallResult::Http { headers, body } = answer else {
            return Err(FailureKind::Unreachable.of(match answer {
                CallResult::Unsent => "no such cluster",
                _ => "the answer broke off",
            }));
        };
        check_status(headers, body, remote.timeout)?;
        if body.len() > LARGEST {
            return Err(FailureKind::Invalid.of("larger than 256 KiB"));
        }
        let answer_that = |problem| FailureKind::Invalid.of(format!("an answer that {problem}"));
        match self {
            FetchStep::Keys(_) => {
                let read = KeySet::read(body).map_err(answer_that)?;
                Ok(Received::Keys(body.clone(), read))
            }
            FetchStep::Discovery(_) => {
                let Ok(tree) = json(body) else {
                    return Err(FailureKind::Invalid.of("an OpenID configuration that is no JSON"));
                };
                let place = tree.get("jwks_uri").and_then(|uri| uri.as_str());
                let place = place.ok_or_else(|| {
                    FailureKind::Invalid.of("an OpenID configuration without `jwks_uri`")
                })?;
                let url = Url::read(place).map_err(|problem| {
                    FailureKind::Invalid.of(format!(
                        "an OpenID configuration whose `jwks_uri` {problem}"
                    ))
                })?;
                Ok(Received::Next(FetchStep::Keys(url)))
            }
        }
    }
}

fn check_status(headers: &Headers, body: &[u8], timeout: Duration) -> Result<(), Failure> {
    let status = headers.first(":status").unwrap_or_default();
    let said = String::from_utf8_lossy(status);
    let said = said.escape_debug();
    Err(match status {
        [b'2', _, _] => return Ok(()),
        // What Envoy says in place of a host that does not answer, or that it cannot reach.
        b"504" if body == b"upstream request timeout" => {
            let millis = timeout.as_millis();
            FailureKind::Unreachable.of(match millis % 1_000 {
                0 => format!("no answer in {} s", millis / 1_000),
                _ => format!("no answer in {millis} ms"),
            })
        }
        b"503" if body == b"no healthy upstream" => FailureKind::Unreachable.of("no healthy host"),
        b"503" if body.starts_with(b"upstream connect error") => {
            FailureKind::Unreachable.of("no connection")
        }
        b"503" | b"504" => FailureKind::Unreachable.of(format!("status {said}")),
        [b'3', _, _] => {
            FailureKind::Status.of(format!("status {said}, and redirects are not followed"))
        }
        _ => FailureKind::Status.of(format!("status {said}")),
    })
}

fn cluster(remote: &Remote, url: &Url) -> String {
    remote.cluster.clone().unwrap_or_else(|| url.cluster())
}

/// What tells one JWKS from another in shared data.
pub(super) fn name(remote: &Remote) -> String {
    let (Origin::Jwks(url) | Origin::Discovery(url)) = &remote.origin;
    let cluster = cluster(remote, url);
    format!("{cluster} {}{}", url.authority, url.path)
}

/// FNV-1a, never 0. Tells a new text from the last one, from one and the same issuer.
pub(super) fn hash(text: &[u8]) -> u64 {
    text.iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
        .max(1)
}
