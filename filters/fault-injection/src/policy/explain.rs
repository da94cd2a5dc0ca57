//! What each entry is to a request, for whoever wants to know why.

use sdk_helpers::explanation::{Place, RuleExplanation, Seen};
use sdk_helpers::{Attributes, OutcomeId, Request, Roll, Timestamp};

use super::{Policy, Rule, header};
use crate::config::{Abort, AbortWith, Delay, DelayBy};
use crate::percentage::Percentage;

impl Policy {
    /// What each entry is to a request, in order. The first that matches counts.
    pub(crate) fn explain(
        &self,
        request: &Request,
        attributes: &dyn Attributes,
        now: Timestamp,
    ) -> Vec<RuleExplanation> {
        let mut is_taken = false;
        let explained = self.rules.iter().enumerate().map(|(index, rule)| {
            let matches = rule.matches(request, attributes);
            let name = match rule
                .outcome()
                .and_then(|outcome| self.outcomes.find(outcome))
            {
                Some(outcome) => outcome.policy.clone().unwrap_or_default(),
                // Without a fault it has no reasons, which are what names are for.
                None => format!("http[{index}]"),
            };
            let explained = RuleExplanation::new(&name, matches);
            let earlier = matches && is_taken;
            is_taken |= matches;
            let explained = match earlier {
                true => explained.with(
                    "passedOver",
                    "an earlier entry matches too, and the first counts",
                ),
                false => explained,
            };
            rule.explain(explained, request, now)
        });
        explained.collect()
    }
}

impl Rule {
    fn outcome(&self) -> Option<OutcomeId> {
        let abort = || self.abort.map(|(_, outcome)| outcome);
        self.delay.map(|(_, outcome)| outcome).or_else(abort)
    }

    fn explain(
        &self,
        explained: RuleExplanation,
        request: &Request,
        now: Timestamp,
    ) -> RuleExplanation {
        let asked = |names: &[&str]| -> Vec<Seen> {
            let seen = |name: &&str| {
                let value = request.first(name).map(Into::into);
                Seen::new(Place::Header, name, value)
            };
            names.iter().map(seen).collect()
        };
        let by_header = |delay: &(Delay, OutcomeId)| delay.0.by == DelayBy::Header;
        let with_header = |abort: &(Abort, OutcomeId)| abort.0.with == AbortWith::Header;
        let mut asks = Vec::new();
        if self.delay.as_ref().is_some_and(by_header) {
            asks.extend(asked(&[header::DELAY, header::DELAY_PERCENTAGE]));
        }
        if self.abort.as_ref().is_some_and(with_header) {
            asks.extend(asked(&[
                header::ABORT,
                header::ABORT_GRPC,
                header::ABORT_PERCENTAGE,
            ]));
        }
        let expired = self.expires.is_some_and(|end| now >= end);
        let nothing = self.delay.is_none() && self.abort.is_none();
        explained
            .with_any("delay", self.delay.map(|(delay, _)| delay.told()))
            .with_any("abort", self.abort.map(|(abort, _)| abort.told()))
            .with_any("asked", (!asks.is_empty()).then_some(asks))
            .with_any("fault", nothing.then_some("none"))
            .with_any("expired", expired.then_some("it has ended by itself"))
            .with_any("shadow", self.shadow.then_some("counted, and not done"))
    }
}

impl Delay {
    fn told(&self) -> String {
        let how_long = match self.by {
            DelayBy::Fixed(by) => format!("{by:?}"),
            DelayBy::Header => "as the request asks".to_owned(),
        };
        format!("{how_long} for {}", told(self.percentage))
    }
}

impl Abort {
    fn told(&self) -> String {
        let how = match self.with {
            AbortWith::Http(status) => status.to_string(),
            AbortWith::Grpc(code) => format!("grpc-status {code}"),
            AbortWith::Header => "as the request asks".to_owned(),
        };
        format!("{how} for {}", told(self.percentage))
    }
}

/// A share as its reader thinks of it.
#[allow(clippy::cast_precision_loss, reason = "at most a million counts")]
fn told(share: Percentage) -> String {
    let millionths = share.per_million().min(u64::from(Roll::SIDES));
    let percent = millionths as f64 * 100.0 / f64::from(Roll::SIDES);
    format!("{percent} % of requests")
}
