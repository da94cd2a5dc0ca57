//! A part of a tree that is asked for a kind of value, reports what does not fit, and goes on.
//!
//! A misfit is reported with its path, and the reader is given an empty value of the kind it asked
//! for; the configuration is refused at the end, so nobody ever acts on the stand-in.

use serde_json::{Number, Value, json};

use super::names::{listed, nearest, none_of, place, surely};
use super::problems::{At, Problems};
use super::remedy::Remedy;

/// A part of a configuration, with its place.
///
/// Not serde's, which stops at the first error and takes `[]` for a mapping whose fields all have
/// defaults, and whose derived code for a large configuration weighs more than all that is done with it.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    value: &'a Value,
    at: &'a At<'a>,
    problems: &'a Problems,
}

impl<'a> Node<'a> {
    pub(super) fn new(value: &'a Value, at: &'a At<'a>, problems: &'a Problems) -> Self {
        Node {
            value,
            at,
            problems,
        }
    }

    /// Shows the fields of a mapping by their place in `known`, which are in camel case; in a
    /// configuration they may be in snake case. What is null is as good as absent, and what is not
    /// known is reported.
    pub fn fields(self, known: &[&str], see: &mut dyn FnMut(usize, Node<'_>)) {
        if !self.expect_known(known) {
            return;
        }
        for (name, value) in self.mapping().filter(|(_, value)| !value.is_null()) {
            let Some(place) = self.place(name, known) else {
                continue;
            };
            let at = self.at.field(known.get(place).unwrap_or(&""));
            see(place, Node::new(value, &at, self.problems));
        }
    }

    /// Shows the entries of a mapping whose keys may be anything.
    pub fn entries(self, see: &mut dyn FnMut(&str, Node<'_>)) {
        for (name, value) in self.mapping() {
            see(
                name,
                Node {
                    value,
                    at: &self.at.field(name),
                    problems: self.problems,
                },
            );
        }
    }

    /// Shows the elements of a list.
    pub fn elements(self, see: &mut dyn FnMut(Node<'_>)) {
        for (index, value) in self.list().iter().enumerate() {
            see(Node {
                value,
                at: &self.at.index(index),
                problems: self.problems,
            });
        }
    }

    /// All of it, as it is.
    pub(super) fn tree(self) -> &'a Value {
        self.value
    }

    /// Where it is.
    pub fn at(self) -> At<'a> {
        *self.at
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        self.value.is_null()
    }

    /// Whether it is a text.
    pub fn is_text(self) -> bool {
        self.value.is_string()
    }

    /// Whether it is true or false.
    pub fn is_flag(self) -> bool {
        self.value.is_boolean()
    }

    /// Whether it is a list.
    pub fn is_list(self) -> bool {
        self.value.is_array()
    }

    /// The text it is.
    pub fn text(self) -> String {
        self.str().to_owned()
    }

    /// The text it is, or the number as text: for what is no text as it stands, whose check says
    /// what to write in its place.
    pub fn spelling(self) -> String {
        match self.value {
            Value::Number(number) => number.to_string(),
            _ => self.text(),
        }
    }

    /// The texts of the list it is.
    pub fn texts(self) -> Vec<String> {
        let mut texts = Vec::new();
        if let Value::String(text) = self.value {
            let problem = format!(
                "a list is expected here, not a text; write `[{}]`",
                text.escape_debug()
            );
            self.problems
                .misfit_with(self.at, problem, Some(Remedy::List));
            return texts;
        }
        self.elements(&mut |element| texts.push(element.text()));
        texts
    }

    /// Whether it is true.
    pub fn flag(self) -> bool {
        self.value.as_bool().unwrap_or_else(|| {
            // As YAML 1.1 spells them, and some do in quotes.
            let text = self.value.as_str().unwrap_or_default();
            let meant = match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "y" => Some(true),
                "false" | "no" | "off" | "n" => Some(false),
                _ => None,
            };
            let advice = match meant {
                Some(meant) => format!("; write `{meant}`, without quotes"),
                None => String::new(),
            };
            let problem = format!("`{}` is not true or false{advice}", self.value);
            let meant = meant.map(|meant| Remedy::Write(meant.into()));
            self.problems.misfit_with(self.at, problem, meant);
            false
        })
    }

    /// Which of these names it is, by its place; the first where it is none, which is reported.
    pub fn one_of(self, names: &[&str]) -> usize {
        let text = match self.value {
            Value::String(text) => text,
            // In quotes it would be none of them either, so that the names are what to tell.
            Value::Number(_) | Value::Bool(_) => &self.value.to_string(),
            _ => {
                self.expected("a text");
                return 0;
            }
        };
        let place = names.iter().position(|name| *name == text);
        place.unwrap_or_else(|| {
            let meant = surely(text, names).map(|meant| Remedy::Write(meant.into()));
            let problem = none_of(text, names);
            self.problems.misfit_with(self.at, problem, meant);
            0
        })
    }

    fn str(&self) -> &'a str {
        self.value.as_str().unwrap_or_else(|| {
            self.expected("a text");
            ""
        })
    }

    fn list(&self) -> &'a [Value] {
        match self.value {
            Value::Array(list) => list,
            _ => {
                self.expected("a list");
                &[]
            }
        }
    }

    fn mapping(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        if !self.value.is_object() {
            self.expected("a mapping");
        }
        self.value.as_object().into_iter().flatten()
    }

    /// The place of a field; of one that stands here in both spellings, which is reported, one counts.
    fn place(&self, name: &str, known: &[&str]) -> Option<usize> {
        let place = place(name, known)?;
        let field = *known.get(place)?;
        (field == name || self.value.get(field).is_none()).then_some(place)
    }

    /// Whether it is a mapping; what is wrong with the names of its fields is reported.
    fn expect_known(&self, fields: &[&str]) -> bool {
        let Some(map) = self.value.as_object() else {
            let scalar = !matches!(self.value, Value::Null | Value::Array(_));
            // What a percentage and a StringMatch are with nothing else said.
            let meant = ["value", "exact"]
                .into_iter()
                .find(|name| fields.contains(name));
            match meant.filter(|_| scalar) {
                Some(name) => {
                    let problem = format!("must be a mapping: write `{{{name}: {}}}`", self.value);
                    // A text alone may have been meant as a prefix or a regex; a number is a number.
                    let is_sure = name == "value" && self.value.is_number();
                    let meant = is_sure
                        .then(|| json!({ name: self.value }))
                        .map(Remedy::Write);
                    self.problems.misfit_with(self.at, problem, meant);
                }
                None => self.expected("a mapping"),
            }
            return false;
        };
        self.problems.spelt_once(map, fields, self.at);
        for name in map.keys().filter(|name| place(name, fields).is_none()) {
            self.unknown(name, fields);
        }
        true
    }

    #[cold]
    fn unknown(&self, name: &str, fields: &[&str]) {
        let at = self.at.field(name);
        let problem = match nearest(name, fields) {
            Some(field) => {
                self.problems.follow_up(&self.at.field(field));
                format!("unknown field; did you mean `{field}`?")
            }
            None if fields.is_empty() => "unknown field; nothing is set here".to_owned(),
            None => format!("unknown field; known here are {}", listed(fields)),
        };
        let meant = surely(name, fields).filter(|field| self.value.get(field).is_none());
        let meant = meant.map(|field| Remedy::Rename(field.to_owned()));
        self.problems.misfit_with(&at, problem, meant);
        self.problems.follow_up(self.at);
    }
}

impl Node<'_> {
    fn expected(&self, kind: &str) {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a mapping",
        };
        let remedy = match self.value {
            Value::Number(number) if kind == "a text" => format!("; write `\"{number}\"`"),
            // What is written without quotes as `yes`, `on`, `no` or `off` is one too.
            Value::Bool(_) if kind == "a text" => {
                "; write it in quotes, as also `yes`, `no`, `on` and `off`".to_owned()
            }
            _ => String::new(),
        };
        let problem = format!("{kind} is expected here, not {found}{remedy}");
        let meant = (!remedy.is_empty()).then_some(Remedy::Quote);
        self.problems.misfit_with(self.at, problem, meant);
    }

    /// A number, also in quotes, as protobuf's JSON takes it: Envoy's own YAML reader hands every
    /// fraction in a Struct over as text, `10.0` as `"10.0"`.
    fn number(&self) -> Option<Number> {
        match self.value {
            Value::Number(number) => Some(number.clone()),
            Value::String(text) => match super::tree::json(text.as_bytes()) {
                Ok(Value::Number(number)) => Some(number),
                _ => None,
            },
            _ => None,
        }
    }

    /// The number it is; 0 where it is none, which is reported.
    pub fn fraction(&self) -> f64 {
        let number = self.number().and_then(|number| number.as_f64());
        number.unwrap_or_else(|| {
            let bare = self.value.as_str().and_then(|text| text.strip_suffix('%'));
            // Read as JSON: the standard library's reader of fractions weighs 18 kB.
            let read = bare.and_then(|bare| super::tree::json(bare.as_bytes()).ok());
            let meant = read.filter(Value::is_number);
            let advice = match bare.filter(|_| meant.is_some()) {
                Some(bare) => format!("; write `{bare}`"),
                None => String::new(),
            };
            let problem = format!("`{}` is not a number{advice}", self.value);
            let meant = meant.map(Remedy::Write);
            self.problems.misfit_with(self.at, problem, meant);
            0.0
        })
    }

    /// The whole number it is; 0 where it is none of these, which is reported.
    pub fn whole(&self, least: i128, most: i128) -> i128 {
        let number = self.number().and_then(|number| {
            let signed = number.as_i64().map(i128::from);
            let whole = || {
                number
                    .as_f64()
                    .filter(|n| n.fract() == 0.0 && n.abs() < 1e15)
            };
            #[allow(clippy::cast_possible_truncation, reason = "whole and below 10^15")]
            signed
                .or_else(|| number.as_u64().map(i128::from))
                .or_else(|| whole().map(|n| n as i128))
        });
        number
            .filter(|n| (least..=most).contains(n))
            .unwrap_or_else(|| {
                let problem = format!(
                    "`{}` is not a whole number between {least} and {most}",
                    self.value
                );
                self.problems.misfit(self.at, problem);
                0
            })
    }
}
