//! Headers as they are told again.

use std::fmt;

use sdk_helpers::Headers;
use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::secrets::{Secrets, lossy};

/// The headers of a request or a response, secrets masked.
///
/// One text with all of them, as [`Headers`] are: of every request there are two, and what is allocated for them
/// would take as long as most policies.
#[derive(Clone, Default, PartialEq)]
pub struct Message {
    text: String,
    /// Where each name ends in it, and each value.
    ends: Vec<(usize, usize)>,
}

impl Message {
    pub(crate) fn of(headers: &Headers, secrets: &Secrets) -> Self {
        let size = headers
            .iter()
            .map(|(name, value)| name.len().saturating_add(value.len()));
        let mut message = Message {
            text: String::with_capacity(size.sum()),
            ends: Vec::with_capacity(headers.iter().count()),
        };
        for (name, value) in headers.iter() {
            let name = lossy(name);
            message.text.push_str(&name);
            let end = message.text.len();
            message.text.push_str(&secrets.header(&name, value));
            message.ends.push((end, message.text.len()));
        }
        message
    }

    /// Each header, in order.
    fn lines(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.iter().map(move |(middle, end)| {
            let name = self.text.get(start..*middle).unwrap_or_default();
            start = *end;
            (name, self.text.get(*middle..*end).unwrap_or_default())
        })
    }

    /// Each name once, in the order of the first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let earlier = |name: &str, place| self.lines().take(place).any(|(known, _)| known == name);
        let lines = self.lines().enumerate();
        lines.filter_map(move |(place, (name, _))| (!earlier(name, place)).then_some(name))
    }

    /// The values of a header, in order.
    pub fn values<'m>(&'m self, name: &str) -> impl Iterator<Item = &'m str> {
        let lines = self.lines();
        lines.filter_map(move |(known, value)| (known == name).then_some(value))
    }

    /// The first value of a header.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.lines()).finish()
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = serializer.serialize_struct("Message", 1)?;
        message.serialize_field("headers", &ByName(self))?;
        message.end()
    }
}

/// A name to its value, or to the list of its values.
struct ByName<'a>(&'a Message);

impl Serialize for ByName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for name in self.0.names() {
            let mut values = self.0.values(name);
            let first = values.next().unwrap_or_default();
            match values.next() {
                None => map.serialize_entry(name, first)?,
                Some(_) => map.serialize_entry(name, &self.0.values(name).collect::<Vec<_>>())?,
            }
        }
        map.end()
    }
}
