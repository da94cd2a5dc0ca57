//! Runs cases: sends their requests, and reads what became of them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cases::{Case, Engine, EngineError, Outcome, Step};
use envoy::client::{Client, Request, Response};
use envoy::{Envoy, Error};
use serde_json::Value;

use crate::listeners::{CLAIMS, Hosted, ID};
use crate::{SOON, outcome};

/// An Envoy and where its listeners are.
#[derive(Debug)]
pub(crate) struct Running {
    envoy: Envoy,
    addrs: BTreeMap<String, SocketAddr>,
    refused: BTreeMap<String, String>,
    /// How many cases were run: their access log lines are found by their numbers.
    count: AtomicU64,
}

/// Runs the cases of one suite.
pub(crate) struct OneSuite {
    running: Arc<Running>,
    hosted: Hosted,
}

impl Running {
    pub(crate) fn new(envoy: Envoy) -> Result<Self, Error> {
        Ok(Running {
            addrs: envoy.admin().listeners()?,
            refused: envoy.admin().refused()?,
            envoy,
            count: AtomicU64::new(0),
        })
    }

    pub(crate) fn listens(&self, listener: &str) -> bool {
        self.addrs.contains_key(listener)
    }

    /// Why a listener is not there, in Envoy's words.
    pub(crate) fn why_refused(&self, listener: &str) -> String {
        match self.refused.get(listener) {
            Some(why) => format!("Envoy refused it: {why}"),
            None => "Envoy has no listener with it, and does not say why".to_owned(),
        }
    }

    fn send(&self, listener: &str, step: &Step<'_>, id: &str) -> Result<Response, EngineError> {
        let addr = self.addrs.get(listener);
        let addr = *addr.ok_or_else(|| self.why_refused(listener))?;
        let sent = step.request;
        let mut request = Request::new(&sent.method, &sent.path)
            .authority(&sent.authority)
            .header(ID, id);
        let mut is_grpc = false;
        for (name, value) in sent.plain_headers() {
            is_grpc |= name == "content-type" && value.starts_with(b"application/grpc");
            request = request.header(&name, value);
        }
        if let Some(claims) = step.claims {
            request = request.header(CLAIMS, claims.to_string());
        }
        let client = match is_grpc {
            true => Client::http2(addr),
            false => Client::http1(addr),
        };
        client
            .send(request)
            .map_err(|broken| EngineError(broken.to_string()))
    }

    /// The access log's line of a request.
    fn access_log(&self, id: &str) -> Result<Value, EngineError> {
        let part = format!("\"case\":{}", Value::from(id));
        let line = self.envoy.wait_log(&part, SOON);
        let line = line.map_err(|error| error.to_string())?;
        let (_, object) = line.split_once('{').unwrap_or_default();
        serde_json::from_str(&format!("{{{object}"))
            .map_err(|error| EngineError(format!("{error} in a line of the access log: {line}")))
    }
}

impl OneSuite {
    pub(crate) fn new(running: Arc<Running>, hosted: &Hosted) -> Self {
        OneSuite {
            running,
            hosted: hosted.clone(),
        }
    }
}

impl Engine for OneSuite {
    /// Timers are coarse, and the machine may be busy: only "never early" is exact here.
    fn grain(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn unmet(&self, case: &Case) -> Option<String> {
        let fakes = case.fakes();
        let held = fakes.join("`, `");
        (!fakes.is_empty()).then(|| format!("it has `{held}`, which a real Envoy cannot be given"))
    }

    fn run(&self, case: &Case) -> Result<Outcome, EngineError> {
        let Some(listener) = self.hosted.cases.get(&case.name) else {
            let why = self.unmet(case);
            return Err(why
                .unwrap_or_else(|| "it is not in this Envoy".to_owned())
                .into());
        };
        let running = &self.running;
        let before = case.steps().count().saturating_sub(1);
        for earlier in case.steps().take(before) {
            running.send(listener, &earlier, "")?;
        }
        let id = running.count.fetch_add(1, Ordering::Relaxed).to_string();
        let response = running.send(listener, &case.own(), &id)?;
        let line = running.access_log(&id)?;
        outcome::of(&self.hosted.filter, &response, &line)
    }
}
