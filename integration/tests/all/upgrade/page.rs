//! `docs/upgrade.md`: what it has a reader write is taken, and does nothing to traffic.

use std::fs;

use catalog::find;
use integration::envoy::repository;
use sdk_helpers::world::fake::FakeWorld;
use serde_json::Value;

#[test]
fn what_is_tried_is_a_configuration() {
    let text = fs::read_to_string(repository().join("docs/upgrade.md")).unwrap();
    let blocks = text.split("\n```yaml\n").skip(1);
    let blocks: Vec<&str> = blocks
        .filter_map(|rest| rest.split("\n```").next())
        .collect();
    assert_eq!(blocks.len(), 1);
    for block in blocks {
        let config: Value = serde_saphyr::from_str(block).unwrap();
        let loaded = find("mesh-filters")
            .unwrap()
            .load(config.to_string().as_bytes(), &FakeWorld::new());
        let loaded = loaded.unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(loaded.warnings(), []);
    }
}

/// Each reason that the page names is one that a filter's page has.
#[test]
fn reasons_of_shadows_are_those_of_the_filters() {
    let text = fs::read_to_string(repository().join("docs/upgrade.md")).unwrap();
    let rows = text
        .lines()
        .skip_while(|line| *line != "| filter | say | reasons to count |");
    let rows = rows.skip(2).take_while(|line| line.starts_with('|'));
    let mut named = 0;
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let filter = cells[0].split(',').next().unwrap();
        let readme = repository().join(format!("filters/{filter}/README.md"));
        let readme = fs::read_to_string(readme).unwrap();
        for reason in cells[2]
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|reason| !reason.ends_with('…'))
        {
            assert!(readme.contains(&format!("`{reason}")), "{filter}: {reason}");
            named += 1;
        }
    }
    assert!(named >= 8, "{named}");
}
