//! The decision: every limit that matches counts the request, and all of them must have room.

use sdk_helpers::{OutcomeId, Roll};

use crate::action::{Draw, Drawn, Question};
use crate::ledger::{Account, Book, Entry, Receipt, settle};
use crate::policy::Policy;
use crate::response_headers::{self, Reading};
use crate::rls;
use crate::subject::Subject;
use crate::table::{Home, Seat};

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
    /// For the answer.
    pub readings: Vec<Reading>,
    /// From the service, for the request.
    pub request_headers: Vec<(String, Vec<u8>)>,
    /// From the service, for the answer.
    pub response_headers: Vec<(String, Vec<u8>)>,
}

/// How a request is refused.
#[derive(Debug)]
pub struct Refusal {
    /// What has been found on the way; last, what refused it.
    pub notes: Vec<OutcomeId>,
    /// The index of the limit whose answer it gets; none where the service failed.
    pub limit: Option<usize>,
    /// For the answer.
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
    /// Decides. `home` is none where not even that could be had of the shared cells.
    pub fn decide(
        &self,
        subject: &Subject<'_>,
        home: Option<&Home>,
        book: &dyn Book,
        roll: &dyn Fn() -> Roll,
    ) -> Verdict {
        let mut notes = Vec::new();
        let (mut live, mut shadows, mut questions) = (vec![], vec![], vec![]);
        let mut refused = None;
        let path = || subject.request.path();
        self.index.visit(path, |index| {
            let Some(limit) = self.limits.get(index).filter(|one| one.matches(subject)) else {
                return false;
            };
            let enforced = limit.is_enforced(roll);
            let Some(home) = home else {
                notes.extend(limit.reasons.contended);
                if enforced && !self.lenient {
                    refused = Some(index);
                }
                return refused.is_some();
            };
            match limit.draw(subject, home) {
                Drawn::Nothing => {}
                Drawn::Missing if enforced => {
                    notes.extend(limit.reasons.missing_key);
                    refused = Some(index);
                }
                Drawn::Missing => notes.extend(limit.reasons.shadow_missing_key),
                Drawn::Here(draw) if enforced => live.push((index, draw)),
                Drawn::Here(draw) => shadows.push(draw),
                Drawn::Service(descriptor) => questions.push(Question {
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
        let Some(home) = home else {
            return pass(notes);
        };
        let asks = self.service.is_some() && !questions.is_empty();
        let mut counted = match self.count(&live, asks, home, book, &mut notes) {
            Ok(counted) => counted,
            Err(refusal) => return Verdict::Refuse(*refusal),
        };
        for draw in &shadows {
            let entry = draw
                .account(home)
                .and_then(|account| charge(account, book, &mut counted.receipts));
            note(draw, entry.as_ref(), home, book, &mut notes);
            if entry.is_some_and(|entry| entry.answer.is_err()) {
                notes.extend(draw.limit.reasons.shadow_limited);
            }
        }
        self.ask(counted, questions, notes)
    }

    /// Counts a request in every enforced limit, or in none. `asks` says that the service may yet
    /// refuse it.
    fn count(
        &self,
        live: &[(usize, Draw<'_>)],
        asks: bool,
        home: &Home,
        book: &dyn Book,
        notes: &mut Vec<OutcomeId>,
    ) -> Result<Counted, Box<Refusal>> {
        let accounts = live
            .iter()
            .filter_map(|(_, draw)| draw.account(home))
            .collect();
        let settled = settle(accounts, book, self.lenient);
        let readings = |taken: bool| -> Vec<Reading> {
            live.iter()
                .zip(&settled.entries)
                .filter_map(|((_, draw), entry)| draw.reading(entry.as_ref()?, taken))
                .collect()
        };
        let (mut refused, mut wait, mut never) = (None, 0, false);
        for ((index, draw), entry) in live.iter().zip(&settled.entries) {
            note(draw, entry.as_ref(), home, book, notes);
            let Some(entry) = entry else {
                if !self.lenient {
                    refused = refused.or(Some((*index, draw.limit.reasons.contended)));
                    wait = wait.max(1);
                }
                continue;
            };
            if let Err(why) = entry.answer {
                let reason = Some(draw.limit.reasons.limited);
                refused = refused.or(Some((*index, reason)));
                match why.wait {
                    Some(nanos) => wait = wait.max(response_headers::seconds(nanos)),
                    None => never = true,
                }
            }
        }
        let taken = refused.is_none() && settled.receipts.is_some();
        let (readings, untouched) = (readings(taken), asks.then(|| readings(false)));
        match settled.receipts {
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

fn charge(account: Account<'_>, book: &dyn Book, receipts: &mut Vec<Receipt>) -> Option<Entry> {
    let entry = account.charge(book).ok()?;
    if entry.answer.is_ok() {
        receipts.push(account.receipt(&entry));
    }
    Some(entry)
}

/// Notes what else there is to say of a limit: that its key sat in the overflow bucket, that its
/// cell could not be had, and that its candidate is of another opinion. The candidate counts for
/// itself, as if it stood in the limit's place.
fn note(
    draw: &Draw<'_>,
    entry: Option<&Entry>,
    home: &Home,
    book: &dyn Book,
    notes: &mut Vec<OutcomeId>,
) {
    let reasons = &draw.limit.reasons;
    let Some(entry) = entry else {
        notes.extend(reasons.contended);
        return;
    };
    if entry.seat == Seat::Overflow {
        notes.extend(reasons.overflow);
    }
    if let Some(candidate) = draw.candidate(home)
        && let Ok(tried) = candidate.charge(book)
    {
        match (entry.answer.is_ok(), tried.answer.is_ok()) {
            (true, false) => notes.extend(reasons.candidate_limited),
            (false, true) => notes.extend(reasons.candidate_admitted),
            _ => {}
        }
    }
}
