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
    use std::process::Command;

    use super::*;
    use crate::service::wait;

    #[test]
    fn work_shows_within_a_hundredth_of_a_second() {
        // Threads of this process come and go with its tests; a child has one, and it stays.
        let mut busy = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .spawn()
            .unwrap();
        let grain = Duration::from_millis(10);
        let seen = wait::until(Duration::from_secs(10), || {
            precise(busy.id()).filter(|used| used.as_nanos() % grain.as_nanos() != 0)
        });
        busy.kill().unwrap();
        busy.wait().unwrap();
        let kept = fs::exists("/proc/self/schedstat").unwrap();
        assert_eq!(seen.is_some(), kept);
    }
}
