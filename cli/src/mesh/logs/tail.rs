//! A file that grows.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::ending::Failure;

/// More of a file is not read at its beginning.
const MOST: u64 = 8 << 20;

/// What of a file has been read.
pub(super) struct Tail {
    path: PathBuf,
    read: u64,
    /// The beginning of a line whose end has not come.
    begun: Vec<u8>,
}

impl Tail {
    pub(super) fn of(path: PathBuf) -> Self {
        Tail {
            path,
            read: 0,
            begun: Vec::new(),
        }
    }

    /// Whether both are of one file.
    pub(super) fn is_of(&self, other: &Tail) -> bool {
        self.path == other.path
    }

    /// The lines that came since they were asked for before. A file that is not there has none, and one that has become
    /// shorter begins anew.
    pub(super) fn lines(&mut self) -> Result<Vec<String>, Failure> {
        let added = match self.added() {
            Ok(added) => added,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Failure::at(&self.path, error)),
        };
        self.begun.extend(added);
        let end = self.begun.iter().rposition(|byte| *byte == b'\n');
        let whole: Vec<u8> = match end {
            Some(end) => self.begun.drain(..=end).collect(),
            None => Vec::new(),
        };
        let text = String::from_utf8_lossy(&whole);
        Ok(text.lines().map(str::to_owned).collect())
    }

    fn added(&mut self) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        if length < self.read {
            self.read = 0;
            self.begun.clear();
        }
        if length.saturating_sub(self.read) > MOST {
            self.read = length.saturating_sub(MOST);
            self.begun.clear();
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut added = Vec::new();
        file.take(MOST).read_to_end(&mut added)?;
        let more = u64::try_from(added.len()).unwrap_or(u64::MAX);
        self.read = self.read.saturating_add(more);
        Ok(added)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::Tail;

    #[test]
    fn lines_come_whole_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut tail = Tail::of(path.clone());
        assert!(tail.lines().unwrap().is_empty());
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(b"a\nb\xff\nc").unwrap();
        assert_eq!(tail.lines().unwrap(), ["a", "b\u{fffd}"]);
        assert!(tail.lines().unwrap().is_empty());
        file.write_all(b"d\n").unwrap();
        assert_eq!(tail.lines().unwrap(), ["cd"]);
        std::fs::write(&path, "e\n").unwrap();
        assert_eq!(tail.lines().unwrap(), ["e"]);
    }
}
