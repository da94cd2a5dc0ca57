//! The files of a folder that hold documents.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, failure};

const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// The file of this path, whatever it is called, or those of the folder and of all folders in it.
pub(crate) fn files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let about = |error: &std::io::Error| failure(path.display().to_string(), error);
    if !fs::metadata(path).map_err(|error| about(&error))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| about(&error))? {
        let entry = entry.map_err(|error| about(&error))?;
        entries.push((
            entry.path(),
            entry.file_type().map_err(|error| about(&error))?,
        ));
    }
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut files = Vec::new();
    for (entry, kind) in entries {
        let is_hidden = entry
            .file_name()
            .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let ending = entry.extension().and_then(|ending| ending.to_str());
        if is_hidden {
            continue;
        } else if kind.is_dir() {
            files.extend(self::files(&entry)?);
        } else if ending.is_some_and(|ending| ENDINGS.contains(&ending)) {
            files.push(entry);
        }
    }
    Ok(files)
}
