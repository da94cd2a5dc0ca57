//! Why the host cannot do what it was asked: nothing that a module does is among it.

use std::fmt;
use std::path::{Path, PathBuf};

use super::stream::State;

/// What stands in the way, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is no file, or it cannot be read.
    Unreadable {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// The bytes are not wasm.
    NotWasm(String),
    /// The module imports what Envoy does not grant, as `module.name`.
    Imports(Vec<String>),
    /// Its functions have other signatures than Envoy's.
    Unlinkable(String),
    /// No call of this number waits for an answer.
    NoCall(u32),
    /// No upstream can answer the request as it stands.
    NoUpstream(State),
    /// wasmtime cannot run on this machine.
    Engine(String),
}

impl Error {
    pub(crate) fn unreadable(path: &Path, cause: &std::io::Error) -> Self {
        Error::Unreadable {
            path: path.to_owned(),
            cause: cause.to_string(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unreadable { path, cause } => {
                write!(f, "no module at {}: {cause}", path.display())
            }
            Error::NotWasm(cause) => write!(f, "not a wasm module: {cause}"),
            Error::Imports(names) => write!(
                f,
                "Envoy would refuse this module: it has no {}",
                names.join(", ")
            ),
            Error::Unlinkable(cause) => write!(f, "Envoy would refuse this module: {cause}"),
            Error::NoCall(id) => write!(f, "no call {id} waits for an answer"),
            Error::NoUpstream(state) => {
                write!(f, "no upstream answers this request: it is {state:?}")
            }
            Error::Engine(cause) => write!(f, "no wasm engine for this machine: {cause}"),
        }
    }
}

impl std::error::Error for Error {}
