//! OCI image layouts: an image as files, in a folder or in a tar archive.
//!
//! `index.json` is the layout's list of what lies in it, with one entry for an image of ours; it is never pushed.

mod archive;
mod files;
mod folder;
mod saved;
mod write;

pub use archive::Archive;
pub use folder::Folder;
pub use write::{WriteError, write};

use std::path::Path;

use crate::source::{Source, SourceError};

/// The file by which a folder is known to be a layout.
const MARK: &str = "oci-layout";
/// The list of what lies in it.
const INDEX: &str = "index.json";
/// Where blobs lie, by the hexadecimal digits of their digest.
const BLOBS: &str = "blobs/sha256";

/// The layout at a path: a folder, or a tar archive of one.
///
/// # Errors
/// If there is neither.
pub fn open(path: &Path) -> Result<Box<dyn Source>, SourceError> {
    if path.is_dir() {
        Ok(Box::new(Folder::open(path)?))
    } else {
        Ok(Box::new(Archive::open(path)?))
    }
}
