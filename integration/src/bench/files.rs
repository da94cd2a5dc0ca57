//! Where scenarios are, and which of them are asked for.

use std::path::{Path, PathBuf};

use super::scenario::{Scenario, parse};
use crate::envoy::repository;

/// The scenarios of these names or files; all there are if none is named.
///
/// # Errors
/// If a file is wrong, or a name means nothing.
pub fn select(wanted: &[String]) -> Result<Vec<Scenario>, String> {
    let all = all()?;
    if wanted.is_empty() {
        return Ok(all);
    }
    let mut selected = Vec::new();
    for word in wanted {
        if word.ends_with(".yaml") {
            selected.extend(read(Path::new(word))?);
            continue;
        }
        let found = all.iter().find(|scenario| scenario.name == *word);
        let names: Vec<&str> = all.iter().map(|s| s.name.as_str()).collect();
        let unknown = || format!("no scenario `{word}`; there are: {}", names.join(", "));
        selected.push(found.ok_or_else(unknown)?.clone());
    }
    Ok(selected)
}

/// Every scenario of the repository, those of test modules first: they are the floor.
///
/// # Errors
/// If a file is wrong, or two scenarios share a name.
pub fn all() -> Result<Vec<Scenario>, String> {
    let mut files = Vec::new();
    for module in list(&repository().join("integration/modules")) {
        files.extend(Some(module.join("bench.yaml")).filter(|file| file.is_file()));
    }
    for filter in list(&repository().join("filters")) {
        let mut found = list(&filter.join("benches"));
        found.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
        files.extend(found);
    }
    let mut scenarios: Vec<Scenario> = Vec::new();
    for file in files {
        for scenario in read(&file)? {
            if scenarios.iter().any(|other| other.name == scenario.name) {
                return Err(format!("two scenarios are named `{}`", scenario.name));
            }
            scenarios.push(scenario);
        }
    }
    Ok(scenarios)
}

/// The scenarios of one file.
fn read(path: &Path) -> Result<Vec<Scenario>, String> {
    let wrong = |problem: String| format!("{}: {problem}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    parse(&text).map_err(wrong)
}

/// What a folder holds, in order; nothing where there is none.
fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_of_the_repository_is_readable() {
        let names: Vec<String> = all().unwrap().into_iter().map(|s| s.name).collect();
        for expected in ["floor", "fault-idle", "fault-delays", "chain"] {
            assert!(names.iter().any(|name| name == expected), "{names:?}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_those_there_are() {
        let error = select(&["flor".to_owned()]).unwrap_err();
        assert!(
            error.starts_with("no scenario `flor`; there are: floor, "),
            "{error}"
        );
    }
}
