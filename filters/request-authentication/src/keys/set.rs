//! A JSON Web Key Set (RFC 7517 §5), and which of its keys a token is tried with.

use std::fmt;

use sdk_helpers::config::json;
use sdk_helpers::{At, Timestamp};
use serde_json::{Map, Value};

use super::certificate::{self, Certificate};
use super::jwk::Jwk;
use crate::algorithm::Algorithm;

/// Keys. Without any, it is the set of an issuer that has withdrawn them all.
#[derive(Debug)]
pub struct KeySet(Vec<Jwk>);

/// A JWKS as it was read.
#[derive(Debug)]
pub struct Read {
    /// The keys that can be used.
    pub set: KeySet,
    /// Those that cannot: their place and why. They are passed over, as in Envoy.
    pub skipped: Vec<(KeyPlace, String)>,
    /// Whether one of those is an RSA key of a size that is not taken here, though others may.
    pub has_other_sizes: bool,
    /// The places of those that hold a secret.
    pub private: Vec<KeyPlace>,
    /// Those that came in a certificate, and when that ends.
    pub certified: Vec<(KeyPlace, Timestamp)>,
}

/// Where in a set a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// In the list `keys`.
    Listed(usize),
    /// In a mapping of names to certificates.
    Named(String),
}

/// What is said of a key whose certificate is over. It counts all the same, as in Envoy: it is the
/// issuer who takes a key back.
pub(crate) const EXPIRED: &str = "the certificate has expired; its key counts on";

impl KeyPlace {
    /// Goes there from where the set is.
    pub fn from<R>(&self, set: &At<'_>, go: impl FnOnce(&At<'_>) -> R) -> R {
        match self {
            KeyPlace::Listed(index) => go(&set.field("keys").index(*index)),
            KeyPlace::Named(name) => go(&set.field(name)),
        }
    }
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.from(&At::root(), |at| at.fmt(f))
    }
}

/// How a token fared with a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// A key verifies it.
    Verified,
    /// No key has its `kid`.
    UnknownKid,
    /// None of the keys that have its `kid` is for its `alg`.
    NoKey {
        /// Whether one has the `kid`, and does not rule the `alg` out by name.
        named: bool,
    },
    /// Every key that could be the one refuses it.
    Refused,
}

impl KeySet {
    /// Reads a set: a mapping with `keys`, or one of names to certificates. It may come out without a
    /// key; see [`Read::without_keys`].
    ///
    /// # Errors
    /// Why it is no set at all. Nothing of it is quoted: a key set may hold secrets.
    pub fn read(bytes: &[u8]) -> Result<Read, String> {
        match json(bytes) {
            Ok(tree) => Self::of(&tree),
            Err(error) => Err(no_json(bytes, &error)),
        }
    }

    /// Takes a set that is read already.
    ///
    /// # Errors
    /// As [`KeySet::read`].
    pub fn of(tree: &Value) -> Result<Read, String> {
        match tree.get("keys") {
            Some(Value::Array(keys)) => Ok(Self::listed(keys)),
            Some(_) => Err("`keys` is no list".to_owned()),
            None => match tree.as_object().and_then(certificates) {
                Some(certificates) => Ok(Self::certified(&certificates)),
                None if tree.get("kty").is_some() => {
                    Err("is one key, not a set: write `{\"keys\": [...]}` around it".to_owned())
                }
                None => Err("has no `keys`".to_owned()),
            },
        }
    }

    fn listed(keys: &[Value]) -> Read {
        let mut read = Read::default();
        for (index, key) in keys.iter().enumerate() {
            if Jwk::is_private(key) {
                read.private.push(KeyPlace::Listed(index));
            }
            read.has_other_sizes |= Jwk::has_other_size(key);
            read.add(KeyPlace::Listed(index), Jwk::read(key));
        }
        read
    }

    fn certified(certificates: &[(&String, &str)]) -> Read {
        let mut read = Read::default();
        for (kid, pem) in certificates {
            let key = Certificate::from_pem(pem)
                .map(|certificate| Jwk::certified(kid, certificate))
                .map_err(|problem| format!("is {problem}"));
            read.add(KeyPlace::Named((*kid).clone()), key);
        }
        read
    }

    /// The number of keys.
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a token with this `kid` may find its key here: one of the same name, or one without.
    pub fn knows(&self, kid: Option<&str>) -> bool {
        self.0.iter().any(|key| has_kid(key, kid))
    }

    /// Tries a token with every key that its header allows, until `verify` says yes.
    ///
    /// A `kid` on both sides must be the same, and an `alg` of the key must be the token's; the
    /// kind of the key must be the algorithm's in any case.
    pub fn try_keys(
        &self,
        kid: Option<&str>,
        alg: &str,
        algorithm: Algorithm,
        mut verify: impl FnMut(&Jwk) -> bool,
    ) -> Trial {
        let mut trial = Trial::UnknownKid;
        for key in self.0.iter().filter(|key| has_kid(key, kid)) {
            let named = key.alg.as_deref().is_none_or(|own| own == alg);
            if named && key.key.fits(algorithm) {
                if verify(key) {
                    return Trial::Verified;
                }
                trial = Trial::Refused;
            } else if trial != Trial::Refused {
                let before = matches!(trial, Trial::NoKey { named: true });
                trial = Trial::NoKey {
                    named: named || before,
                };
            }
        }
        trial
    }
}

impl Default for Read {
    fn default() -> Self {
        Read {
            set: KeySet(Vec::new()),
            skipped: Vec::new(),
            has_other_sizes: false,
            private: Vec::new(),
            certified: Vec::new(),
        }
    }
}

impl Read {
    fn add(&mut self, place: KeyPlace, key: Result<Jwk, String>) {
        match key {
            Ok(key) => {
                let ends = key.not_after.map(|end| (place, end));
                self.certified.extend(ends);
                self.set.0.push(key);
            }
            Err(problem) => self.skipped.push((place, problem)),
        }
    }

    /// Why it is a set without a single key that can be used, if it is.
    pub fn without_keys(&self) -> Option<String> {
        if !self.set.is_empty() {
            return None;
        }
        Some(match self.skipped.first() {
            Some((place, problem)) => {
                format!("has no key that can be used: {place} {problem}")
            }
            None => "has no keys".to_owned(),
        })
    }

    /// The keys whose certificates are over by `now`.
    pub fn expired(&self, now: Timestamp) -> impl Iterator<Item = &KeyPlace> {
        let over = self.certified.iter().filter(move |(_, end)| *end < now);
        over.map(|(place, _)| place)
    }
}

/// The certificates of a mapping that holds nothing else, each under the name of its key.
fn certificates(map: &Map<String, Value>) -> Option<Vec<(&String, &str)>> {
    let certificate = |(kid, value)| {
        let pem = Value::as_str(value)?.trim_start();
        (!String::is_empty(kid) && pem.starts_with(certificate::PEM)).then_some((kid, pem))
    };
    let all: Option<Vec<_>> = map.iter().map(certificate).collect();
    all.filter(|all| !all.is_empty())
}

/// What a text is that is no JSON. The parser's own message may quote it.
fn no_json(bytes: &[u8], error: &serde_json::Error) -> String {
    let text = bytes.trim_ascii_start();
    if text.is_empty() {
        "is empty".to_owned()
    } else if is_pem(text) {
        "is PEM, not JSON: keys are expected as `{\"keys\": [...]}`, or certificates as \
         `{\"<kid>\": \"-----BEGIN CERTIFICATE-----...\"}`"
            .to_owned()
    } else if text.starts_with(b"http://") || text.starts_with(b"https://") {
        "is a URL: that stands in `jwksUri`".to_owned()
    } else if text.starts_with(b"<") {
        "is HTML or XML, not JSON".to_owned()
    } else {
        format!(
            "is no JSON, or has a key twice: line {}, column {}",
            error.line(),
            error.column()
        )
    }
}

/// Whether a line begins a PEM block; what a tool says about it may stand before.
fn is_pem(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(b"-----BEGIN "))
}

fn has_kid(key: &Jwk, kid: Option<&str>) -> bool {
    match (key.kid.as_deref(), kid) {
        (Some(own), Some(kid)) => own == kid,
        _ => true,
    }
}
