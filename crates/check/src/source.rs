//! The files that are checked, and the documents in them.

use istio::{Error, Object, Position, said};

use crate::spot::Spot;

/// A file: what it is called, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As findings name it.
    pub name: String,
    /// YAML or JSON, one document or many.
    pub text: String,
}

impl Source {
    /// One line of it, counted from one; empty where there is none.
    #[must_use]
    pub fn line(&self, number: u64) -> &str {
        let index = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
        self.text.lines().nth(index).unwrap_or_default()
    }

    /// The line and the character in it, both counted from one, at which a byte stands.
    pub(crate) fn place(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        (before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

/// What a file turned out to be.
#[derive(Debug)]
pub(crate) enum Read {
    /// Documents, none of them empty.
    Documents(Vec<Object>),
    /// The text of a template (Helm's, Go's, Jinja's), which only its engine makes YAML of.
    Template(Position),
    /// No YAML.
    Unreadable(Position, String),
}

/// Reads a file.
pub(crate) fn read(source: &Source) -> Read {
    match Object::read_all(&source.text) {
        Ok(documents) => Read::Documents(documents),
        Err(error) => {
            let (position, problem) = match error {
                Error::Yaml { position, problem } => (position, problem),
                other => (None, other.to_string()),
            };
            let position = position.unwrap_or(Position { line: 1, column: 1 });
            match template(&source.text) {
                Some(place) => Read::Template(place),
                None => Read::Unreadable(position, said::alone(&problem)),
            }
        }
    }
}

/// Where the first action of a template stands.
fn template(text: &str) -> Option<Position> {
    let found = |line: &str| {
        let opened = line.find("{{").or_else(|| line.find("{%"))?;
        Some(line.get(..opened)?.chars().count())
    };
    let mut lines = text.lines().enumerate();
    lines.find_map(|(index, line)| {
        let column = u64::try_from(found(line)?).ok()? + 1;
        let line = u64::try_from(index).ok()? + 1;
        Some(Position { line, column })
    })
}

/// One object: a document, or an entry of a `List`.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    /// The number of its file.
    pub(crate) file: usize,
    /// The document that it is, or stands in.
    pub(crate) document: &'a Object,
    /// Itself.
    pub(crate) root: Spot<'a>,
    /// Whether it is in the root namespace, whose policies are for all namespaces.
    pub(crate) is_in_root: bool,
}

impl<'a> Item<'a> {
    /// The objects of a document.
    pub(crate) fn all(file: usize, document: &'a Object) -> Vec<Item<'a>> {
        let root = Spot::root(document.value());
        let item = |root| Item {
            file,
            document,
            root,
            is_in_root: false,
        };
        if document.kind().ends_with("List") && document.value().get("items").is_some() {
            let entries = root.list("items").into_iter();
            return entries.map(item).collect();
        }
        vec![item(root)]
    }

    /// Its kind, empty where it says none.
    pub(crate) fn kind(&self) -> &'a str {
        self.root.text("kind")
    }

    /// Its `apiVersion`, empty where it says none.
    pub(crate) fn api_version(&self) -> &'a str {
        self.root.text("apiVersion")
    }

    /// The group of its `apiVersion`: `security.istio.io`; empty for Kubernetes' own.
    pub(crate) fn group(&self) -> &'a str {
        let version = self.api_version();
        version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Its name, empty where it says none.
    pub(crate) fn name(&self) -> &'a str {
        let metadata = self.root.field("metadata");
        metadata.map_or("", |metadata| metadata.text("name"))
    }

    /// Its namespace, `default` where it says none.
    pub(crate) fn namespace(&self) -> &'a str {
        let metadata = self.root.field("metadata");
        match metadata.map_or("", |metadata| metadata.text("namespace")) {
            "" => "default",
            namespace => namespace,
        }
    }

    /// Its `spec`, if it has one.
    pub(crate) fn spec(&self) -> Option<Spot<'a>> {
        self.root.field("spec")
    }

    /// It as a document of its own, for readers that take those; paths are its own then.
    pub(crate) fn alone(&self) -> Option<Object> {
        if self.root.path().is_empty() {
            return Some(self.document.clone());
        }
        let text = self.root.value().to_string();
        Object::read_all(&text).ok()?.pop()
    }

    /// A path of its own as one of its document.
    pub(crate) fn path(&self, own: &str) -> String {
        match (self.root.path(), own) {
            (root, "") => root.to_owned(),
            ("", own) => own.to_owned(),
            (root, own) if own.starts_with('[') => [root, own].concat(),
            (root, own) => [root, ".", own].concat(),
        }
    }
}
