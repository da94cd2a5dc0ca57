//! `mesh-filters check --fix` and `--diff`: files with what is certain mended, and what changes in them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use check::{Fixed, Options, Source};
use documents::File;
use tempfile::NamedTempFile;

use super::{diff, text};
use crate::ending::{Ending, Failure};
use crate::output::Output;

/// Shows what would change, and changes nothing. It ends with 1 where something would.
pub(super) fn show(files: &[File], sources: &[Source], options: &Options) -> Ending {
    let fixed = check::fix(sources, options);
    anstream::print!("{}", differences(files, &fixed));
    anstream::eprintln!("{}", text::mended(&fixed, "would mend"));
    match fixed.mended.is_empty() {
        true => Ending::Fine,
        false => Ending::Found,
    }
}

/// Changes the files, shows what changed for people, and gives what is found in them then.
pub(super) fn write(
    files: &[File],
    sources: &[Source],
    options: &Options,
    output: Output,
) -> Result<Fixed, Failure> {
    let fixed = check::fix(sources, options);
    let changed = changed(files, &fixed);
    // All that can go wrong with any of them is asked before the first is written.
    let mut places: Vec<(PathBuf, &File, &str)> = Vec::new();
    for (file, text) in changed {
        let Some(path) = &file.path else {
            continue;
        };
        let place = place(path, file)?;
        if !places.iter().any(|(other, ..)| *other == place) {
            places.push((place, file, text));
        }
    }
    for (place, file, text) in places {
        replace(&place, text).map_err(|problem| not_written(file, problem))?;
    }
    if output.is_human() {
        anstream::print!("{}", differences(files, &fixed));
    }
    Ok(fixed)
}

/// Prints standard input mended, and what is found in it then on standard error.
pub(super) fn print(file: &File, options: &Options) -> Fixed {
    let source = Source {
        name: file.name.clone(),
        text: file.text.clone(),
    };
    let fixed = check::fix(&[source], options);
    for source in &fixed.sources {
        // Nobody may be there to read it, as behind `head`.
        let _ = std::io::stdout().write_all(source.text.as_bytes());
    }
    anstream::eprint!("{}", text::report(&fixed.report, &fixed.sources));
    anstream::eprintln!("{}", text::mended(&fixed, "mended"));
    fixed
}

/// The files that are others now, with their new text.
fn changed<'a>(files: &'a [File], fixed: &'a Fixed) -> Vec<(&'a File, &'a str)> {
    let both = files.iter().zip(&fixed.sources);
    let changed = both.filter(|(file, source)| file.text != source.text);
    changed
        .map(|(file, source)| (file, source.text.as_str()))
        .collect()
}

fn differences(files: &[File], fixed: &Fixed) -> String {
    let changed = changed(files, fixed).into_iter();
    changed
        .map(|(file, text)| diff::unified(&file.name, &file.text, text))
        .collect()
}

/// The file itself, where the path is a link to it; it can be written, and is what was read.
fn place(path: &Path, file: &File) -> Result<PathBuf, Failure> {
    let place = fs::canonicalize(path).map_err(|error| not_written(file, error))?;
    let about = fs::metadata(&place).map_err(|error| not_written(file, error))?;
    if about.permissions().readonly() {
        return Err(not_written(file, "it is read-only"));
    }
    let now = fs::read(&place).map_err(|error| not_written(file, error))?;
    match now == file.text.as_bytes() {
        true => Ok(place),
        false => Err(not_written(file, "it has changed since it was read")),
    }
}

fn not_written(file: &File, problem: impl std::fmt::Display) -> Failure {
    Failure::new(format!("{}: cannot be fixed: {problem}", file.name))
}

/// Puts a text in the place of a file, whole or not at all, with the mode that the file has.
fn replace(place: &Path, text: &str) -> std::io::Result<()> {
    let folder = place.parent().unwrap_or(Path::new("."));
    let mut new = NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    new.as_file()
        .set_permissions(fs::metadata(place)?.permissions())?;
    new.as_file().sync_all()?;
    new.persist(place)?;
    Ok(())
}
