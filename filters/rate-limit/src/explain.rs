//! What each limit is to a request, for whoever wants to know why.

use std::borrow::Cow;

use sdk_helpers::explanation::{Place, RuleExplanation, Seen};
use sdk_helpers::{Roll, World};

use crate::action::{LimitAction, LocalCharge};
use crate::config::Counting;
use crate::key::{KeyPart, KeySource};
use crate::ledger::charge_all_or_none;
use crate::policy::{Limit, Policy};
use crate::response_headers;
use crate::subject::Subject;
use crate::table::KeySpace;

/// What a limit does with a request that it matches.
enum Said<'a> {
    /// It is none of its own.
    Nothing,
    /// In words.
    Words(&'static str),
    /// It counts it, with whether a refusal would be enforced.
    Counts(LocalCharge<'a>),
}

impl Policy {
    /// What each limit does with a request, in order. What is charged is charged in that world: whoever asks
    /// hands in one that nobody else sees.
    pub(crate) fn explain(
        &self,
        subject: &Subject<'_>,
        key_space: &KeySpace,
        world: &dyn World,
    ) -> Vec<RuleExplanation> {
        let mut explained = Vec::with_capacity(self.limits.len());
        let (mut live, mut shadows) = (Vec::new(), Vec::new());
        for (index, limit) in self.limits.iter().enumerate() {
            let matches = limit.matches(subject);
            let enforced = limit.is_enforced(world);
            let said = match matches {
                true => limit.say(index, subject, key_space),
                false => Said::Nothing,
            };
            let mut one = limit.told(matches, subject);
            match said {
                Said::Nothing => {}
                Said::Words(words) => one = one.with("outcome", words),
                Said::Counts(charge) if enforced => live.push(charge),
                Said::Counts(charge) => shadows.push(charge),
            }
            explained.push(one);
        }
        let taken = charge_all_or_none(&mut live, world, self.lenient);
        for charge in &mut shadows {
            match taken {
                true => charge.account.charge(world),
                false => charge.account.peek(world),
            }
        }
        for charge in live.iter().chain(&shadows) {
            if let Some(one) = explained.get_mut(charge.index) {
                *one = counted(
                    std::mem::replace(one, RuleExplanation::new("", false)),
                    charge,
                    taken,
                );
            }
        }
        explained
    }
}

impl Limit {
    fn say<'a>(&'a self, index: usize, subject: &Subject<'_>, key_space: &'a KeySpace) -> Said<'a> {
        match self.action(index, subject, key_space) {
            LimitAction::Nothing => Said::Words("not counted: unlimited, or without a key"),
            LimitAction::MissingKey => Said::Words("missing_key"),
            LimitAction::Charge(charge) => Said::Counts(charge),
            LimitAction::Ask(_) => Said::Words("counted by the rate limit service"),
        }
    }

    /// What is known of it before it counts.
    fn told(&self, matches: bool, subject: &Subject<'_>) -> RuleExplanation {
        let one = RuleExplanation::new(&self.config.name, matches);
        if !matches {
            return one;
        }
        let key: Vec<Seen> = self
            .config
            .key
            .iter()
            .map(|part| part.seen(subject))
            .collect();
        let share = match self.config.enforced {
            0 => Some("never: what it would refuse is counted alone".to_owned()),
            Roll::SIDES.. => None,
            share => Some(format!(
                "for {} % of requests",
                f64::from(share) * 100.0 / f64::from(Roll::SIDES)
            )),
        };
        one.with_any("key", (!key.is_empty()).then_some(key))
            .with_any("enforced", share)
    }
}

/// What came of counting; what is left is what is left once the request has been decided.
fn counted(one: RuleExplanation, charge: &LocalCharge<'_>, taken: bool) -> RuleExplanation {
    let quota = match &charge.limit.config.counting {
        Counting::Local(local) => {
            let mut quotas = local.quotas.iter().flatten();
            quotas.find(|quota| std::ptr::eq(&raw const quota.gcra, charge.account.gcra))
        }
        Counting::Service(_) => None,
    };
    let quota = quota.map(|quota| format!("{} in {:?}", quota.requests, quota.per));
    let one = one.with_any("quota", quota);
    let Some(result) = charge.account.result else {
        return one.with("outcome", "contended");
    };
    let full = match taken {
        true => result.full_after,
        false => result.full_before,
    };
    let outcome = match result.granted {
        Ok(()) => "admitted",
        Err(_) => "limited",
    };
    let full_in = response_headers::seconds(full.saturating_sub(result.at));
    one.with("cost", u64::from(charge.account.cost))
        .with(
            "left",
            u64::from(charge.account.gcra.remaining(full, result.at)),
        )
        .with("fullInSeconds", full_in)
        .with("outcome", outcome)
}

impl KeyPart {
    fn seen(&self, subject: &Subject<'_>) -> Seen {
        let (place, name): (Place, Cow<'_, str>) = match &self.source {
            KeySource::Claim(path) => (Place::Claim, path.join(".").into()),
            KeySource::Header(name) => (Place::Header, name.into()),
            KeySource::Cookie(name) => (Place::Cookie, name.into()),
            KeySource::Query(name) => (Place::Query, name.into()),
            KeySource::Path | KeySource::PathTemplates(_) => (Place::Other("path"), "".into()),
            KeySource::Method => (Place::Other("method"), "".into()),
            KeySource::Host => (Place::Other("host"), "".into()),
            KeySource::RemoteAddress { .. } => (Place::Other("remote address"), "".into()),
            KeySource::Principal => (Place::Other("principal"), "".into()),
            KeySource::Destination => (Place::Other("destination"), "".into()),
            KeySource::Constant(_) => (Place::Other("constant"), "".into()),
        };
        Seen::new(place, &name, self.value(subject))
    }
}
