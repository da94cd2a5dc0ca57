//! What can go wrong, as values that say what is missing and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::launch::log;

/// Why something could not be found, started, asked or written.
///
/// Its text is for people: it names what and where, and what to do where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// This machine lacks something.
    Missing {
        /// What was looked for, and where.
        what: String,
        /// What to install or to set.
        remedy: String,
    },
    /// A setting or an argument cannot be meant.
    Invalid(String),
    /// A file or a folder cannot be read or written.
    File {
        /// Which one.
        path: PathBuf,
        /// What the operating system says.
        problem: String,
    },
    /// A program or an image could not be run, or failed.
    Program {
        /// Which one.
        name: String,
        /// What the operating system, the container engine or the program itself says.
        problem: String,
    },
    /// A server was started and did not become ready.
    NotReady(NotReady),
    /// Envoy has no listener of this name.
    NoListener {
        /// The name that was asked for.
        name: String,
        /// The names of those there are.
        there: Vec<String>,
    },
    /// A page of the admin interface could not be read, or did not say what it should.
    Admin {
        /// Path and query of the page.
        page: String,
        /// What came in place of the answer.
        problem: String,
    },
    /// Envoy's log did not say in time what was waited for.
    Log {
        /// What a line was to contain.
        part: String,
        /// The end of the log.
        tail: String,
    },
}

/// What is left of a server that was started and did not become ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotReady {
    /// What people call it.
    pub name: String,
    /// Its exit code, in the shell's terms; `None` when it runs and is not ready in time.
    pub exit: Option<i32>,
    /// All it wrote, on both output streams.
    pub log: String,
}

impl Error {
    pub(crate) fn missing(what: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self::Missing {
            what: what.to_string(),
            remedy: remedy.to_string(),
        }
    }

    pub(crate) fn file(path: &Path, problem: impl fmt::Display) -> Self {
        Self::File {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }

    pub(crate) fn program(name: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Self::Program {
            name: name.to_string(),
            problem: problem.to_string(),
        }
    }

    pub(crate) fn admin(page: &str, problem: impl fmt::Display) -> Self {
        Self::Admin {
            page: page.to_owned(),
            problem: problem.to_string(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { what, remedy } => write!(formatter, "{what}: {remedy}"),
            Self::Invalid(problem) => formatter.write_str(problem),
            Self::File { path, problem } => write!(formatter, "{}: {problem}", path.display()),
            Self::Program { name, problem } => write!(formatter, "`{name}`: {problem}"),
            Self::NotReady(failure) => failure.fmt(formatter),
            Self::NoListener { name, there } => {
                write!(formatter, "no listener `{name}`, there are {there:?}")
            }
            Self::Admin { page, problem } => {
                write!(formatter, "the admin interface, `{page}`: {problem}")
            }
            Self::Log { part, tail } => {
                write!(formatter, "no `{part}` in the log in time; it ends\n{tail}")
            }
        }
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, exit, log } = self;
        match exit {
            Some(exit) => write!(formatter, "{name} ended with {exit} instead of starting")?,
            None => write!(formatter, "{name} was not ready in time")?,
        }
        write!(formatter, "; its log ends\n{}", log::tail(log, 40))
    }
}

impl std::error::Error for Error {}

impl std::error::Error for NotReady {}

impl From<NotReady> for Error {
    fn from(failure: NotReady) -> Self {
        Self::NotReady(failure)
    }
}
