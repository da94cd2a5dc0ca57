//! The tables of `docs/remote-modules.md`.

use std::collections::BTreeMap;
use std::fs;

use integration::envoy::repository;

/// The page.
pub(crate) fn text() -> String {
    fs::read_to_string(repository().join("docs/remote-modules.md")).unwrap()
}

/// The rows of the table below a heading, by their first cells.
pub(crate) fn table(heading: &str) -> BTreeMap<String, Vec<String>> {
    let text = text();
    let mut lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let mut rows = BTreeMap::new();
    let table = lines
        .by_ref()
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| line.starts_with('|'));
    // The names of the columns, and the line below them, come first.
    for line in table.skip(2) {
        let mut cells = line.trim_matches('|').split('|');
        let first = cells.next().unwrap().trim().to_owned();
        let others = cells.map(|cell| cell.trim().to_owned()).collect();
        let twice = rows.insert(first, others);
        assert!(twice.is_none(), "{heading}: {line}");
    }
    assert!(!rows.is_empty(), "{heading}");
    rows
}
