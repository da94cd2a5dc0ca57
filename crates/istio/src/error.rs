//! What is wrong with a resource or a bootstrap, and where.

use std::fmt;
use std::path::PathBuf;

use sdk_helpers::config::Remedy;

use crate::object::Position;

/// Why something could not be read or rendered. Its text names the resource and the field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The text is not YAML, or a field is none of the resource or of another type.
    Yaml {
        /// Where, if that is known.
        position: Option<Position>,
        /// What is wrong there; names the place as well.
        problem: String,
    },
    /// What stands in a field cannot be meant.
    Resource {
        /// Namespace and name: `istio-system/limits`.
        name: String,
        /// The path of the field: `spec.configPatches[0]`.
        at: String,
        /// What is wrong, in istiod's words where it says something.
        problem: String,
    },
    /// A resource would be refused, for all of these reasons.
    Invalid {
        /// Namespace and name: `istio-system/limits`.
        name: String,
        /// At least one.
        findings: Vec<Finding>,
    },
    /// There is another number of resources than one.
    Count(usize),
    /// The bootstrap is not one that patches can be applied to, or does not say what was expected.
    Bootstrap(String),
    /// A file cannot be read or written.
    File {
        /// Which one.
        path: PathBuf,
        /// What the operating system says.
        problem: String,
    },
}

/// Something wrong with a field of a resource. Shown as `path: problem`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The path of the field: `spec.url`.
    pub at: String,
    /// Where it stands in its file; of a field that is missing, where it would stand.
    pub position: Position,
    /// What is wrong, in istiod's words where it says something.
    pub problem: String,
    /// What mends it for certain.
    pub remedy: Option<Remedy>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.problem)
    }
}

impl Error {
    pub(crate) fn resource(name: &str, at: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Resource {
            name: name.to_owned(),
            at: at.into(),
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Invalid { name, findings } => {
                let lines: Vec<String> = findings
                    .iter()
                    .map(|finding| format!("{name} {finding}"))
                    .collect();
                f.write_str(&lines.join("\n"))
            }
            Error::Yaml { problem, .. } | Error::Bootstrap(problem) => f.write_str(problem),
            Error::Resource { name, at, problem } if at.is_empty() => {
                write!(f, "{name}: {problem}")
            }
            Error::Resource { name, at, problem } => write!(f, "{name} {at}: {problem}"),
            Error::Count(0) => f.write_str("no resource in the document"),
            Error::Count(count) => write!(f, "{count} resources where one was expected"),
            Error::File { path, problem } => write!(f, "`{}`: {problem}", path.display()),
        }
    }
}

impl std::error::Error for Error {}

impl From<serde_saphyr::Error> for Error {
    fn from(error: serde_saphyr::Error) -> Self {
        let problem = match error.without_snippet() {
            serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
                format!("`{}` stands here twice; remove one", key.escape_debug())
            }
            _ => error.to_string(),
        };
        Error::Yaml {
            position: error.location().and_then(Position::of),
            problem,
        }
    }
}
