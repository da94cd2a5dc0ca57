//! The configuration of a suite that stands in other files.

use std::path::{Path, PathBuf};

use documents::Document;
use serde_json::{Value, json};

/// Reads the files and folders that a suite names, by paths from the folder of its own file: one document with a
/// configuration of the filter, or Istio's resources. Of these the ones that the filter takes count, and others, as
/// a folder has them, are passed over.
///
/// # Errors
/// Says which file cannot be read, or what is wrong with them together.
pub fn read(filter: &str, of: &Path, names: &[String]) -> Result<Value, String> {
    let read = Document::read_all(&places(of, names), &mut std::io::empty());
    let read = read.map_err(|error| format!("`files`: {error}"))?;
    let documents = read
        .iter()
        .map(|document| document.object().value().clone());
    let documents = documents.filter(|document| !document.is_null());
    let (objects, mut others): (Vec<Value>, Vec<Value>) =
        documents.partition(|it| it.get("kind").is_some());
    match (others.len(), objects.is_empty()) {
        (1, true) => Ok(others.remove(0)),
        (0, false) => of_objects(filter, objects),
        (0, true) => Err("`files` have nothing in them".to_owned()),
        _ => Err(
            "`files` have several configurations; they are to have one, or Istio's resources alone"
                .to_owned(),
        ),
    }
}

/// Where files are that a case file names.
pub(crate) fn places(of: &Path, names: &[String]) -> Vec<PathBuf> {
    let beside = of.parent().unwrap_or(Path::new(""));
    names.iter().map(|name| beside.join(name)).collect()
}

/// The objects that a filter takes, as its configuration.
fn of_objects(filter: &str, objects: Vec<Value>) -> Result<Value, String> {
    let filter = catalog::find(filter).map_err(|error| error.to_string())?;
    let named = |name: &str| catalog::find(name).ok().map(|part| part.envelope().kind);
    let parts = filter.parts().iter();
    let mut kinds: Vec<&str> = parts.filter_map(|(_, name)| named(name)).collect();
    let is_whole = !kinds.is_empty();
    if !is_whole {
        kinds.push(filter.envelope().kind);
    }
    let kind_of = |object: &Value| {
        object
            .get("kind")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let is_taken = |object: &Value| {
        // A list has objects of any kind in it, and whoever reads it says which it does not take.
        kind_of(object).is_some_and(|kind| kinds.contains(&kind.as_str()) || kind.ends_with("List"))
    };
    let taken: Vec<Value> = objects.into_iter().filter(is_taken).collect();
    if taken.is_empty() {
        return Err(format!(
            "`files` have no resource that `{}` takes: {}",
            filter.name(),
            kinds.join(", ")
        ));
    }
    Ok(match is_whole {
        true => json!({ "resources": taken }),
        false => Value::Array(taken),
    })
}
