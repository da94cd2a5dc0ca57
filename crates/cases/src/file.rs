//! Files of suites.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::case::Suite;
use crate::written::Written;

/// The suites of one file.
#[derive(Debug, Clone)]
pub struct File {
    /// The filter whose configurations they are, unless a suite names another.
    pub filter: String,
    /// The file's name without its folder and `.yaml`.
    pub name: String,
    /// Where it was read.
    pub path: PathBuf,
    /// What it holds.
    pub suites: Vec<Suite>,
}

/// All filters in one module, whose configurations those of who says nothing else are.
pub const ALL: &str = "mesh-filters";

/// What suites say beside `description`, one of them at least.
const SAYS: [&str; 3] = ["cases", "refused", "warnings"];

/// Why a file is none of cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The file or folder.
    pub path: PathBuf,
    /// The description of the suite, where it is one suite's.
    pub suite: Option<String>,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        if let Some(suite) = &self.suite {
            write!(f, "suite `{suite}`: ")?;
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Error {}

impl File {
    /// Every file of every filter, by name: `<filters>/<name>/cases/*.yaml`, for each folder
    /// with a `Cargo.toml`.
    ///
    /// # Errors
    /// If a filter has no cases, or a file is none of cases.
    pub fn read_filters(filters: &Path) -> Result<Vec<File>, Error> {
        let mut files = Vec::new();
        for folder in list(filters)? {
            if !folder.join("Cargo.toml").is_file() {
                continue;
            }
            files.extend(File::read_folder(&stem(&folder), &folder.join("cases"))?);
        }
        Ok(files)
    }

    /// Every file of one folder, with cases of this filter.
    ///
    /// # Errors
    /// The first of those that [`File::read_all`] has.
    pub fn read_folder(filter: &str, folder: &Path) -> Result<Vec<File>, Error> {
        let folder = folder.to_owned();
        let read = File::read_all(
            std::slice::from_ref(&folder),
            Some(filter),
            &mut std::io::empty(),
        );
        let none = || problem(&folder, None, "cannot be read");
        read.map_err(|errors| errors.into_iter().next().unwrap_or_else(none))
    }

    /// The files of cases among files, folders and, for `-`, standard input; of a folder those that are meant to be
    /// such. Where no filter is named a file is of the one whose folder it is in.
    ///
    /// # Errors
    /// What cannot be read, is none of cases, or is a folder without such a file: each of them.
    pub fn read_all(
        paths: &[PathBuf],
        filter: Option<&str>,
        stdin: &mut dyn Read,
    ) -> Result<Vec<File>, Vec<Error>> {
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for path in paths {
            match texts(path, stdin) {
                Ok(texts) => texts.iter().for_each(|text| {
                    // As it would be typed from here.
                    let path = Path::new(text.name.strip_prefix("./").unwrap_or(&text.name));
                    let filter = filter.unwrap_or_else(|| File::filter_of(path));
                    match File::parse(filter, path, &text.text) {
                        Ok(file) => files.push(file),
                        Err(error) => problems.push(error),
                    }
                }),
                Err(error) => problems.push(error),
            }
        }
        match problems.is_empty() {
            true => Ok(files),
            false => Err(problems),
        }
    }

    /// One file with cases of this filter.
    ///
    /// # Errors
    /// If it cannot be read, or is none of cases.
    pub fn read(filter: &str, path: impl AsRef<Path>) -> Result<File, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| problem(path, None, &error.to_string()))?;
        File::parse(filter, path, &text)
    }

    /// The filter of the folder that a file is in, as in `<filter>/cases/mine.yaml`; [`ALL`] where it is another.
    #[must_use]
    pub fn filter_of(path: &Path) -> &'static str {
        let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = whole.parent().filter(|folder| folder.ends_with("cases"));
        let named = folder.and_then(Path::parent).map(stem);
        let filter = named.and_then(|name| catalog::find(&name).ok());
        filter.map_or(ALL, catalog::Filter::name)
    }

    /// Whether a text is meant to be one of cases, in a folder with policies: a list with suites in it. What is no YAML
    /// is meant to be one where it begins as a list and has the words of a suite.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        if let Ok(tree) = serde_saphyr::from_str::<Value>(text) {
            return File::is_of_suites(&tree);
        }
        let mut lines = text.lines().map(str::trim_start);
        let passed_over = |line: &str| line.is_empty() || line.starts_with('#') || line == "---";
        let first = lines.find(|line| !passed_over(line));
        let is_list = first.is_some_and(|line| line.starts_with(['-', '[']));
        is_list && text.contains("description") && SAYS.iter().any(|name| text.contains(name))
    }

    /// The same of what was read from it.
    #[must_use]
    pub fn is_of_suites(tree: &Value) -> bool {
        let mut suites = tree.as_array().into_iter().flatten();
        suites.any(|it| {
            it.get("description").is_some() && SAYS.iter().any(|name| it.get(name).is_some())
        })
    }

    /// The same of its text; `path` is for messages, and in its folder are the files that suites name.
    ///
    /// # Errors
    /// If it is none of cases.
    pub fn parse(filter: &str, path: impl AsRef<Path>, text: &str) -> Result<File, Error> {
        let path = path.as_ref();
        let written: Vec<Written> = serde_saphyr::from_str(text).map_err(|error| {
            if let Some(other) = another(path, text) {
                return other;
            }
            let suite = misshapen(text);
            problem(path, suite.as_deref(), &error.without_snippet().to_string())
        })?;
        let mut descriptions = BTreeSet::new();
        let mut suites = Vec::with_capacity(written.len());
        for suite in written {
            let description = suite.description.clone();
            let of = |what: &str| problem(path, Some(&description), what);
            if !descriptions.insert(description.clone()) {
                return Err(of("another suite has this description too"));
            }
            let suite = suite.read(path, filter).map_err(|what| of(&what))?;
            check(&suite).map_err(|what| of(&what))?;
            suites.push(suite);
        }
        Ok(File {
            filter: filter.to_owned(),
            name: stem(path),
            path: path.to_owned(),
            suites,
        })
    }
}

/// The texts at one path.
fn texts(path: &Path, stdin: &mut dyn Read) -> Result<Vec<documents::File>, Error> {
    let read = documents::File::read_all(&[path.to_owned()], stdin);
    let mut read = read.map_err(|error| problem(Path::new(&error.place), None, &error.problem))?;
    if path.is_dir() {
        read.retain(|file| File::is_meant(&file.text));
        if read.is_empty() {
            let none = "no file in it is a list of suites, each with `description` and `cases`";
            return Err(problem(path, None, none));
        }
    }
    Ok(read)
}

fn check(suite: &Suite) -> Result<(), String> {
    let refused = !suite.refused.is_empty();
    let cases = !suite.cases.is_empty();
    if refused == cases && (refused || suite.warnings.is_empty()) {
        return Err("must have cases, warnings, or the errors it is refused with".to_owned());
    }
    let mut names = BTreeSet::new();
    match suite.cases.iter().find(|case| !names.insert(&case.name)) {
        Some(case) => Err(format!("two cases are named `{}`", case.name)),
        None => Ok(()),
    }
}

/// What is wrong with a file that is another than one of cases: no YAML, or no list.
fn another(path: &Path, text: &str) -> Option<Error> {
    if let Err(error) = documents::Document::read_text(&path.display().to_string(), text) {
        return Some(problem(Path::new(&error.place), None, &error.problem));
    }
    let is_list = matches!(serde_saphyr::from_str(text), Ok(Value::Array(_)));
    let none = "is no case file, which is a list of suites, each with `description` and `cases`; of policies \
                `mesh-filters test --init -f FILE` makes a first one";
    (!is_list).then(|| problem(path, None, none))
}

/// The description of the suite that has not the shape of one.
fn misshapen(text: &str) -> Option<String> {
    let suites: Vec<Value> = serde_saphyr::from_str(text).ok()?;
    let mut suites = suites.into_iter();
    let wrong = suites.find(|suite| serde_json::from_value::<Written>(suite.clone()).is_err())?;
    Some(wrong.get("description")?.as_str()?.to_owned())
}

fn problem(path: &Path, suite: Option<&str>, problem: &str) -> Error {
    Error {
        path: path.to_owned(),
        suite: suite.map(str::to_owned),
        problem: problem.to_owned(),
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |error: std::io::Error| problem(folder, None, &error.to_string());
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}
