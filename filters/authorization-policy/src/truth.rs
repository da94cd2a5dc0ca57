//! Three-valued logic: what depends on something that Envoy does not show is unknown.

/// Whether something holds, as far as can be seen. In order: the least of several is whether all
/// hold, the greatest whether any does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not.
    False,
    /// It cannot be seen.
    Unknown,
    /// It does.
    True,
}

impl std::ops::Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }
}
