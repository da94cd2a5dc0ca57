//! The pages of `docs/` and the README, as their readers follow them: what they have them do, and what they show
//! as YAML.

use super::manifests;
use super::pages::{Page, docs};
use super::runner::run;

/// Those whose commands need more looking at than that they go well, and the tests that do.
const CLOSELY: [(&str, &str); 4] = [
    ("docs/envoy.md", "configs::envoy_page"),
    ("docs/istio.md", "configs::istio_page"),
    ("docs/mesh.md", "configs::mesh_page"),
    ("docs/write-a-filter.md", "configs::elsewhere"),
];

#[test]
fn what_pages_have_a_reader_do_goes_well() {
    let mut pages = docs();
    pages.push("README.md".to_owned());
    pages.retain(|page| !CLOSELY.iter().any(|(other, _)| page == other));
    for page in pages {
        run(&page);
    }
}

#[test]
fn what_pages_show_as_yaml_is_read() {
    let mut pages = docs();
    pages.push("README.md".to_owned());
    for page in pages {
        Page::read(&page)
            .resources()
            .iter()
            .for_each(manifests::check);
    }
}
