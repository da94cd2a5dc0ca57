//! A layout in a folder.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::MARK;
use super::files::{self, Files};
use crate::digest::Digest;
use crate::source::{Found, Source, SourceError};

/// A folder with an OCI image layout in it.
#[derive(Debug)]
pub struct Folder {
    /// Without links, so that what lies outside can be told.
    root: PathBuf,
}

impl Folder {
    /// The layout in this folder.
    ///
    /// # Errors
    /// If there is no such folder, or no layout in it.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let root = path
            .canonicalize()
            .map_err(|error| unreadable(path, &error))?;
        if !root.join(MARK).is_file() {
            return Err(SourceError::Malformed {
                what: path.display().to_string(),
                problem: format!(
                    "no OCI image layout: it has no file `{MARK}`; name a folder that `mesh-filters image build` \
                     or `skopeo copy … oci:FOLDER` wrote, or a reference as `oci://host/name:tag`"
                ),
            });
        }
        Ok(Self { root })
    }
}

impl Files for Folder {
    fn file(&self, name: &str, limit: u64) -> Result<Vec<u8>, SourceError> {
        let path = self.root.join(name);
        let at = path
            .canonicalize()
            .map_err(|error| unreadable(&path, &error))?;
        if !at.starts_with(&self.root) {
            return Err(SourceError::Malformed {
                what: path.display().to_string(),
                problem: "a link that leads out of the layout; copy the file into it".to_owned(),
            });
        }
        // A pipe would have us wait for ever.
        if !at.is_file() {
            return Err(SourceError::Malformed {
                what: path.display().to_string(),
                problem: "no regular file; write the layout anew".to_owned(),
            });
        }
        let file = File::open(&at).map_err(|error| unreadable(&path, &error))?;
        bounded(file, &path.display().to_string(), limit)
    }
}

impl Source for Folder {
    fn root(&self) -> Result<Found, SourceError> {
        files::root(self)
    }

    fn listed(&self, digest: &Digest) -> Result<Found, SourceError> {
        files::listed(self, digest)
    }

    fn blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, SourceError> {
        files::blob(self, digest, limit)
    }
}

/// All of it, if it is no more than `limit` bytes.
pub(super) fn bounded(from: impl Read, what: &str, limit: u64) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    let read = from.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| SourceError::Unreadable {
        what: what.to_owned(),
        cause: error.to_string(),
    })?;
    if bytes.len() as u64 > limit {
        return Err(SourceError::TooLarge {
            what: what.to_owned(),
            limit,
        });
    }
    Ok(bytes)
}

pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> SourceError {
    let what = path.display().to_string();
    match error.kind() {
        ErrorKind::NotFound => SourceError::Missing { what },
        _ => SourceError::Unreadable {
            what,
            cause: error.to_string(),
        },
    }
}
