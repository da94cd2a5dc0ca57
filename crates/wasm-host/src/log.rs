//! Log levels, as the ABI numbers them.

/// How serious a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Level {
    /// Every step.
    Trace,
    /// For the author.
    Debug,
    /// For the operator; also what a module prints to standard output.
    Info,
    /// Something is off.
    Warn,
    /// Something failed; also what a module prints to standard error.
    Error,
    /// Everything failed.
    Critical,
}

impl Level {
    /// The level of an ABI number, if it is one.
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        use Level::{Critical, Debug, Error, Info, Trace, Warn};
        [Trace, Debug, Info, Warn, Error, Critical]
            .into_iter()
            .find(|level| *level as u32 == number)
    }
}
