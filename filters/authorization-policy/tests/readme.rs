//! The pages' tables of fields are those the configuration is read by.

use std::path::Path;

use authorization_policy::config::Wire;
use sdk_helpers::config::kind::FieldKind;
use sdk_helpers::config::page;

#[test]
fn the_pages_have_the_fields() {
    let wire = Wire::describe();
    for page in ["README.md", "CUSTOM.md"] {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        let kept = page::keep(&page, wire.table().expect("a mapping"));
        assert_eq!(kept, Ok(()), "{}", kept.clone().unwrap_err());
    }
}
