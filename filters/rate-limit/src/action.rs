//! What a limit does with a request that it matches: which bucket it charges, by which quota, how
//! many tokens; or what it asks the service.

use std::rc::Rc;

use sdk_helpers::matcher::Wildcard;

use crate::config::{Cost, Counting, LocalCounting, OnMissing, Text, When};
use crate::gcra::Gcra;
use crate::key::{KeyPart, KeySource, Values, values};
use crate::ledger::Account;
use crate::policy::Limit;
use crate::response_headers::{self, PolicyText, Reading};
use crate::rls;
use crate::subject::Subject;
use crate::table::{Bucket, Cells, KeySpace};

/// Tokens that a limit takes from a bucket of this proxy.
#[derive(Debug)]
pub(crate) struct LocalCharge<'a> {
    pub(crate) limit: &'a Limit,
    /// Its place.
    pub(crate) index: usize,
    pub(crate) account: Account<'a>,
    policy: &'a Rc<PolicyText>,
    /// What is tried out beside it, where the request would be its.
    candidate: Option<(&'a Gcra, &'a Cells)>,
}

impl<'a> AsRef<Account<'a>> for LocalCharge<'a> {
    fn as_ref(&self) -> &Account<'a> {
        &self.account
    }
}

impl<'a> AsMut<Account<'a>> for LocalCharge<'a> {
    fn as_mut(&mut self) -> &mut Account<'a> {
        &mut self.account
    }
}

/// What a limit asks the service.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) limit: usize,
    pub(crate) enforced: bool,
    pub(crate) descriptor: rls::Descriptor,
}

/// What a limit does with a request that it matches.
#[derive(Debug)]
pub(crate) enum LimitAction<'a> {
    /// Nothing: it does not count the request.
    Nothing,
    /// The request lacks a part of the key, which `onMissingKey` has refused.
    MissingKey,
    /// It charges a bucket of this proxy.
    Charge(LocalCharge<'a>),
    /// It asks the service.
    Ask(rls::Descriptor),
}

/// What the service is told of a part that is missing.
const NOTHING: &[u8] = b"-";

/// The key of a request.
enum RequestKey<'a> {
    /// The limit has no key.
    None,
    /// The request lacks a part of it, and shares a bucket with all others that do.
    Shared,
    Values {
        /// See [`KeySpace::hash`].
        domain: u8,
        parts: &'a [KeyPart],
        values: Values<'a>,
    },
}

impl Limit {
    /// What this limit, which is at `index`, does with a request that it matches.
    pub(crate) fn action<'a>(
        &'a self,
        index: usize,
        subject: &Subject<'_>,
        key_space: &'a KeySpace,
    ) -> LimitAction<'a> {
        // Before the key: a caller who is not limited need not have one.
        let Some(quota) = self.quota(subject) else {
            return LimitAction::Nothing;
        };
        let key = match self.key(subject) {
            Some(key) => key,
            None if self.config.on_missing == OnMissing::Deny => return LimitAction::MissingKey,
            None => return LimitAction::Nothing,
        };
        let cost = self.config.cost.of(subject);
        match &self.config.counting {
            Counting::Local(counting) => {
                let bucket = match key {
                    RequestKey::None => Bucket::Only,
                    RequestKey::Shared => Bucket::Shared,
                    RequestKey::Values { domain, values, .. } => {
                        Bucket::Key(key_space.hash(domain, &values))
                    }
                };
                let charge = self.charge(index, counting, quota, bucket, cost, key_space);
                charge.map_or(LimitAction::Nothing, LimitAction::Charge)
            }
            Counting::Service(overrides) => LimitAction::Ask(rls::Descriptor {
                entries: self.entries(key),
                limit: overrides.get(quota).copied().flatten(),
                hits: cost,
            }),
        }
    }

    /// Which quota a request has; none where it is not limited.
    fn quota(&self, subject: &Subject<'_>) -> Option<usize> {
        match self.config.tiers.is_empty() {
            true => Some(0),
            false => self.tier(subject),
        }
    }

    #[inline(never)]
    fn tier(&self, subject: &Subject<'_>) -> Option<usize> {
        let mut tiers = self.config.tiers.iter().enumerate();
        match tiers.find(|(_, tier)| tier.when.holds(subject)) {
            Some((_, tier)) if tier.unlimited => None,
            Some((tier, _)) => Some(tier.saturating_add(1)),
            None => Some(0),
        }
    }

    fn charge<'a>(
        &'a self,
        index: usize,
        counting: &'a LocalCounting,
        quota: usize,
        bucket: Bucket,
        cost: u32,
        key_space: &'a KeySpace,
    ) -> Option<LocalCharge<'a>> {
        let cells = key_space.cells.get(index)?.as_ref()?;
        let candidate = match quota {
            0 => counting.candidate.as_ref().zip(cells.candidate.as_ref()),
            _ => None,
        };
        Some(LocalCharge {
            limit: self,
            index,
            account: Account {
                gcra: &counting.quotas.get(quota)?.as_ref()?.gcra,
                cell: cells.live.of(bucket),
                bucket,
                window: self.window,
                cost,
                result: None,
            },
            policy: self.texts.get(quota)?.as_ref()?,
            candidate,
        })
    }

    /// The key, or `None` where the request lacks a part of it and `onMissingKey` is `skip` or
    /// `deny`.
    fn key<'a>(&'a self, subject: &'a Subject<'_>) -> Option<RequestKey<'a>> {
        match self.config.key.is_empty() {
            true => Some(RequestKey::None),
            false => self.key_of(subject),
        }
    }

    #[inline(never)]
    fn key_of<'a>(&'a self, subject: &'a Subject<'_>) -> Option<RequestKey<'a>> {
        let config = &self.config;
        if let Some(values) = values(&config.key, subject) {
            return Some(RequestKey::Values {
                domain: 0,
                parts: &config.key,
                values,
            });
        }
        match config.on_missing {
            OnMissing::Skip | OnMissing::Deny => None,
            OnMissing::Shared => Some(RequestKey::Shared),
            OnMissing::Fallback => Some(match values(&config.fallback, subject) {
                // Of another domain, or a caller could choose the name that is another's address.
                Some(values) => RequestKey::Values {
                    domain: 1,
                    parts: &config.fallback,
                    values,
                },
                None => RequestKey::Shared,
            }),
        }
    }

    /// The key as the service takes it. A limit without one is known by its name. Of a key that
    /// lacks a part only what is constant is left, or a caller could have any number of descriptors by
    /// leaving one part out and varying another.
    #[inline(never)]
    fn entries(&self, key: RequestKey<'_>) -> Vec<(String, String)> {
        let entry = |part: &KeyPart, value: &[u8]| (part.descriptor.clone(), rls::text(value));
        match key {
            RequestKey::None => vec![("generic_key".to_owned(), self.config.name.clone())],
            RequestKey::Shared => self
                .config
                .key
                .iter()
                .map(|part| match &part.source {
                    KeySource::Constant(text) => entry(part, text.as_bytes()),
                    _ => entry(part, NOTHING),
                })
                .collect(),
            RequestKey::Values { parts, values, .. } => parts
                .iter()
                .zip(values)
                .map(|(part, value)| entry(part, &value))
                .collect(),
        }
    }
}

impl<'a> LocalCharge<'a> {
    /// The account of the candidate, where there is one.
    pub(crate) fn candidate(&self) -> Option<Account<'a>> {
        let (gcra, cells) = self.candidate?;
        let Account { bucket, cost, .. } = self.account;
        Some(Account {
            gcra,
            cell: cells.of(bucket),
            bucket,
            window: gcra.window(),
            cost,
            result: None,
        })
    }

    /// What the client is told of the limit, unless that is switched off. `taken` says whether the
    /// tokens were: where a limit refuses the request, they stay in the bucket.
    pub(crate) fn reading(&self, taken: bool) -> Option<Reading> {
        let tells = self.limit.config.tells;
        let result = self.account.result.filter(|_| tells.on(!taken))?;
        let full = if taken {
            result.full_after
        } else {
            result.full_before
        };
        Some(Reading {
            policy: Rc::clone(self.policy),
            remaining: self.account.gcra.remaining(full, result.at),
            reset: response_headers::seconds(full.saturating_sub(result.at)),
            refused: result.granted.is_err(),
            tells,
        })
    }
}

impl When {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            When::Claim(path, wanted) => subject
                .claims()
                .is_some_and(|claims| claims.any(path, |text| wanted.is(text, Wildcard::matches))),
            When::Header(name, wanted) => subject
                .request
                .values(name)
                .any(|value| wanted.is(value, Wildcard::matches_header)),
            When::Source(source) => source.matches(subject.attributes),
        }
    }
}

impl Text {
    /// Whether a text is what it shall be; Istio asks a claim more than a header for `*`.
    fn is(&self, text: &[u8], one: fn(&Wildcard, &[u8]) -> bool) -> bool {
        match self {
            Text::OneOf(values) => values.iter().any(|value| one(value, text)),
            Text::Like(like) => like.matches(text),
        }
    }
}

impl Cost {
    /// What a request takes. Of several values of its header the largest counts.
    fn of(&self, subject: &Subject<'_>) -> u32 {
        match self {
            Cost::Fixed(cost) => *cost,
            Cost::Header {
                name,
                min,
                max,
                default,
            } => largest(name, subject).map_or(*default, |cost| cost.clamp(*min, *max)),
        }
    }
}

#[inline(never)]
fn largest(name: &str, subject: &Subject<'_>) -> Option<u32> {
    subject.request.values(name).filter_map(whole).max()
}

/// A whole number in decimal digits; one too large for 32 bits is as large as they go.
fn whole(text: &[u8]) -> Option<u32> {
    let digits = text.trim_ascii();
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u32, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit.into()))
    })
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn a_cost_is_a_whole_number() {
        for (text, number) in [
            ("7", Some(7)),
            (" 7 ", Some(7)),
            ("007", Some(7)),
            ("4294967296", Some(u32::MAX)),
            ("99999999999999999999999", Some(u32::MAX)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1e3", None),
            ("0x1", None),
        ] {
            assert_eq!(whole(text.as_bytes()), number, "{text}");
        }
        assert_eq!(whole(b"\xff"), None);
    }
}
