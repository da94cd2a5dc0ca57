//! What stands below everything that is started here: processes, containers, folders, logs, and what
//! is left over of them.

mod apt;
mod birth;
#[cfg(feature = "containers")]
mod container;
#[cfg(feature = "containers")]
pub(crate) mod engine;
pub(crate) mod found;
#[cfg(any(test, feature = "containers"))]
pub(crate) mod image_name;
pub(crate) mod leftovers;
pub(crate) mod limits;
pub(crate) mod log;
mod log_file;
mod owner;
mod process;
pub(crate) mod procfs;
pub mod program;
pub(crate) mod running;
pub mod runtime;
pub(crate) mod scratch;
pub(crate) mod signals;
pub mod wait;
