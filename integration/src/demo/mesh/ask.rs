//! Requests into a mesh, and who answered them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::client::{Broken, Client, Request, Response};

/// How many of its requests a workload has on their way at once.
const AT_ONCE: usize = 8;

/// Who answered with which status, and how often: `reviews-v2`, 200.
pub(super) type Answers = BTreeMap<(String, u16), usize>;

/// What a workload asks for: of a service, by the name that it knows it by.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) service: &'static str,
    pub(super) path: &'static str,
    pub(super) header: Option<(&'static str, &'static str)>,
}

impl Question {
    pub(super) fn of(service: &'static str, path: &'static str) -> Self {
        Question {
            service,
            path,
            header: None,
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }

    pub(super) fn request(&self, method: &str) -> Request {
        let request = Request::new(method, self.path).authority(self.service);
        match self.header {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    }

    /// Asks this often, as the workload with this outbound address.
    pub(super) fn ask(&self, outbound: SocketAddr, count: usize) -> Result<Answers, String> {
        let client = Client::http1(outbound);
        let answers = client.try_burst(count, AT_ONCE, |_| self.request("GET"));
        count_answers(answers)
    }

    /// Asks once, by any method.
    pub(super) fn once(&self, outbound: SocketAddr, method: &str) -> Result<Response, String> {
        let answer = Client::http1(outbound).try_send(self.request(method));
        answer.map_err(|broken| format!("{} did not answer: {broken}", self.service))
    }

    /// Asks all at once: how long each waited.
    pub(super) fn waits(
        &self,
        outbound: SocketAddr,
        count: usize,
    ) -> Result<Vec<Duration>, String> {
        let ask = || {
            let start = Instant::now();
            self.once(outbound, "GET").map(|_| start.elapsed())
        };
        std::thread::scope(|scope| {
            let all: Vec<_> = (0..count).map(|_| scope.spawn(ask)).collect();
            let ended = all.into_iter().map(|one| {
                let ended = one.join();
                ended.unwrap_or_else(|_| Err("a request was lost".to_owned()))
            });
            ended.collect()
        })
    }
}

/// Counts who answered; a proxy that did so itself has no name, and is called so.
pub(super) fn count_answers(
    answers: impl IntoIterator<Item = Result<Response, Broken>>,
) -> Result<Answers, String> {
    let mut counts = Answers::new();
    for answer in answers {
        let answer = answer.map_err(|broken| broken.to_string())?;
        let who = name(&answer).unwrap_or_else(|| "a proxy".to_owned());
        *counts.entry((who, answer.status)).or_default() += 1;
    }
    Ok(counts)
}

/// The workload that answered.
fn name(answer: &Response) -> Option<String> {
    let said = answer.json().ok()?;
    Some(said.get("name")?.as_str()?.to_owned())
}

/// `reviews-v1 200 × 803, reviews-v2 200 × 197`.
pub(super) fn text(answers: &Answers) -> String {
    let all = answers
        .iter()
        .map(|((who, status), count)| format!("{who} {status} × {count}"));
    all.collect::<Vec<_>>().join(", ")
}
