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
//! `docs/write-a-filter.md` writes a filter from nothing, and its code is run as a test of this crate.

#[cfg(doctest)]
#[doc = include_str!("../../docs/write-a-filter.md")]
struct WriteAFilter;

pub mod address;
pub mod attributes;
pub mod chain;
pub mod claims;
pub mod config;
pub mod decision;
pub mod explanation;
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
