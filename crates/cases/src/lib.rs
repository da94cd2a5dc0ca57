//! Case files: a configuration, requests, and what is expected of each. One corpus of them,
//! `filters/<name>/cases/*.yaml`, is run natively, in the built module and in a real Envoy, so that
//! these cannot drift apart; who uses a filter can test a configuration of their own the same way.
//!
//! ```text
//! file ─read→ File { suites } ─load→ Configured { engine, warnings } ─run→ Outcome ─compare→ Report
//! ```
//!
//! This crate has the format, the comparison and the [native engine](natively), which runs a filter's own code against
//! a fake world. Other engines implement [`Engine`] and stand above it.
//!
//! ```
//! let file = cases::File::parse("fault-injection", "mine.yaml", r#"
//! - description: what everybody gets
//!   config: {http: [{fault: {abort: {httpStatus: 503, percentage: {value: 100}}}}]}
//!   cases:
//!   - {name: a request, expect: {reason: "abort:http-0", status: 503, body: fault filter abort}}
//!   - {name: a wrong guess, expect: {}}
//! "#)?;
//! let report = cases::run(&file, &cases::natively);
//! assert_eq!((report.passed, report.failures.len()), (2, 1));
//! print!("{report}");
//! # assert_eq!(report.to_string(), "\
//! # mine.yaml: what everybody gets: a wrong guess
//! #   reason: expected nothing, saw `abort:http-0`
//! #   status: expected nothing, saw 503
//! #   body: expected nothing, saw `fault filter abort`
//! # 2 passed, 1 failed
//! # ");
//! # Ok::<(), cases::Error>(())
//! ```

mod case;
mod compare;
mod configuration;
mod coverage;
mod engine;
mod expected;
mod file;
mod first;
mod native;
mod part;
mod report;
mod schema;
mod sent;
mod text;
mod written;

pub use case::{Answered, Case, Earlier, Step, Suite};
pub use compare::{Difference, compare};
pub use configuration::read as configuration;
pub use engine::{Configured, Covered, Engine, EngineError, Outcome};
pub use expected::Expected;
pub use file::{ALL, Error, File};
pub use first::{First, first, made_up};
pub use native::{in_own_code, natively};
pub use part::{AsPart, Part};
pub use report::{Failure, NotRun, Problem, Report, Rules, check, run};
pub use schema::schema;
pub use sent::{Bytes, Sent, Values};

/// Where a filter's reason is left in filter state, by its name.
pub const OURS: &str = "wasm.mesh_filters.";

/// Where a tag is left in filter state, for others; a module itself writes it without `wasm.`.
pub const TAG: &str = "wasm.mesh_filters.tag.";
