//! A log under other policies.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use sdk_helpers::Timestamp;

use crate::count::{Counter, Group, Tally, decided};
use crate::input::Source;
use crate::judges::Verdict;
use crate::pipeline;
use crate::policies::Policies;
use crate::report::{Change, Decided, Disagreement, Example, Report, Side, Unjudged};

/// What a log is replayed with.
#[derive(Debug, Clone, Copy)]
pub struct Replay<'p> {
    /// The policies that requests are compared with; without any, it is what the log says was answered.
    pub old: Option<&'p Policies>,
    /// The policies that are asked.
    pub new: &'p Policies,
    /// From when on requests count.
    pub since: Option<Timestamp>,
    /// How many threads judge.
    pub threads: usize,
}

/// How many different reasons are told apart: policies have fewer, and memory is to end somewhere.
const MOST_GROUPS: usize = 10_000;

impl Replay<'_> {
    /// Replays logs; `progress` is told how many bytes were read since it was last told, as they lie in the files.
    ///
    /// # Errors
    /// The policies cannot be judged.
    pub fn run(&self, sources: &[Source], progress: &mut dyn FnMut(u64)) -> Result<Report, String> {
        let mut totals = Totals::default();
        let worker = || -> Result<pipeline::Worker<'_, Tally>, String> {
            let mut counter = Counter::new(self.old, self.new, self.since)?;
            Ok(Box::new(move |block| counter.count(block)))
        };
        let mut merge = |tally: Tally, read: u64| {
            totals.add(tally, sources);
            progress(read);
        };
        let broken = pipeline::run(sources, self.threads, &worker, &mut merge)?;
        let mut report = totals.report(self, sources);
        report.broken = broken;
        Ok(report)
    }
}

#[derive(Default)]
struct Totals {
    report: Report,
    verdicts: HashMap<(Verdict, Verdict), Group>,
    disagreements: HashMap<(Decided, Decided), Group>,
}

impl Totals {
    fn add(&mut self, tally: Tally, sources: &[Source]) {
        let report = &mut self.report;
        report.lines.add(tally.lines, sources);
        for (total, more) in [
            (&mut report.token_refused, tally.token_refused),
            (&mut report.before_filters, tally.before_filters),
            (&mut report.unanswered, tally.unanswered),
            (&mut report.compared, tally.compared),
        ] {
            *total = total.saturating_add(more);
        }
        for ((before, after), group) in tally.verdicts {
            let total = match (&before, &after) {
                (Verdict::Known(before, _), Verdict::Known(after, _)) if before == after => {
                    &mut report.alike
                }
                (Verdict::Known(..), Verdict::Known(..)) => &mut report.changed,
                _ => &mut report.unjudged,
            };
            *total = total.saturating_add(group.count);
            if !add(&mut self.verdicts, (before, after), &group) {
                report.unlisted = report.unlisted.saturating_add(group.count);
            }
        }
        for (key, group) in tally.disagreements {
            report.disagreed = report.disagreed.saturating_add(group.count);
            if !add(&mut self.disagreements, key, &group) {
                report.unlisted = report.unlisted.saturating_add(group.count);
            }
        }
    }

    fn report(self, replay: &Replay<'_>, sources: &[Source]) -> Report {
        let mut report = self.report;
        let named = |example: Option<(usize, Example)>| -> Option<Example> {
            let (source, mut example) = example?;
            example.file = sources.get(source)?.name.clone();
            Some(example)
        };
        let mut missing: HashMap<(Side, usize), u64> = HashMap::new();
        for ((before, after), group) in self.verdicts {
            for (side, verdict) in [(Side::Old, &before), (Side::New, &after)] {
                let Verdict::Unknown(places) = verdict else {
                    continue;
                };
                for place in places {
                    let count = missing.entry((side, *place)).or_default();
                    *count = count.saturating_add(group.count);
                }
            }
            if let (Some(before), Some(after)) = (decided(&before), decided(&after))
                && before.outcome != after.outcome
                && let Some(example) = named(group.example)
            {
                report.changes.push(Change {
                    before,
                    after,
                    count: group.count,
                    example,
                });
            }
        }
        for ((logged, judged), group) in self.disagreements {
            report
                .disagreements
                .extend(named(group.example).map(|example| Disagreement {
                    logged,
                    judged,
                    count: group.count,
                    example,
                }));
        }
        for ((side, place), count) in missing {
            let policies = match side {
                Side::Old => replay.old,
                Side::New => Some(replay.new),
            };
            let need = policies.and_then(|policies| policies.needs().get(place));
            report.missing.extend(need.map(|need| Unjudged {
                policies: side,
                field: need.field.clone(),
                conditions: need.conditions.clone(),
                count,
            }));
        }
        report.changes.sort_by(|one, other| {
            let reasons = |change: &Change| (change.before.clone(), change.after.clone());
            let most = other.count.cmp(&one.count);
            most.then_with(|| reasons(one).cmp(&reasons(other)))
        });
        report.disagreements.sort_by(|one, other| {
            let reasons = |one: &Disagreement| (one.logged.clone(), one.judged.clone());
            let most = other.count.cmp(&one.count);
            most.then_with(|| reasons(one).cmp(&reasons(other)))
        });
        report.missing.sort_by(|one, other| {
            let most = other.count.cmp(&one.count);
            most.then_with(|| (one.policies, &one.field).cmp(&(other.policies, &other.field)))
        });
        report
    }
}

/// Adds a group to those there are, whose first request is the earlier one. False where there is no room.
fn add<K: Eq + Hash>(groups: &mut HashMap<K, Group>, key: K, group: &Group) -> bool {
    let is_full = groups.len() >= MOST_GROUPS;
    match groups.entry(key) {
        Entry::Occupied(mut known) => {
            let known = known.get_mut();
            known.count = known.count.saturating_add(group.count);
        }
        Entry::Vacant(_) if is_full => return false,
        Entry::Vacant(place) => {
            place.insert(Group {
                count: group.count,
                example: group.example.clone(),
            });
        }
    }
    true
}

#[cfg(test)]
mod tests;
