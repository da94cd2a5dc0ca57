//! What was found.

use std::fmt;

use crate::fix::{Edit, Mend};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It is refused: by istiod, by Envoy, by one of the filters, or by whoever reads the file.
    Error,
    /// It is accepted, and does something else than whoever wrote it may think.
    Warning,
    /// Something to know.
    Info,
}

impl Severity {
    /// `error`, `warning` or `info`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Of what kind: `MF0201`. See [`crate::rule`].
    pub code: &'static str,
    /// The file's number among those given.
    pub source: usize,
    /// The file's name.
    pub file: String,
    /// The line, counted from one.
    pub line: u64,
    /// The character in it, counted from one.
    pub column: u64,
    /// The path of the field in its document: `spec.rules[0]`. Empty for the whole document.
    pub path: String,
    /// What is wrong, and what happens because of it.
    pub message: String,
    /// How to mend it.
    pub help: String,
    /// What mends it for certain, by bytes of the file.
    pub edit: Option<Edit>,
    pub(crate) mend: Option<Mend>,
}
