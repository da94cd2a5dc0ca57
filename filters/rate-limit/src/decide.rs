//! The decision: every limit that matches counts the request, and all of them must have room.

use sdk_helpers::{OutcomeId, World};

use crate::action::{LimitAction, LocalCharge, Question};
use crate::ledger::{Account, ChargeResult, Receipt, charge_all_or_none};
use crate::policy::Policy;
use crate::response_headers::{self, Reading};
use crate::rls;
use crate::subject::Subject;
use crate::table::{KeySpace, Slot};

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It goes on.
    Pass(Pass),
    /// It is answered.
    Refuse(Refusal),
    /// The service is asked, and [`Policy::resume`] with its answer.
    Ask {
        /// Its message.
        message: Vec<u8>,
        /// What has been found on the way.
        notes: Vec<OutcomeId>,
        /// What is needed to go on.
        pending: Pending,
    },
}

/// What goes with a request that passes.
#[derive(Debug, Default)]
pub struct Pass {
    /// What has been found on the way.
    pub notes: Vec<OutcomeId>,
    /// For the response headers.
    pub readings: Vec<Reading>,
    /// From the service, for the request.
    pub request_headers: Vec<(String, Vec<u8>)>,
    /// From the service, for the response.
    pub response_headers: Vec<(String, Vec<u8>)>,
}

/// How a request is refused.
#[derive(Debug)]
pub struct Refusal {
    /// What has been found on the way; last, what refused it.
    pub notes: Vec<OutcomeId>,
    /// The index of the limit whose reply it gets; none where the service failed.
    pub limit: Option<usize>,
    /// For the response headers.
    pub readings: Vec<Reading>,
    /// Seconds until a request may pass, where one may.
    pub wait: Option<u64>,
    /// Whether the service refused it.
    pub by_service: bool,
    /// Its body.
    pub body: Vec<u8>,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// A request whose question is with the service.
#[derive(Debug)]
pub struct Pending {
    pub(crate) receipts: Vec<Receipt>,
    pub(crate) readings: Vec<Reading>,
    /// The same had nothing been taken, which is how it is if the service refuses.
    pub(crate) untouched: Vec<Reading>,
    /// The limits asked about, in the order of their descriptors, and whether each is enforced.
    pub(crate) asked: Vec<(usize, bool)>,
}

impl Policy {
    /// Decides. `key_space` is none where the cell that holds its seed stayed contended.
    pub fn decide(
        &self,
        subject: &Subject<'_>,
        key_space: Option<&KeySpace>,
        world: &dyn World,
    ) -> Verdict {
        let mut notes = Vec::new();
        let (mut live, mut shadows, mut questions) = (vec![], vec![], vec![]);
        let mut refused = None;
        let path = || subject.request.path();
        self.index.visit(path, |index| {
            let Some(limit) = self.limits.get(index).filter(|one| one.matches(subject)) else {
                return false;
            };
            let enforced = limit.is_enforced(world);
            let Some(key_space) = key_space else {
                notes.extend(limit.reasons.contended);
                if enforced && !self.lenient {
                    refused = Some(index);
                }
                return refused.is_some();
            };
            match limit.action(subject, key_space) {
                LimitAction::Nothing => {}
                LimitAction::MissingKey if enforced => {
                    notes.extend(limit.reasons.missing_key);
                    refused = Some(index);
                }
                LimitAction::MissingKey => notes.extend(limit.reasons.shadow_missing_key),
                LimitAction::Charge(charge) if enforced => live.push((index, charge)),
                LimitAction::Charge(charge) => shadows.push(charge),
                LimitAction::Ask(descriptor) => questions.push(Question {
                    limit: index,
                    enforced,
                    descriptor,
                }),
            }
            refused.is_some()
        });
        if let Some(index) = refused {
            return refuse(index, notes);
        }
        let Some(key_space) = key_space else {
            return pass(notes);
        };
        let asks = self.service.is_some() && !questions.is_empty();
        let mut counted = match self.count(&live, asks, key_space, world, &mut notes) {
            Ok(counted) => counted,
            Err(refusal) => return Verdict::Refuse(*refusal),
        };
        for charge in &shadows {
            let result = charge
                .account(key_space)
                .and_then(|account| take(account, world, &mut counted.receipts));
            note(charge, result.as_ref(), key_space, world, &mut notes);
            if result.is_some_and(|result| result.granted.is_err()) {
                notes.extend(charge.limit.reasons.shadow_limited);
            }
        }
        self.ask(counted, questions, notes)
    }

    /// Counts a request in every enforced limit, or in none. `asks` says that the service may yet
    /// refuse it.
    fn count(
        &self,
        live: &[(usize, LocalCharge<'_>)],
        asks: bool,
        key_space: &KeySpace,
        world: &dyn World,
        notes: &mut Vec<OutcomeId>,
    ) -> Result<Counted, Box<Refusal>> {
        let accounts = live
            .iter()
            .filter_map(|(_, charge)| charge.account(key_space))
            .collect();
        let charges = charge_all_or_none(accounts, world, self.lenient);
        let readings = |taken: bool| -> Vec<Reading> {
            live.iter()
                .zip(&charges.results)
                .filter_map(|((_, charge), result)| charge.reading(result.as_ref()?, taken))
                .collect()
        };
        let (mut refused, mut wait, mut never) = (None, 0, false);
        for ((index, charge), result) in live.iter().zip(&charges.results) {
            note(charge, result.as_ref(), key_space, world, notes);
            let Some(result) = result else {
                if !self.lenient {
                    refused = refused.or(Some((*index, charge.limit.reasons.contended)));
                    wait = wait.max(1);
                }
                continue;
            };
            if let Err(why) = result.granted {
                let reason = Some(charge.limit.reasons.limited);
                refused = refused.or(Some((*index, reason)));
                match why.wait {
                    Some(nanos) => wait = wait.max(response_headers::seconds(nanos)),
                    None => never = true,
                }
            }
        }
        let taken = refused.is_none() && charges.receipts.is_some();
        let (readings, untouched) = (readings(taken), asks.then(|| readings(false)));
        match charges.receipts {
            Some(receipts) if taken => Ok(Counted {
                receipts,
                readings,
                untouched: untouched.unwrap_or_default(),
            }),
            _ => {
                let (index, reason) = refused.unwrap_or_default();
                notes.extend(reason);
                let wait = (!never).then_some(wait);
                let notes = std::mem::take(notes);
                Err(Box::new(refusal(index, notes, readings, wait)))
            }
        }
    }

    fn ask(&self, counted: Counted, questions: Vec<Question>, notes: Vec<OutcomeId>) -> Verdict {
        let Counted {
            receipts,
            readings,
            untouched,
        } = counted;
        let Some(service) = self.service.as_ref().filter(|_| !questions.is_empty()) else {
            return Verdict::Pass(Pass {
                notes,
                readings,
                ..Pass::default()
            });
        };
        let (asked, descriptors): (Vec<_>, Vec<_>) = questions
            .into_iter()
            .map(|question| ((question.limit, question.enforced), question.descriptor))
            .unzip();
        Verdict::Ask {
            message: rls::request(&service.config.domain, &descriptors),
            notes,
            pending: Pending {
                receipts,
                readings,
                untouched,
                asked,
            },
        }
    }
}

/// What the enforced limits have counted.
#[derive(Debug)]
struct Counted {
    receipts: Vec<Receipt>,
    readings: Vec<Reading>,
    untouched: Vec<Reading>,
}

pub(crate) fn pass(notes: Vec<OutcomeId>) -> Verdict {
    Verdict::Pass(Pass {
        notes,
        ..Pass::default()
    })
}

fn refuse(limit: usize, notes: Vec<OutcomeId>) -> Verdict {
    Verdict::Refuse(refusal(limit, notes, vec![], None))
}

fn refusal(
    limit: usize,
    notes: Vec<OutcomeId>,
    readings: Vec<Reading>,
    wait: Option<u64>,
) -> Refusal {
    Refusal {
        notes,
        limit: Some(limit),
        readings,
        wait,
        by_service: false,
        body: vec![],
        headers: vec![],
    }
}

fn take(
    account: Account<'_>,
    world: &dyn World,
    receipts: &mut Vec<Receipt>,
) -> Option<ChargeResult> {
    let result = account.charge(world).ok()?;
    if result.granted.is_ok() {
        receipts.push(account.receipt(&result));
    }
    Some(result)
}

/// Notes what else there is to say of a limit: that its key is in the overflow bucket, that its cell
/// stayed contended, and that its candidate decides otherwise. The candidate counts for itself, as if
/// it stood in the limit's place.
fn note(
    charge: &LocalCharge<'_>,
    result: Option<&ChargeResult>,
    key_space: &KeySpace,
    world: &dyn World,
    notes: &mut Vec<OutcomeId>,
) {
    let reasons = &charge.limit.reasons;
    let Some(result) = result else {
        notes.extend(reasons.contended);
        return;
    };
    if result.slot == Slot::Overflow {
        notes.extend(reasons.overflow);
    }
    if let Some(candidate) = charge.candidate(key_space)
        && let Ok(tried) = candidate.charge(world)
    {
        match (result.granted.is_ok(), tried.granted.is_ok()) {
            (true, false) => notes.extend(reasons.candidate_limited),
            (false, true) => notes.extend(reasons.candidate_admitted),
            _ => {}
        }
    }
}
