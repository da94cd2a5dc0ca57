//! What a filter says of a rule and a request, secrets masked.

use std::fmt;

use sdk_helpers::explanation::{Fact, FactValue, Place, Seen};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::secrets::{MASK, Secrets};

/// What there is to know of a rule and a request, each by its name. As JSON they are fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts(pub(crate) Vec<(&'static str, Told)>);

/// One thing that is known, as it may be shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Number(u64),
    Text(String),
    /// Where it was looked for, and what was there.
    Seen(Vec<(String, Option<String>)>),
}

impl Facts {
    pub(crate) fn of(facts: Vec<Fact>, secrets: &Secrets) -> Self {
        let told = |fact: Fact| (fact.name, Told::of(fact.value, secrets));
        Facts(facts.into_iter().map(told).collect())
    }
}

impl Told {
    fn of(value: FactValue, secrets: &Secrets) -> Self {
        match value {
            FactValue::Number(number) => Told::Number(number),
            FactValue::Text(text) => Told::Text(secrets.text(&text).into_owned()),
            FactValue::Seen(all) => {
                Told::Seen(all.into_iter().map(|seen| shown(seen, secrets)).collect())
            }
        }
    }
}

fn shown(seen: Seen, secrets: &Secrets) -> (String, Option<String>) {
    let value = seen.value.map(|value| match seen.place {
        Place::Header => secrets.header(&seen.name, &value).into_owned(),
        Place::Cookie | Place::Query => MASK.to_owned(),
        Place::Claim | Place::Other(_) => secrets.bytes(&value).into_owned(),
    });
    let place = match seen.name.as_str() {
        "" => seen.place.word().to_owned(),
        name => [seen.place.word(), " ", name].concat(),
    };
    (place, value)
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, told)| (name, told)))
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Told::Number(number) => serializer.serialize_u64(*number),
            Told::Text(text) => serializer.serialize_str(text),
            Told::Seen(all) => {
                let mut map = serializer.serialize_map(Some(all.len()))?;
                for (place, value) in all {
                    map.serialize_entry(place, value)?;
                }
                map.end()
            }
        }
    }
}

/// `quota 2 in 60s; left 1`.
impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, told)) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { "; " };
            write!(f, "{between}{} {told}", words(name))?;
        }
        Ok(())
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Told::Number(number) => number.fmt(f),
            Told::Text(text) => f.write_str(text),
            Told::Seen(all) => {
                for (place, (name, value)) in all.iter().enumerate() {
                    let between = if place == 0 { "" } else { ", " };
                    match value {
                        Some(value) => write!(f, "{between}{name} is {value}")?,
                        None => write!(f, "{between}no {name}")?,
                    }
                }
                Ok(())
            }
        }
    }
}

/// A field's name as people write it: `fullInSeconds` is `full in seconds`.
fn words(field: &str) -> String {
    let mut words = String::with_capacity(field.len());
    for letter in field.chars() {
        if letter.is_ascii_uppercase() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}
