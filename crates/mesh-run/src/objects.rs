//! The objects of files, each once: as with `kubectl apply`, what comes later is in the place of what had its name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use documents::{Document, File};
use mesh::Said;

use crate::Error;

/// What files say.
#[derive(Debug, Default)]
pub struct Objects {
    /// The files, as they were read.
    pub files: Vec<File>,
    /// The objects in force.
    pub documents: Vec<Document>,
    /// Which of them are not.
    pub notes: Vec<Said>,
}

/// What names an object: its kind, where it is, and its name.
type Name = (String, String, String, String);

impl Objects {
    /// Reads files, and folders with all that is below them.
    ///
    /// # Errors
    /// One cannot be read, or is no YAML: with its place.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Error> {
        let files = File::read_all(paths, &mut std::io::empty());
        Self::of(files.map_err(|error| Error::Objects(error.to_string()))?)
    }

    /// Reads files that are at hand.
    ///
    /// # Errors
    /// One is no YAML.
    pub fn of(files: Vec<File>) -> Result<Self, Error> {
        let mut all: Vec<Document> = Vec::new();
        let mut places: BTreeMap<Name, usize> = BTreeMap::new();
        let mut notes = Vec::new();
        for file in &files {
            let read = Document::read_text(&file.name, &file.text);
            let read = read.map_err(|error| Error::Objects(error.to_string()))?;
            for document in read.into_iter().flat_map(Document::each) {
                let before = name(&document).map(|name| *places.entry(name).or_insert(all.len()));
                // It stays as old as it was: of several Telemetry objects, say, istiod takes the oldest.
                match before.and_then(|index| all.get_mut(index)) {
                    Some(replaced) => {
                        notes.push(Said {
                            place: replaced.place("metadata.name"),
                            what: format!("{} is in another place as well", called(replaced)),
                            consequence: format!(
                                "that of {}, which comes later, is in force",
                                document.place("kind")
                            ),
                        });
                        *replaced = document;
                    }
                    None => all.push(document),
                }
            }
        }
        Ok(Self {
            files,
            documents: all,
            notes,
        })
    }
}

/// None where it has no name, as a MeshConfig has none.
fn name(document: &Document) -> Option<Name> {
    let object = document.object();
    // A version is none of the name: `v1beta1` and `v1` are the same object.
    let group = object.api_version().split_once('/');
    let group = group.map_or("", |(group, _)| group);
    let all = [group, object.kind(), object.namespace(), object.name()];
    let [group, kind, namespace, name] = all.map(str::to_owned);
    (!name.is_empty()).then_some((group, kind, namespace, name))
}

fn called(document: &Document) -> String {
    let object = document.object();
    format!("{} `{}`", object.kind(), object.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> File {
        let (name, text) = (name.to_owned(), text.to_owned());
        let path = None;
        File { name, text, path }
    }

    #[test]
    fn what_stands_in_a_list_is_there() {
        let list = "kind: List\nitems:\n- {kind: A, metadata: {name: a}}\n- {kind: B, metadata: {name: b}}\n";
        let objects = Objects::of(vec![file("list.yaml", list)]).unwrap();
        let places: Vec<String> = objects
            .documents
            .iter()
            .map(|one| one.place("kind"))
            .collect();
        assert_eq!(places, ["list.yaml:3:10", "list.yaml:4:10"]);
    }

    #[test]
    fn what_comes_later_is_in_force() {
        let of = |version: &str, mark: &str| {
            format!(
                "apiVersion: networking.istio.io/{version}\nkind: VirtualService\nmetadata: {{name: a}}\nspec: {{mark: {mark}}}\n"
            )
        };
        let other = "---\nkind: B\nmetadata: {name: b}\nspec: {mark: other}\n";
        let files = vec![
            file("one.yaml", &[&of("v1beta1", "old"), other].concat()),
            file("two.yaml", &of("v1", "new")),
        ];
        let objects = Objects::of(files).unwrap();
        let marks = objects.documents.iter();
        let marks: Vec<_> = marks
            .map(|one| one.object().value()["spec"]["mark"].as_str())
            .collect();
        // And stands where it stood.
        assert_eq!(marks, [Some("new"), Some("other")]);
        assert_eq!(
            objects.notes[0].to_string(),
            "one.yaml:3:18: VirtualService `a` is in another place as well: that of two.yaml:2:7, which comes later, is in force"
        );
        let problem = Objects::of(vec![file("a.yaml", "a: [")]).unwrap_err();
        assert!(problem.to_string().starts_with("a.yaml:"), "{problem}");
    }
}
