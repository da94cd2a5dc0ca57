//! What a folder and an archive have in common: files by name, and a layout that they make.

use oci_spec::image::ImageIndex;

use super::{BLOBS, INDEX};
use crate::digest::Digest;
use crate::json;
use crate::media;
use crate::source::{Found, MANIFEST_LIMIT, SourceError};

/// Where files are read by their name in a layout.
pub(super) trait Files {
    /// The bytes of a file, of which no more than `limit` may be there.
    fn file(&self, name: &str, limit: u64) -> Result<Vec<u8>, SourceError>;
}

/// What the layout stands for: the one manifest in its list, else the list as an index.
pub(super) fn root(files: &impl Files) -> Result<Found, SourceError> {
    let bytes = files.file(INDEX, MANIFEST_LIMIT)?;
    let index: ImageIndex = json::read(INDEX, &bytes)?;
    let [only] = index.manifests().as_slice() else {
        return Ok(Found {
            digest: None,
            media_type: Some(media::OCI_INDEX.to_owned()),
            bytes,
        });
    };
    let digest = only.digest().to_string().parse();
    let digest: Digest = digest.map_err(|problem: crate::NotADigest| SourceError::Malformed {
        what: INDEX.to_owned(),
        problem: problem.to_string(),
    })?;
    let mut found = listed(files, &digest)?;
    found.media_type = Some(only.media_type().to_string());
    Ok(found)
}

pub(super) fn listed(files: &impl Files, digest: &Digest) -> Result<Found, SourceError> {
    Ok(Found {
        digest: Some(*digest),
        media_type: None,
        bytes: blob(files, digest, MANIFEST_LIMIT)?,
    })
}

pub(super) fn blob(
    files: &impl Files,
    digest: &Digest,
    limit: u64,
) -> Result<Vec<u8>, SourceError> {
    // Digits only: no digest names a file elsewhere.
    files.file(&format!("{BLOBS}/{}", digest.hex()), limit)
}
