//! A value with the path it stands at.

use sdk_helpers::At;
use serde_json::Value;

/// A place in a document.
#[derive(Debug, Clone)]
pub struct Spot<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Spot<'a> {
    /// The whole document, or whatever else paths begin at.
    #[must_use]
    pub fn root(value: &'a Value) -> Self {
        Spot {
            path: String::new(),
            value,
        }
    }

    /// What stands here.
    #[must_use]
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Where: `spec.rules[0]`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where a field stands, or would.
    #[must_use]
    pub fn path_of(&self, name: &str) -> String {
        At::written(&self.path).field(name).to_string()
    }

    /// What stands at a path of its document.
    #[must_use]
    pub fn with_path(value: &'a Value, path: &str) -> Self {
        Spot {
            path: path.to_owned(),
            value,
        }
    }

    /// A field that is there and not null.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Spot<'a>> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Spot {
            path: self.path_of(name),
            value,
        })
    }

    /// A field below fields.
    #[must_use]
    pub fn at(&self, names: &[&str]) -> Option<Spot<'a>> {
        let mut spot = self.clone();
        for name in names {
            spot = spot.field(name)?;
        }
        Some(spot)
    }

    /// A field in either of protobuf's spellings, by its name in snake case.
    #[must_use]
    pub fn envoy(&self, name: &str) -> Option<Spot<'a>> {
        self.field(name).or_else(|| {
            let mut words = name.split('_');
            let mut camel = words.next().unwrap_or_default().to_owned();
            for word in words {
                let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
                camel.push_str(&first.to_ascii_uppercase());
                camel.push_str(rest);
            }
            self.field(&camel)
        })
    }

    /// The text of a field, empty where it is absent or none.
    #[must_use]
    pub fn text(&self, name: &str) -> &'a str {
        let text = self.value.get(name).and_then(Value::as_str);
        text.unwrap_or_default()
    }

    /// The elements of a list, none where it is absent or none.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<Spot<'a>> {
        let list = self.field(name);
        list.map(|list| list.elements()).unwrap_or_default()
    }

    /// The elements of the list here.
    #[must_use]
    pub fn elements(&self) -> Vec<Spot<'a>> {
        let items = self.value.as_array().map_or(&[][..], Vec::as_slice);
        let spot = |(index, value)| Spot {
            path: At::written(&self.path).index(index).to_string(),
            value,
        };
        items.iter().enumerate().map(spot).collect()
    }

    /// The fields of the mapping here, with their names.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'a str, Spot<'a>)> {
        let Some(map) = self.value.as_object() else {
            return Vec::new();
        };
        let spot = |(name, value): (&'a String, &'a Value)| {
            let path = self.path_of(name);
            (name.as_str(), Spot { path, value })
        };
        map.iter().map(spot).collect()
    }

    /// The whole number of a field.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.value.get(name)?.as_i64()
    }

    /// Whether a field says `true`.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.value.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// The texts of a list.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<&'a str> {
        let list = self.value.get(name).and_then(Value::as_array);
        let list = list.into_iter().flatten();
        list.filter_map(Value::as_str).collect()
    }

    /// Every place below this one and itself, outermost first.
    pub fn walk(&self, see: &mut dyn FnMut(&Spot<'a>)) {
        see(self);
        for item in self.elements() {
            item.walk(see);
        }
        for (_, field) in self.fields() {
            field.walk(see);
        }
    }
}
