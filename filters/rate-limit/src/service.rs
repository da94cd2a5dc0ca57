//! What becomes of a request once the service has answered, or has not.

use sdk_helpers::World;

use crate::config::FailureMode;
use crate::decide::{Added, Pass, Pending, Refusal, Verdict, pass};
use crate::ledger::Receipt;
use crate::policy::{Limit, Policy};
use crate::response_headers::{PolicyText, Reading, Readings};
use crate::rls;

impl Policy {
    /// Goes on with the service's answer; none if it did not give one.
    pub fn resume(
        &self,
        pending: Pending,
        response: Option<rls::Response>,
        world: &dyn World,
    ) -> Verdict {
        let Some(service) = &self.service else {
            return pass(vec![]);
        };
        let Pending {
            receipts,
            readings,
            untouched,
            asked,
        } = pending;
        let Some(response) = response else {
            return self.without_answer(&receipts, readings, world);
        };
        let mut notes = Vec::new();
        let (mut refused, mut wait) = (None, 0);
        let (mut named, mut told) = (false, Readings::new());
        for ((index, enforced), status) in asked.iter().zip(&response.statuses) {
            let Some(limit) = self.limits.get(*index) else {
                continue;
            };
            let over = response.over && status.over;
            told.extend(limit.service_reading(status, over && *enforced));
            if !over {
                continue;
            }
            named = true;
            if *enforced {
                refused = refused.or(Some((*index, limit.reasons.limited)));
                wait = wait.max(seconds(status));
            } else {
                notes.extend(limit.reasons.shadow_limited);
            }
        }
        // A service need not say which of its limits it was.
        if response.over && !named {
            refused = asked
                .iter()
                .find(|(_, enforced)| *enforced)
                .map(|(index, _)| (*index, service.limited));
        }
        let counted_here = if refused.is_some() {
            untouched
        } else {
            readings
        };
        let mut readings = counted_here;
        readings.extend(told);
        let Some((index, reason)) = refused else {
            return Verdict::Pass(Pass {
                notes,
                readings,
                added: Some(Box::new(Added {
                    request: response.request_headers,
                    response: response.response_headers,
                })),
            });
        };
        give_back(&receipts, world);
        notes.push(reason);
        Verdict::Refuse(Box::new(Refusal {
            notes,
            limit: Some(index),
            readings,
            wait: (wait > 0).then_some(wait),
            by_service: true,
            body: response.body,
            headers: response.response_headers,
        }))
    }

    fn without_answer(
        &self,
        receipts: &[Receipt],
        readings: Readings,
        world: &dyn World,
    ) -> Verdict {
        let notes: Vec<_> = self.service.iter().map(|service| service.failed).collect();
        let mode = self.service.as_ref().map(|s| s.config.failure_mode);
        if mode != Some(FailureMode::Deny) {
            return Verdict::Pass(Pass {
                notes,
                readings,
                ..Pass::default()
            });
        }
        give_back(receipts, world);
        Verdict::Refuse(Box::new(Refusal {
            notes,
            limit: None,
            readings: Readings::new(),
            wait: None,
            by_service: true,
            body: vec![],
            headers: vec![],
        }))
    }
}

impl Limit {
    fn service_reading(&self, status: &rls::Status, refused: bool) -> Option<Reading> {
        let (requests, window) = status.limit.filter(|_| self.config.tells.on(true))?;
        Some(Reading {
            policy: PolicyText::new(&self.config.name, requests, window)?,
            remaining: status.remaining,
            reset: seconds(status),
            refused,
            tells: self.config.tells,
        })
    }
}

fn seconds(status: &rls::Status) -> u64 {
    let reset = status.reset;
    reset
        .as_secs()
        .saturating_add(u64::from(reset.subsec_nanos() > 0))
}

fn give_back(receipts: &[Receipt], world: &dyn World) {
    for receipt in receipts {
        receipt.refund(world);
    }
}
