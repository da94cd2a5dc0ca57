//! An image written as a layout.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use oci_spec::image::{ImageIndexBuilder, MediaType, OciLayoutBuilder};

use super::{BLOBS, INDEX, MARK};
use crate::build::{BuildError, descriptor};
use crate::image::Image;
use crate::json::canonical;
use crate::media;

/// By which a layout's entry is named, as a tag is in a registry.
const REFERENCE: &str = "org.opencontainers.image.ref.name";

/// Why a layout could not be written.
#[derive(Debug)]
pub enum WriteError {
    /// The system does not let us.
    File {
        /// Where.
        path: PathBuf,
        /// What it says.
        cause: String,
    },
    /// There is something else, which is not ours to remove.
    Occupied(PathBuf),
    /// Its list could not be put together.
    Index(BuildError),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, cause } => write!(f, "{}: {cause}", path.display()),
            Self::Occupied(path) => write!(
                f,
                "{}: neither empty nor an OCI image layout, so it is left alone; name another folder",
                path.display()
            ),
            Self::Index(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for WriteError {}

/// Writes an image as the layout `folder`, in place of one that is there; `tag` is its entry's name.
///
/// # Errors
/// If a file cannot be written, or something else than a layout is there.
pub fn write(image: &Image, tag: &str, folder: &Path) -> Result<(), WriteError> {
    if !replaceable(folder).map_err(|error| at(folder, &error))? {
        return Err(WriteError::Occupied(folder.to_owned()));
    }
    // Written beside it first, so that nobody reads half of one.
    let mut part = folder.as_os_str().to_owned();
    part.push(format!(".{}", std::process::id()));
    let part = PathBuf::from(part);
    let written = fill(image, tag, &part).and_then(|()| {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|error| at(folder, &error))?;
        }
        fs::rename(&part, folder).map_err(|error| at(folder, &error))
    });
    if written.is_err() {
        // Nothing to do about a part that stays as well.
        let _ = fs::remove_dir_all(&part);
    }
    written
}

fn fill(image: &Image, tag: &str, folder: &Path) -> Result<(), WriteError> {
    let blobs = folder.join(BLOBS);
    fs::create_dir_all(&blobs).map_err(|error| at(&blobs, &error))?;
    for blob in image.blobs().chain([image.manifest()]) {
        file(&blobs.join(blob.digest().hex()), blob.bytes())?;
    }
    let (mark, index) = lists(image, tag).map_err(WriteError::Index)?;
    file(&folder.join(INDEX), &index)?;
    file(&folder.join(MARK), &mark)
}

/// The two files that say what lies in the layout.
fn lists(image: &Image, tag: &str) -> Result<(Vec<u8>, Vec<u8>), BuildError> {
    let mut entry = descriptor(image.manifest())?;
    let name = HashMap::from([(REFERENCE.to_owned(), tag.to_owned())]);
    entry.set_annotations(Some(name));
    let index = ImageIndexBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::from(media::OCI_INDEX))
        .manifests([entry])
        .build()
        .map_err(BuildError::because)?;
    let mark = OciLayoutBuilder::default()
        .image_layout_version("1.0.0")
        .build()
        .map_err(BuildError::because)?;
    let mark = canonical(&mark).map_err(BuildError::because)?;
    Ok((mark, canonical(&index).map_err(BuildError::because)?))
}

fn replaceable(folder: &Path) -> io::Result<bool> {
    if !folder.exists() || folder.join(MARK).is_file() {
        return Ok(true);
    }
    Ok(fs::read_dir(folder)?.next().is_none())
}

fn file(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    fs::write(path, bytes).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &io::Error) -> WriteError {
    WriteError::File {
        path: path.to_owned(),
        cause: error.to_string(),
    }
}
