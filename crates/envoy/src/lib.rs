//! A real Envoy as a process or a container: found, fetched, started, asked and stopped; and servers
//! beside it, launched the same way.
//!
//! ```text
//! listener::bootstrap(..) ─┬─ Builder::new ───────┬─ start ────→ Envoy { admin, log, scratch }
//! Config::from_file(..) ───┘                      └─ validate ─→ Verdict { exit, log }
//! a user's own text ───────── Builder::from_text ─┘
//! Spec { image, program, args, ready } ───────────── Companion::start ─→ Companion { addr, log }
//! ```
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use envoy::listener::{Listener, bootstrap, cluster};
//! use envoy::Builder;
//!
//! fn main() -> Result<(), envoy::Error> {
//!     let limits = serde_json::json!({"limits": [{"name": "all", "requests": 100, "per": "1s"}]});
//!     let listener = Listener::new("http").module("rate-limit", &limits).to("backend");
//!     let backend = cluster("backend", ([127, 0, 0, 1], 8080).into(), false);
//!
//!     let envoy = Builder::new(bootstrap([listener], [backend]))
//!         .folder("/srv/mesh") // `dist/rate-limit.wasm` is below
//!         .reads("/srv/mesh/dist")
//!         .start()?;
//!     println!("try http://{}/", envoy.addr("http")?);
//!
//!     envoy.wait_log("\"reason\"", Duration::from_secs(60))?;
//!     let count = envoy.admin().stat("http.http.downstream_rq_completed")?;
//!     println!("{count} requests so far");
//!     Ok(())
//! }
//! ```
//!
//! # Process or container
//!
//! [`Launcher::detect`] takes a container where an engine answers that shares this machine's files and
//! network, else a process; `MESH_FILTERS_ENVOY` or [`Builder::launcher`] say otherwise. Containers
//! need the feature `containers`. They are on the host's network and see folders under the same paths,
//! so one configuration serves both.
//!
//! # Which Envoy
//!
//! [`VERSION`], unless [`Builder::binary`] or [`Builder::image`] name another. Where there is none it
//! is fetched or built, once, and that is told on standard error. Nothing is installed on the machine
//! unless [`Builder::install`] allows it.
//!
//! # Blocking
//!
//! Every call blocks its thread until it has its answer. Threads that run asynchronous tasks may call
//! too, but those tasks wait meanwhile: leave it to a thread of its own.
//!
//! # What is left over
//!
//! An Envoy ends with the value that stands for it, and its folder goes. A program that is killed
//! cannot see to that: the next one that starts an Envoy clears away what is left of those whose
//! process is gone, or [`clean_leftovers`] does.

mod admin;
mod binary;
mod bootstrap;
mod builder;
mod companion;
mod config;
mod envoy;
mod error;
mod http;
#[cfg(feature = "containers")]
mod image;
mod launch;
mod launcher;
pub mod listener;
mod wheel;

pub use admin::Admin;
pub use builder::{Builder, Verdict};
pub use companion::{Args, Companion, Ready, Spec};
pub use config::Config;
pub use envoy::Envoy;
pub use error::{Error, NotReady};
pub use launch::leftovers::clean as clean_leftovers;
pub use launch::limits::raise_open_files;
pub use launch::log::{Lines, Log};
pub use launch::program::Install;
pub use launch::scratch::Scratch;
pub use launch::{program, runtime, wait};
pub use launcher::Launcher;

/// The version that is found, fetched or built where no other is named: binary, image and wheel.
pub const VERSION: &str = "1.40.0";
