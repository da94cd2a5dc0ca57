//! A loaded filter in a fake world.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]

use std::cell::RefCell;
use std::rc::Rc;

use request_authentication::RequestAuthentication;
use sdk_helpers::config::timestamp;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{Decision, Filter, HeaderEdit, Headers, Record, Request, load};
use serde_json::{Value, json};

use crate::mint;

/// A filter and its world.
pub(crate) struct Rig {
    pub(crate) filter: RequestAuthentication,
    /// What was said of its configuration.
    pub(crate) warnings: Vec<String>,
    pub(crate) world: FakeWorld,
}

/// What became of a request.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Seen {
    pub(crate) reason: String,
    /// 0 where it goes on.
    pub(crate) status: u16,
    pub(crate) body: String,
    /// Of an answer.
    pub(crate) headers: Vec<(String, String)>,
    /// `+name: value`, `=name: value`, `-name`.
    pub(crate) edits: Vec<String>,
    pub(crate) claims: Option<Value>,
    pub(crate) waits: bool,
}

/// A rule named `r` for issuer `issuer` with these keys.
pub(crate) fn rule(keys: &[&str]) -> Value {
    json!({"name": "r", "issuer": "issuer", "jwks": mint::jwks(keys)})
}

impl Rig {
    /// Loads a configuration, in the year 2026.
    pub(crate) fn new(config: &Value) -> Self {
        let world = FakeWorld::new();
        world.set_now(timestamp("2026-01-01T00:00:00Z").unwrap());
        let loaded = load::<RequestAuthentication>(config.to_string().as_bytes(), &world)
            .unwrap_or_else(|errors| panic!("{errors:#?}"));
        Rig {
            filter: loaded.filter,
            warnings: loaded.warnings.iter().map(ToString::to_string).collect(),
            world,
        }
    }

    /// Sends a token as usual.
    pub(crate) fn bearer(&self, token: &str) -> Seen {
        self.send(&[("authorization", &format!("Bearer {token}"))])
    }

    /// Sends headers; pseudo headers that are not among them are filled in.
    pub(crate) fn send(&self, headers: &[(&str, &str)]) -> Seen {
        let request = request(headers);
        let decision = self.filter.on_request(&request, &self.world, &mut None);
        self.seen(decision)
    }

    /// What a decision comes to.
    pub(crate) fn seen(&self, decision: Decision) -> Seen {
        let mut seen = Seen::default();
        match decision {
            Decision::Continue(edits) => {
                self.note(&edits.record, &mut seen);
                seen.edits = edits.request.iter().map(shown).collect();
            }
            Decision::Reply(reply) => {
                self.note(&reply.record, &mut seen);
                seen.status = reply.status;
                seen.body = text(reply.body.as_bytes());
                seen.headers = reply
                    .headers
                    .into_iter()
                    .map(|(name, value)| (name.into_owned(), text(&value)))
                    .collect();
            }
            Decision::Wait { record, .. } => {
                self.note(&record, &mut seen);
                seen.waits = true;
            }
            other => panic!("{other:?}"),
        }
        seen
    }

    /// Gives the world Envoy's function; what it was asked is kept.
    pub(crate) fn host_verifies(
        &self,
        answer: impl Fn(&[u8]) -> Option<Vec<u8>> + 'static,
    ) -> Rc<RefCell<Vec<Vec<u8>>>> {
        let asked = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&asked);
        self.world
            .set_host_function("verify_signature", move |argument| {
                log.borrow_mut().push(argument.to_vec());
                answer(argument)
            });
        asked
    }

    fn note(&self, record: &Record, seen: &mut Seen) {
        let reasons: Vec<String> = record
            .outcomes()
            .map(|outcome| self.filter.outcomes().find(outcome).unwrap().to_string())
            .collect();
        seen.reason = reasons.join(",");
        let claims = record.claims.as_ref();
        seen.claims = claims.map(|claims| serde_json::from_slice(claims.json()).unwrap());
    }
}

/// A request with these headers.
pub(crate) fn request(headers: &[(&str, &str)]) -> Request {
    let standard = [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "app.example"),
        (":path", "/"),
    ];
    let missing = standard
        .into_iter()
        .filter(|(name, _)| !headers.iter().any(|(given, _)| given == name));
    Request::new(Headers::from_pairs(missing.chain(headers.iter().copied())))
}

fn shown(edit: &HeaderEdit) -> String {
    match edit {
        HeaderEdit::Add(name, value) => format!("+{name}: {}", text(value)),
        HeaderEdit::Set(name, value) => format!("={name}: {}", text(value)),
        HeaderEdit::Remove(name) => format!("-{name}"),
        HeaderEdit::AddPart(..) | HeaderEdit::Overwrite(..) | HeaderEdit::Supply(..) => {
            panic!("{edit:?}")
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
