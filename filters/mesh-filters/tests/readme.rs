//! The README's table of fields is that which the configuration is read by.

use std::path::Path;

use mesh_filters_chain::MeshFilters;
use mesh_filters_chain::config::Wire;
use sdk_helpers::config::kind::FieldKind;
use sdk_helpers::config::page;
use sdk_helpers::config::table::Type;

#[test]
fn the_readme_has_the_fields() {
    let mut table = Wire::describe().into_table();
    for field in &mut table.fields {
        if MeshFilters::PARTS
            .iter()
            .any(|(part, _)| *part == field.name)
        {
            // What stands in it is told by the filter's own README.
            field.kind = Type::Anything;
        }
    }
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let kept = page::keep(&readme, &table);
    assert_eq!(kept, Ok(()), "{}", kept.clone().unwrap_err());
}
