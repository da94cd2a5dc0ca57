//! An Envoy that runs: asked, and gone when dropped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::launch::log::Log;
use crate::launch::running::Running;
use crate::launch::scratch::Scratch;
use crate::launch::{procfs, wait};
use crate::{Admin, Error, Launcher};

/// How long a listener that Envoy was told of may take to appear.
const LISTENER: Duration = Duration::from_secs(10);
/// How long Envoy may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// An Envoy that runs, started by [`Builder::start`](crate::Builder::start). It is told to end when
/// this is dropped, and killed where it does not within three seconds.
#[derive(Debug)]
pub struct Envoy {
    pub(crate) admin: Admin,
    pub(crate) launcher: Launcher,
    // Dropped in this order: nothing may write into the folder when it goes.
    pub(crate) running: Running,
    pub(crate) scratch: Scratch,
}

impl Envoy {
    /// Where a listener is reached from this machine. One that Envoy was told of a moment ago is
    /// waited for.
    ///
    /// # Errors
    /// [`Error::NoListener`] where there is none within ten seconds, or what went wrong with the admin
    /// interface.
    pub fn addr(&self, listener: &str) -> Result<SocketAddr, Error> {
        let mut there = Vec::new();
        let found = wait::until(LISTENER, || match self.admin.listeners() {
            Ok(listeners) => {
                let found = listeners.get(listener).copied();
                there = listeners.into_keys().collect();
                found.map(Ok)
            }
            Err(error) => Some(Err(error)),
        });
        let name = || listener.to_owned();
        found
            .unwrap_or_else(|| {
                Err(Error::NoListener {
                    name: name(),
                    there,
                })
            })
            .map(reachable)
    }

    /// Its admin interface.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Which way it was launched.
    pub fn launcher(&self) -> Launcher {
        self.launcher
    }

    /// Its folder, under the same path for Envoy: for listener files and access logs. It goes when
    /// Envoy does.
    pub fn scratch(&self) -> &Scratch {
        &self.scratch
    }

    /// What it writes, on both output streams.
    pub fn log(&self) -> &Log {
        self.running.log()
    }

    /// Waits for a line of the log that contains this, and returns the line.
    ///
    /// # Errors
    /// [`Error::Log`] where there is none in time.
    pub fn wait_log(&self, part: &str, deadline: Duration) -> Result<String, Error> {
        let log = self.log();
        log.wait(part, deadline).ok_or_else(|| Error::Log {
            part: part.to_owned(),
            tail: log.tail(80),
        })
    }

    /// How it ended, in the shell's terms; `None` while it runs.
    pub fn exit(&mut self) -> Option<i32> {
        self.running.exit()
    }

    /// Its process as this machine counts them, in a container too.
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// The processor time it has used, in all its threads; `None` once it has ended.
    pub fn cpu(&self) -> Option<Duration> {
        procfs::cpu(self.pid())
    }

    /// Its memory that is in RAM, in bytes; `None` once it has ended.
    pub fn rss(&self) -> Option<u64> {
        procfs::rss(self.pid())
    }

    /// Ends it, as dropping does.
    pub fn stop(self) {}
}

impl Drop for Envoy {
    fn drop(&mut self) {
        self.admin.quit();
        self.running.stop(GRACE);
    }
}

/// One that listens everywhere is reached on the loopback interface.
fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    (ip, bound.port()).into()
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn a_listener_on_every_interface_is_reached_on_one() {
        for (bound, reached) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:2", "[::1]:2"),
            ("10.0.0.1:3", "10.0.0.1:3"),
        ] {
            let bound = bound.parse().unwrap();
            assert_eq!(reachable(bound).to_string(), reached);
        }
    }
}
