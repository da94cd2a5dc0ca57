//! What the connections of a replica share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Workload;
use crate::effect::Effect;
use crate::pool::Pool;

/// How much of a client is borne with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// For the headers of a request, counted from the end of the one before it: connections that a proxy keeps for later
    /// are silent for minutes.
    pub(crate) head: Duration,
    /// For its body.
    pub(crate) body: Duration,
    pub(crate) body_bytes: u64,
    /// At the same time.
    pub(crate) connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head: Duration::from_secs(300),
            body: Duration::from_secs(60),
            body_bytes: 64 << 20,
            connections: 1024,
        }
    }
}

/// A replica: who it is, how it fares.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) limits: Limits,
    /// The connections to whom it calls.
    pub(crate) pool: Pool,
    workload: Mutex<Arc<Workload>>,
    requests: AtomicU64,
    /// How it answers those that ask for nothing else.
    standing: Mutex<Option<Effect>>,
}

impl State {
    pub(crate) fn new(workload: Workload, limits: Limits) -> Self {
        State {
            limits,
            pool: Pool::default(),
            workload: Mutex::new(workload.into()),
            requests: AtomicU64::new(0),
            standing: Mutex::default(),
        }
    }

    pub(crate) fn workload(&self) -> Arc<Workload> {
        lock(&self.workload).clone()
    }

    pub(crate) fn change(&self, workload: Workload) {
        *lock(&self.workload) = workload.into();
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Which request this is, from one on.
    pub(crate) fn count(&self) -> u64 {
        self.requests
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_add(1)
    }

    pub(crate) fn misbehave(&self, effect: Option<Effect>) {
        *lock(&self.standing) = effect.filter(|effect| effect.times != Some(0));
    }

    /// How a request is answered that asks for nothing, which uses up one of those times.
    pub(crate) fn standing(&self) -> Effect {
        let mut standing = lock(&self.standing);
        let Some(effect) = standing.as_mut() else {
            return Effect::default();
        };
        let now = effect.clone();
        if let Some(times) = &mut effect.times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                *standing = None;
            }
        }
        now
    }
}

/// Nothing that is locked here is ever left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misbehaviour_lasts_as_often_as_it_was_told() {
        let state = State::new(Workload::named("a"), Limits::default());
        let failing = |times| Effect {
            delay: Duration::from_secs(1),
            times,
            ..Effect::default()
        };
        let is_ordinary = || state.standing() == Effect::default();
        state.misbehave(Some(failing(Some(2))));
        assert_eq!(
            [is_ordinary(), is_ordinary(), is_ordinary()],
            [false, false, true]
        );
        state.misbehave(Some(failing(Some(0))));
        assert!(is_ordinary());
        state.misbehave(Some(failing(None)));
        assert_eq!([is_ordinary(), is_ordinary()], [false, false]);
        state.misbehave(None);
        assert!(is_ordinary());
        assert_eq!([state.count(), state.count(), state.requests()], [1, 2, 2]);
    }
}
