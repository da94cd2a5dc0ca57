//! Deadlines of one root context on the one timer Envoy gives it.
//!
//! Envoy's timer has whole milliseconds and may fire a little early, so the clock is asked each
//! time and nothing is ever due before its deadline. The clock is the monotonic one: a step of the
//! system's clock neither ends a delay nor holds it for ever.

use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::host;

/// Deadlines with what each is for, earliest first.
#[derive(Debug)]
pub(super) struct Timers<T> {
    heap: BinaryHeap<Entry<T>>,
    /// The instant the timer is armed for.
    armed: Option<Instant>,
    /// Keeps what has the same deadline in the order it came.
    sequence: u64,
}

#[derive(Debug)]
struct Entry<T> {
    deadline: Instant,
    sequence: u64,
    what: T,
}

impl<T> Timers<T> {
    pub(super) fn new() -> Self {
        Timers {
            heap: BinaryHeap::new(),
            armed: None,
            sequence: 0,
        }
    }

    /// Adds a deadline. One too far off for the clock is as far off as the clock goes.
    pub(super) fn push(&mut self, by: Duration, what: T) {
        let now = Instant::now();
        let deadline = now.checked_add(by).unwrap_or_else(|| now + FAR);
        self.sequence = self.sequence.wrapping_add(1);
        self.heap.push(Entry {
            deadline,
            sequence: self.sequence,
            what,
        });
        if self.armed.is_none_or(|armed| deadline < armed) {
            self.arm(deadline, now);
        }
    }

    /// Takes what is due, at most `most` of it, and arms the timer for the rest. Returns as well
    /// whether more is due already.
    pub(super) fn take_due(&mut self, most: usize) -> (Vec<T>, bool) {
        let now = Instant::now();
        let mut due = Vec::new();
        while due.len() < most
            && self.heap.peek().is_some_and(|entry| entry.deadline <= now)
            && let Some(entry) = self.heap.pop()
        {
            due.push(entry.what);
        }
        match self.heap.peek().map(|entry| entry.deadline) {
            None => {
                self.armed = None;
                host::set_tick(0);
                (due, false)
            }
            Some(next) => {
                self.arm(next, now);
                (due, next <= now)
            }
        }
    }

    fn arm(&mut self, deadline: Instant, now: Instant) {
        let wait = deadline.saturating_duration_since(now);
        // Rounded up, and at least 1: 0 would disarm it.
        let milliseconds = wait.as_nanos().div_ceil(1_000_000).max(1);
        host::set_tick(u32::try_from(milliseconds).unwrap_or(u32::MAX));
        self.armed = Some(deadline);
    }
}

/// A hundred years: no stream lives as long, and every clock can add it.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    /// Reversed, because the heap yields its greatest.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.deadline, other.sequence).cmp(&(self.deadline, self.sequence))
    }
}
