//! Which version the files that users copy name: the one that is built.

use std::path::{Path, PathBuf};

/// What stands before a version in a file that is copied: the image of a module, and the folder that
/// it is mounted to.
const BEFORE: [&str; 2] = ["registry.example/", "/var/lib/mesh-filters/"];
/// Where such files are, below the root.
const PLACES: [&str; 4] = ["README.md", "docs", "envoy-configs", "Dockerfile"];
const KINDS: [&str; 2] = ["md", "yaml"];

/// Holds every such place against `version`: a line for each that names another.
pub(crate) fn check(root: &Path, version: &str) -> Result<(), String> {
    let mut files = Vec::new();
    for place in PLACES {
        list(&root.join(place), &mut files)?;
    }
    let mut problems = Vec::new();
    let mut found = 0;
    for file in files {
        let text = std::fs::read_to_string(&file)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        for (number, line) in text.lines().enumerate() {
            for named in named(line) {
                found += 1;
                if named != version {
                    let file = file.strip_prefix(root).unwrap_or(&file).display();
                    problems.push(format!(
                        "{file}:{}: names version {named}, and Cargo.toml has {version}",
                        number + 1
                    ));
                }
            }
        }
    }
    if found == 0 {
        // Whoever renames the folder or the registry must not end this check by it.
        problems.push(format!(
            "no file names a version after {}",
            BEFORE.join(" or ")
        ));
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.join("\n"))
}

/// The versions that a line names.
fn named(line: &str) -> Vec<&str> {
    let starts = BEFORE.iter().flat_map(|before| line.split(before).skip(1));
    let mut named: Vec<&str> = starts.filter_map(version).collect();
    named.dedup();
    named
}

/// The version in the word that begins here: `mesh-filters:0.1.0` and `0.1.0/plugin.wasm` have one.
fn version(text: &str) -> Option<&str> {
    let word = text
        .split(|c: char| c.is_whitespace() || "\"',`)".contains(c))
        .next()?;
    let mut parts = word.split(['/', ':', '@']);
    parts.find(|part| {
        part.split('.').count() == 3
            && part
                .split('.')
                .all(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn list(place: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    if !place.is_dir() {
        if place.is_file() {
            files.push(place.to_owned());
        }
        return Ok(());
    }
    let problem = |error: std::io::Error| format!("{}: {error}", place.display());
    for entry in std::fs::read_dir(place).map_err(problem)? {
        let path = entry.map_err(problem)?.path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        if path.is_dir() {
            list(&path, files)?;
        } else if kind.is_some_and(|kind| KINDS.contains(&kind)) {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{check, named};

    #[test]
    fn a_version_is_read_after_an_image_and_after_a_folder() {
        for (line, versions) in [
            (
                "reference: registry.example/mesh-filters:0.1.0, pullPolicy",
                vec!["0.1.0"],
            ),
            (
                "url: oci://registry.example/rate-limit:0.1.0@sha256:00",
                vec!["0.1.0"],
            ),
            (
                "{filename: /var/lib/mesh-filters/0.2.0/plugin.wasm}",
                vec!["0.2.0"],
            ),
            (
                "registry.example/a:0.1.0 registry.example/b:0.2.0",
                vec!["0.1.0", "0.2.0"],
            ),
            ("registry.example/mesh-filters and 0.3.0", vec![]),
            ("/var/lib/mesh-filters/rate-limit.wasm", vec![]),
            ("address: 127.0.0.1", vec![]),
        ] {
            assert_eq!(named(line), versions, "{line}");
        }
    }

    #[test]
    fn another_version_is_told_with_its_line_and_none_at_all_is_told_too() {
        let root = std::env::temp_dir().join(format!("xtask-versions-{}", std::process::id()));
        let folder = root.join("envoy-configs/istio");
        std::fs::create_dir_all(&folder).unwrap();
        let write = |text: &str| std::fs::write(folder.join("a.yaml"), text).unwrap();
        write("a: 1\nb: registry.example/m:0.1.0\n");
        let (same, other) = (check(&root, "0.1.0"), check(&root, "0.2.0"));
        write("a: 1\n");
        let none = check(&root, "0.1.0");
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(same, Ok(()));
        let told = "envoy-configs/istio/a.yaml:2: names version 0.1.0, and Cargo.toml has 0.2.0";
        assert_eq!(other, Err(told.to_owned()));
        let told = "no file names a version after registry.example/ or /var/lib/mesh-filters/";
        assert_eq!(none, Err(told.to_owned()));
    }
}
