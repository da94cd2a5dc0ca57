//! What the kernel says about a process.

use std::fs;
use std::time::Duration;

/// The unit of times in `/proc`, the same on every Linux that runs Envoy.
const TICKS_PER_SECOND: u64 = 100;

/// When a process started, in ticks since the machine did: with its number, a name for it that is
/// not given again.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    stat_field(pid, 22)
}

/// The processor time a process has used, in all its threads.
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    let ticks = stat_field(pid, 14)? + stat_field(pid, 15)?;
    Some(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// The memory of a process that is in RAM, in bytes.
pub(crate) fn rss(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// A field of `/proc/<pid>/stat`, counted from one as in proc(5).
fn stat_field(pid: u32, number: usize) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(number - 3)?.parse().ok()
}
