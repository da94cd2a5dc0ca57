//! A kind of finding.

use std::fmt;

use crate::finding::Severity;
use crate::found::Found;
use crate::mesh::Mesh;

/// A kind of finding: what is told of it, an example that has it and one that has not, and what finds it.
pub struct Rule {
    /// Stable: `MF0201`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// In a few words.
    pub title: &'static str,
    /// At length: what happens, why, and what to do.
    pub text: &'static str,
    /// How to mend it, in a sentence.
    pub help: &'static str,
    /// A file that has it.
    pub bad: &'static str,
    /// The same without it.
    pub good: &'static str,
    pub(crate) find: fn(&Mesh<'_>, &mut Found<'_>),
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rule").field(&self.code).finish()
    }
}
