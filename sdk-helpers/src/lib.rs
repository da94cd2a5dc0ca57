//! What every filter shares: the values a filter reads and returns, the matchers, and how a
//! configuration is read.
//!
//! ```text
//! once, at load    bytes ─parse→ Wire ─check→ Config ─compile→ Policy       any error: the configuration is refused whole
//! per stream       headers ─snapshot→ Request ─decide→ Verdict ─into→ Decision ─apply→ host calls
//!                  └───── shell ────┘└────────── filters/* (pure, native) ──────────┘└── shell (wasm32) ──┘
//! ```
//!
//! Data moves left to right. A filter sees values and returns values; only the crate `shell`, compiled
//! for wasm32 alone, calls the host, so tests, tools and Envoy all run the same core.
//!
//! # A filter
//!
//! It lets requests pass whose header has one of some values:
//!
//! ```
//! use sdk_helpers::config::header_name;
//! use sdk_helpers::{
//!     Decision, Filter, Load, LocalReply, OutcomeId, Outcomes, Record, Request, World, fields,
//! };
//!
//! fields! {
//!     /// What a user writes.
//!     pub struct Wire {
//!         /// the header to look at
//!         pub header: String,
//!         /// the values that pass
//!         pub values: Vec<String>,
//!     }
//! }
//!
//! /// What is decided, of values alone.
//! struct Policy {
//!     header: String,
//!     values: Vec<String>,
//! }
//!
//! impl Policy {
//!     fn passes(&self, value: Option<&[u8]>) -> bool {
//!         value.is_some_and(|value| self.values.iter().any(|one| one.as_bytes() == value))
//!     }
//! }
//!
//! struct HeaderGate {
//!     policy: Policy,
//!     outcomes: Outcomes,
//!     refused: OutcomeId,
//! }
//!
//! impl Filter for HeaderGate {
//!     const NAME: &'static str = "header-gate";
//!     type Wire = Wire;
//!     type Memory = ();
//!
//!     /// Every problem is told with its path; what stands in for it is never used.
//!     fn compile(wire: Wire, load: &Load<'_>) -> Self {
//!         let at = load.at.field("header");
//!         let header = match wire.header {
//!             Some(name) => header_name(&name, false, &at, load.problems),
//!             None => {
//!                 load.problems.error(&at, "is missing; name a header");
//!                 None
//!             }
//!         };
//!         let mut outcomes = Outcomes::default();
//!         HeaderGate {
//!             policy: Policy {
//!                 header: header.unwrap_or_default(),
//!                 values: wire.values.unwrap_or_default(),
//!             },
//!             refused: outcomes.add("refused", None),
//!             outcomes,
//!         }
//!     }
//!
//!     fn outcomes(&self) -> &Outcomes {
//!         &self.outcomes
//!     }
//!
//!     fn summary(&self) -> String {
//!         format!("{} values of {}", self.policy.values.len(), self.policy.header)
//!     }
//!
//!     fn on_request(&self, request: &Request, _: &dyn World, (): &mut ()) -> Decision {
//!         if self.policy.passes(request.first(&self.policy.header)) {
//!             return Decision::pass();
//!         }
//!         Decision::Reply(LocalReply {
//!             status: 403,
//!             grpc_status: None,
//!             body: "not through this gate".into(),
//!             headers: vec![],
//!             record: Record::of(self.refused),
//!         })
//!     }
//! }
//!
//! // On a fake world it is loaded, and decides, without an Envoy.
//! use sdk_helpers::world::fake::FakeWorld;
//! use sdk_helpers::{Headers, Needs, load};
//!
//! let world = FakeWorld::new();
//! let configuration = br#"{"header": "X-Tenant", "values": ["blue", "green"]}"#;
//! let gate = load::<HeaderGate>(configuration, &world).map_err(|errors| format!("{errors:?}"))?;
//! let decide = |tenant: &str| {
//!     let request = Request::new(Headers::from_pairs([(":path", "/"), ("x-tenant", tenant)]));
//!     gate.filter.on_request(&request, &world, &mut ())
//! };
//! assert_eq!(decide("blue"), Decision::pass());
//! let Decision::Reply(reply) = decide("red") else {
//!     return Err("red is none of the values".into());
//! };
//! assert_eq!((reply.status, reply.record), (403, Record::of(gate.filter.refused)));
//!
//! // All that is wrong with a configuration is told at once.
//! let refused = load::<HeaderGate>(br#"{"value": ["blue"]}"#, &world).err().unwrap_or_default();
//! let lines: Vec<String> = refused.iter().map(ToString::to_string).collect();
//! assert_eq!(
//!     lines,
//!     [
//!         "value: unknown field; did you mean `values`?",
//!         "header: is missing; name a header",
//!     ]
//! );
//!
//! // It needs no callback but that of requests.
//! assert_eq!(HeaderGate::NEEDS, Needs::NOTHING);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! As a module in Envoy it is one line more: `shell::register!(HeaderGate);`.

pub mod address;
pub mod attributes;
pub mod claims;
pub mod config;
pub mod decision;
pub mod filter;
pub mod grpc;
pub mod headers;
pub mod ids;
pub mod matcher;
pub mod needs;
pub mod outcome;
pub mod protobuf;
pub mod request;
pub mod statistic;
pub mod text;
pub mod world;

pub use config::{At, ConfigError, Problems};
pub use decision::{
    Body, Call, CallResult, Decision, Edits, LocalReply, Record, ResponseEdits, Resume,
};
pub use filter::{
    BackgroundActions, BackgroundEvent, Exchange, Filter, Load, Loaded, load, load_at,
};
pub use headers::{HeaderEdit, Headers};
pub use ids::{ById, GaugeId, OutcomeId, SeriesId};
pub use needs::{Beyond, Needs};
pub use outcome::{Outcome, Outcomes};
pub use protobuf::read_metadata;
pub use request::{Request, Response};
pub use statistic::{Gauge, Gauges, Series};
pub use world::{Attributes, Contended, Roll, Timestamp, World};
