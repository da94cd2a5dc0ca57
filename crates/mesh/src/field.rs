//! Fields of an object, read so that those nobody read are known afterwards.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use documents::Document;
use sdk_helpers::config::At;
use serde_json::Value;

use crate::said::Said;

/// What has been read of a document.
pub(crate) struct Reading<'a> {
    document: &'a Document,
    read: RefCell<BTreeSet<String>>,
    said: RefCell<Vec<Said>>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(document: &'a Document) -> Self {
        Reading {
            document,
            read: RefCell::default(),
            said: RefCell::default(),
        }
    }

    /// The whole document.
    pub(crate) fn root(&'a self) -> Field<'a> {
        Field {
            reading: self,
            value: self.document.object().value(),
            path: String::new(),
        }
    }

    /// A part of the document, at its path; its value may be one that stands there as a text.
    pub(crate) fn part(&'a self, value: &'a Value, path: &str) -> Field<'a> {
        Field {
            reading: self,
            value,
            path: path.to_owned(),
        }
    }

    /// What was said while reading, and every field below `spec` that nobody read.
    pub(crate) fn end(self, unread: &str) -> Vec<Said> {
        match self.document.object().value().get("spec") {
            Some(spec) => self.end_of(spec, "spec", unread),
            None => self.said.into_inner(),
        }
    }

    /// What was said while reading, and every field below a part that nobody read.
    pub(crate) fn end_of(self, part: &Value, path: &str, unread: &str) -> Vec<Said> {
        let read = self.read.borrow();
        let mut said = self.said.into_inner();
        let mut left = Vec::new();
        rest(part, path, &read, &mut left);
        said.extend(left.into_iter().map(|path| Said {
            place: self.document.place(&path),
            what: format!("{path} is not carried over"),
            consequence: unread.to_owned(),
        }));
        said
    }
}

/// The outermost fields that were not read.
fn rest(value: &Value, path: &str, read: &BTreeSet<String>, left: &mut Vec<String>) {
    let mut child = |value: &Value, path: String| match (read.contains(&path), is_empty(value)) {
        (true, _) => rest(value, &path, read, left),
        (false, false) => left.push(path),
        (false, true) => {}
    };
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                child(value, below(path, name));
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                child(value, format!("{path}[{index}]"));
            }
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The path of a field as its document has it: a name with a dot in it stands in brackets.
fn below(path: &str, name: &str) -> String {
    At::written(path).field(name).to_string()
}

/// A field of a document, with its path.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    reading: &'a Reading<'a>,
    value: &'a Value,
    path: String,
}

impl<'a> Field<'a> {
    /// The field below with this name, if it is there and not null.
    pub(crate) fn get(&self, name: &str) -> Option<Field<'a>> {
        let value = self.value.get(name)?;
        let field = self.child(value, below(&self.path, name));
        (!value.is_null()).then_some(field)
    }

    /// The field at the end of these names.
    pub(crate) fn at(&self, names: &[&str]) -> Option<Field<'a>> {
        let mut names = names.iter();
        let first = self.get(names.next()?)?;
        names.try_fold(first, |field, name| field.get(name))
    }

    /// The items of a list; none of what is no list.
    pub(crate) fn items(&self) -> Vec<Field<'a>> {
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items
            .map(|(index, value)| self.child(value, format!("{}[{index}]", self.path)))
            .collect()
    }

    /// The items of the list with this name.
    pub(crate) fn list(&self, name: &str) -> Vec<Field<'a>> {
        self.get(name).map(|list| list.items()).unwrap_or_default()
    }

    /// The fields of a map, in the order of their names.
    pub(crate) fn fields(&self) -> BTreeMap<String, Field<'a>> {
        let fields = self.value.as_object().into_iter().flatten();
        fields
            .map(|(name, value)| (name.clone(), self.child(value, below(&self.path, name))))
            .collect()
    }

    /// The texts of a map such as labels; numbers and booleans as they are written.
    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        let fields = self.fields().into_iter();
        fields
            .filter_map(|(name, field)| Some((name, field.scalar()?)))
            .collect()
    }

    /// The text that it is.
    pub(crate) fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// The text of the field with this name.
    pub(crate) fn word(&self, name: &str) -> Option<&'a str> {
        self.get(name)?.text()
    }

    /// The text, number or boolean as it is written.
    pub(crate) fn scalar(&self) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(self.value.to_string()),
            _ => None,
        }
    }

    /// The number of the field with this name; Kubernetes takes it as a text too.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        let field = self.get(name)?;
        field.value.as_f64().or_else(|| field.text()?.parse().ok())
    }

    /// The whole number of the field with this name, if it fits.
    pub(crate) fn whole<T: TryFrom<u64>>(&self, name: &str) -> Option<T> {
        let field = self.get(name)?;
        let number = field
            .value
            .as_u64()
            .or_else(|| field.text()?.parse().ok())?;
        T::try_from(number).ok()
    }

    /// Whether the field with this name is true.
    pub(crate) fn is(&self, name: &str) -> Option<bool> {
        self.get(name)?.value.as_bool()
    }

    /// The value, taken whole: whatever is in it counts as read.
    pub(crate) fn take(&self) -> &'a Value {
        for field in self.fields().into_values().chain(self.items()) {
            field.take();
        }
        self.value
    }

    /// The value, of which the fields at these paths are used: `tcp.maxConnections`. What else is in it counts as not
    /// read.
    pub(crate) fn keep(&self, used: &[&str]) -> &'a Value {
        for path in used {
            let names: Vec<&str> = path.split('.').collect();
            if let Some(field) = self.at(&names) {
                field.take();
            }
        }
        self.value
    }

    /// Says something of this field that a reader would not expect.
    pub(crate) fn say(&self, what: impl Into<String>, consequence: impl Into<String>) {
        self.reading.said.borrow_mut().push(Said {
            place: self.reading.document.place(&self.path),
            what: what.into(),
            consequence: consequence.into(),
        });
    }

    /// Where it stands: `bookinfo.yaml:3:11`.
    pub(crate) fn place(&self) -> String {
        self.reading.document.place(&self.path)
    }

    fn child(&self, value: &'a Value, path: String) -> Field<'a> {
        self.reading.read.borrow_mut().insert(path.clone());
        Field {
            reading: self.reading,
            value,
            path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_read_is_known_by_its_outermost_field() {
        let text = "kind: A\nspec:\n  a: {b: 1, c: {d: 2}}\n  e: [1, {f: 2}]\n  g: {}\n";
        let document = &Document::read_text("a.yaml", text).unwrap()[0];
        let reading = Reading::new(document);
        let spec = reading.root().get("spec").unwrap();
        assert_eq!(spec.at(&["a", "b"]).unwrap().scalar().as_deref(), Some("1"));
        assert_eq!(spec.list("e").len(), 2);
        let said = reading_end(reading);
        assert_eq!(
            said,
            [
                "a.yaml:3:16: spec.a.c is not carried over: so",
                "a.yaml:4:14: spec.e[1].f is not carried over: so"
            ]
        );
        let reading = Reading::new(document);
        reading.root().get("spec").unwrap().take();
        assert_eq!(reading_end(reading), [""; 0]);
    }

    fn reading_end(reading: Reading<'_>) -> Vec<String> {
        reading.end("so").iter().map(ToString::to_string).collect()
    }
}
