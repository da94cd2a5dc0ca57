//! Processor time to the nanosecond: a two-second round at one microsecond a request is too short
//! for the hundredths that `/proc/<pid>/stat` counts in.

use std::fs;
use std::time::Duration;

use crate::envoy::Envoy;

/// What all threads of an Envoy have used. Its threads are there from its start to its end.
pub(super) fn used(envoy: &Envoy) -> Duration {
    precise(envoy.pid()).unwrap_or_else(|| envoy.cpu())
}

/// `None` where the kernel keeps no such books.
fn precise(pid: u32) -> Option<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        let books = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += books.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    (nanoseconds > 0).then(|| Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::precise;

    #[test]
    fn work_shows_in_less_than_a_hundredth_of_a_second() {
        let Some(before) = precise(std::process::id()) else {
            return;
        };
        let mut sum = 0u64;
        for number in 0..2_000_000u64 {
            sum = sum
                .wrapping_mul(31)
                .wrapping_add(std::hint::black_box(number));
        }
        std::hint::black_box(sum);
        assert!(precise(std::process::id()).unwrap() > before);
    }
}
