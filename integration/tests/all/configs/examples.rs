//! The configurations in the README and in the pages of the filters, in the filter's own code: whoever copies
//! one has one that loads.

use std::fs;
use std::path::PathBuf;

use integration::envoy::repository;
use sdk_helpers::world::fake::FakeWorld;
use serde_json::Value;

use super::pages::Page;

/// Fields by which a whole configuration is told from a part of one.
const WHOLE: [&str; 8] = [
    "apiVersion",
    "http",
    "jwtRules",
    "limits",
    "policies",
    "rateLimit",
    "resources",
    "tags",
];
/// What stands for something that the reader puts in.
const GAP: char = '…';

fn pages(filter: &str) -> Vec<PathBuf> {
    let folder = repository().join("filters").join(filter);
    let entries = fs::read_dir(&folder).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|kind| kind == "md"))
        .collect()
}

fn configurations(page: &Page) -> Vec<Value> {
    let blocks = page.blocks().into_iter();
    let whole = blocks.filter(|block| block.language == "yaml" && !block.text.contains(GAP));
    let read = whole.map(|block| serde_saphyr::from_str::<Value>(&block.text).unwrap());
    read.filter(|value| WHOLE.iter().any(|field| value.get(field).is_some()))
        .collect()
}

#[test]
fn every_configuration_of_a_readme_loads() {
    for filter in catalog::filters() {
        let mut count = 0;
        for path in pages(filter.name()) {
            for config in configurations(&Page::read(path.to_str().unwrap())) {
                count += 1;
                let loaded = filter.load(config.to_string().as_bytes(), &FakeWorld::new());
                if let Err(errors) = loaded {
                    panic!("{}: {errors:#?}\n{config}", path.display());
                }
            }
        }
        assert!(count > 0, "{filter:?} shows no configuration");
    }
}

/// The one that the README begins with: every part of it, and nothing to warn of.
#[test]
fn the_configuration_of_the_readme_loads() {
    let page = Page::read("README.md");
    let mut resources = page.resources();
    resources.retain(|value| value.get("rateLimit").is_some());
    let [config] = &resources[..] else {
        panic!("{resources:?}");
    };
    let filter = catalog::find("mesh-filters").unwrap();
    match filter.load(config.to_string().as_bytes(), &FakeWorld::new()) {
        Ok(loaded) => assert_eq!(loaded.warnings(), []),
        Err(errors) => panic!("{errors:#?}"),
    }
    for (part, _) in filter.parts() {
        assert!(config.get(part).is_some(), "{part}");
    }
}
