//! The READMEs of the two folders: each file has its place in them, and each module its way by every kind.

use std::collections::BTreeSet;
use std::path::Path;

use integration::demo::Shipped;

use super::{FOLDERS, stem};
use crate::configs::istio_all::FILTERS;
use crate::configs::pages::Page;

/// The files that a text links to in its own folder.
fn linked(text: &str) -> BTreeSet<String> {
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| Some(rest.split_once(')')?.0));
    targets
        .filter_map(|target| target.strip_suffix(".yaml"))
        .filter(|target| !target.contains('/'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn each_file_has_its_place() {
    for folder in FOLDERS {
        let page = Page::read(&format!("{folder}/README.md"));
        let files = Shipped::all(folder);
        let files: BTreeSet<String> = files.iter().map(|file| stem(file).to_owned()).collect();
        assert_eq!(linked(page.text()), files, "{folder}");
    }
}

#[test]
fn each_module_comes_by_every_kind() {
    for (folder, kinds) in FOLDERS.into_iter().zip([4, 2]) {
        let page = Page::read(&format!("{folder}/README.md"));
        for module in ["mesh-filters"].iter().chain(&FILTERS) {
            let row = format!("| {module} |");
            let mut lines = page.text().lines();
            let row = lines.find(|line| line.starts_with(&row));
            let row = row.unwrap_or_else(|| panic!("{folder}: no row of {module}"));
            let cells: Vec<&str> = row.trim_matches('|').split('|').skip(1).collect();
            assert_eq!(cells.len(), kinds, "{folder}: {row}");
            for cell in cells {
                let mut files = linked(cell).into_iter();
                let has = |file: String| {
                    let file = Shipped::read(&format!("{folder}/{file}.yaml"));
                    // As a `root_id`, a `pluginName` or a `rootID`.
                    file.text().lines().any(|line| {
                        let named = line.trim().split_once(": ");
                        named.is_some_and(|(field, name)| {
                            ["root_id", "pluginName", "rootID"].contains(&field) && name == *module
                        })
                    })
                };
                assert!(files.any(has), "{folder}: {row}");
            }
        }
    }
}

#[test]
fn their_links_lead_to_files() {
    for folder in FOLDERS {
        let page = Page::read(&format!("{folder}/README.md"));
        let targets = page.text().split("](").skip(1);
        for target in targets.filter_map(|rest| Some(rest.split_once(')')?.0)) {
            let target = target.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let file = integration::envoy::repository().join(folder).join(target);
            assert!(Path::new(&file).exists(), "{folder}: {target}");
        }
    }
}
