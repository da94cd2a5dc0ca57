//! What the demo stands on: the upstream, Envoy before it, and what Envoy wrote about each request.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::Shipped;
use super::script::NOTHING;
use crate::envoy::{Admin, Builder, Envoy};
use crate::service::wait;
use crate::upstream::Upstream;

/// How long Envoy may take to write down a request that it has answered.
const LOG: Duration = Duration::from_secs(5);

/// Envoy, where two threads reach it: one that uses it and one that ends it.
pub(super) struct Stage {
    upstream: Upstream,
    envoy: Mutex<Option<Envoy>>,
    cleared: AtomicBool,
}

/// What Envoy's access log says of one request.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) path: String,
    /// The name of each filter in it, and its reason, where it gave one.
    pub(super) said: Vec<(String, String)>,
}

impl Stage {
    /// With the upstream, and no Envoy yet.
    pub(super) fn new() -> Self {
        Self {
            upstream: Upstream::start(),
            envoy: Mutex::default(),
            cleared: AtomicBool::new(false),
        }
    }

    /// The service behind Envoy.
    pub(super) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// Starts Envoy. Whoever wants to end it meanwhile waits until it has started.
    pub(super) fn start(&self, envoy: Builder) -> Result<(), String> {
        let mut place = self.lock();
        *place = Some(envoy.start());
        // Who waits ends Envoy now, and the script has nothing left to do.
        if self.cleared.load(Ordering::SeqCst) {
            return Err("it was ended while it started".to_owned());
        }
        Ok(())
    }

    /// Ends Envoy, if there is one.
    pub(super) fn clear(&self) {
        self.cleared.store(true, Ordering::SeqCst);
        drop(self.lock().take());
    }

    /// Asks Envoy something.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&Envoy) -> T) -> Option<T> {
        self.lock().as_ref().map(question)
    }

    /// Where its listener is.
    pub(super) fn addr(&self) -> SocketAddr {
        self.running(|envoy| envoy.addr("ingress"))
    }

    /// Its admin interface.
    pub(super) fn admin(&self) -> Admin {
        self.running(|envoy| envoy.admin())
    }

    /// The lines on a path, once there are this many.
    pub(super) fn lines(&self, path: &str, count: usize) -> Vec<Line> {
        let written = || {
            let mut lines = self.running(|envoy| lines(&envoy.log()));
            lines.retain(|line| line.path == path);
            (lines.len() >= count).then_some(lines)
        };
        wait::until(LOG, written)
            .unwrap_or_else(|| panic!("Envoy's access log has not {count} lines on {path}"))
    }

    fn running<T>(&self, question: impl FnOnce(&Envoy) -> T) -> T {
        self.ask(question).expect("an Envoy that runs")
    }

    fn lock(&self) -> MutexGuard<'_, Option<Envoy>> {
        // A start that failed leaves nothing behind.
        self.envoy
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The lines of the access log among all that Envoy wrote: `GET /path 200 …ms details=… token=… reason=…`.
fn lines(log: &str) -> Vec<Line> {
    // A container's log comes in pieces, and the last line may be one.
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let line = |line: &str| {
        let (request, said) = line.split_once(" details=")?;
        let mut said = said.split(' ');
        let _details = said.next();
        let pairs = said.map(|pair| pair.split_once('='));
        let said = pairs.collect::<Option<Vec<_>>>()?;
        let given = said.into_iter().filter(|(_, reason)| *reason != NOTHING);
        Some(Line {
            path: request.split(' ').nth(1)?.to_owned(),
            said: given
                .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
                .collect(),
        })
    };
    whole.lines().filter_map(line).collect()
}

/// Whether the ports are free that a file documents.
pub(super) fn are_free(file: &Shipped) -> bool {
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    file.ports().values().all(free)
}
