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
//! [`Launcher::detect`] takes a process where there is an Envoy for one, else a container;
//! `MESH_FILTERS_ENVOY` or [`Builder::launcher`] say otherwise. Containers need the feature `containers`,
//! and an engine that shares this machine's files and network. They are on the host's network and see
//! folders under the same paths, so one configuration serves both.
//!
//! # Which Envoy
//!
//! [`VERSION`], unless `MESH_FILTERS_ENVOY_VERSION` says another (`1.36` is its newest patch), or
//! `ENVOY_BIN`, `MESH_FILTERS_ENVOY_IMAGE`, [`Builder::binary`] or [`Builder::image`] name one. Where there
//! is none it is fetched or built, once, and that is told on standard error. Nothing is installed on the
//! machine unless [`Builder::install`] allows it. [`version`] says which one it is.
//!
//! # Blocking
//!
//! Every call blocks its thread until it has its answer. Threads that run asynchronous tasks may call
//! too, but those tasks wait meanwhile: leave it to a thread of its own.
//!
//! # What is left over
//!
//! An Envoy ends with the value that stands for it, and its folder goes. A program that is killed
//! cannot see to that: on Linux its processes end with it, and the next one that starts an Envoy clears
//! away containers and folders of those whose process is gone, or [`clean_leftovers`] does. One that is told to end, as
//! by Ctrl-C, leaves nothing where it has called [`end_on_signals`].

mod admin;
mod binary;
mod bootstrap;
mod builder;
mod capability;
pub mod client;
mod companion;
mod config;
mod envoy;
mod error;
#[cfg(feature = "containers")]
mod image;
mod launch;
mod launcher;
pub mod lds;
pub mod listener;
pub mod resources;
mod version;
mod wheel;

pub use admin::Admin;
pub use binary::{find as find_binary, find_here as find_binary_here};
pub use builder::{Builder, Verdict};
pub use capability::Capability;
pub use companion::{Args, Companion, Ready, Spec, free_addr};
pub use config::Config;
pub use envoy::Envoy;
pub use error::{Error, NotReady};
pub use launch::leftovers::{clean as clean_leftovers, clean_own as clean_own_leftovers};
pub use launch::limits::raise_open_files;
pub use launch::log::{Lines, Log};
pub use launch::program::Install;
pub use launch::scratch::Scratch;
pub use launch::signals::{end_on_signals, on_signals};
pub use launch::{program, runtime, wait};
pub use launcher::Launcher;
pub use version::{Version, versions};

/// The version that is found, fetched or built where no other is named: binary, image and wheel.
pub const VERSION: &str = "1.40.0";

/// The version of the Envoy that starts here where a [`Builder`] names none, which is found, fetched or
/// built for that.
///
/// # Errors
/// There is none, nothing to run it in, or it does not say.
pub fn version(install: Install) -> Result<Version, Error> {
    static HERE: launch::found::Found<Version> = launch::found::Found::new();
    HERE.or_search(install, |install| match Launcher::detect()? {
        Launcher::Process => Version::of_program(&binary::find(install)?),
        Launcher::Container => builder::version_of_image(install),
    })
}
