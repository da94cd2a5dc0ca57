//! At which throws of the dice something else happens.

use catalog::{Loaded, Stream};
use sdk_helpers::{Decision, Roll};

use super::outcome::Said;
use crate::answer::Threshold;
use crate::world::{SimulatedWorld, Trial};

/// The filters that throw dice for a request.
const THROWERS: [&str; 2] = ["rate-limit", "fault-injection"];

/// What is known of the dice by now.
#[derive(Debug, Default)]
pub(crate) struct Dice {
    /// Throws at which something changed for an earlier request, in order: the percentages of a configuration
    /// are few.
    known: Vec<u32>,
}

impl Dice {
    /// What the filter that is asked next does at which throws, the lowest first; nothing where it does the
    /// same at all of them.
    pub(crate) fn thresholds(
        &mut self,
        loaded: &Loaded,
        stream: &mut Stream<'_>,
        world: &SimulatedWorld,
    ) -> Vec<Threshold> {
        let thrower = stream
            .upcoming()
            .is_some_and(|stage| THROWERS.contains(&stage.name));
        if !thrower {
            return Vec::new();
        }
        let mut thrown = false;
        let mut stage = 0;
        let mut at = |roll: u32| {
            let trial = Trial::new(world, Roll::new(roll.into()));
            let decided = stream.trial(&trial);
            thrown |= trial.thrown.get();
            decided.map(|decided| {
                stage = decided.stage;
                decided.decision
            })
        };
        let (Some(lowest), last) = (at(0), Roll::SIDES - 1) else {
            return Vec::new();
        };
        let Some(highest) = at(last) else {
            return Vec::new();
        };
        if lowest == highest {
            return Vec::new();
        }
        // What is hit at a throw is hit at every lower one, so what is the same at two throws is the same between.
        let mut changes: Vec<(u32, Decision)> = Vec::new();
        let mut low = (0, lowest);
        let mut waypoints: Vec<u32> = self.known.clone();
        waypoints.push(last);
        for to in waypoints {
            // Just below the change that an earlier request saw, and at it.
            for to in [to.saturating_sub(1), to] {
                if to <= low.0 {
                    continue;
                }
                let Some(decision) = at(to) else {
                    return Vec::new();
                };
                between(low, (to, decision.clone()), &mut at, &mut changes);
                low = (to, decision);
            }
        }
        for (change, _) in &changes {
            if let Err(place) = self.known.binary_search(change) {
                self.known.insert(place, *change);
            }
        }
        let thresholds = changes.into_iter().map(|(change, before)| Threshold {
            below: f64::from(change) * 100.0 / f64::from(Roll::SIDES),
            then: told(loaded, stage, before),
        });
        thresholds.collect()
    }
}

/// Every throw above `low` up to `high` at which something else happens than at the one before, and what happened
/// at that one.
fn between(
    low: (u32, Decision),
    high: (u32, Decision),
    at: &mut dyn FnMut(u32) -> Option<Decision>,
    changes: &mut Vec<(u32, Decision)>,
) {
    if low.1 == high.1 {
        return;
    }
    if high.0.saturating_sub(low.0) <= 1 {
        changes.push((high.0, low.1));
        return;
    }
    let middle = low.0.midpoint(high.0);
    let Some(decision) = at(middle) else {
        return;
    };
    between(low, (middle, decision.clone()), at, changes);
    between((middle, decision), high, at, changes);
}

fn told(loaded: &Loaded, stage: usize, decision: Decision) -> String {
    let mut reasons = Vec::new();
    let said = Said::of(decision, &mut |record| {
        reasons.extend(loaded.reason(stage, record))
    });
    let mut parts = Vec::new();
    if let Some(delay) = said.delay {
        parts.push(format!("delay {delay}ms"));
    }
    if let Decision::Reply(reply) = &said.last {
        parts.push(match reply.grpc_status {
            Some(code) if reply.status == 200 => format!("reply with grpc-status {code}"),
            _ => format!("reply {}", reply.status),
        });
    }
    if parts.is_empty() {
        parts.push("allow".to_owned());
    }
    parts.extend(reasons);
    parts.join(", ")
}
