//! The decision: which fault, if any, a request gets. Dice, clock and count are arguments.

mod explain;

use std::time::Duration;

use sdk_helpers::matcher::HttpMatch;
use sdk_helpers::{Attributes, OutcomeId, Outcomes, Request, Roll, Timestamp};

use crate::config::{Abort, AbortWith, Config, Delay, DelayBy, RuleConfig};
use crate::percentage::Percentage;

/// Envoy's headers that ask for a fault where the configuration lets them.
mod header {
    pub(super) const DELAY: &str = "x-envoy-fault-delay-request";
    pub(super) const DELAY_PERCENTAGE: &str = "x-envoy-fault-delay-request-percentage";
    pub(super) const ABORT: &str = "x-envoy-fault-abort-request";
    pub(super) const ABORT_GRPC: &str = "x-envoy-fault-abort-grpc-request";
    pub(super) const ABORT_PERCENTAGE: &str = "x-envoy-fault-abort-request-percentage";
}

/// A compiled configuration.
#[derive(Debug)]
pub struct Policy {
    rules: Vec<Rule>,
    outcomes: Outcomes,
    /// The largest percentage of any rule, in millionths: a roll beyond it needs no matching.
    most_delays: u64,
    most_aborts: u64,
}

#[derive(Debug)]
struct Rule {
    matches: Vec<HttpMatch>,
    delay: Option<(Delay, OutcomeId)>,
    abort: Option<(Abort, OutcomeId)>,
    expires: Option<Timestamp>,
    shadow: bool,
    limit: Option<(u64, OutcomeId)>,
}

/// Two independent throws, as Envoy rolls for the delay and for the abort.
#[derive(Debug, Clone, Copy)]
pub struct Dice {
    /// For the delay.
    pub delay: Roll,
    /// For the abort.
    pub abort: Roll,
}

/// What is known of the environment, and costs something to learn.
pub struct Environment<'a> {
    /// The time.
    pub now: &'a dyn Fn() -> Timestamp,
    /// How many faults are active.
    pub active: &'a dyn Fn() -> u64,
}

/// What a request gets, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// Nothing, because as many faults as allowed are active.
    Overflow(OutcomeId),
    /// Nothing, but it would have been these.
    Shadow {
        /// A delay.
        delay: Option<OutcomeId>,
        /// An abort.
        abort: Option<OutcomeId>,
    },
    /// First the delay, then the abort; at least one of them.
    Inject {
        /// How long the request is held.
        delay: Option<(Duration, OutcomeId)>,
        /// How it is answered.
        abort: Option<(AbortStatus, OutcomeId)>,
    },
}

/// The status of an aborted request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AbortStatus {
    /// An HTTP status.
    Http(u16),
    /// HTTP 200 with this `grpc-status`.
    Grpc(u32),
}

impl Policy {
    /// Compiles a checked configuration.
    pub fn compile(config: Config) -> Self {
        let mut outcomes = Outcomes::default();
        let rules: Vec<Rule> = config
            .rules
            .into_iter()
            .map(|rule| Rule::compile(rule, &mut outcomes))
            .collect();
        let most = |share: fn(&Rule) -> Option<Percentage>| {
            rules
                .iter()
                .filter_map(share)
                .map(Percentage::per_million)
                .max()
                .unwrap_or(0)
        };
        Policy {
            most_delays: most(|rule| rule.delay.map(|(delay, _)| delay.percentage)),
            most_aborts: most(|rule| rule.abort.map(|(abort, _)| abort.percentage)),
            rules,
            outcomes,
        }
    }

    /// Everything this policy can decide.
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// The number of rules.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// Decides. The first entry that matches counts, also if it has no fault, as a route without
    /// one would.
    pub fn decide(
        &self,
        request: &Request,
        attributes: &dyn Attributes,
        dice: Dice,
        environment: &Environment<'_>,
    ) -> Verdict {
        // The dice fall first: where no rule's percentage reaches them, matching would be for
        // nothing, and matching is what costs.
        if u64::from(dice.delay.value()) >= self.most_delays
            && u64::from(dice.abort.value()) >= self.most_aborts
        {
            return Verdict::Pass;
        }
        self.rules
            .iter()
            .find(|rule| rule.matches(request, attributes))
            .map_or(Verdict::Pass, |rule| {
                rule.decide(request, dice, environment)
            })
    }
}

impl Rule {
    fn compile(config: RuleConfig, outcomes: &mut Outcomes) -> Self {
        let name = Some(config.name.as_str());
        let (delay, abort) = if config.shadow {
            ("shadow_delay", "shadow_abort")
        } else {
            ("delay", "abort")
        };
        Rule {
            delay: config.delay.map(|part| (part, outcomes.add(delay, name))),
            abort: config.abort.map(|part| (part, outcomes.add(abort, name))),
            limit: config
                .max_active
                .map(|most| (most, outcomes.add("overflow", name))),
            matches: config.matches,
            expires: config.expires,
            shadow: config.shadow,
        }
    }

    fn matches(&self, request: &Request, attributes: &dyn Attributes) -> bool {
        self.matches.is_empty()
            || self
                .matches
                .iter()
                .any(|one| one.matches(request, attributes))
    }

    fn decide(&self, request: &Request, dice: Dice, environment: &Environment<'_>) -> Verdict {
        let delay = self
            .delay
            .and_then(|(delay, outcome)| Some((delay.of(request, dice.delay)?, outcome)));
        let abort = self
            .abort
            .and_then(|(abort, outcome)| Some((abort.of(request, dice.abort)?, outcome)));
        if delay.is_none() && abort.is_none() {
            return Verdict::Pass;
        }
        if self.expires.is_some_and(|end| (environment.now)() >= end) {
            return Verdict::Pass;
        }
        if self.shadow {
            return Verdict::Shadow {
                delay: delay.map(|(_, outcome)| outcome),
                abort: abort.map(|(_, outcome)| outcome),
            };
        }
        match self.limit {
            Some((most, outcome)) if (environment.active)() >= most => Verdict::Overflow(outcome),
            _ => Verdict::Inject { delay, abort },
        }
    }
}

impl Delay {
    fn of(&self, request: &Request, roll: Roll) -> Option<Duration> {
        if !self.percentage.hits(roll) {
            return None;
        }
        match self.by {
            DelayBy::Fixed(by) => Some(by),
            DelayBy::Header => {
                let milliseconds = number::<u64>(request, header::DELAY)?;
                let share = number(request, header::DELAY_PERCENTAGE);
                (milliseconds > 0 && self.percentage.at_most(share).hits(roll))
                    .then_some(Duration::from_millis(milliseconds))
            }
        }
    }
}

impl Abort {
    fn of(&self, request: &Request, roll: Roll) -> Option<AbortStatus> {
        if !self.percentage.hits(roll) {
            return None;
        }
        match self.with {
            AbortWith::Http(status) => Some(AbortStatus::Http(status)),
            AbortWith::Grpc(code) => Some(AbortStatus::Grpc(code)),
            AbortWith::Header => {
                let answer = number::<u16>(request, header::ABORT)
                    .filter(|status| (200..600).contains(status))
                    .map(AbortStatus::Http)
                    .or_else(|| number(request, header::ABORT_GRPC).map(AbortStatus::Grpc))?;
                let share = number(request, header::ABORT_PERCENTAGE);
                self.percentage.at_most(share).hits(roll).then_some(answer)
            }
        }
    }
}

/// The number in the first value of a header, where it is one that fits, as `absl::SimpleAtoi`
/// reads it.
fn number<T: std::str::FromStr>(request: &Request, name: &str) -> Option<T> {
    let value = std::str::from_utf8(request.first(name)?).ok()?;
    value.trim_ascii().parse().ok()
}
