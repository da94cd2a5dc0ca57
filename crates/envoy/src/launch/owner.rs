//! Who started something: the mark by which a later run knows that it is left over.

use std::fmt;
use std::fs;
use std::str::FromStr;

use rustix::process::{Pid, Signal, kill_process};

use super::procfs;

/// A process, named so that another one with the same number is not mistaken for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pid: u32,
    started: u64,
    /// Numbers mean something only within a process namespace, and several containers may share
    /// one temporary folder or one container engine.
    namespace: String,
}

impl Owner {
    /// This process.
    pub(crate) fn current() -> Self {
        Self::of(std::process::id()).unwrap_or_else(|| Self {
            pid: std::process::id(),
            started: 0,
            namespace: namespace(),
        })
    }

    /// A process of this machine, if it is there.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        Some(Self {
            pid,
            started: procfs::start_time(pid)?,
            namespace: namespace(),
        })
    }

    /// Whether it is certain that the process has ended.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_visible() && procfs::start_time(self.pid) != Some(self.started)
    }

    /// Kills the process, provided that its number is still its own.
    pub(crate) fn kill(&self) {
        let runs = self.is_visible() && procfs::start_time(self.pid) == Some(self.started);
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid.filter(|_| runs) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Whether anything can be known about it from here.
    fn is_visible(&self) -> bool {
        !self.namespace.is_empty() && self.namespace == namespace()
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}:{}",
            self.pid, self.started, self.namespace
        )
    }
}

impl FromStr for Owner {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.trim().splitn(3, ':');
        let mut next = || parts.next().ok_or(());
        Ok(Self {
            pid: next()?.parse().map_err(drop)?,
            started: next()?.parse().map_err(drop)?,
            namespace: next()?.to_owned(),
        })
    }
}

/// `pid:[4026531836]` on Linux, empty elsewhere.
fn namespace() -> String {
    let link = fs::read_link("/proc/self/ns/pid");
    link.map(|link| link.display().to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_runs_is_not_gone() {
        let owner = Owner::current();
        assert_eq!(owner.to_string().parse(), Ok(owner.clone()));
        assert!(!owner.is_gone());
    }

    #[test]
    fn another_process_of_the_same_number_is_not_the_owner() {
        let owner = Owner {
            started: 1,
            ..Owner::current()
        };
        assert!(owner.is_gone());
    }

    #[test]
    fn a_process_of_another_namespace_is_none_of_ours() {
        let owner = Owner {
            started: 1,
            namespace: "pid:[1]".to_owned(),
            ..Owner::current()
        };
        assert!(!owner.is_gone());
    }
}
