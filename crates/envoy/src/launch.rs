//! What stands below everything that is started here: processes, containers, folders, logs, and what
//! is left over of them.

pub mod apt;
#[cfg(feature = "containers")]
mod container;
#[cfg(feature = "containers")]
pub(crate) mod engine;
pub(crate) mod leftovers;
pub mod limits;
pub(crate) mod log;
pub(crate) mod owner;
mod process;
pub(crate) mod procfs;
pub mod program;
pub(crate) mod running;
pub mod runtime;
pub(crate) mod scratch;
pub mod wait;
