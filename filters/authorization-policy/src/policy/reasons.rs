//! What can be said of policies, each with a counter.

use sdk_helpers::{OutcomeId, Outcomes};

use crate::config::{Action, PolicyConfig};
use crate::rule::Rule;

/// What can be said of one policy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reasons {
    /// It matched.
    pub(super) matched: OutcomeId,
    /// It may have matched. For CUSTOM, the provider denied.
    pub(super) other: OutcomeId,
    /// No answer came, and the request passed, or did not.
    pub(super) failed: [OutcomeId; 2],
    /// It came closest to allowing, and what failed is seen, or is not.
    pub(super) closest: [OutcomeId; 2],
}

impl Reasons {
    pub(super) fn of(policy: &PolicyConfig, single_uri_san: bool, outcomes: &mut Outcomes) -> Self {
        let (matched, other) = match (policy.action, policy.dry_run) {
            (Some(Action::Deny), false) => ("deny", Some("deny_unseen")),
            (Some(Action::Deny), true) => ("dry_run_deny", Some("dry_run_deny_unseen")),
            (Some(Action::Audit), _) => ("audit", None),
            (Some(Action::Custom(_)), _) => ("custom_allow", Some("custom_deny")),
            (_, false) => ("allow", None),
            (_, true) => ("dry_run_allow", None),
        };
        let mut add = |reason| outcomes.add(reason, Some(&policy.name));
        let matched = add(matched);
        let other = other.map_or(matched, &mut add);
        let failed = match policy.action {
            Some(Action::Custom(_)) => [add("custom_error_allow"), add("custom_error_deny")],
            _ => [matched; 2],
        };
        let words = match (policy.action, policy.dry_run) {
            (Some(Action::Allow), false) => Some(["no_allow", "no_allow_unseen"]),
            (Some(Action::Allow), true) => Some(["dry_run_no_allow", "dry_run_no_allow_unseen"]),
            _ => None,
        };
        let closest = words.map_or([matched; 2], |[seen, unseen]| {
            let seen = add(seen);
            // A statistic takes Envoy's memory, so it is only there where it can count.
            let mut conditions = policy.rules.iter().flat_map(Rule::conditions);
            let may_be_unseen = conditions.any(|c| c.may_be_unseen(single_uri_san));
            [seen, if may_be_unseen { add(unseen) } else { seen }]
        });
        Reasons {
            matched,
            other,
            failed,
            closest,
        }
    }
}
