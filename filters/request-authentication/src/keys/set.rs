//! A JSON Web Key Set (RFC 7517 §5), and which of its keys a token is tried with.

use sdk_helpers::config::json;
use serde_json::Value;

use super::jwk::Jwk;
use crate::algorithm::Algorithm;

/// Keys, at least one.
#[derive(Debug)]
pub struct KeySet(Vec<Jwk>);

/// A set as it was read.
#[derive(Debug)]
pub struct Read {
    /// The keys that can be used.
    pub set: KeySet,
    /// Those that cannot: their place and why. They are passed over, as in Envoy.
    pub skipped: Vec<(usize, String)>,
    /// The places of those that hold a secret.
    pub private: Vec<usize>,
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
    /// Reads a set.
    ///
    /// # Errors
    /// Why none of it can be used.
    pub fn read(bytes: &[u8]) -> Result<Read, String> {
        // The message of a refused text may quote it, and a key set may hold secrets.
        let tree = json(bytes).map_err(|error| {
            format!(
                "is no JSON, or has a key twice: line {}, column {}",
                error.line(),
                error.column()
            )
        })?;
        let keys = match tree.get("keys") {
            Some(Value::Array(keys)) => keys,
            Some(_) => return Err("`keys` is no list".to_owned()),
            None => return Err("has no `keys`".to_owned()),
        };
        let mut read = Read {
            set: KeySet(Vec::with_capacity(keys.len())),
            skipped: Vec::new(),
            private: Vec::new(),
        };
        for (index, key) in keys.iter().enumerate() {
            if Jwk::is_private(key) {
                read.private.push(index);
            }
            match Jwk::read(key) {
                Ok(key) => read.set.0.push(key),
                Err(problem) => read.skipped.push((index, problem)),
            }
        }
        if !read.set.0.is_empty() {
            return Ok(read);
        }
        Err(match read.skipped.first() {
            Some((index, problem)) => {
                format!("has no key that can be used: keys[{index}] {problem}")
            }
            None => "has no keys".to_owned(),
        })
    }

    /// The number of keys.
    pub fn size(&self) -> usize {
        self.0.len()
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

fn has_kid(key: &Jwk, kid: Option<&str>) -> bool {
    match (key.kid.as_deref(), kid) {
        (Some(own), Some(kid)) => own == kid,
        _ => true,
    }
}
