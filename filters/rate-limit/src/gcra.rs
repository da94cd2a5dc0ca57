//! The arithmetic of one bucket: GCRA (ITU-T I.371, the virtual scheduling form) by the crate
//! `governor`, with the bucket's state and the clock as plain arguments.
//!
//! A bucket is one number, its *full time*: the moment at which it is full again if nothing more is
//! taken from it. A request moves it on by the time that its tokens take to come back, and is
//! refused if that would put it further ahead than a whole bucket takes. Before the full time is
//! reached a bucket is not full; after it, forgetting the number changes nothing.

use std::cell::Cell;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{NotKeyed, StateStore};
use governor::{Quota, RateLimiter};

/// How fast a bucket fills and how much it holds.
#[derive(Debug)]
pub struct Gcra {
    limiter: RateLimiter<NotKeyed, FullTime, SetClock, NoOpMiddleware<Nanos>>,
    full_time: FullTime,
    clock: SetClock,
    /// Nanoseconds a token takes to come back.
    interval: u64,
    burst: NonZeroU32,
}

/// A request that a bucket has not enough tokens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Nanoseconds until it would have; `None` if it never will, because the bucket holds less.
    pub wait: Option<u64>,
}

/// No faster than this: a token's interval is whole nanoseconds, rounded up so that a limit is
/// never more than it says, and from here on down the rounding is below a thousandth.
const SHORTEST: u128 = 1_000;

/// No bucket takes longer to fill, so that no sum of times comes near the end of 64 bits.
const LONGEST: u128 = 10 * 365 * 24 * 3600 * 1_000_000_000;

impl Gcra {
    /// A bucket of `burst` tokens, of which `requests` come back every `per`.
    ///
    /// # Errors
    /// Says which bound the three exceed together.
    pub fn new(requests: NonZeroU32, per: Duration, burst: NonZeroU32) -> Result<Self, String> {
        let (per, requests) = (per.as_nanos(), u128::from(requests.get()));
        if per < requests.saturating_mul(SHORTEST) {
            return Err(format!(
                "{requests} is more than a million a second, which is as fast as a bucket can be told to fill"
            ));
        }
        let interval = per.div_ceil(requests);
        if interval.saturating_mul(burst.get().into()) > LONGEST {
            return Err(format!(
                "a bucket of {burst} would take more than ten years to fill; raise this or lower `per` or `burst`"
            ));
        }
        #[allow(clippy::cast_possible_truncation, reason = "below LONGEST")]
        let interval = interval as u64;
        let quota = Quota::with_period(Duration::from_nanos(interval))
            .ok_or("a token takes some time to come back")?
            .allow_burst(burst);
        let (full_time, clock) = (FullTime::default(), SetClock::default());
        Ok(Gcra {
            // Made at the time 0, because the limiter counts from then, and every worker's must
            // count from the same.
            limiter: RateLimiter::new(quota, full_time.clone(), clock.clone()),
            full_time,
            clock,
            interval,
            burst,
        })
    }

    /// Takes `cost` tokens at `now` from the bucket that is full at `full`. Returns when it is full
    /// then.
    ///
    /// # Errors
    /// The tokens are not there; nothing is taken.
    pub fn charge(&self, full: u64, now: u64, cost: u32) -> Result<u64, Refused> {
        let Some(cost) = NonZeroU32::new(cost) else {
            return Ok(full);
        };
        self.full_time.set(full);
        self.clock.set(now);
        match self.limiter.check_n(cost) {
            Ok(Ok(())) => Ok(self.full_time.get()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(Nanos::from(now));
                Err(Refused {
                    wait: Some(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)),
                })
            }
            Err(_) => Err(Refused { wait: None }),
        }
    }

    /// Whole tokens in the bucket.
    pub fn remaining(&self, full: u64, now: u64) -> u32 {
        let missing = full.saturating_sub(now).div_ceil(self.interval);
        u32::try_from(missing).map_or(0, |missing| self.burst.get().saturating_sub(missing))
    }

    /// Nanoseconds an empty bucket takes to be full again.
    pub fn window(&self) -> u64 {
        self.worth(self.burst.get())
    }

    /// Nanoseconds that this number of tokens takes to come back.
    pub fn worth(&self, tokens: u32) -> u64 {
        self.interval.saturating_mul(tokens.into())
    }

    /// The tokens it holds.
    pub fn burst(&self) -> u32 {
        self.burst.get()
    }
}

/// The full time of the bucket that is charged. The real one is in a cell that all workers share, and
/// the ledger copies it there and back.
#[derive(Debug, Clone, Default)]
struct FullTime(std::rc::Rc<Cell<u64>>);

impl FullTime {
    fn get(&self) -> u64 {
        self.0.get()
    }

    fn set(&self, full: u64) {
        self.0.set(full);
    }
}

impl StateStore for FullTime {
    type Key = NotKeyed;

    fn measure_and_replace<T, F, E>(&self, _: &NotKeyed, step: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let (answer, full) = step(Some(Nanos::from(self.get())))?;
        self.set(full.as_u64());
        Ok(answer)
    }
}

/// A clock that shows the time it was last set to.
#[derive(Debug, Clone, Default)]
struct SetClock(std::rc::Rc<Cell<u64>>);

impl SetClock {
    fn set(&self, now: u64) {
        self.0.set(now);
    }
}

impl Clock for SetClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(self.0.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: u64 = 1_000_000_000;

    fn gcra(requests: u32, per: Duration, burst: u32) -> Result<Gcra, String> {
        let whole = |number| NonZeroU32::new(number).expect("not 0");
        Gcra::new(whole(requests), per, whole(burst))
    }

    fn per_second(requests: u32, burst: u32) -> Gcra {
        gcra(requests, Duration::from_secs(1), burst).expect("a quota")
    }

    #[test]
    fn a_full_bucket_gives_its_burst_and_then_one_each_interval() {
        let bucket = per_second(10, 3);
        let now = 77 * SECOND;
        let mut full = 0;
        for left in [2, 1, 0] {
            full = bucket.charge(full, now, 1).expect("a token");
            assert_eq!(bucket.remaining(full, now), left);
        }
        let interval = SECOND / 10;
        let refused = bucket.charge(full, now, 1);
        assert_eq!(
            refused,
            Err(Refused {
                wait: Some(interval)
            })
        );
        let early = bucket.charge(full, now + interval - 1, 1);
        assert_eq!(early, Err(Refused { wait: Some(1) }));
        full = bucket.charge(full, now + interval, 1).expect("a token");
        assert_eq!(bucket.remaining(full, now + interval), 0);
        assert_eq!(bucket.remaining(full, now + interval + 3 * interval), 3);
        assert_eq!(bucket.remaining(0, 0), 3);
    }

    #[test]
    fn several_tokens_are_taken_together_or_not_at_all() {
        let bucket = per_second(10, 5);
        let full = bucket.charge(0, SECOND, 4).expect("four tokens");
        let wait = Some(SECOND / 10);
        assert_eq!(bucket.charge(full, SECOND, 2), Err(Refused { wait }));
        assert!(bucket.charge(full, SECOND, 1).is_ok());
        assert_eq!(bucket.charge(0, SECOND, 6), Err(Refused { wait: None }));
        assert_eq!(bucket.charge(full, SECOND, 0), Ok(full));
        assert_eq!(bucket.charge(0, 0, u32::MAX), Err(Refused { wait: None }));
    }

    #[test]
    fn an_interval_is_rounded_so_that_no_more_passes() {
        let bucket = per_second(3, 1);
        assert_eq!(bucket.worth(3), SECOND + 2);
    }

    #[test]
    fn what_64_bits_cannot_count_is_refused() {
        let year = Duration::from_secs(365 * 24 * 3600);
        assert!(gcra(1_000_000, Duration::from_secs(1), 1).is_ok());
        assert!(gcra(1_000_001, Duration::from_secs(1), 1).is_err());
        assert!(gcra(1, year, 10).is_ok());
        assert!(gcra(1, year, 11).is_err());
        assert!(gcra(1, Duration::MAX, u32::MAX).is_err());
    }

    proptest! {
        /// Beside a bucket counted in tokens, as one would draw it.
        #[test]
        fn it_is_a_token_bucket(
            requests in 1u32..2_000, burst in 1u32..50,
            steps in prop::collection::vec((0u64..SECOND, 0u32..8), 1..200),
        ) {
            let bucket = per_second(requests, burst);
            let interval = bucket.worth(1);
            let most = interval * u64::from(burst);
            let (mut full, mut now, mut level) = (0, 5 * SECOND, most);
            for (by, cost) in steps {
                // Mostly short steps: long ones find the bucket full again.
                let by = by % (2 * interval);
                now += by;
                level = most.min(level + by);
                let price = interval * u64::from(cost);
                match bucket.charge(full, now, cost) {
                    Ok(after) => {
                        prop_assert!(price <= level);
                        level -= price;
                        full = after;
                    }
                    Err(refused) => {
                        prop_assert!(price > level);
                        let wait = (cost <= burst).then(|| price - level);
                        prop_assert_eq!(refused.wait, wait);
                        if let Some(wait) = wait {
                            prop_assert!(bucket.charge(full, now + wait, cost).is_ok());
                            prop_assert!(bucket.charge(full, now + wait - 1, cost).is_err());
                        }
                    }
                }
                prop_assert_eq!(u64::from(bucket.remaining(full, now)), level / interval);
            }
        }

        #[test]
        fn nothing_overflows(full: u64, now: u64, cost: u32, tokens: u32, burst in 1u32..) {
            let bucket = per_second(1_000_000, burst);
            // The clock began with the machine, and a full time is never further ahead than a bucket.
            let now = now >> 1;
            let full = full.min(now + bucket.window());
            let _ = (bucket.charge(full, now, cost), bucket.remaining(full, now), bucket.worth(tokens));
        }
    }
}
