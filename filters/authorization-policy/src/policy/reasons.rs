//! What can be said of policies, each with a counter.

use sdk_helpers::{OutcomeId, Outcomes};

use crate::config::{Action, PolicyConfig};
use crate::rule::Rule;

/// What can be said of one policy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reasons {
    /// It matched.
    pub(super) matched: OutcomeId,
    /// It may have matched: a condition is unknown. DENY and CUSTOM fail closed then.
    pub(super) may_match: OutcomeId,
    /// CUSTOM: the provider denied.
    pub(super) provider_denied: OutcomeId,
    /// CUSTOM: the provider gave no answer, and `failOpen` let the request pass.
    pub(super) error_allowed: OutcomeId,
    /// CUSTOM: the provider gave no answer, and the request was refused.
    pub(super) error_denied: OutcomeId,
    /// ALLOW: it came closest to allowing, and a condition failed.
    pub(super) no_allow: OutcomeId,
    /// ALLOW: it came closest to allowing, and nothing failed but what is unknown.
    pub(super) no_allow_unseen: OutcomeId,
}

impl Reasons {
    pub(super) fn of(policy: &PolicyConfig, single_uri_san: bool, outcomes: &mut Outcomes) -> Self {
        let (matched, also) = match (policy.action, policy.dry_run) {
            (Some(Action::Deny), false) => ("deny", Some("deny_unseen")),
            (Some(Action::Deny), true) => ("dry_run_deny", Some("dry_run_deny_unseen")),
            (Some(Action::Audit), _) => ("audit", None),
            (Some(Action::Custom(_)), _) => ("custom_allow", Some("custom_deny")),
            (_, false) => ("allow", None),
            (_, true) => ("dry_run_allow", None),
        };
        let mut add = |reason| outcomes.add(reason, Some(&policy.name));
        let matched = add(matched);
        let also = also.map_or(matched, &mut add);
        let [error_allowed, error_denied] = match policy.action {
            Some(Action::Custom(_)) => [add("custom_error_allow"), add("custom_error_deny")],
            _ => [matched; 2],
        };
        let words = match (policy.action, policy.dry_run) {
            (Some(Action::Allow), false) => Some(["no_allow", "no_allow_unseen"]),
            (Some(Action::Allow), true) => Some(["dry_run_no_allow", "dry_run_no_allow_unseen"]),
            _ => None,
        };
        let [no_allow, no_allow_unseen] = words.map_or([matched; 2], |[seen, unseen]| {
            let seen = add(seen);
            // A statistic takes Envoy's memory, so it is only there where it can count.
            let mut conditions = policy.rules.iter().flat_map(Rule::conditions);
            let may_be_unseen = conditions.any(|c| c.may_be_unseen(single_uri_san));
            [seen, if may_be_unseen { add(unseen) } else { seen }]
        });
        Reasons {
            matched,
            // Each action has at most one of the two.
            may_match: also,
            provider_denied: also,
            error_allowed,
            error_denied,
            no_allow,
            no_allow_unseen,
        }
    }
}
