//! The fields of a mapping as the API server takes them: what is of the wrong kind is an error, what
//! is not known is dropped, which is worth a warning.

use sdk_helpers::config::{At, Problems, nearest};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// A mapping with its place; empty where something else stands there.
pub(super) struct Fields<'a> {
    path: String,
    map: Option<&'a Map<String, Value>>,
    problems: &'a Problems,
    /// The fields that an error was reported of.
    told: RefCell<BTreeSet<String>>,
}

impl<'a> Fields<'a> {
    /// Takes `value`, which stands at `path`, for a mapping of these fields.
    pub(super) fn of(
        value: &'a Value,
        path: &str,
        known: &[&str],
        problems: &'a Problems,
    ) -> Fields<'a> {
        let map = value.as_object();
        let fields = Fields {
            path: path.to_owned(),
            map,
            problems,
            told: RefCell::default(),
        };
        if map.is_none() {
            problems.error(&At::written(path), expected("a mapping", value));
        }
        for name in map.into_iter().flat_map(Map::keys) {
            if known.contains(&name.as_str()) {
                continue;
            }
            let meant = match nearest(name, known) {
                Some(field) => format!("; did you mean `{field}`?"),
                None => String::new(),
            };
            let problem = format!("unknown field, which Kubernetes drops{meant}");
            problems.warn_of_name(&At::written(path), name, known, problem);
        }
        fields
    }

    /// What a field says; null says nothing.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map?.get(name).filter(|value| !value.is_null())
    }

    /// The path of a field.
    pub(super) fn path(&self, name: &str) -> String {
        At::written(&self.path).field(name).to_string()
    }

    /// A field that is a mapping itself.
    pub(super) fn fields(&self, name: &str, known: &[&str]) -> Option<Fields<'a>> {
        let value = self.get(name)?;
        Some(Fields::of(value, &self.path(name), known, self.problems))
    }

    /// The elements of a list with their paths.
    pub(super) fn list(&self, name: &str) -> Vec<(String, &'a Value)> {
        let Some(value) = self.get(name) else {
            return Vec::new();
        };
        let path = self.path(name);
        let Some(items) = value.as_array() else {
            self.error(name, expected("a list", value));
            return Vec::new();
        };
        let at = At::written(&path);
        let items = items.iter().enumerate();
        items
            .map(|(index, item)| (at.index(index).to_string(), item))
            .collect()
    }

    /// A text, empty where there is none.
    pub(super) fn text(&self, name: &str) -> &'a str {
        let Some(value) = self.get(name) else {
            return "";
        };
        value.as_str().unwrap_or_else(|| {
            self.error(name, expected("a text", value));
            ""
        })
    }

    /// A text that may be left out and must not be empty.
    pub(super) fn text_if_any(&self, name: &str) -> &'a str {
        let text = self.text(name);
        if text.is_empty() && self.get(name).is_some_and(Value::is_string) {
            self.error(name, "is empty; leave it out");
        }
        text
    }

    /// A whole number of 32 bits.
    pub(super) fn whole(&self, name: &str) -> Option<i64> {
        let value = self.get(name)?;
        let number = value.as_i64().filter(|n| i32::try_from(*n).is_ok());
        if number.is_none() {
            self.error(name, expected("a whole number of 32 bits", value));
        }
        number
    }

    /// One of these words; the first of them where there is none.
    pub(super) fn word<T: Copy + Default>(&self, name: &str, words: &[(&str, T)]) -> T {
        let text = self.text(name);
        if text.is_empty() {
            return T::default();
        }
        let found = words.iter().find(|(word, _)| *word == text);
        let Some((_, meaning)) = found else {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            if self.is_first(name) {
                let at = At::written(&self.path);
                self.problems.none_of(&at.field(name), text, &known);
            }
            return T::default();
        };
        *meaning
    }

    /// Reports that the field cannot be meant. One error of a field is enough, and one of a mapping
    /// that is none: what else is wrong mostly follows from that.
    pub(super) fn error(&self, name: &str, problem: impl Into<String>) {
        if self.is_first(name) {
            let at = At::written(&self.path);
            self.problems.error(&at.field(name), problem);
        }
    }

    fn is_first(&self, name: &str) -> bool {
        self.map.is_some() && self.told.borrow_mut().insert(name.to_owned())
    }

    /// Reports that the field does not do what its author surely wants.
    pub(super) fn warn(&self, name: &str, problem: impl Into<String>) {
        let at = At::written(&self.path);
        self.problems.warn(&at.field(name), problem);
    }
}

/// That something of another kind stands where one of this kind is wanted.
pub(crate) fn expected(kind: &str, found: &Value) -> String {
    match found {
        Value::Array(_) => format!("{kind} is expected here, not a list"),
        Value::Object(_) => format!("{kind} is expected here, not a mapping"),
        scalar => format!("{kind} is expected here, not `{scalar}`"),
    }
}
