//! The compiled limits and everything that they can be the reason of.

use std::rc::Rc;

use sdk_helpers::{OutcomeId, Outcomes, Roll, World};

use crate::config::{Config, Counting, FailureMode, GlobalConfig, LimitConfig, OnMissing};
use crate::index::Index;
use crate::response_headers::PolicyText;
use crate::subject::Subject;
use crate::table::{Cells, KeySpace, LimitCells};

/// A compiled configuration.
#[derive(Debug)]
pub struct Policy {
    pub(crate) limits: Vec<Limit>,
    pub(crate) index: Index,
    /// Whether a request passes whose count cannot be kept.
    pub(crate) lenient: bool,
    pub(crate) service: Option<Service>,
    outcomes: Outcomes,
}

/// One limit with its reasons.
#[derive(Debug)]
pub struct Limit {
    pub(crate) config: LimitConfig,
    pub(crate) reasons: Reasons,
    /// The longest that any of its buckets takes to fill.
    pub(crate) window: u64,
    /// What clients are told of its quotas, in their order.
    pub(crate) texts: Vec<Option<Rc<PolicyText>>>,
}

/// What a limit can be the reason of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reasons {
    pub(crate) limited: OutcomeId,
    pub(crate) shadow_limited: Option<OutcomeId>,
    pub(crate) missing_key: Option<OutcomeId>,
    pub(crate) shadow_missing_key: Option<OutcomeId>,
    pub(crate) overflow: Option<OutcomeId>,
    pub(crate) contended: Option<OutcomeId>,
    pub(crate) candidate_limited: Option<OutcomeId>,
    pub(crate) candidate_admitted: Option<OutcomeId>,
}

/// The service with its reasons.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) config: GlobalConfig,
    /// It did not answer.
    pub(crate) failed: OutcomeId,
    /// It refused, and did not say which limit it was.
    pub(crate) limited: OutcomeId,
}

impl Policy {
    /// Compiles a checked configuration.
    pub fn compile(config: Config) -> Self {
        let mut outcomes = Outcomes::default();
        let limits: Vec<Limit> = config
            .limits
            .into_iter()
            .map(|limit| Limit::compile(limit, &mut outcomes))
            .collect();
        Policy {
            index: Index::of(limits.iter().map(|limit| limit.config.matches.as_slice())),
            limits,
            lenient: config.failure_mode == FailureMode::Allow,
            service: config.global.map(|config| Service {
                failed: outcomes.add(
                    match config.failure_mode {
                        FailureMode::Allow => "service_error_allowed",
                        FailureMode::Deny => "service_error_denied",
                    },
                    None,
                ),
                limited: outcomes.add("limited", None),
                config,
            }),
            outcomes,
        }
    }

    /// Everything this policy can decide.
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// Where all workers find the buckets of a plugin of this name.
    pub fn key_space(&self, seed: [u8; 16], plugin: &str) -> KeySpace {
        let plugin = plugin.into();
        let limits = self.limits.iter();
        KeySpace {
            seed,
            cells: limits.map(|limit| limit.cells(&plugin)).collect(),
        }
    }

    /// The number of limits.
    pub fn limits(&self) -> usize {
        self.limits.len()
    }
}

impl Limit {
    fn compile(config: LimitConfig, outcomes: &mut Outcomes) -> Self {
        let name = Some(config.name.as_str());
        let mut add = |reason, there: bool| there.then(|| outcomes.add(reason, name));
        let local = match &config.counting {
            Counting::Local(local) => Some(local),
            Counting::Service(_) => None,
        };
        let live = config.enforced > 0;
        let shadow = config.enforced < Roll::SIDES;
        let denies = !config.key.is_empty() && config.on_missing == OnMissing::Deny;
        let candidate = local.is_some_and(|local| local.candidate.is_some());
        let reasons = Reasons {
            shadow_limited: add("shadow_limited", shadow),
            missing_key: add("missing_key", denies && live),
            shadow_missing_key: add("shadow_missing_key", denies && shadow),
            overflow: add("overflow", local.is_some() && !config.key.is_empty()),
            contended: add("contended", local.is_some()),
            candidate_limited: add("candidate_limited", candidate),
            candidate_admitted: add("candidate_admitted", candidate),
            limited: outcomes.add("limited", name),
        };
        let window = local
            .and_then(|local| {
                let limited = local.quotas.iter().flatten();
                limited.map(|quota| quota.gcra.window()).max()
            })
            .unwrap_or(0);
        let quotas = local.map_or(&[][..], |local| &local.quotas);
        let texts = quotas.iter().map(|quota| {
            let quota = quota.as_ref()?;
            let seconds = (quota.per.subsec_nanos() == 0).then_some(quota.per.as_secs());
            PolicyText::new(&config.name, quota.requests, seconds)
        });
        Limit {
            texts: texts.collect(),
            config,
            reasons,
            window,
        }
    }

    fn cells(&self, plugin: &Rc<str>) -> Option<LimitCells> {
        let Counting::Local(local) = &self.config.counting else {
            return None;
        };
        let sets = (!self.config.key.is_empty()).then_some(local.sets);
        let cells = |candidate| Cells::new(plugin, &self.config.name, candidate, sets);
        Some(LimitCells {
            live: cells(false),
            candidate: local.candidate.as_ref().map(|_| cells(true)),
        })
    }

    pub(crate) fn matches(&self, subject: &Subject<'_>) -> bool {
        let matches = &self.config.matches;
        matches.is_empty()
            || matches
                .iter()
                .any(|one| one.matches(subject.request, subject.attributes))
    }

    /// Whether a refusal is enforced on this request.
    pub(crate) fn is_enforced(&self, world: &dyn World) -> bool {
        match self.config.enforced {
            0 => false,
            Roll::SIDES.. => true,
            share => is_below(share, world),
        }
    }
}

// What few limits have stands by itself, so that what all requests run is short.

#[inline(never)]
fn is_below(share: u32, world: &dyn World) -> bool {
    world.roll().value() < share
}
