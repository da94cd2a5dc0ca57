//! What a filter may read of the world around it: questions, nothing to command.

#[cfg(any(test, feature = "test-util"))]
pub mod fake;

use std::rc::Rc;
use std::time::Duration;

use crate::claims::Claims;

/// Nanoseconds since the Unix epoch, by the system's clock. It may step in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Timestamp(nanos)
    }

    /// From whole seconds since the epoch.
    pub const fn from_secs(seconds: u64) -> Self {
        Timestamp(seconds.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How much later than `earlier`; nothing if it is not.
    pub const fn saturating_since(self, earlier: Timestamp) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Later by `by`, at most the end of time.
    pub fn saturating_add(self, by: Duration) -> Self {
        Timestamp(
            self.0
                .saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

/// One throw of a die with a million sides.
///
/// A million is a multiple of Envoy's other denominators, so one throw decides a percentage in any
/// of them with the same odds as Envoy's `random % denominator < numerator`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Roll(u32);

impl Roll {
    /// The number of sides.
    pub const SIDES: u32 = 1_000_000;

    /// Folds any number onto the die.
    pub const fn new(number: u64) -> Self {
        #[allow(clippy::cast_possible_truncation, reason = "below a million")]
        Roll((number % Self::SIDES as u64) as u32)
    }

    /// 0 to 999,999.
    pub const fn value(self) -> u32 {
        self.0
    }
}

/// What Envoy knows of a stream beside its headers.
pub trait Attributes {
    /// An attribute of Envoy's (`["destination", "port"]`), encoded as Envoy gives it; `None` where
    /// it is absent.
    fn property(&self, path: &[&str]) -> Option<Vec<u8>>;

    /// The verified claims that an earlier filter of the same module hands over as they are. Where it
    /// hands none over, [`Claims::read`] looks for them in filter state.
    fn claims(&self) -> Option<Rc<Claims>> {
        None
    }
}

/// A step from the value of a shared cell to the next; see [`World::update`].
pub type Step<'a> = dyn FnMut(Option<&[u8]>) -> Option<Vec<u8>> + 'a;

/// All a filter may ask.
pub trait World: Attributes {
    /// The time. A host call: ask when a rule needs it.
    fn now(&self) -> Timestamp;

    /// Nanoseconds on the clock that never steps, the same for every worker of the proxy. Where it
    /// began means nothing: differences do. A host call.
    fn monotonic(&self) -> u64;

    /// An independent random number.
    fn roll(&self) -> Roll;

    /// How many streams this filter has paused by a [`Decision::Delay`](crate::Decision::Delay), over
    /// all workers of the proxy.
    fn active(&self) -> u64;

    /// Replaces the value of a cell that all workers share: `step` maps the value there is to the
    /// one to be, or `None` to leave it. It may run several times, and only the last run counts. Every
    /// run comes after its value was read, so a clock asked within it is behind no other worker's
    /// write to the cell.
    ///
    /// # Errors
    /// [`Contended`] when other workers won every attempt.
    fn update(&self, cell: &str, step: &mut Step<'_>) -> Result<(), Contended>;

    /// Whether functions of the host that look at the stream, such as `expr_evaluate`, see it now. Envoy
    /// has them look at the context whose callback it is, and a stream that goes on after a pause goes on in
    /// one of its root's, where there is no request.
    fn shows_stream(&self) -> bool {
        true
    }

    /// Calls a function of the host by name (`verify_signature`, `expr_evaluate`); `None` where the
    /// host lacks it or refuses.
    fn host_function(&self, name: &str, argument: &[u8]) -> Option<Vec<u8>>;
}

/// A shared cell stayed contended; what to do then is the filter's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contended;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_saturates() {
        let end = Timestamp::from_nanos(u64::MAX);
        assert_eq!(end.saturating_add(Duration::MAX), end);
        assert_eq!(Timestamp::from_secs(u64::MAX), end);
    }
}
