//! Requests as Envoy's filters met them, one like the other: what is decided and why, and nothing else.
//!
//! A [`Session`](crate::Session) answers a line that a client might send, and tells all there is to tell. What
//! was logged has its path normalized and its addresses found already, and there is a great deal of it.

use std::net::IpAddr;
use std::rc::Rc;

use catalog::Filter;
use sdk_helpers::claims::Claims;
use sdk_helpers::{ConfigError, Decision, Headers, Request, Roll, Timestamp};
use serde_json::Value;

use crate::answer::Outcome;
use crate::chain::Chain;
use crate::closest::Closest;
use crate::session::Said;
use crate::world::{SimulatedWorld, Stream};

/// A request as the first filter met it.
#[derive(Debug, Clone, Default)]
pub struct Arrived<'a> {
    /// `:method`.
    pub method: &'a str,
    /// `:authority`.
    pub authority: &'a str,
    /// `:path`, as Envoy had it after its normalization.
    pub path: &'a str,
    /// Other headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The URI SANs of the client's certificate, joined by commas; none is plaintext.
    pub peer: Option<&'a str>,
    /// Claims that were verified.
    pub claims: Option<Rc<Claims>>,
    /// The address of the direct peer.
    pub direct: Option<IpAddr>,
    /// The address of the client.
    pub client: Option<IpAddr>,
    /// The address that the request came to, with its port.
    pub local: &'a str,
    /// That port.
    pub port: u16,
    /// The server name of TLS.
    pub server_name: Option<&'a str>,
}

/// What is decided of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What.
    pub outcome: Outcome,
    /// The reasons of the filters that saw it, the last of which decided; empty where none has one to give.
    pub reason: String,
    /// The rule that came closest to allowing it, where none did and it was asked for.
    pub closest: Option<Closest>,
}

/// Filters that are asked about one request after the other.
pub struct Judge {
    chain: Chain,
    world: SimulatedWorld,
}

impl Judge {
    /// Loads a configuration of a filter, as [`Chain::load`] does.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with the path of its field.
    pub fn load(filter: &Filter, tree: &Value, now: Timestamp) -> Result<Self, Vec<ConfigError>> {
        let world = SimulatedWorld::new(now, None);
        // No throw hits but one that always does.
        world.set_roll(Roll::new(u64::from(Roll::SIDES) - 1));
        Ok(Judge {
            chain: Chain::load(filter, tree, now, None)?,
            world,
        })
    }

    /// What is decided of a request; with the closest rule where `wants_closest` says so, which costs more.
    ///
    /// # Errors
    /// A filter wants to ask a service or to wait: what it would decide then is not known here.
    pub fn judge(
        &mut self,
        arrived: &Arrived<'_>,
        wants_closest: bool,
    ) -> Result<Judged, &'static str> {
        let mut judged = Judged {
            outcome: Outcome::Allow,
            reason: String::new(),
            closest: None,
        };
        let Some(loaded) = self.chain.filters(arrived.claims.is_some()) else {
            return Ok(judged);
        };
        self.world.begin(stream(arrived));
        let mut stream = loaded.stream(Request::new(headers(arrived)));
        let asks = |_| "a filter decides what it never should";
        while let Some(decided) = stream.next(&self.world).map_err(asks)? {
            let stage = decided.stage;
            let said = Said::of(decided.decision, &mut |record| {
                if let Some(reason) = loaded.reason(stage, record) {
                    if !judged.reason.is_empty() {
                        judged.reason.push(',');
                    }
                    judged.reason.push_str(&reason);
                }
            });
            match said.last {
                Decision::Continue(_) => {}
                Decision::Reply(reply) => {
                    let name = loaded.stages().get(stage).map_or("", |stage| stage.name);
                    judged.outcome = Outcome::of_reply(name);
                    let last = reply.record.noted().last().filter(|_| wants_closest);
                    if let Some((id, detail)) = last
                        && let Some(outcome) = loaded.outcomes(stage).find(id)
                        && let Some(policy) = &outcome.policy
                        && outcome.reason.starts_with("no_allow")
                    {
                        let secrets = &self.chain.secrets;
                        let secrets = secrets.of_request(None, stream.request().headers().iter());
                        let (request, met) = (stream.request(), self.world.stream());
                        let claims = arrived.claims.as_deref();
                        let written = &self.chain.written;
                        judged.closest =
                            written.closest(policy, detail, request, &met, claims, &secrets);
                    }
                    break;
                }
                Decision::Ask { .. } | Decision::Wait { .. } | Decision::Delay { .. } => {
                    return Err("a filter asks a service");
                }
            }
        }
        Ok(judged)
    }

    /// As [`Chain::shown_path`].
    #[must_use]
    pub fn shown_path(&self, path: &str) -> String {
        self.chain.shown_path(path)
    }
}

fn headers(arrived: &Arrived<'_>) -> Headers {
    let pseudo = [
        (":authority", arrived.authority),
        (":path", arrived.path),
        (":method", arrived.method),
        (":scheme", "http"),
    ];
    Headers::from_pairs(pseudo.into_iter().chain(arrived.headers.iter().copied()))
}

fn stream(arrived: &Arrived<'_>) -> Stream {
    Stream {
        peer: arrived.peer.map(str::to_owned),
        claims: arrived.claims.clone(),
        direct: arrived.direct,
        client: arrived.client,
        port: arrived.port,
        local: Some(arrived.local.to_owned()).filter(|local| !local.is_empty()),
        server_name: arrived.server_name.map(str::to_owned),
        scheme: "http",
        method: arrived.method.into(),
        authority: arrived.authority.into(),
        path: arrived.path.into(),
        code: None,
    }
}
