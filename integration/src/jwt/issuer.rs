//! An issuer: publishes keys over HTTP, and can be as bad at it as real ones.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Key, jwks};
use crate::listener::cluster;
use crate::upstream::{Answer, Recorded, Upstream};

/// Where the keys are.
const JWKS: &str = "/jwks.json";
/// Where OpenID Connect Discovery 1.0 §4 has its document.
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// How it answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Behaviour {
    /// As it should.
    #[default]
    Well,
    /// As it should, after this time.
    Slow(Duration),
    /// With this status, and the keys nonetheless.
    Status(u16),
    /// 200 with this body.
    Body(Vec<u8>),
    /// Sends the asker elsewhere.
    Redirect(String),
}

/// An issuer on a port of its own; it stops when dropped.
#[derive(Debug)]
pub struct Issuer {
    addr: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    upstream: Option<Upstream>,
}

#[derive(Debug)]
struct Shared {
    keys: Value,
    behaviour: Behaviour,
    discovery: Value,
    fetches: Vec<Instant>,
    discoveries: usize,
}

impl Issuer {
    /// Publishes these keys on a free port.
    pub fn start<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            keys: jwks(keys),
            behaviour: Behaviour::Well,
            discovery: Value::Null,
            fetches: Vec::new(),
            discoveries: 0,
        }));
        let upstream = Upstream::with(handler(&shared));
        let issuer = Self {
            addr: upstream.addr(),
            shared,
            upstream: Some(upstream),
        };
        issuer.lock().discovery = json!({
            "issuer": issuer.url(),
            "jwks_uri": issuer.jwks_uri(),
        });
        issuer
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What its tokens should have as `iss` where discovery is used.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Where its keys are.
    pub fn jwks_uri(&self) -> String {
        format!("{}{JWKS}", self.url())
    }

    /// A cluster through which Envoy reaches it.
    pub fn cluster(&self, name: &str) -> Value {
        cluster(name, self.addr, false)
    }

    /// Publishes other keys from now on.
    pub fn rotate<'a>(&self, keys: impl IntoIterator<Item = &'a Key>) {
        self.lock().keys = jwks(keys);
    }

    /// Publishes a set that may be none.
    pub fn publish(&self, keys: Value) {
        self.lock().keys = keys;
    }

    /// Answers discovery with another document.
    pub fn discovery(&self, document: Value) {
        self.lock().discovery = document;
    }

    /// Behaves like this from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.lock().behaviour = behaviour;
    }

    /// When its keys were asked for, whatever came of it.
    pub fn fetches(&self) -> Vec<Instant> {
        self.lock().fetches.clone()
    }

    /// How often its discovery document was asked for.
    pub fn discoveries(&self) -> usize {
        self.lock().discoveries
    }

    /// Forgets who asked.
    pub fn forget(&self) {
        let mut shared = self.lock();
        shared.fetches.clear();
        shared.discoveries = 0;
    }

    /// Closes its port.
    pub fn stop(&mut self) {
        self.upstream = None;
    }

    /// Opens the same port again.
    pub fn resume(&mut self) {
        self.upstream = Some(Upstream::at(self.addr, handler(&self.shared)));
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("an issuer nobody panicked with")
    }
}

fn handler(shared: &Arc<Mutex<Shared>>) -> impl Fn(Recorded) -> Answer + Send + Sync + 'static {
    let shared = Arc::clone(shared);
    move |request| {
        let mut shared = shared.lock().expect("an issuer nobody panicked with");
        let path = request.path.split('?').next().unwrap_or_default();
        let document = match path {
            JWKS => {
                shared.fetches.push(Instant::now());
                &shared.keys
            }
            DISCOVERY => {
                shared.discoveries += 1;
                &shared.discovery
            }
            _ => return Answer::status(404),
        };
        let well = Answer::json(document);
        match &shared.behaviour {
            Behaviour::Well => well,
            Behaviour::Slow(time) => well.after(*time),
            Behaviour::Status(status) => Answer {
                status: *status,
                ..well
            },
            Behaviour::Body(body) => Answer::status(200).body(body),
            Behaviour::Redirect(to) => Answer::status(302).header("location", to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Client;
    use crate::jwt::Algorithm;

    #[test]
    fn it_publishes_counts_and_comes_back() {
        let (first, second) = (
            Key::new(Algorithm::EdDsa, "first"),
            Key::new(Algorithm::EdDsa, "second"),
        );
        let mut issuer = Issuer::start([&first]);
        let ask = |path: &str| Client::http1(issuer.addr()).get(path).try_send();
        assert_eq!(
            ask(JWKS).unwrap().json().unwrap()["keys"][0]["kid"],
            "first"
        );
        assert_eq!(
            ask(DISCOVERY).unwrap().json().unwrap()["jwks_uri"],
            issuer.jwks_uri()
        );
        issuer.rotate([&second]);
        assert_eq!(
            ask(JWKS).unwrap().json().unwrap()["keys"][0]["kid"],
            "second"
        );
        issuer.behave(Behaviour::Status(500));
        assert_eq!(ask(JWKS).unwrap().status, 500);
        assert_eq!((issuer.fetches().len(), issuer.discoveries()), (3, 1));
        issuer.behave(Behaviour::Well);
        issuer.stop();
        let gone = || Client::http1(issuer.addr()).get(JWKS).try_send().is_err();
        assert!(
            crate::service::wait::until(Duration::from_secs(5), || gone().then_some(())).is_some()
        );
        issuer.resume();
        let answer = Client::http1(issuer.addr()).get(JWKS).send();
        assert_eq!(answer.json().unwrap()["keys"][0]["kid"], "second");
    }
}
