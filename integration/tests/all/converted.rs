//! Envoy's own filters and what they are converted to.

mod kinds;
mod limits;

use documents::Document;
use integration::listener::{Listener, typed};
use native::{Loss, Native};
use serde_json::{Value, json};

/// What filters are converted to, each given by the end of its message's name.
#[track_caller]
pub(crate) fn converted(filters: &[(&str, Value)]) -> Native {
    let entries = filters.iter().map(|(message, fields)| {
        let config = typed(
            &format!("envoy.extensions.filters.http.{message}"),
            fields.clone(),
        );
        json!({"name": message, "typed_config": config})
    });
    read(&Value::from(entries.collect::<Vec<_>>()))
}

#[track_caller]
fn read(value: &Value) -> Native {
    let text = value.to_string();
    let documents = Document::read_text("filters.json", &text).unwrap();
    match native::read(&documents) {
        Ok(native) => native,
        Err(problems) => panic!("{problems:#?}\n{text}"),
    }
}

/// A listener with Envoy's own filters, and one with the same routes and what they are converted to, of which no
/// decision is lost but those that `known` names.
#[track_caller]
fn pair(
    name: &str,
    native: impl Fn(Listener) -> Listener,
    routes: &[Value],
    known: &[&str],
) -> [Listener; 2] {
    let named = |side: &str| Listener::new(&format!("{side}-{name}")).routes(routes.to_vec());
    let theirs = native(named("native"));
    let Native { tree, losses, .. } = read(&theirs.clone().build());
    let told: Vec<&Loss> = losses
        .iter()
        .filter(|loss| !is_of_names(loss) && !loss.what.starts_with("not of a filter"))
        .filter(|loss| !known.iter().any(|known| loss.what.contains(known)))
        .collect();
    assert!(told.is_empty(), "{name}: {told:#?}");
    [theirs, named("ours").module("mesh-filters", &tree)]
}

/// Whether a loss is of names, or of what a rig shows all the same, and not of decisions.
pub(crate) fn is_of_names(loss: &Loss) -> bool {
    loss.what.contains("a wasm filter sees the first URI")
        || loss.consequence.starts_with("statistics are")
        || loss.consequence.contains("reasons name this provider")
}
