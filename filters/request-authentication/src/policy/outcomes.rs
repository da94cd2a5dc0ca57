//! The outcomes of a policy. Reasons about a token alone have one counter, those about a token and
//! the rule of its issuer one for each rule.

use sdk_helpers::{OutcomeId, Outcomes};

use crate::rejection::Reason;

/// Those of no rule.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) anonymous: OutcomeId,
    pub(super) preflight: OutcomeId,
    refused: Vec<(Reason, OutcomeId)>,
}

/// Those of one rule.
#[derive(Debug)]
pub(super) struct OfRule {
    pub(super) verified: OutcomeId,
    pub(super) unsafe_claim: OutcomeId,
    refused: Vec<(Reason, OutcomeId)>,
}

impl Common {
    pub(super) fn add(outcomes: &mut Outcomes, require_token: bool, shadow: bool) -> Self {
        Common {
            anonymous: outcomes.add("anonymous", None),
            preflight: outcomes.add("preflight", None),
            refused: Reason::OF_TOKENS
                .into_iter()
                .filter(|reason| require_token || *reason != Reason::Missing)
                .map(|reason| (reason, outcomes.add(name(reason, shadow), None)))
                .collect(),
        }
    }

    pub(super) fn of(&self, reason: Reason) -> Option<OutcomeId> {
        find(&self.refused, reason)
    }
}

impl OfRule {
    pub(super) fn add(outcomes: &mut Outcomes, rule: &str, shadow: bool) -> Self {
        let rule = Some(rule);
        OfRule {
            verified: outcomes.add("verified", rule),
            unsafe_claim: outcomes.add("unsafe_claim", rule),
            refused: Reason::OF_RULES
                .into_iter()
                .map(|reason| (reason, outcomes.add(name(reason, shadow), rule)))
                .collect(),
        }
    }

    pub(super) fn of(&self, reason: Reason) -> Option<OutcomeId> {
        find(&self.refused, reason)
    }
}

fn name(reason: Reason, shadow: bool) -> &'static str {
    let (name, in_shadow) = reason.names();
    if shadow { in_shadow } else { name }
}

fn find(list: &[(Reason, OutcomeId)], reason: Reason) -> Option<OutcomeId> {
    list.iter()
        .find(|(known, _)| *known == reason)
        .map(|(_, outcome)| *outcome)
}
