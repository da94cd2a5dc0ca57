//! Tokens that keep coming while something happens to their issuer.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use integration::client::Client;
use integration::service::wait;

/// What became of one request.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// When it was sent.
    pub(crate) at: Instant,
    /// Whose token it had.
    pub(crate) label: &'static str,
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) elapsed: Duration,
}

/// Clients that send what is in the air, each request over a connection of its own, so that every
/// worker gets its share.
pub(crate) struct Load {
    addr: SocketAddr,
    tokens: Mutex<Vec<(&'static str, String)>>,
    samples: Mutex<Vec<Sample>>,
    over: AtomicBool,
}

/// Between two requests of a client.
const PAUSE: Duration = Duration::from_millis(10);

/// More than so many requests show what becomes of a token.
const ENOUGH: usize = 5;

impl Load {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            tokens: Mutex::default(),
            samples: Mutex::default(),
            over: AtomicBool::new(false),
        }
    }

    /// Sends these from now on, in turn.
    pub(crate) fn tokens(&self, tokens: &[(&'static str, &str)]) {
        let owned = tokens
            .iter()
            .map(|(label, token)| (*label, (*token).to_owned()));
        *self.tokens.lock().unwrap() = owned.collect();
    }

    /// Sends with so many clients while `act` runs.
    pub(crate) fn during(&self, clients: usize, act: impl FnOnce()) {
        thread::scope(|scope| {
            for client in 0..clients {
                scope.spawn(move || self.client(client));
            }
            // Also when it panics, or the clients would never end.
            let _over = Over(&self.over);
            act();
        });
    }

    fn client(&self, mut turn: usize) {
        let client = Client::http1(self.addr);
        while !self.over.load(Ordering::Relaxed) {
            let next = {
                let tokens = self.tokens.lock().unwrap();
                tokens.get(turn % tokens.len().max(1)).cloned()
            };
            turn += 1;
            if let Some((label, token)) = next {
                let at = Instant::now();
                let response = client
                    .get("/load")
                    .header("authorization", format!("Bearer {token}"))
                    .send();
                self.samples.lock().unwrap().push(Sample {
                    at,
                    label,
                    status: response.status,
                    body: response.text(),
                    elapsed: response.elapsed,
                });
            }
            thread::sleep(PAUSE);
        }
    }

    /// What became of the tokens of this label that were sent in this time.
    pub(crate) fn between(&self, label: &str, from: Instant, to: Instant) -> Vec<Sample> {
        let samples = self.samples.lock().unwrap();
        let wanted =
            |sample: &&Sample| sample.label == label && sample.at >= from && sample.at < to;
        samples.iter().filter(wanted).cloned().collect()
    }

    /// Waits until enough of them have been sent to say something, however slow the machine is.
    #[track_caller]
    pub(crate) fn wait_sent(&self, label: &str, from: Instant) {
        let sent = || (self.between(label, from, Instant::now()).len() > ENOUGH).then_some(());
        wait::until(Duration::from_secs(30), sent)
            .unwrap_or_else(|| panic!("too few of `{label}` were sent"));
    }

    /// Asserts that all of them were accepted, and that there were some.
    #[track_caller]
    pub(crate) fn accepted(&self, label: &str, from: Instant, to: Instant) {
        let samples = self.between(label, from, to);
        let refused = samples.iter().find(|sample| sample.status != 200);
        assert!(refused.is_none(), "of {}: {refused:?}", samples.len());
        assert!(
            samples.len() > ENOUGH,
            "{} of `{label}` were sent",
            samples.len()
        );
    }
}

struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
