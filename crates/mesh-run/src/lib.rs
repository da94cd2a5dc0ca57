//! A local mesh, running: an Envoy beside each workload and one for each gateway, certificates of an
//! authority made for the run, and servers that stand for the workloads.
//!
//! ```text
//! files ─Objects::read→ Objects ─Plan::new→ Plan { proxies, servers, notes }     values in, values out
//!                                           Plan ─Running::start→ Running        Envoys, servers, a folder
//!                                  other files ─Running::apply→ Applied          who took them, who refused and why
//!                                               Running::status→ Vec<ProxyStatus>
//! ```
//!
//! What objects mean is translated by `mesh`; here it is put in place, kept running and asked. A running mesh is
//! spoken to through a socket in its folder: see [`control`].

pub mod authority;
pub mod calls;
pub mod control;
mod error;
mod event;
pub mod find;
mod folder;
mod network;
mod objects;
mod plan;
pub mod policies;
mod proxy;
mod running;
mod servers;
mod told;

pub use error::Error;
pub use event::Event;
pub use objects::Objects;
pub use plan::{Kind, Plan, PlannedProxy, PlannedServer, Settings};
pub use proxy::{Make, Memory, ProxyStatus, Refused, Tell};
pub use running::{Applied, Check, Checked, Running, Start};
