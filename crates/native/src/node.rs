//! A value of a document that tells of itself: where it stands, what was not read of it, what is wrong with it.

use std::cell::RefCell;

use documents::Document;
use policies::Problem;
use sdk_helpers::At;
use serde_json::Value;

use crate::Loss;

/// What was found on the way: what is not carried over, and what forbids a conversion.
#[derive(Debug, Default)]
pub(crate) struct Log {
    losses: RefCell<Vec<Loss>>,
    problems: RefCell<Vec<Problem>>,
}

impl Log {
    pub(crate) fn into_parts(self) -> (Vec<Loss>, Vec<Problem>) {
        (self.losses.into_inner(), self.problems.into_inner())
    }
}

/// A place in a document.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    path: String,
    document: &'a Document,
    log: &'a Log,
}

impl<'a> Node<'a> {
    pub(crate) fn root(document: &'a Document, log: &'a Log) -> Self {
        Node {
            value: document.object().value(),
            path: String::new(),
            document,
            log,
        }
    }

    /// The values of it that no message was read of.
    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    /// Where it stands: `limits.yaml:12:5`.
    pub(crate) fn place(&self) -> String {
        self.document.place(&self.path)
    }

    fn child(&self, name: &str, value: &'a Value) -> Self {
        Node {
            value,
            path: At::written(&self.path).field(name).to_string(),
            document: self.document,
            log: self.log,
        }
    }

    /// A field by the very name it is written with.
    pub(crate) fn field(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(self.child(name, value))
    }

    /// The text of a field that is looked at before the message is read.
    pub(crate) fn text_of(&self, name: &str) -> &'a str {
        let text = self.value.get(name).and_then(Value::as_str);
        text.unwrap_or_default()
    }

    /// Its fields, each of which is to be taken, else it is told as not carried over.
    pub(crate) fn message(&self) -> Message<'a> {
        if !self.value.is_object() {
            self.problem("is no mapping");
        }
        let mut message = Message {
            node: self.clone(),
            taken: Vec::new(),
        };
        message.taken.push("@type");
        message
    }

    /// The elements of a list.
    pub(crate) fn elements(&self) -> Vec<Self> {
        let Some(items) = self.value.as_array() else {
            self.problem("is no list");
            return Vec::new();
        };
        let node = |(index, value)| Node {
            value,
            path: At::written(&self.path).index(index).to_string(),
            document: self.document,
            log: self.log,
        };
        items.iter().enumerate().map(node).collect()
    }

    /// The entries of a mapping with names that users choose.
    pub(crate) fn entries(&self) -> Vec<(&'a str, Self)> {
        let Some(map) = self.value.as_object() else {
            self.problem("is no mapping");
            return Vec::new();
        };
        let entries = map.iter();
        entries
            .map(|(name, value)| (name.as_str(), self.child(name, value)))
            .collect()
    }

    pub(crate) fn text(&self) -> &'a str {
        self.value.as_str().unwrap_or_else(|| {
            self.problem("is no text");
            ""
        })
    }

    pub(crate) fn texts(&self) -> Vec<&'a str> {
        self.elements().iter().map(Self::text).collect()
    }

    pub(crate) fn flag(&self) -> bool {
        self.value.as_bool().unwrap_or_else(|| {
            self.problem("is neither true nor false");
            false
        })
    }

    /// A whole number, which protobuf's JSON also writes as a text.
    pub(crate) fn whole(&self) -> u64 {
        let number = match self.value {
            Value::String(text) => text.parse().ok(),
            // A Struct's numbers are doubles.
            Value::Number(number) => number.as_u64().or_else(|| {
                let number = number.as_f64()?;
                let whole =
                    number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
                #[allow(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "it is whole and in range"
                )]
                whole.then_some(number as u64)
            }),
            _ => None,
        };
        number.unwrap_or_else(|| {
            self.problem("is no whole number");
            0
        })
    }

    /// A value of an enumeration: its name, or its number.
    pub(crate) fn one_of(&self, names: &[&'static str]) -> &'static str {
        let known = match self.value {
            Value::String(text) => names.iter().find(|name| *name == text),
            value => {
                let number = value
                    .as_u64()
                    .and_then(|number| usize::try_from(number).ok());
                number.and_then(|number| names.get(number))
            }
        };
        known.copied().unwrap_or_else(|| {
            self.problem(&format!("is none of {}", names.join(", ")));
            names.first().copied().unwrap_or_default()
        })
    }

    /// What is not carried over, and what comes of that.
    pub(crate) fn lost(&self, what: impl Into<String>, consequence: impl Into<String>) {
        let loss = Loss {
            place: self.place(),
            path: self.path.clone(),
            what: what.into(),
            consequence: consequence.into(),
        };
        let mut losses = self.log.losses.borrow_mut();
        if !losses.contains(&loss) {
            losses.push(loss);
        }
    }

    /// What forbids a conversion.
    pub(crate) fn problem(&self, problem: &str) {
        let problem = Problem {
            place: self.place(),
            path: self.path.clone(),
            problem: problem.to_owned(),
        };
        let mut problems = self.log.problems.borrow_mut();
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}

/// A message that is being read.
pub(crate) struct Message<'a> {
    node: Node<'a>,
    taken: Vec<&'static str>,
}

impl<'a> Message<'a> {
    pub(crate) fn node(&self) -> &Node<'a> {
        &self.node
    }

    /// A field in either of protobuf's spellings, by its name in snake case. None where it is absent or null.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Node<'a>> {
        self.taken.push(name);
        let (snake, camel) = (self.node.field(name), self.node.field(&camel(name)));
        match (snake, camel) {
            (Some(snake), Some(camel)) if snake.path != camel.path => {
                camel.problem(&format!("stands here as `{name}` too; write it once"));
                Some(snake)
            }
            (snake, camel) => snake.or(camel),
        }
    }

    /// Whether a message without fields is there.
    pub(crate) fn has(&mut self, name: &'static str) -> bool {
        let there = self.take(name);
        there.is_some_and(|node| {
            node.message().end();
            true
        })
    }

    /// Takes a field that is told as not carried over, where it is there.
    pub(crate) fn lose(&mut self, name: &'static str, consequence: &str) {
        if let Some(node) = self.take(name) {
            node.lost(format!("`{name}` is not carried over"), consequence);
        }
    }

    /// Tells of every field that was not taken.
    pub(crate) fn end(self) {
        for node in self.untaken() {
            let name = name_of(&node);
            node.lost(
                format!("`{name}` is not known here"),
                "whatever it does is not done by what it is converted to",
            );
        }
    }

    /// Tells of all fields that were not taken, in one loss: they are not of a filter.
    pub(crate) fn end_elsewhere(self, consequence: &str) {
        let names: Vec<String> = self
            .untaken()
            .iter()
            .map(|node| format!("`{}`", name_of(node)))
            .collect();
        if !names.is_empty() {
            let what = format!("not of a filter: {}", names.join(", "));
            self.node.lost(what, consequence);
        }
    }

    /// As [`Message::end`], where a field that is not known may forbid what would pass without it.
    pub(crate) fn end_or_refuse(self) {
        for node in self.untaken() {
            node.problem("is not known here, and what is converted without it may let more pass; remove it, if it does not matter");
        }
    }

    /// Whether there is a field that was not taken.
    pub(crate) fn is_read(&self) -> bool {
        self.untaken().is_empty()
    }

    fn untaken(&self) -> Vec<Node<'a>> {
        let Some(map) = self.node.value.as_object() else {
            return Vec::new();
        };
        let fields = map.iter().filter(|(name, value)| {
            !value.is_null()
                && !self
                    .taken
                    .iter()
                    .any(|taken| taken == name || camel(taken) == **name)
        });
        fields
            .map(|(name, value)| self.node.child(name, value))
            .collect()
    }
}

fn name_of(node: &Node<'_>) -> String {
    let at = node.path.rfind('.').map_or(0, |at| at.saturating_add(1));
    node.path.get(at..).unwrap_or_default().to_owned()
}

fn camel(name: &str) -> String {
    let mut camel = String::new();
    let mut upper = false;
    for character in name.chars() {
        match (character, upper) {
            ('_', _) => upper = true,
            (character, true) => {
                camel.push(character.to_ascii_uppercase());
                upper = false;
            }
            (character, false) => camel.push(character),
        }
    }
    camel
}
