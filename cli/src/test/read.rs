//! Which files are run, and which of their cases.

use std::path::PathBuf;

use cases::File;

use crate::ending::Failure;

/// Reads all case files.
pub(super) fn files(paths: &[PathBuf], filter: Option<&str>) -> Result<Vec<File>, Failure> {
    let said = |problems: Vec<String>| Failure::new(problems.join("\nmesh-filters: "));
    let read = File::read_all(paths, filter, &mut std::io::stdin());
    let files = read.map_err(|errors| said(errors.iter().map(ToString::to_string).collect()))?;
    let unknown = files
        .iter()
        .flat_map(|file| file.suites.iter().map(move |suite| (file, suite)));
    let unknown = unknown.filter_map(|(file, suite)| {
        let error = catalog::find(suite.filter_in(file)).err()?;
        Some(format!(
            "{}: suite `{}`: {error}",
            file.path.display(),
            suite.description
        ))
    });
    let unknown: Vec<String> = unknown.collect();
    match unknown.is_empty() {
        true => Ok(files),
        false => Err(said(unknown)),
    }
}

/// The files with configurations that case files name; nothing where these cannot be read.
pub(super) fn named_by(paths: &[PathBuf], filter: Option<&str>) -> Option<Vec<PathBuf>> {
    let files = files(paths, filter).ok()?.into_iter();
    let suites = files.flat_map(|file| file.suites);
    Some(suites.flat_map(|suite| suite.files).collect())
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
