//! The decision: every limit that matches counts the request, and all of them must have room.

use sdk_helpers::{OutcomeId, World};
use smallvec::SmallVec;

use crate::action::{LimitAction, LocalCharge, Question};
use crate::ledger::{Receipt, charge_all_or_none};
use crate::policy::{Policy, Service};
use crate::response_headers::{self, Readings};
use crate::rls;
use crate::subject::Subject;
use crate::table::{KeySpace, Slot};

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It goes on.
    Pass(Pass),
    /// It is answered.
    Refuse(Box<Refusal>),
    /// The service is asked, and [`Policy::resume`] with its answer.
    Ask(Box<Ask>),
}

/// What the service is asked.
#[derive(Debug)]
pub struct Ask {
    /// Its message.
    pub message: Vec<u8>,
    /// What has been found on the way.
    pub notes: Vec<OutcomeId>,
    /// What is needed to go on.
    pub pending: Pending,
}

/// What goes with a request that passes.
#[derive(Debug, Default)]
pub struct Pass {
    /// What has been found on the way.
    pub notes: Vec<OutcomeId>,
    /// For the response headers.
    pub readings: Readings,
    /// What the service adds, where it was asked.
    pub added: Option<Box<Added>>,
}

/// Headers that the service adds.
#[derive(Debug)]
pub struct Added {
    /// To the request.
    pub request: Vec<(String, Vec<u8>)>,
    /// To the response.
    pub response: Vec<(String, Vec<u8>)>,
}

/// How a request is refused.
#[derive(Debug)]
pub struct Refusal {
    /// What has been found on the way; last, what refused it.
    pub notes: Vec<OutcomeId>,
    /// The index of the limit whose reply it gets; none where the service failed.
    pub limit: Option<usize>,
    /// For the response headers.
    pub readings: Readings,
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
    pub(crate) readings: Readings,
    /// The same had nothing been taken, which is how it is if the service refuses.
    pub(crate) untouched: Readings,
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
        let mut live = Charges::new();
        let (mut shadows, mut questions) = (vec![], vec![]);
        let mut refused = None;
        let path = || subject.request.path();
        self.index.visit(path, |index| {
            let Some(limit) = self.limits.get(index).filter(|one| one.matches(subject)) else {
                return false;
            };
            let enforced = limit.is_enforced(world);
            let Some(key_space) = key_space else {
                notes.extend(limit.reasons.contended);
                refused = (enforced && !self.lenient).then_some(index);
                return refused.is_some();
            };
            match limit.action(index, subject, key_space) {
                LimitAction::Nothing => {}
                LimitAction::MissingKey if enforced => {
                    notes.extend(limit.reasons.missing_key);
                    refused = Some(index);
                }
                LimitAction::MissingKey => notes.extend(limit.reasons.shadow_missing_key),
                LimitAction::Charge(charge) if enforced => live.push(charge),
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
            return refusal(index, notes, Readings::new(), None);
        }
        let taken = charge_all_or_none(&mut live, world, self.lenient);
        for charge in &live {
            note(charge, world, &mut notes);
        }
        if !taken {
            return self.refuse(&live, notes);
        }
        for charge in &mut shadows {
            charge.account.charge(world);
            note(charge, world, &mut notes);
            if charge.account.result.is_some() && !charge.account.is_granted() {
                notes.extend(charge.limit.reasons.shadow_limited);
            }
        }
        // Written where it stays: to hand it on would take as long as to make it.
        let mut pass = Pass {
            notes,
            ..Pass::default()
        };
        for charge in &live {
            if let Some(reading) = charge.reading(true) {
                pass.readings.push(reading);
            }
        }
        match &self.service {
            Some(service) if !questions.is_empty() => {
                ask(service, questions, &live, &shadows, pass)
            }
            _ => Verdict::Pass(pass),
        }
    }

    /// What a request gets that some of these limits have no room for.
    #[cold]
    fn refuse(&self, live: &[LocalCharge<'_>], mut notes: Vec<OutcomeId>) -> Verdict {
        let (mut refused, mut wait, mut never) = (None, 0, false);
        for LocalCharge {
            limit,
            index,
            account,
            ..
        } in live
        {
            let Some(result) = account.result else {
                if !self.lenient {
                    refused = refused.or(Some((*index, limit.reasons.contended)));
                    wait = wait.max(1);
                }
                continue;
            };
            if let Err(why) = result.granted {
                refused = refused.or(Some((*index, Some(limit.reasons.limited))));
                match why.wait {
                    Some(nanos) => wait = wait.max(response_headers::seconds(nanos)),
                    None => never = true,
                }
            }
        }
        let (index, reason) = refused.unwrap_or_default();
        notes.extend(reason);
        let wait = (!never).then_some(wait);
        refusal(index, notes, readings(live, false), wait)
    }
}

/// Asks the service. What it will say decides whether what was counted here stays counted.
#[cold]
fn ask(
    service: &Service,
    questions: Vec<Question>,
    live: &[LocalCharge<'_>],
    shadows: &[LocalCharge<'_>],
    pass: Pass,
) -> Verdict {
    let (asked, descriptors): (Vec<_>, Vec<_>) = questions
        .into_iter()
        .map(|question| ((question.limit, question.enforced), question.descriptor))
        .unzip();
    let charged = live.iter().chain(shadows);
    let receipts = charged.filter_map(|charge| charge.account.receipt());
    Verdict::Ask(Box::new(Ask {
        message: rls::request(&service.config.domain, &descriptors),
        notes: pass.notes,
        pending: Pending {
            receipts: receipts.collect(),
            readings: pass.readings,
            untouched: readings(live, false),
            asked,
        },
    }))
}

fn readings(charges: &[LocalCharge<'_>], taken: bool) -> Readings {
    let told = charges.iter().filter_map(|charge| charge.reading(taken));
    told.collect()
}

/// What the enforced limits charge. Mostly one limit counts a request.
type Charges<'a> = SmallVec<[LocalCharge<'a>; 1]>;

pub(crate) fn pass(notes: Vec<OutcomeId>) -> Verdict {
    Verdict::Pass(Pass {
        notes,
        ..Pass::default()
    })
}

#[cold]
fn refusal(limit: usize, notes: Vec<OutcomeId>, readings: Readings, wait: Option<u64>) -> Verdict {
    Verdict::Refuse(Box::new(Refusal {
        notes,
        limit: Some(limit),
        readings,
        wait,
        by_service: false,
        body: vec![],
        headers: vec![],
    }))
}

/// Notes what else there is to say of a limit: that its key is in the overflow bucket, that its cell
/// stayed contended, and that its candidate decides otherwise. The candidate counts for itself, as if
/// it stood in the limit's place.
fn note(charge: &LocalCharge<'_>, world: &dyn World, notes: &mut Vec<OutcomeId>) {
    let reasons = &charge.limit.reasons;
    let Some(result) = &charge.account.result else {
        notes.extend(reasons.contended);
        return;
    };
    if result.slot == Slot::Overflow {
        notes.extend(reasons.overflow);
    }
    let Some(mut candidate) = charge.candidate() else {
        return;
    };
    candidate.charge(world);
    if candidate.result.is_some() {
        match (result.granted.is_ok(), candidate.is_granted()) {
            (true, false) => notes.extend(reasons.candidate_limited),
            (false, true) => notes.extend(reasons.candidate_admitted),
            _ => {}
        }
    }
}
