//! JSON as it goes into an image: keys sorted, so that the same document has the same digest.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::source::{MANIFEST_LIMIT, SourceError};

/// The document's bytes, keys sorted in every object, no spaces.
///
/// # Errors
/// If a value has no form in JSON.
pub(crate) fn canonical(document: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut value = serde_json::to_value(document)?;
    // Sorted already unless something links serde_json with `preserve_order`.
    value.sort_all_objects();
    serde_json::to_vec(&value)
}

/// A document that a place has, read by its type.
pub(crate) fn read<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, SourceError> {
    let malformed = |problem: String| SourceError::Malformed {
        what: what.to_owned(),
        problem,
    };
    if bytes.len() as u64 > MANIFEST_LIMIT {
        return Err(malformed(format!("larger than {MANIFEST_LIMIT} bytes")));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| malformed(format!("{error}; build or copy the image anew")))
}
