//! The two clocks of a world, and the timer of a root context.

use std::time::Duration;

/// The monotonic clock does not start at zero, so that no module takes zero for "never".
const BOOT: u64 = 1_000_000_000_000;
/// 2026-01-01T00:00:00Z.
const EPOCH: u64 = 1_767_225_600_000_000_000;

/// Nanoseconds on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) realtime: u64,
    pub(crate) monotonic: u64,
}

impl Default for Clock {
    fn default() -> Self {
        let (realtime, monotonic) = (EPOCH, BOOT);
        Self {
            realtime,
            monotonic,
        }
    }
}

impl Clock {
    pub(crate) fn move_to(&mut self, monotonic: u64) {
        let by = monotonic.saturating_sub(self.monotonic);
        self.monotonic += by;
        self.realtime += by;
    }
}

/// How a timer's moment relates to the one asked for.
///
/// A real Envoy's timers have a granularity of about 4 ms and can fire some 3 ms early, so code
/// that takes a tick for proof that its period has passed is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ticks {
    /// To the nanosecond.
    #[default]
    Exact,
    /// This much too soon, though never by more than half the period.
    Early(Duration),
    /// This much too late.
    Late(Duration),
}

/// What `set_tick_period` arms.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer {
    pub(crate) period: u64,
    pub(crate) due: u64,
}

impl Timer {
    pub(crate) fn armed(period: u64, now: u64, ticks: Ticks) -> Self {
        let wait = match ticks {
            Ticks::Exact => period,
            Ticks::Early(by) => period - nanos(by).min(period / 2),
            Ticks::Late(by) => period.saturating_add(nanos(by)),
        };
        let due = now.saturating_add(wait);
        Self { period, due }
    }
}

/// A duration as the clocks count; more than 584 years are for ever.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
