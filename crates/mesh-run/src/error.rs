//! Why a mesh cannot run.

use std::fmt;
use std::path::Path;

use crate::running::Checked;

/// What is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The files are no mesh, or cannot be read.
    Objects(String),
    /// What was found in the files keeps them from being a mesh.
    Found(Checked),
    /// Who is to call whom cannot be meant.
    Calls(String),
    /// Addresses that are needed are taken.
    Taken(String),
    /// A file or a folder of the mesh cannot be written.
    File(String),
    /// No Envoy, or it does not start.
    Envoy(String),
    /// The mesh cannot be spoken to.
    Control(String),
}

impl Error {
    pub(crate) fn file(path: &Path, problem: impl fmt::Display) -> Self {
        Error::File(format!("{}: {problem}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Found(checked) => f.write_str(checked.text.trim_end()),
            Error::Objects(text)
            | Error::Calls(text)
            | Error::Taken(text)
            | Error::File(text)
            | Error::Envoy(text)
            | Error::Control(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

impl From<envoy::Error> for Error {
    fn from(error: envoy::Error) -> Self {
        Error::Envoy(error.to_string())
    }
}
