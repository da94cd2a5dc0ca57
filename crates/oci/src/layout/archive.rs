//! A layout in a tar archive, as skopeo's `oci-archive:` and `docker save` write one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::files::{self, Files};
use super::folder::{bounded, unreadable};
use super::{INDEX, saved};
use crate::digest::Digest;
use crate::image::Image;
use crate::layer::Compression;
use crate::source::{Found, Source, SourceError};

/// A tar archive with an OCI image layout in it, or with what older engines save.
///
/// Nothing is unpacked: the places of files are noted once, and read when they are asked for.
#[derive(Debug)]
pub struct Archive<R = File> {
    reader: RefCell<R>,
    /// Where a file's bytes are: its first, and how many.
    files: BTreeMap<String, (u64, u64)>,
    /// The image, where there is no layout.
    saved: Option<Image>,
}

impl Archive {
    /// The layout in this file.
    ///
    /// # Errors
    /// If there is no such file, or no layout in it.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        Self::read(file, &path.display().to_string())
    }
}

impl<R: Read + Seek> Archive<R> {
    /// The layout in what can be read there; `what` names it in messages.
    ///
    /// # Errors
    /// If it is no tar archive, or there is no layout in it.
    pub fn read(mut reader: R, what: &str) -> Result<Self, SourceError> {
        let malformed = |problem: String| SourceError::Malformed {
            what: what.to_owned(),
            problem,
        };
        let mut start = Vec::new();
        let peeked = reader.by_ref().take(512).read_to_end(&mut start);
        peeked.map_err(|error| malformed(error.to_string()))?;
        if start.starts_with(crate::module::MAGIC) {
            let problem = "a module and no image; `mesh-filters image build` makes one of it";
            return Err(malformed(problem.to_owned()));
        }
        match Compression::of(&start) {
            Compression::None => {}
            Compression::Unknown => {
                let problem = "no tar archive; name a layout's folder, or what `docker save` wrote";
                return Err(malformed(problem.to_owned()));
            }
            compression => return Err(malformed(format!("{compression}; unpack it first"))),
        }
        let files = places(&mut reader).map_err(|error| malformed(error.to_string()))?;
        let (layout, list) = (files.contains_key(INDEX), files.contains_key(saved::LIST));
        let mut archive = Self {
            reader: RefCell::new(reader),
            files,
            saved: None,
        };
        if !layout && !list {
            return Err(malformed(format!(
                "no OCI image layout: there is no `{INDEX}` in it"
            )));
        }
        if !layout {
            archive.saved = Some(saved::image(&archive)?);
        }
        Ok(archive)
    }
}

/// Where regular files lie in the archive.
fn places<R: Read + Seek>(reader: &mut R) -> std::io::Result<BTreeMap<String, (u64, u64)>> {
    reader.seek(SeekFrom::Start(0))?;
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(reader);
    for entry in archive.entries_with_seek()? {
        let entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = path.strip_prefix("./").unwrap_or(&path);
        if entry.header().entry_type().is_file() {
            files.insert(name.to_owned(), (entry.raw_file_position(), entry.size()));
        }
    }
    Ok(files)
}

impl<R: Read + Seek> Files for Archive<R> {
    fn file(&self, name: &str, limit: u64) -> Result<Vec<u8>, SourceError> {
        let what = || format!("`{name}` in the archive");
        let Some((at, size)) = self.files.get(name) else {
            return Err(SourceError::Missing { what: what() });
        };
        if *size > limit {
            return Err(SourceError::TooLarge {
                what: what(),
                limit,
            });
        }
        let mut reader = self.reader.borrow_mut();
        let there = reader.seek(SeekFrom::Start(*at));
        there.map_err(|error| SourceError::Unreadable {
            what: what(),
            cause: error.to_string(),
        })?;
        bounded(reader.by_ref().take(*size), &what(), limit)
    }
}

impl<R: Read + Seek> Source for Archive<R> {
    fn root(&self) -> Result<Found, SourceError> {
        match &self.saved {
            Some(image) => image.root(),
            None => files::root(self),
        }
    }

    fn listed(&self, digest: &Digest) -> Result<Found, SourceError> {
        match &self.saved {
            Some(image) => image.listed(digest),
            None => files::listed(self, digest),
        }
    }

    fn blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, SourceError> {
        match &self.saved {
            Some(image) => image.blob(digest, limit),
            None => files::blob(self, digest, limit),
        }
    }

    /// Engines put their own list beside a layout, and nobody else does.
    fn compresses_on_push(&self) -> bool {
        self.files.contains_key(saved::LIST)
    }
}
