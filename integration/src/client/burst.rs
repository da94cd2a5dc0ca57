//! Many requests at once, truly concurrent.

use std::sync::{Arc, Mutex};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{Broken, Client, Connection, Request, Response, Version, runtime};
use crate::envoy::expect;

/// Requests that share one HTTP/2 connection: servers should allow no fewer (RFC 9113 §6.5.2).
const STREAMS: usize = 100;

type Answers = Vec<(usize, Result<Response, Broken>)>;

impl Client {
    /// Sends `count` requests, `concurrency` at a time, and returns the answers in the order of the
    /// requests. All connections are open before the first request goes: one for each slot in
    /// HTTP/1.1, one for every hundred in HTTP/2.
    #[track_caller]
    pub fn burst(
        &self,
        count: usize,
        concurrency: usize,
        request: impl Fn(usize) -> Request,
    ) -> Vec<Response> {
        let mut responses = Vec::with_capacity(count);
        for answer in self.try_burst(count, concurrency, request) {
            responses.push(expect(answer));
        }
        responses
    }

    /// The same, handing over what broke the transport, request by request.
    pub fn try_burst(
        &self,
        count: usize,
        concurrency: usize,
        request: impl Fn(usize) -> Request,
    ) -> Vec<Result<Response, Broken>> {
        let slots = concurrency.clamp(1, count.max(1));
        let requests: Vec<_> = (0..count).map(request).enumerate().collect();
        let queue = Arc::new(Mutex::new(requests.into_iter()));
        let mut answers = runtime::block_on(async {
            let mut running = JoinSet::new();
            let gate = Arc::new(Barrier::new(slots));
            for connection in self.connections(slots).await {
                running.spawn(work(self.clone(), connection, queue.clone(), gate.clone()));
            }
            running.join_all().await.concat()
        });
        answers.sort_by_key(|(index, _)| *index);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    /// One connection for each slot; a slot whose connection fails tries again with each request.
    async fn connections(&self, slots: usize) -> Vec<Option<Arc<Connection>>> {
        let each = match self.plain.version() {
            Version::Http1 => 1,
            Version::Http2 => STREAMS,
        };
        let mut connections = Vec::with_capacity(slots);
        while connections.len() < slots {
            let connection = self.open().await.ok();
            let shared = each.min(slots - connections.len());
            connections.extend(std::iter::repeat_n(connection, shared));
        }
        connections
    }

    async fn open(&self) -> Result<Arc<Connection>, Broken> {
        Connection::open(self).await.map(Arc::new)
    }
}

async fn work(
    client: Client,
    mut connection: Option<Arc<Connection>>,
    queue: Arc<Mutex<impl Iterator<Item = (usize, Request)>>>,
    gate: Arc<Barrier>,
) -> Answers {
    gate.wait().await;
    let mut answers = Answers::new();
    loop {
        let next = queue.lock().expect("a queue nobody panicked with").next();
        let Some((index, request)) = next else {
            return answers;
        };
        if connection
            .as_ref()
            .is_none_or(|connection| connection.is_closed())
        {
            connection = match client.open().await {
                Ok(connection) => Some(connection),
                Err(broken) => {
                    answers.push((index, Err(broken)));
                    continue;
                }
            };
        }
        if let Some(connection) = &connection {
            answers.push((index, connection.exchange(request).await));
        }
    }
}
