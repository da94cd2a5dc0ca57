//! The README's tables of fields are those the configuration is read by.

use std::path::Path;

use sdk_helpers::config::kind::FieldKind;
use sdk_helpers::config::page;
use telemetry_tags::config::Wire;

#[test]
fn the_readme_has_the_fields() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let kept = page::keep(&readme, &Wire::describe().into_table());
    assert_eq!(kept, Ok(()), "{}", kept.clone().unwrap_err());
}
