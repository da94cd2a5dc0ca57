//! Files by name, all of a folder, or standard input.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::{Error, failure, unreadable};

const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];
/// What standard input is called.
const STDIN: &str = "<stdin>";

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// As it was given, `<stdin>` for standard input.
    pub name: String,
    /// What is in it.
    pub text: String,
    /// Where it lies; nowhere for standard input.
    pub path: Option<PathBuf>,
}

impl File {
    /// Reads files, folders with all of `*.yaml`, `*.yml` and `*.json` below them, and, for `-`, standard
    /// input. Folders are read in the order of names, hidden files passed over.
    ///
    /// # Errors
    /// The first that cannot be read, or a folder without such a file.
    pub fn read_all(paths: &[PathBuf], stdin: &mut dyn Read) -> Result<Vec<Self>, Error> {
        let mut files = Vec::new();
        for path in paths {
            if path == Path::new("-") {
                let mut text = String::new();
                let read = stdin.read_to_string(&mut text);
                read.map_err(|error| unreadable(STDIN.to_owned(), &error))?;
                let name = STDIN.to_owned();
                let path = None;
                files.push(Self { name, text, path });
            } else if path.is_dir() {
                let before = files.len();
                folder(path, &mut files)?;
                if files.len() == before {
                    let problem = "has no file named *.yaml, *.yml or *.json";
                    return Err(failure(path.display().to_string(), &problem));
                }
            } else {
                files.push(file(path)?);
            }
        }
        Ok(files)
    }
}

fn folder(path: &Path, files: &mut Vec<File>) -> Result<(), Error> {
    let about = |error: std::io::Error| unreadable(path.display().to_string(), &error);
    let entries: Result<Vec<_>, _> = fs::read_dir(path).map_err(about)?.collect();
    let mut entries = entries.map_err(about)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        // A link to a folder may lead back to one that was read.
        if entry.file_type().map_err(about)?.is_dir() {
            folder(&path, files)?;
        } else if ending.is_some_and(|ending| ENDINGS.contains(&ending)) && path.is_file() {
            files.push(file(&path)?);
        }
    }
    Ok(())
}

fn file(path: &Path) -> Result<File, Error> {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => Ok(File {
            name,
            text,
            path: Some(path.to_owned()),
        }),
        Err(error) => Err(unreadable(name, &error)),
    }
}
