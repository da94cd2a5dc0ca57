//! How the program ends.

use std::fmt;
use std::process::ExitCode;

/// The exit code where something could not be done.
pub(crate) const CANNOT: u8 = 2;

/// The verb did its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    /// And all is well: 0.
    Fine,
    /// And found something: 1.
    Found,
    /// But for some of it, which has been said: 2.
    Partial,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Fine => ExitCode::SUCCESS,
            Ending::Found => ExitCode::from(1),
            Ending::Partial => ExitCode::from(CANNOT),
        }
    }
}

/// The verb could not do its work: 2. What, where, and what to do.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(problem: impl fmt::Display) -> Self {
        Self(problem.to_string())
    }

    /// Says it on standard error.
    pub(crate) fn say(&self) {
        anstream::eprintln!("mesh-filters: {self}");
    }

    /// A failure of something that lies at a path.
    pub(crate) fn at(path: &std::path::Path, problem: impl fmt::Display) -> Self {
        Self(format!("{}: {problem}", path.display()))
    }
}

impl From<envoy::Error> for Failure {
    fn from(error: envoy::Error) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
