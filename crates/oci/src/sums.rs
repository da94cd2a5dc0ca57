//! Checksums of files, as `sha256sum -c` reads them.

use std::collections::BTreeMap;

use crate::digest::Digest;

/// Digests of files, by their path from where the list will lie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums(BTreeMap<String, Digest>);

impl Sums {
    /// Adds a file.
    pub fn add(&mut self, path: impl Into<String>, bytes: &[u8]) {
        self.0.insert(path.into(), Digest::of(bytes));
    }

    /// The list: one line a file, sorted by path.
    #[must_use]
    pub fn list(&self) -> String {
        let lines = self.0.iter();
        lines
            .map(|(path, digest)| format!("{}  {path}\n", digest.hex()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Sums;

    #[test]
    fn a_line_is_what_sha256sum_writes() {
        let mut sums = Sums::default();
        sums.add("b/empty", b"");
        sums.add("a", b"hello\n");
        assert_eq!(
            sums.list(),
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  a\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b/empty\n"
        );
    }
}
