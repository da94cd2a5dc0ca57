//! One fetch: which call comes next, and what an answer means.

use sdk_helpers::config::json;
use sdk_helpers::{Answer, Call};

use crate::config::url::Url;
use crate::config::{Origin, Remote};
use crate::keys::KeySet;

/// Some hundreds of keys. Each takes every worker some 50 µs to read.
const LARGEST: usize = 256 * 1024;

/// The call that is out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// For the issuer's OpenID configuration.
    Discovery(Url),
    /// For the keys.
    Keys(Url),
}

/// What an answer brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// The place of the keys.
    Next(Step),
    /// The text of a key set in which at least one key can be used.
    Keys(Vec<u8>),
}

/// Why a fetch failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// No such cluster, no healthy host, no answer in time.
    Unreachable,
    /// An answer other than 2xx. Redirects are not followed.
    Status,
    /// An answer that is no key set.
    Invalid,
}

impl Step {
    pub(super) fn first(remote: &Remote) -> Self {
        match &remote.origin {
            Origin::Jwks(url) => Step::Keys(url.clone()),
            Origin::Discovery(url) => Step::Discovery(url.clone()),
        }
    }

    pub(super) fn call(&self, remote: &Remote) -> Call {
        let (Step::Discovery(url) | Step::Keys(url)) = self;
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Call::Http {
            cluster: remote.cluster.clone().unwrap_or_else(|| url.cluster()),
            headers: vec![
                header(":method", "GET"),
                header(":path", &url.path),
                header(":authority", &url.authority),
                header("accept", "application/json"),
            ],
            body: Vec::new(),
            timeout: remote.timeout,
        }
    }

    pub(super) fn answered(&self, answer: &Answer) -> Result<Got, Trouble> {
        let Answer::Http { headers, body } = answer else {
            return Err(Trouble::Unreachable);
        };
        match headers.first(":status") {
            Some([b'2', _, _]) => {}
            // What Envoy says in place of a host that it cannot reach, or that does not answer.
            Some(b"503" | b"504") => return Err(Trouble::Unreachable),
            _ => return Err(Trouble::Status),
        }
        if body.len() > LARGEST {
            return Err(Trouble::Invalid);
        }
        match self {
            Step::Keys(_) => {
                KeySet::read(body).map_err(|_| Trouble::Invalid)?;
                Ok(Got::Keys(body.clone()))
            }
            Step::Discovery(_) => {
                let place = json(body)
                    .ok()
                    .and_then(|tree| Url::read(tree.get("jwks_uri")?.as_str()?).ok());
                place
                    .map(|url| Got::Next(Step::Keys(url)))
                    .ok_or(Trouble::Invalid)
            }
        }
    }
}

/// What tells one key set from another among all that share cells.
pub(super) fn name(remote: &Remote) -> String {
    let (Origin::Jwks(url) | Origin::Discovery(url)) = &remote.origin;
    let cluster = remote.cluster.clone().unwrap_or_else(|| url.cluster());
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
