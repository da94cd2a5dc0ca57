//! The request, as often as it is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use envoy::client::{Broken, Client, Connection, Request, Response};
use envoy::runtime;
use mesh_view::Tally;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::target::Target;
use super::tls;
use crate::ending::Failure;

/// The longest that a workload waits before it answers is a minute, and one that it calls may wait too.
const DEADLINE: Duration = Duration::from_secs(150);

/// What is sent, and how often.
pub(super) struct Sending {
    pub(super) target: Target,
    pub(super) request: Request,
    pub(super) count: u32,
    pub(super) parallel: u32,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) tally: Tally,
    /// How many had no answer at all.
    pub(super) unanswered: u64,
    /// The last of the answers.
    pub(super) last: Option<Response>,
    /// From the first to the last.
    pub(super) took: Duration,
}

impl Sending {
    pub(super) fn send(self) -> Result<Outcome, Failure> {
        let started = Instant::now();
        let (told, mut answers) = unbounded_channel();
        let sending = Arc::new((self, AtomicU32::new(0)));
        let sent = runtime::block_on(async move {
            let (all, _) = &*sending;
            for _ in 0..all.parallel.min(all.count) {
                tokio::spawn(one_after_the_other(sending.clone(), told.clone()));
            }
            drop(told);
            let mut outcome = Outcome {
                tally: Tally::default(),
                unanswered: 0,
                last: None,
                took: Duration::ZERO,
            };
            while let Some(answer) = answers.recv().await {
                outcome.add(answer);
            }
            outcome
        });
        let outcome = sent?;
        Ok(Outcome {
            took: started.elapsed(),
            ..outcome
        })
    }
}

impl Outcome {
    fn add(&mut self, answer: Result<Response, Broken>) {
        match answer {
            Ok(response) => {
                self.tally
                    .add(response.status, &response.body, response.elapsed);
                self.last = Some(response);
            }
            Err(broken) => {
                self.tally.add_failed(&broken.to_string());
                self.unanswered = self.unanswered.saturating_add(1);
            }
        }
    }
}

/// Sends what is left to be sent, over connections that are kept while the other side keeps them.
async fn one_after_the_other(
    sending: Arc<(Sending, AtomicU32)>,
    told: UnboundedSender<Result<Response, Broken>>,
) {
    let (all, taken) = &*sending;
    let addresses = &all.target.addresses;
    let mut kept: Vec<Option<Connection>> = addresses.iter().map(|_| None).collect();
    loop {
        let number = taken.fetch_add(1, Ordering::Relaxed);
        if number >= all.count {
            return;
        }
        let place = usize::try_from(number).unwrap_or_default();
        let place = place.checked_rem(addresses.len()).unwrap_or_default();
        let Some(connection) = kept.get_mut(place) else {
            return;
        };
        let answer = exchange(all, place, connection).await;
        if told.send(answer).is_err() {
            return;
        }
    }
}

async fn exchange(
    all: &Sending,
    place: usize,
    kept: &mut Option<Connection>,
) -> Result<Response, Broken> {
    let connection = match kept.take().filter(|connection| !connection.is_closed()) {
        Some(connection) => connection,
        None => open(&all.target, place).await?,
    };
    let response = connection.exchange(all.request.clone()).await?;
    *kept = Some(connection);
    Ok(response)
}

async fn open(target: &Target, place: usize) -> Result<Connection, Broken> {
    let address = target.addresses.get(place);
    let address = *address.ok_or_else(|| Broken::new("there is nobody to ask"))?;
    let client = Client::http1(address).deadline(DEADLINE);
    match &target.server_name {
        None => Connection::open(&client).await,
        Some(name) => {
            let reaching = tokio::net::TcpStream::connect(address);
            let with_tls = |stream| tls::over(stream, name);
            Connection::over(&client.secure(), reaching, with_tls).await
        }
    }
}
