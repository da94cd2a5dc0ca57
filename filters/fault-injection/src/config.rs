//! The configuration: Istio's `http[]` with its `fault`, checked.

mod wire;

use std::collections::BTreeSet;
use std::time::Duration;

use sdk_helpers::config::{Envelope, Layout, Scope, duration, timestamp};
use sdk_helpers::matcher::HttpMatch;
use sdk_helpers::outcome::check_name;
use sdk_helpers::{At, Problems, Timestamp};

use crate::grpc;
use crate::percentage::Percentage;
pub use wire::Wire;
use wire::{AbortWire, DelayWire, FaultWire, RouteWire};

/// The entries of VirtualServices add up, in their order.
pub const ENVELOPE: Envelope = Envelope {
    kind: "VirtualService",
    spec: Wire::SPEC,
    passed_over: Wire::PASSED_OVER,
    layout: Layout::Fields(Wire::LISTS),
};

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// The entries, in order; the first that matches a request counts.
    pub rules: Vec<RuleConfig>,
}

/// One checked entry.
#[derive(Debug)]
pub struct RuleConfig {
    /// The user's, else `http-<index>`.
    pub name: String,
    /// Any of them; none at all matches every request.
    pub matches: Vec<HttpMatch>,
    /// Holds the request.
    pub delay: Option<Delay>,
    /// Answers the request.
    pub abort: Option<Abort>,
    /// When the fault ends itself.
    pub expires: Option<Timestamp>,
    /// Counted and logged, not done.
    pub shadow: bool,
    /// The most faults at a time.
    pub max_active: Option<u64>,
}

/// A delay and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Delay {
    /// How long.
    pub by: DelayBy,
    /// How often.
    pub percentage: Percentage,
}

/// Where the length of a delay comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DelayBy {
    /// The configuration.
    Fixed(Duration),
    /// The request: `x-envoy-fault-delay-request`.
    Header,
}

/// An answer in the upstream's place and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Abort {
    /// Which answer.
    pub with: AbortWith,
    /// How often.
    pub percentage: Percentage,
}

/// Where the status of an abort comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AbortWith {
    /// An HTTP status, 200 to 599.
    Http(u16),
    /// A gRPC status.
    Grpc(u32),
    /// The request: `x-envoy-fault-abort-request`, else `x-envoy-fault-abort-grpc-request`.
    Header,
}

impl Wire {
    /// Checks the configuration that stands at `root` and reports every problem.
    pub fn check(self, root: &At<'_>, problems: &Problems) -> Config {
        let at = root.field("http");
        let entries = self.http.unwrap_or_default();
        if entries.is_empty() {
            problems.warn_of(
                Scope::Filter,
                &at,
                "no entries: harmless, and no request ever gets a fault",
            );
        }
        let faultless = !entries.is_empty() && entries.iter().all(|entry| entry.fault.is_none());
        let mut rules: Vec<RuleConfig> = Vec::with_capacity(entries.len());
        let mut catch_all: Option<usize> = None;
        let mut names = BTreeSet::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let entries = &at;
            let at = at.index(index);
            if let Some(earlier) = catch_all {
                let earlier = entries.index(earlier);
                problems.warn(
                    &at,
                    format!("is never reached: {earlier} has no `match` and takes every request"),
                );
            }
            let rule = entry.check(index, self.max_active_faults, &at, problems);
            if rule.matches.is_empty() {
                catch_all = catch_all.or(Some(index));
            }
            if !names.insert(rule.name.clone()) {
                problems.warn_of(
                    Scope::Filter,
                    &at.field("name"),
                    format!(
                        "`{}` is another entry's name too; their statistics are added up",
                        rule.name
                    ),
                );
            }
            rules.push(rule);
        }
        if faultless {
            problems.warn_of(
                Scope::Filter,
                &at,
                "no entry has a `fault`: harmless, and no request ever gets one",
            );
        }
        Config { rules }
    }
}

impl RouteWire {
    fn check(
        self,
        index: usize,
        max_active: Option<u32>,
        at: &At<'_>,
        problems: &Problems,
    ) -> RuleConfig {
        if self.fault.is_some() {
            // Istio's own refusal.
            for (field, there) in [
                ("redirect", self.redirect.is_some()),
                ("directResponse", self.direct_response.is_some()),
            ] {
                if there {
                    problems.error(
                        &at.field(field),
                        format!("an entry cannot have both `fault` and `{field}`; remove one"),
                    );
                }
            }
        }
        self.warn_about_routing(at, problems);
        let matches = self.r#match.unwrap_or_default();
        let at_match = at.field("match");
        let matches = matches
            .into_iter()
            .enumerate()
            .map(|(index, wire)| HttpMatch::compile(wire, &at_match.index(index), problems))
            .collect();
        let name = self.name.unwrap_or_else(|| format!("http-{index}"));
        if let Err(problem) = check_name(&name) {
            problems.error(&at.field("name"), problem);
        }
        let has_fault = self.fault.is_some();
        let (delay, abort) = match self.fault {
            Some(fault) => fault.check(&at.field("fault"), problems),
            None => (None, None),
        };
        for (field, there) in [
            ("expires", self.expires.is_some()),
            ("shadow", self.shadow.is_some()),
            ("maxActiveFaults", self.max_active_faults.is_some()),
        ] {
            if there && !has_fault {
                problems.warn(&at.field(field), "changes nothing without `fault`");
            }
        }
        let expires = self.expires.and_then(|text| {
            timestamp(&text)
                .map_err(|problem| problems.error(&at.field("expires"), problem))
                .ok()
        });
        RuleConfig {
            name,
            matches,
            delay,
            abort,
            expires,
            shadow: self.shadow.unwrap_or(false),
            max_active: self.max_active_faults.or(max_active).map(u64::from),
        }
    }

    fn warn_about_routing(&self, at: &At<'_>, problems: &Problems) {
        for (field, there) in [
            ("route", self.route.is_some()),
            ("delegate", self.delegate.is_some()),
            ("rewrite", self.rewrite.is_some()),
            ("timeout", self.timeout.is_some()),
            ("retries", self.retries.is_some()),
            ("mirror", self.mirror.is_some()),
            ("mirrors", self.mirrors.is_some()),
            ("mirrorPercent", self.mirror_percent.is_some()),
            ("mirrorPercentage", self.mirror_percentage.is_some()),
            ("corsPolicy", self.cors_policy.is_some()),
            ("headers", self.headers.is_some()),
        ] {
            if there {
                problems.warn_of(
                    Scope::Filter,
                    &at.field(field),
                    "changes nothing here: this filter injects faults, Envoy's routes route",
                );
            }
        }
    }
}

impl FaultWire {
    fn check(self, at: &At<'_>, problems: &Problems) -> (Option<Delay>, Option<Abort>) {
        if self.delay.is_none() && self.abort.is_none() {
            problems.error(at, "must have an `abort` or a `delay`");
        }
        let delay = self
            .delay
            .and_then(|delay| delay.check(&at.field("delay"), problems));
        let abort = self
            .abort
            .and_then(|abort| abort.check(&at.field("abort"), problems));
        (delay, abort)
    }
}

const NEVER_FIRES: &str =
    "has no `percentage`: this never fires, as in Istio; add `percentage: {value: 100}` for always";

impl DelayWire {
    fn check(self, at: &At<'_>, problems: &Problems) -> Option<Delay> {
        let percentage = match (&self.percentage, self.percent) {
            (Some(wire), percent) => {
                if percent.is_some() {
                    problems.warn(
                        &at.field("percent"),
                        "changes nothing beside `percentage`; remove it",
                    );
                }
                Percentage::check(wire, &at.field("percentage"), problems)
            }
            (None, Some(percent)) => {
                if !(0..=100).contains(&percent) {
                    problems.warn(
                        &at.field("percent"),
                        format!(
                            "{percent} is not between 0 and 100: this always fires, as in Istio"
                        ),
                    );
                }
                Some(Percentage::from_percent(percent))
            }
            (None, None) => {
                problems.warn(at, NEVER_FIRES);
                Some(Percentage::NEVER)
            }
        };
        if self.exponential_delay.is_some() {
            problems.error(
                &at.field("exponentialDelay"),
                "is not supported, nor does Istio; use `fixedDelay`",
            );
            return None;
        }
        let by = match (self.fixed_delay, self.header_delay) {
            (Some(_), Some(_)) => {
                problems.error(at, "only one of `fixedDelay` and `headerDelay` can be set");
                None
            }
            (Some(text), None) => fixed_delay(&text, &at.field("fixedDelay"), problems),
            (None, Some(_)) => Some(DelayBy::Header),
            (None, None) => {
                problems.warn(at, "has no `fixedDelay`: nothing is delayed, as in Istio");
                None
            }
        };
        Some(Delay {
            by: by?,
            percentage: percentage?,
        })
    }
}

fn fixed_delay(text: &str, at: &At<'_>, problems: &Problems) -> Option<DelayBy> {
    let refuse = |problem: String| problems.error(at, problem);
    match duration(text) {
        Err(problem) => refuse(problem),
        Ok(by) if by < Duration::from_millis(1) => {
            refuse(format!("`{text}` is too short; at least `1ms`"));
        }
        Ok(by) if by.subsec_nanos() % 1_000_000 != 0 => {
            refuse(format!("`{text}` is not a whole number of milliseconds"));
        }
        Ok(by) => return Some(DelayBy::Fixed(by)),
    }
    None
}

impl AbortWire {
    fn check(self, at: &At<'_>, problems: &Problems) -> Option<Abort> {
        if let Some(percent) = self.percent {
            problems.error(
                &at.field("percent"),
                format!(
                    "an abort has none, in Istio too; write `percentage: {{value: {percent}}}`"
                ),
            );
        }
        let percentage = match &self.percentage {
            Some(wire) => Percentage::check(wire, &at.field("percentage"), problems),
            None if self.percent.is_some() => None,
            None => {
                problems.warn(at, NEVER_FIRES);
                Some(Percentage::NEVER)
            }
        };
        if self.http2_error.is_some() {
            problems.error(
                &at.field("http2Error"),
                "is not supported, nor does Istio; use `httpStatus` or `grpcStatus`",
            );
            return None;
        }
        let with = match (self.http_status, self.grpc_status, self.header_abort) {
            (Some(status), None, None) => http_status(status, &at.field("httpStatus"), problems),
            (None, Some(name), None) => {
                let code = grpc::code(&name);
                if code.is_none() {
                    let meant = grpc::meant(&name);
                    let meant = meant.unwrap_or_else(|| "such as `UNAVAILABLE`".to_owned());
                    problems.error(
                        &at.field("grpcStatus"),
                        format!("`{name}` is no gRPC status; write its name, {meant}"),
                    );
                }
                code.map(AbortWith::Grpc)
            }
            (None, None, Some(_)) => Some(AbortWith::Header),
            (None, None, None) => {
                problems.warn(
                    at,
                    "has no `httpStatus` or `grpcStatus`: nothing is aborted, as in Istio",
                );
                None
            }
            _ => {
                problems.error(
                    at,
                    "only one of `httpStatus`, `grpcStatus` and `headerAbort` can be set",
                );
                None
            }
        };
        Some(Abort {
            with: with?,
            percentage: percentage?,
        })
    }
}

/// Istio lets 600 through, and Envoy then refuses the whole configuration.
fn http_status(status: i64, at: &At<'_>, problems: &Problems) -> Option<AbortWith> {
    let legal = u16::try_from(status)
        .ok()
        .filter(|status| (200..600).contains(status));
    if legal.is_none() {
        problems.error(at, format!("{status} is not a status between 200 and 599"));
    }
    legal.map(AbortWith::Http)
}
