//! What becomes of a request, and why: the filters' own code, asked about one request after another in a
//! world whose clock and dice are given.
//!
//! ```text
//! tree ─Chain::load→ Chain ─Session::new→ Session ─answer(Line)→ Answer ─serde→ JSON
//! ```
//!
//! Nothing here decides: the [`catalog`]'s filters do, one after the other, and each sees what the ones
//! before it left. What Envoy does before the first of them is done as Envoy does it: paths are
//! [normalized](Normalization), and the client's address is found.
//!
//! What is told again of a request has no secret in it: no token nor a part of one, no value of a cookie, and
//! none of a query.
//!
//! ```
//! use explain::{Chain, Line, Options, Outcome, Session};
//! use sdk_helpers::Timestamp;
//! use serde_json::json;
//!
//! let policies = json!({"authorizationPolicy": {"policies": [{
//!     "name": "viewer",
//!     "rules": [{"to": [{"operation": {"paths": ["/reviews/*"]}}]}],
//! }]}});
//! let now = Timestamp::from_secs(1_767_225_600);
//! let chain = Chain::load(catalog::find("mesh-filters")?, &policies, now, None)
//!     .map_err(|errors| format!("{errors:?}"))?;
//! let mut session = Session::new(&chain, now, Options::default());
//!
//! let line = Line::parse(r#"{"url": "http://shop.example/reviews/../orders"}"#)?;
//! let answer = session.answer(&line)?;
//! assert_eq!((answer.decision, answer.status), (Outcome::Deny, 403));
//! assert_eq!(answer.reason.as_deref(), Some("no_allow:viewer.rules[0].to[0].operation.paths"));
//! let closest = answer.filters[0].closest.as_ref().ok_or("a rule")?;
//! assert_eq!((closest.wanted[0].as_str(), closest.seen.as_deref()), ("/reviews/*", Some("/orders")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod chain;
mod client;
mod closest;
mod judge;
mod line;
mod path;
mod rules;
mod running;
mod secrets;
mod session;
mod url;
mod world;

pub use answer::{Answer, Change, FilterAnswer, Message, Outcome, Threshold};
pub use chain::Chain;
pub use client::client;
pub use closest::Closest;
pub use judge::{Arrived, Judge, Judged};
pub use line::{HeaderList, Line, Values, address, roll, time};
pub use path::Normalization;
pub use rules::{Facts, RuleVerdict, Rules};
pub use session::{Options, Session};
pub use url::Url;
pub use world::Workload;
