//! Lengths as the ABI has them.

/// A length in the module's words. No buffer of a 32-bit module is longer than 4 GiB.
pub(crate) fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
