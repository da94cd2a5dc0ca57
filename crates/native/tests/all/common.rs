//! What the tests of conversions have in common.

use documents::Document;
use native::Native;
use sdk_helpers::world::fake::FakeWorld;
use serde_json::Value;

/// The documents of a text.
pub(crate) fn documents(text: &str) -> Vec<Document> {
    Document::read_text("a.yaml", text).unwrap()
}

/// What a text is converted to, which the one module takes.
#[track_caller]
pub(crate) fn converted(text: &str) -> Native {
    let native = match native::read(&documents(text)) {
        Ok(native) => native,
        Err(problems) => panic!("{problems:?}"),
    };
    is_taken(&native.tree);
    native
}

/// Asserts that the one module takes a configuration.
#[track_caller]
pub(crate) fn is_taken(tree: &Value) {
    if tree.as_object().is_some_and(serde_json::Map::is_empty) {
        return;
    }
    let filter = catalog::find("mesh-filters").unwrap();
    let loaded = filter.load(tree.to_string().as_bytes(), &FakeWorld::new());
    if let Err(problems) = loaded {
        panic!("{problems:?}\n{tree:#}");
    }
}

/// What is wrong with a text.
#[track_caller]
pub(crate) fn refused(text: &str) -> Vec<String> {
    let problems = native::read(&documents(text)).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}
