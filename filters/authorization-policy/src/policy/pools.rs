//! The rules of all policies, put together as they are asked, and in what order policies come.

use crate::config::{Action, PolicyConfig};
use crate::order::sorted;
use crate::rules::Pool;

/// The rules of each action, over all policies.
#[derive(Default)]
pub(super) struct Pools {
    pub(super) custom: Vec<(usize, Pool)>,
    pub(super) audit: Pool,
    pub(super) deny: Pool,
    pub(super) dry_deny: Pool,
    pub(super) allow: Option<Pool>,
    pub(super) dry_allow: Option<Pool>,
}

impl Pools {
    pub(super) fn add(&mut self, number: u32, policy: PolicyConfig) {
        let pool = match (policy.action, policy.dry_run) {
            (None, _) => return,
            (Some(Action::Allow), false) => self.allow.get_or_insert_default(),
            (Some(Action::Allow), true) => self.dry_allow.get_or_insert_default(),
            (Some(Action::Deny), false) => &mut self.deny,
            (Some(Action::Deny), true) => &mut self.dry_deny,
            (Some(Action::Audit), _) => &mut self.audit,
            (Some(Action::Custom(provider)), _) => {
                let known = self.custom.iter().position(|(known, _)| *known == provider);
                let at = known.unwrap_or(self.custom.len());
                if known.is_none() {
                    self.custom.push((provider, vec![]));
                }
                match self.custom.get_mut(at) {
                    Some((_, pool)) => pool,
                    None => return,
                }
            }
        };
        pool.extend(
            (0u32..)
                .zip(policy.rules)
                .map(|(index, rule)| (number, index, rule)),
        );
    }
}

/// Where each policy comes in an order that does not depend on where they stand: by name, and those
/// that were given none last, where their rules tell them apart.
pub(super) fn ranks(policies: &[PolicyConfig]) -> Vec<u32> {
    let name = |number: u32| {
        let policy = policies.get(number as usize);
        policy.map(|policy| match policy.is_named {
            true => (0, policy.name.as_str()),
            false => (1, ""),
        })
    };
    let order = sorted(policies.len(), &|one, other| name(one).cmp(&name(other)));
    let mut ranks = vec![0; order.len()];
    let (mut rank, mut last) = (0u32, None);
    for number in order {
        let name = name(number);
        if name != last {
            rank = rank.saturating_add(1);
            last = name;
        }
        if let Some(here) = ranks.get_mut(number as usize) {
            *here = rank;
        }
    }
    ranks
}
