//! What the verbs of the program read: files, folders and standard input, many documents of YAML or JSON to
//! each, and the place of every field in them.
//!
//! ```
//! use documents::Document;
//!
//! let all = Document::read_text("policies.yaml", "kind: AuthorizationPolicy\nspec:\n  action: DENY\n")?;
//! assert_eq!(all[0].object().kind(), "AuthorizationPolicy");
//! assert_eq!(all[0].place("spec.action"), "policies.yaml:3:11");
//! # Ok::<(), documents::Error>(())
//! ```

mod file;

use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;
use std::rc::Rc;

use istio::{Object, said};

pub use file::File;
pub use istio::spot::{self, Spot};

/// A document of a file.
#[derive(Debug, Clone)]
pub struct Document {
    file: Rc<str>,
    object: Object,
}

/// What could not be read: where, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The file, with line and column where they are known: `policies.yaml:3:1`.
    pub place: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl std::error::Error for Error {}

impl Document {
    /// Reads every document of files, folders and standard input: see [`File::read_all`].
    ///
    /// # Errors
    /// The first file that cannot be read, or is no YAML.
    pub fn read_all(paths: &[PathBuf], stdin: &mut dyn Read) -> Result<Vec<Self>, Error> {
        let mut all = Vec::new();
        for file in File::read_all(paths, stdin)? {
            all.extend(Self::read_text(&file.name, &file.text)?);
        }
        Ok(all)
    }

    /// Reads every document of a text; `file` is what it is called.
    ///
    /// # Errors
    /// It is no YAML.
    pub fn read_text(file: &str, text: &str) -> Result<Vec<Self>, Error> {
        let name: Rc<str> = file.into();
        let objects = Object::read_all(text).map_err(|error| {
            let place = match &error {
                istio::Error::Yaml {
                    position: Some(position),
                    ..
                } => format!("{file}:{position}"),
                _ => file.to_owned(),
            };
            let problem = match text.contains("{{") {
                true => "is no YAML but a template of it; render it first, as `helm template` does"
                    .to_owned(),
                false => format!("is no YAML: {}", said::alone(&error.to_string())),
            };
            Error { place, problem }
        })?;
        let documents = objects.into_iter().map(|object| Document {
            file: Rc::clone(&name),
            object,
        });
        Ok(documents.collect())
    }

    /// The objects of a list, each a document of the same file: see [`Object::each`].
    #[must_use]
    pub fn each(self) -> Vec<Self> {
        let objects = self.object.each().into_iter();
        let document = |object| Document {
            file: Rc::clone(&self.file),
            object,
        };
        objects.map(document).collect()
    }

    /// What it says.
    #[must_use]
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// The file that it is of.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Where a field stands: `policies.yaml:3:11`. See [`Object::position`].
    #[must_use]
    pub fn place(&self, path: &str) -> String {
        format!("{}:{}", self.file, self.object.position(path))
    }
}

/// That a file, a folder or standard input could not be read.
fn unreadable(place: String, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData => failure(place, &"is no text in UTF-8"),
        _ => failure(place, error),
    }
}

fn failure(place: String, problem: &dyn fmt::Display) -> Error {
    let problem = problem.to_string();
    Error { place, problem }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn folders_are_read_whole_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("b.yml", "kind: B\n---\nkind: C\n");
        write("a/z.yaml", "kind: A");
        write("c.json", "{\"kind\": \"D\"}");
        write("notes.txt", "[");
        write(".hidden.yaml", "[");
        let mut stdin = "kind: E".as_bytes();
        let paths = [folder.path().to_owned(), "-".into()];
        let all = Document::read_all(&paths, &mut stdin).unwrap();
        let kinds: Vec<&str> = all.iter().map(|one| one.object().kind()).collect();
        assert_eq!(kinds, ["A", "B", "C", "D", "E"]);
        assert_eq!(all[4].place("kind"), "<stdin>:1:7");
        assert!(all[1].file().ends_with("b.yml"));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        let problem = |text: &str| Document::read_text("a.yaml", text).unwrap_err().to_string();
        assert_eq!(
            problem("a: 1\nb: }"),
            "a.yaml:2:4: is no YAML: misplaced bracket"
        );
        let template = problem("a: {{ .Values.a }}\nb: [");
        assert!(
            template.ends_with("render it first, as `helm template` does"),
            "{template}"
        );
        let empty = tempfile::tempdir().unwrap();
        let binary = empty.path().join("module.wasm");
        fs::write(&binary, b"\0asm\xff").unwrap();
        let binary = File::read_all(&[binary], &mut std::io::empty()).unwrap_err();
        assert_eq!(binary.problem, "is no text in UTF-8");
        let stdin = File::read_all(&["-".into()], &mut &b"\xff"[..]).unwrap_err();
        assert_eq!(stdin.to_string(), "<stdin>: is no text in UTF-8");
        let nothing = File::read_all(&[empty.path().to_owned()], &mut std::io::empty());
        let nothing = nothing.unwrap_err().to_string();
        assert!(
            nothing.ends_with("has no file named *.yaml, *.yml or *.json"),
            "{nothing}"
        );
        let missing = Document::read_all(&["/no/such".into()], &mut std::io::empty());
        assert!(missing.unwrap_err().to_string().starts_with("/no/such: "));
    }
}
