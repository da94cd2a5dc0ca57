//! What `convert` makes of Istio's objects, in a real Envoy: beside Envoy's own filters as istiod makes them of the same
//! objects, and as the files and objects that it writes.

mod differential;
mod written;

use convert::{Converted, Modules, read};
use documents::Document;
use integration::listener::Listener;
use policies::Settings;
use serde_json::Value;

/// Reads objects for the module of one filter.
fn converted(objects: &[Value], filter: &str) -> Converted {
    let texts = objects.iter().map(Value::to_string);
    let text = texts.collect::<Vec<String>>().join("\n---\n");
    let documents = Document::read_text("objects.yaml", &text).unwrap();
    let filter = catalog::find(filter).unwrap();
    let converted = read(&documents, &Settings::default(), Modules::Only(filter));
    converted.unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
}

/// A listener with what came of objects.
fn module(listener: Listener, converted: &Converted) -> Listener {
    let [only] = &converted.configurations[..] else {
        panic!("{converted:?}");
    };
    listener.module(only.filter.name(), &only.tree)
}
