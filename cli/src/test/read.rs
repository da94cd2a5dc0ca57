//! Which files are run, and which of their cases.

use std::path::{Path, PathBuf};

use cases::File;

use crate::ending::Failure;

/// Reads all case files.
pub(super) fn files(paths: &[PathBuf], filter: Option<&str>) -> Result<Vec<File>, Failure> {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in paths {
        match read(path, filter) {
            Ok(read) => files.extend(read),
            Err(found) => problems.extend(found),
        }
    }
    let unknown = files
        .iter()
        .flat_map(|file| file.suites.iter().map(move |suite| (file, suite)));
    problems.extend(unknown.filter_map(|(file, suite)| {
        let error = catalog::find(suite.filter_in(file)).err()?;
        Some(format!(
            "{}: suite `{}`: {error}",
            file.path.display(),
            suite.description
        ))
    }));
    match problems.is_empty() {
        true => Ok(files),
        false => Err(Failure::new(problems.join("\nmesh-filters: "))),
    }
}

/// The files with configurations that case files name; nothing where these cannot be read.
pub(super) fn named_by(paths: &[PathBuf], filter: Option<&str>) -> Option<Vec<PathBuf>> {
    let files = files(paths, filter).ok()?.into_iter();
    let suites = files.flat_map(|file| file.suites);
    Some(suites.flat_map(|suite| suite.files).collect())
}

fn read(path: &Path, filter: Option<&str>) -> Result<Vec<File>, Vec<String>> {
    let read = documents::File::read_all(&[path.to_owned()], &mut std::io::stdin());
    let mut read = read.map_err(|failure| vec![failure.to_string()])?;
    if path.is_dir() {
        read.retain(|file| File::is_meant(&file.text));
        if read.is_empty() {
            let problem = "no file in it is a list of suites, each with `description` and `cases`";
            return Err(vec![format!("{}: {problem}", path.display())]);
        }
    }
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for file in read {
        // As it would be typed from here.
        let path = Path::new(file.name.strip_prefix("./").unwrap_or(&file.name));
        let filter = filter.unwrap_or_else(|| File::filter_of(path));
        match File::parse(filter, path, &file.text) {
            Ok(file) => files.push(file),
            Err(error) => problems.push(error.to_string()),
        }
    }
    match problems.is_empty() {
        true => Ok(files),
        false => Err(problems),
    }
}

/// Leaves those cases, and suites that expect something of their configuration alone, that have a text in their name.
pub(super) fn only(text: &str, files: &mut Vec<File>) -> Result<(), Failure> {
    let wanted = text.to_lowercase();
    for file in &mut *files {
        file.suites.retain_mut(|suite| {
            if suite.description.to_lowercase().contains(&wanted) {
                return true;
            }
            let description = &suite.description;
            suite.cases.retain(|case| {
                let name = format!("{description}: {}", case.name);
                name.to_lowercase().contains(&wanted)
            });
            !suite.cases.is_empty()
        });
    }
    files.retain(|file| !file.suites.is_empty());
    match files.is_empty() {
        true => Err(Failure::new(format!(
            "no case has `{}` in its name",
            text.escape_debug()
        ))),
        false => Ok(()),
    }
}
