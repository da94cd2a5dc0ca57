//! What a limit makes of a request: whose bucket, which quota, how many tokens.

use std::borrow::Cow;

use sdk_helpers::matcher::Wildcard;

use crate::config::{Cost, Count, Here, OnMissing, Quota, Text, When};
use crate::gcra::Gcra;
use crate::key::{Part, Source, values};
use crate::ledger::{Account, Entry};
use crate::policy::Limit;
use crate::response_headers::{self, Reading};
use crate::rls;
use crate::subject::Subject;
use crate::table::{Bucket, Home};

/// A limit's request for tokens from a bucket here.
#[derive(Debug)]
pub(crate) struct Draw<'a> {
    pub(crate) limit: &'a Limit,
    here: &'a Here,
    plan: usize,
    bucket: Bucket,
    cost: u32,
}

/// A limit's question to the service.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) limit: usize,
    pub(crate) enforced: bool,
    pub(crate) descriptor: rls::Descriptor,
}

/// What a limit makes of a request.
#[derive(Debug)]
pub(crate) enum Drawn<'a> {
    /// It does not count it.
    Nothing,
    /// It refuses it for what the key lacks.
    Missing,
    /// It counts it here.
    Here(Draw<'a>),
    /// It asks the service.
    Service(rls::Descriptor),
}

/// What the service is told where there is nothing to tell.
const NOTHING: &[u8] = b"-";

/// The key of a request.
enum Key<'a> {
    Only,
    Shared,
    Of(u8, &'a [Part], Vec<Cow<'a, [u8]>>),
}

impl Limit {
    /// What this limit makes of a request that it matches.
    pub(crate) fn draw(&self, subject: &Subject<'_>, home: &Home) -> Drawn<'_> {
        // Before the key: who is not limited need not say who he is.
        let tiers = self.config.tiers.iter().enumerate();
        let tier = tiers.into_iter().find(|(_, tier)| tier.when.holds(subject));
        let plan = match tier {
            Some((_, tier)) if tier.unlimited => return Drawn::Nothing,
            Some((index, _)) => index.saturating_add(1),
            None => 0,
        };
        let key = match self.key(subject) {
            Some(key) => key,
            None if self.config.on_missing == OnMissing::Deny => return Drawn::Missing,
            None => return Drawn::Nothing,
        };
        let cost = self.config.cost.of(subject);
        match &self.config.count {
            Count::Here(here) => {
                let bucket = match key {
                    Key::Only => Bucket::Only,
                    Key::Shared => Bucket::Shared,
                    Key::Of(domain, _, values) => {
                        Bucket::Key(home.hash(domain, values.iter().map(AsRef::as_ref)))
                    }
                };
                Drawn::Here(Draw {
                    limit: self,
                    here,
                    plan,
                    bucket,
                    cost,
                })
            }
            Count::Service(overrides) => Drawn::Service(rls::Descriptor {
                entries: self.entries(key),
                limit: overrides.get(plan).copied().flatten(),
                hits: cost,
            }),
        }
    }

    /// The key, or `None` where a part is missing and `onMissingKey` neither finds another nor
    /// shares.
    fn key<'a>(&'a self, subject: &'a Subject<'_>) -> Option<Key<'a>> {
        let config = &self.config;
        if config.key.is_empty() {
            return Some(Key::Only);
        }
        if let Some(values) = values(&config.key, subject) {
            return Some(Key::Of(0, &config.key, values));
        }
        match config.on_missing {
            OnMissing::Skip | OnMissing::Deny => None,
            OnMissing::Shared => Some(Key::Shared),
            OnMissing::Fallback => Some(match values(&config.fallback, subject) {
                // Of another domain, so that nobody can name himself like somebody's address.
                Some(values) => Key::Of(1, &config.fallback, values),
                None => Key::Shared,
            }),
        }
    }

    /// The key as the service takes it. A limit without one is known by its name. Of a key that
    /// lacks a part only what is constant is left, so that nobody has a descriptor of his own by
    /// leaving one part out and varying another.
    fn entries(&self, key: Key<'_>) -> Vec<(String, String)> {
        let entry = |part: &Part, value: &[u8]| (part.descriptor.clone(), rls::text(value));
        match key {
            Key::Only => vec![("generic_key".to_owned(), self.config.name.clone())],
            Key::Shared => self
                .config
                .key
                .iter()
                .map(|part| match &part.source {
                    Source::Constant(text) => entry(part, text.as_bytes()),
                    _ => entry(part, NOTHING),
                })
                .collect(),
            Key::Of(_, parts, values) => parts
                .iter()
                .zip(values)
                .map(|(part, value)| entry(part, &value))
                .collect(),
        }
    }
}

impl<'a> Draw<'a> {
    /// The account it draws on.
    pub(crate) fn account(&self, home: &Home) -> Option<Account<'a>> {
        let quota = self.quota()?;
        Some(self.of(&quota.gcra, false, self.limit.window, home))
    }

    /// The account of the candidate, where the request would be its.
    pub(crate) fn candidate(&self, home: &Home) -> Option<Account<'a>> {
        let gcra = self.here.candidate.as_ref().filter(|_| self.plan == 0)?;
        Some(self.of(gcra, true, gcra.window(), home))
    }

    fn quota(&self) -> Option<&'a Quota> {
        self.here.quotas.get(self.plan)?.as_ref()
    }

    fn of(&self, gcra: &'a Gcra, candidate: bool, window: u64, home: &Home) -> Account<'a> {
        Account {
            gcra,
            cell: home.cell(self.limit.name(), candidate, self.bucket, self.here.sets),
            bucket: self.bucket,
            window,
            cost: self.cost,
        }
    }

    /// What its entry tells the client, unless that is switched off. `taken` says whether the tokens
    /// were: where another limit refuses, they stay in the bucket.
    pub(crate) fn reading(&self, entry: &Entry, taken: bool) -> Option<Reading> {
        let quota = self.quota()?;
        let full = if taken { entry.after } else { entry.before };
        self.limit.config.shows.then(|| Reading {
            name: self.limit.name().to_owned(),
            requests: quota.requests,
            window: (quota.per.subsec_nanos() == 0).then_some(quota.per.as_secs()),
            remaining: quota.gcra.remaining(full, entry.at),
            reset: response_headers::seconds(full.saturating_sub(entry.at)),
            refused: entry.answer.is_err(),
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
            When::Source(source) => source.matches(subject.facts),
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
            } => subject
                .request
                .values(name)
                .filter_map(whole)
                .max()
                .map_or(*default, |cost| cost.clamp(*min, *max)),
        }
    }
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
