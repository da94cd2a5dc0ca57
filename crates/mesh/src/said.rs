//! What is said of objects: what a local mesh does otherwise, and what does nothing.

use std::fmt;

/// Something of an object that a reader would not expect: where, what, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// `bookinfo.yaml:3:11`.
    pub place: String,
    /// What it is.
    pub what: String,
    /// What requests see of it.
    pub consequence: String,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.what, self.consequence)
    }
}
