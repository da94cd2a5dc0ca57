//! A file that a log is kept in, which does not grow without end.

use std::fs::{File, OpenOptions, rename};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::Error;

/// A file of this length is put aside, and another one begun.
const MOST: u64 = 16 << 20;

/// The file, and how long it is.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    length: u64,
    most: u64,
}

impl LogFile {
    /// Goes on with the file, which nobody else may read.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file = append(path).map_err(|error| Error::file(path, error))?;
        let length = file.metadata().map_or(0, |found| found.len());
        let path = path.to_owned();
        Ok(Self {
            path,
            file,
            length,
            most: MOST,
        })
    }

    /// Adds to it. What cannot be written is lost: a full disk ends no server.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.length >= self.most {
            let mut aside = self.path.clone().into_os_string();
            aside.push(".1");
            let _ = rename(&self.path, aside);
            if let Ok(file) = append(&self.path) {
                self.file = file;
            }
            self.length = 0;
        }
        let _ = self.file.write_all(bytes);
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.length = self.length.saturating_add(count);
    }
}

fn append(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::fs::read_to_string;

    use super::*;
    use crate::Scratch;

    #[test]
    fn a_full_file_is_put_aside() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.write("a.log", "old\n").unwrap();
        let mut file = LogFile::open(&path).unwrap();
        file.most = 8;
        for line in ["one\n", "two\n", "three\n"] {
            file.push(line.as_bytes());
        }
        assert_eq!(
            read_to_string(scratch.path().join("a.log.1")).unwrap(),
            "old\none\n"
        );
        assert_eq!(read_to_string(&path).unwrap(), "two\nthree\n");
    }
}
