//! `docs/versions.md`: what it says of each version is what the table of the code has.

use integration::envoy::{Capability, VERSION};

use super::pages::Page;

#[test]
fn the_page_has_every_row_of_the_table() {
    let page = Page::read("docs/versions.md");
    let mut rows: Vec<&str> = page.text().lines().collect();
    rows.retain(|row| row.starts_with("| before ") || row.starts_with("| 1.37.0 | `"));
    let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.split(" | ").collect()).collect();
    assert_eq!(rows.len(), Capability::ALL.len());
    for (row, capability) in rows.iter().zip(Capability::ALL) {
        assert_eq!(row[0], format!("| {}", capability.lacking()));
        assert_eq!(row[1], capability.instead());
    }
    assert!(page.text().contains(&format!("\n| {VERSION} | all; ")));
}
