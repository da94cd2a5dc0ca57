//! One rule and the tokens at its places.

use std::cell::Cell;
use std::rc::Rc;

use sdk_helpers::Timestamp;
use smallvec::SmallVec;

use super::{Environment, KeyLookup, Rule, RuleKeys};
use crate::cache::{Cache, CachedToken};
use crate::keys::key::Key;
use crate::keys::set::Trial;
use crate::keys::verify::verify;
use crate::locations::Found;
use crate::rejection::Rejection;
use crate::token::{Token, check_times};
use crate::verified::Verified;

pub(super) struct Judge<'a> {
    pub(super) cache: &'a mut Cache,
    pub(super) environment: &'a Environment<'a>,
    pub(super) now: Timestamp,
}

/// Why a rule does not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// A token is not good.
    Refuse(Rejection),
    /// That is not known before a fetch of this remote JWKS ends.
    Wait(usize),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Stop::Refuse(rejection)
    }
}

impl Judge<'_> {
    /// All of them must be good; the last found is asked first.
    pub(super) fn all(
        &mut self,
        index: usize,
        rule: &Rule,
        tokens: &[Found<'_>],
    ) -> Result<SmallVec<[Rc<Verified>; 1]>, Stop> {
        tokens
            .iter()
            .rev()
            .map(|found| self.one(index, rule, found))
            .collect()
    }

    fn one(&mut self, index: usize, rule: &Rule, found: &Found<'_>) -> Result<Rc<Verified>, Stop> {
        match self.known(index, rule, found) {
            Some(known) => known,
            None => self.unknown(index, rule, &found.token),
        }
    }

    /// Verifies a token.
    #[cold]
    fn unknown(&mut self, index: usize, rule: &Rule, text: &[u8]) -> Result<Rc<Verified>, Stop> {
        let token = Token::read(text, rule.shape)?;
        let issuer = token.issuer();
        if !rule.issuer.is_empty() && rule.issuer != issuer {
            return Err(Rejection::Issuer.into());
        }
        check_times(
            token.not_before,
            token.expires,
            self.seconds(),
            rule.clock_skew,
        )?;
        if !rule.audiences.is_empty() && !token.is_for(&rule.audiences) {
            return Err(Rejection::Audience.into());
        }
        let generation = self.check_signature(rule, &token)?;
        let issuer = issuer.into();
        let verified = Rc::new(Verified::new(
            token.payload,
            token.claims,
            rule.payload_header.as_ref(),
            &rule.claim_headers,
            &rule.space_delimited,
        ));
        self.cache.insert(CachedToken {
            token: text.into(),
            rule: index,
            generation,
            issuer,
            not_before: token.not_before,
            expires: token.expires,
            verified: Rc::clone(&verified),
            used: Cell::new(0),
        });
        Ok(verified)
    }

    /// What an earlier verification says of the token, as far as it still counts.
    fn known(
        &mut self,
        index: usize,
        rule: &Rule,
        found: &Found<'_>,
    ) -> Option<Result<Rc<Verified>, Stop>> {
        // Rules that look at the same places look at the same token.
        let entry = found.known.get_or_init(|| self.cache.find(&found.token));
        let entry = entry.as_ref()?;
        if entry.rule != index {
            let other = !rule.issuer.is_empty() && *rule.issuer != *entry.issuer;
            return other.then_some(Err(Rejection::Issuer.into()));
        }
        let generation = match rule.keys {
            RuleKeys::Inline(_) => Some(0),
            RuleKeys::Remote(index) => self.environment.remote_keys.generation(index, self.now),
        };
        if generation != Some(entry.generation) {
            self.cache.remove(&found.token);
            return None;
        }
        let (not_before, expires) = (entry.not_before, entry.expires);
        let times = check_times(not_before, expires, self.seconds(), rule.clock_skew);
        if times == Err(Rejection::Expired) {
            self.cache.remove(&found.token);
        }
        Some(match times {
            Ok(()) => Ok(Rc::clone(&entry.verified)),
            Err(rejection) => Err(rejection.into()),
        })
    }

    /// Since the epoch.
    fn seconds(&self) -> u64 {
        self.now.as_nanos() / 1_000_000_000
    }

    /// Returns which keys verified it.
    fn check_signature(&self, rule: &Rule, token: &Token<'_>) -> Result<u32, Stop> {
        let kid = token.kid.as_deref();
        let (set, generation) = match &rule.keys {
            RuleKeys::Inline(set) => (Rc::clone(set), 0),
            RuleKeys::Remote(index) => {
                match self.environment.remote_keys.find(*index, kid, self.now) {
                    KeyLookup::Keys(set, _) if set.is_empty() => {
                        return Err(Rejection::KeysWithdrawn.into());
                    }
                    KeyLookup::Keys(set, generation) => (set, generation),
                    KeyLookup::Wait => return Err(Stop::Wait(*index)),
                    KeyLookup::None => return Err(Rejection::KeysUnavailable.into()),
                }
            }
        };
        let mut wrong_length = false;
        let trial = set.try_keys(kid, &token.alg, token.algorithm, |key| {
            wrong_length |= matches!(key.key, Key::Ed25519(_)) && token.signature.len() != 64;
            let (signed, signature) = (token.signed, &token.signature);
            verify(
                &key.key,
                token.algorithm,
                signed,
                signature,
                self.environment.host,
            )
        });
        Err(match trial {
            Trial::Verified => return Ok(generation),
            Trial::UnknownKid => Rejection::UnknownKid,
            Trial::NoKey { named: false } => Rejection::NoKey,
            Trial::NoKey { named: true } => Rejection::KeyKind,
            Trial::Refused if wrong_length => Rejection::Ed25519Length,
            Trial::Refused => Rejection::Signature,
        }
        .into())
    }
}
