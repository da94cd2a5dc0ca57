//! The files that a verb is given: by name, all of a folder, or standard input.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::ending::Failure;

/// A file that was read.
pub(crate) struct File {
    /// As it was given, `<stdin>` for standard input.
    pub(crate) name: String,
    /// What is in it.
    pub(crate) text: String,
}

/// Reads files of YAML and JSON: `-` is standard input, and of a folder every `*.yaml`, `*.yml` and `*.json`
/// is read, those of the folders in it too. What is hidden, by a dot, is passed over there.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.map_err(|error| Failure::new(format!("standard input: {error}")))?;
            files.push(File {
                name: "<stdin>".to_owned(),
                text,
            });
        } else if path.is_dir() {
            let before = files.len();
            folder(path, &mut files)?;
            if files.len() == before {
                let problem = "has no file named *.yaml, *.yml or *.json";
                return Err(Failure::at(path, problem));
            }
        } else {
            files.push(file(path)?);
        }
    }
    Ok(files)
}

fn folder(path: &Path, files: &mut Vec<File>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::at(path, error);
    let entries = fs::read_dir(path).map_err(failed)?;
    let entries: Result<Vec<_>, _> = entries.collect();
    let mut entries = entries.map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        // A link to a folder may lead back to one that was read.
        if entry.file_type().map_err(failed)?.is_dir() {
            folder(&path, files)?;
        } else if is_read(&path) && path.is_file() {
            files.push(file(&path)?);
        }
    }
    Ok(())
}

fn is_read(path: &Path) -> bool {
    let kind = path.extension().and_then(|kind| kind.to_str());
    kind.is_some_and(|kind| ["yaml", "yml", "json"].contains(&kind))
}

fn file(path: &Path) -> Result<File, Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::at(path, error))?;
    Ok(File {
        name: path.display().to_string(),
        text,
    })
}
