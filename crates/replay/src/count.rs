//! What a worker makes of a block: how many requests are decided how, before and after.

use std::collections::HashMap;

use explain::Outcome;
use sdk_helpers::Timestamp;

use crate::answered::Answered;
use crate::entry::Entry;
use crate::input::Block;
use crate::judges::{Asked, Judges, Met, Verdict};
use crate::lines::BlockLines;
use crate::policies::Policies;
use crate::report::{Decided, Example};

/// So many requests, and the first of them.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) count: u64,
    /// By the place of its log among all. None where nobody will ask.
    pub(crate) example: Option<(usize, Example)>,
}

/// What came of a block.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) lines: BlockLines,
    /// By the verdicts before and after.
    pub(crate) verdicts: Vec<((Verdict, Verdict), Group)>,
    pub(crate) compared: u64,
    /// By what the log says and what the old policies say.
    pub(crate) disagreements: Vec<((Decided, Decided), Group)>,
    pub(crate) token_refused: u64,
    pub(crate) before_filters: u64,
    pub(crate) unanswered: u64,
}

/// What judges entries, and remembers what it judged.
pub(crate) struct Counter<'p> {
    old: Option<Judges<'p>>,
    new: Judges<'p>,
    asked: Asked,
    since: Option<Timestamp>,
    verdicts: Verdicts,
    /// What was decided of entries that say the same.
    known: HashMap<Box<[u8]>, (u32, u32)>,
    key: Vec<u8>,
}

/// How much is remembered, in entries.
const MOST_KNOWN: usize = 1 << 16;

/// Verdicts by a number, for there are few of them.
#[derive(Default)]
struct Verdicts {
    all: Vec<Verdict>,
    numbers: HashMap<Verdict, u32>,
    /// What most of a log says.
    passed: Option<u32>,
}

impl Verdicts {
    fn number(&mut self, verdict: Verdict) -> u32 {
        if let Some(number) = self.numbers.get(&verdict) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(verdict.clone());
        self.numbers.insert(verdict, number);
        number
    }

    /// What a log says, which mostly is that the request passed.
    fn logged(&mut self, outcome: Outcome, reason: &str) -> u32 {
        if let (Outcome::Allow, Some(number)) = (outcome, self.passed) {
            return number;
        }
        let number = self.number(Verdict::Known(outcome, cut(reason)));
        if outcome == Outcome::Allow {
            self.passed = Some(number);
        }
        number
    }

    fn get(&self, number: u32) -> Option<&Verdict> {
        self.all.get(usize::try_from(number).ok()?)
    }

    fn outcome(&self, number: u32) -> Option<Outcome> {
        match self.get(number)? {
            Verdict::Known(outcome, _) => Some(*outcome),
            Verdict::Unknown(_) => None,
        }
    }
}

impl<'p> Counter<'p> {
    pub(crate) fn new(
        old: Option<&'p Policies>,
        new: &'p Policies,
        since: Option<Timestamp>,
    ) -> Result<Self, String> {
        Ok(Counter {
            asked: Asked::of(old.into_iter().chain([new])),
            old: old.map(Judges::new).transpose()?,
            new: Judges::new(new)?,
            since,
            verdicts: Verdicts::default(),
            known: HashMap::new(),
            key: Vec::new(),
        })
    }

    pub(crate) fn count(&mut self, block: &Block) -> Tally {
        // Without old policies verdicts are also what logs say, which may be anything.
        if self.verdicts.all.len() > MOST_KNOWN {
            self.known.clear();
            self.verdicts = Verdicts::default();
        }
        let mut tally = Tally::default();
        let mut groups: HashMap<(u32, u32), Group> = HashMap::new();
        let mut disagreements: HashMap<(Decided, u32), Group> = HashMap::new();
        let mut lines = BlockLines::default();
        lines.each(block, self.since, &mut |number, entry| {
            let answered = Answered::of(entry);
            match answered {
                Answered::Token => return add(&mut tally.token_refused),
                Answered::BeforeFilters => return add(&mut tally.before_filters),
                _ => {}
            }
            let (old, after) = self.verdicts(entry);
            let logged = logged(answered);
            let before = match (&self.old, logged) {
                (Some(_), _) => old,
                (None, Some((outcome, reason))) => self.verdicts.logged(outcome, reason),
                (None, None) => return add(&mut tally.unanswered),
            };
            let place = (block, number);
            let differ = match (self.verdicts.outcome(before), self.verdicts.outcome(after)) {
                (Some(before), Some(after)) => before != after,
                _ => false,
            };
            groups
                .entry((before, after))
                .and_modify(|group| add(&mut group.count))
                .or_insert_with(|| Group {
                    count: 1,
                    example: differ.then(|| example(entry, place, &mut self.new, &self.asked)),
                });
            if let (Some(old), Some((outcome, reason)), Some(judged)) =
                (&mut self.old, logged, self.verdicts.outcome(before))
                && !matches!(answered, Answered::ByProvider(_))
            {
                add(&mut tally.compared);
                if outcome != judged {
                    let said = Decided {
                        outcome,
                        reason: cut(reason),
                    };
                    disagreements
                        .entry((said, before))
                        .and_modify(|group| add(&mut group.count))
                        .or_insert_with(|| Group {
                            count: 1,
                            example: Some(example(entry, place, old, &self.asked)),
                        });
                }
            }
        });
        tally.lines = lines;
        let all = &self.verdicts;
        let groups = groups.into_iter();
        tally
            .verdicts
            .extend(groups.filter_map(|((before, after), group)| {
                Some(((all.get(before)?.clone(), all.get(after)?.clone()), group))
            }));
        let disagreements = disagreements.into_iter();
        tally
            .disagreements
            .extend(disagreements.filter_map(|((said, judged), group)| {
                let judged = decided(all.get(judged)?)?;
                Some(((said, judged), group))
            }));
        // The order of hash maps is another one at every run.
        tally
            .verdicts
            .sort_by(|(one, _), (other, _)| one.cmp(other));
        tally
            .disagreements
            .sort_by(|(one, _), (other, _)| one.cmp(other));
        tally
    }

    /// What the old and the new policies say, by number.
    fn verdicts(&mut self, entry: &Entry<'_>) -> (u32, u32) {
        let remembers = self.asked.key(entry, &mut self.key);
        if remembers && let Some(known) = self.known.get(self.key.as_slice()) {
            return *known;
        }
        let met = Met::new(entry, &self.asked);
        let after = self.verdicts.number(self.new.verdict(&met));
        let before = match &mut self.old {
            Some(old) => self.verdicts.number(old.verdict(&met)),
            None => after,
        };
        if remembers {
            if self.known.len() >= MOST_KNOWN {
                self.known.clear();
            }
            let key = self.key.as_slice().into();
            self.known.insert(key, (before, after));
        }
        (before, after)
    }
}

fn add(count: &mut u64) {
    *count = count.saturating_add(1);
}

/// What policies did, as the log says, and what it says of it.
fn logged(answered: Answered<'_>) -> Option<(Outcome, &str)> {
    match answered {
        Answered::Passed => Some((Outcome::Allow, PASSED)),
        Answered::Refused(reason) | Answered::ByProvider(reason) => Some((Outcome::Deny, reason)),
        Answered::Token | Answered::BeforeFilters | Answered::Unsaid => None,
    }
}

/// What is said of a request that policies let pass.
const PASSED: &str = "answered";

/// Text from a log, which may be of any length.
fn cut(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

const LONGEST_TEXT: usize = 512;

pub(crate) fn decided(verdict: &Verdict) -> Option<Decided> {
    match verdict {
        Verdict::Known(outcome, reason) => Some(Decided {
            outcome: *outcome,
            reason: reason.clone(),
        }),
        Verdict::Unknown(_) => None,
    }
}

fn example(
    entry: &Entry<'_>,
    (block, line): (&Block, u64),
    judges: &mut Judges<'_>,
    asked: &Asked,
) -> (usize, Example) {
    let said = |text: Option<&str>| text.map(cut);
    let example = Example {
        file: String::new(),
        line,
        method: said(entry.method.text()),
        authority: said(entry.authority.text()),
        path: said(entry.path.text().map(|path| judges.shown(path)).as_deref()),
        peer: said(entry.peer.text()),
        address: said(entry.client.text()),
        closest: judges.closest(&Met::new(entry, asked)),
    };
    (block.source, example)
}
