//! A request as a case writes it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text;

/// What is sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Sent {
    /// `:method`.
    pub method: String,
    /// `:path`, with its query.
    pub path: String,
    /// `:authority`.
    pub authority: String,
    /// Headers; a list is the header sent several times.
    pub headers: BTreeMap<String, Values>,
    /// Headers of any bytes.
    pub raw_headers: BTreeMap<String, Bytes>,
    /// A path of any bytes, in place of the other.
    pub raw_path: Option<Bytes>,
}

/// One value or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Values {
    /// Sent once.
    One(String),
    /// Sent once each.
    Several(Vec<String>),
}

/// Bytes, written as text in which `\xff` is one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Bytes(pub Vec<u8>);

impl TryFrom<String> for Bytes {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        text::unescaped(&written).map(Bytes)
    }
}

impl Default for Sent {
    fn default() -> Self {
        Sent {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            authority: "app.example".to_owned(),
            headers: BTreeMap::new(),
            raw_headers: BTreeMap::new(),
            raw_path: None,
        }
    }
}

impl Sent {
    /// `:path` as it is sent.
    pub fn path(&self) -> &[u8] {
        match &self.raw_path {
            Some(Bytes(path)) => path,
            None => self.path.as_bytes(),
        }
    }

    /// The header block, pseudo headers first.
    pub fn all_headers(&self) -> Vec<(String, Vec<u8>)> {
        let mut headers: Vec<(String, Vec<u8>)> = [
            (":method", self.method.as_bytes()),
            (":path", self.path()),
            (":scheme", b"http"),
            (":authority", self.authority.as_bytes()),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_vec()))
        .into();
        headers.extend(self.plain_headers());
        headers
    }

    /// The headers without pseudo headers.
    pub fn plain_headers(&self) -> impl Iterator<Item = (String, Vec<u8>)> {
        let raw = self.raw_headers.iter();
        pairs(&self.headers)
            .map(|(name, value)| (name, value.into_bytes()))
            .chain(raw.map(|(name, Bytes(value))| (name.clone(), value.clone())))
    }
}

pub(crate) fn pairs(headers: &BTreeMap<String, Values>) -> impl Iterator<Item = (String, String)> {
    headers.iter().flat_map(|(name, values)| {
        let values = match values {
            Values::One(value) => std::slice::from_ref(value),
            Values::Several(values) => values,
        };
        values.iter().map(|value| (name.clone(), value.clone()))
    })
}
