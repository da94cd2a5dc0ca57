//! What one rule of a filter is to one request, for whoever wants to know why. A program shows it; no module asks.

use std::borrow::Cow;

/// A rule, and what it is to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleExplanation {
    /// The rule, as reasons name it.
    pub rule: String,
    /// Whether the request is one of those it is for.
    pub matches: bool,
    /// What else there is to know of the two, in the order to tell it.
    pub facts: Vec<Fact>,
}

/// One thing to know of a rule and a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// What it is, as a field of JSON would be named.
    pub name: &'static str,
    /// How it is.
    pub value: FactValue,
}

/// How something is.
#[derive(Debug, Clone, PartialEq)]
pub enum FactValue {
    /// So many.
    Number(u64),
    /// In words.
    Text(String),
    /// What the request has, or has not, in the order in which the rule asks for it.
    Seen(Vec<Seen>),
}

/// What a rule asks for of a request, and what there is of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Where it is asked for.
    pub place: Place,
    /// What it is called there; empty where the place says all.
    pub name: String,
    /// What is there; none where the request has nothing of the kind.
    pub value: Option<Vec<u8>>,
}

/// Where something is in a request: who shows it has to know what may be secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A header.
    Header,
    /// A cookie.
    Cookie,
    /// A parameter of the query.
    Query,
    /// A claim of the verified token.
    Claim,
    /// Anything else, by its name: `path`, `remote address`.
    Other(&'static str),
}

impl Place {
    /// What it is called.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Place::Header => "header",
            Place::Cookie => "cookie",
            Place::Query => "query",
            Place::Claim => "claim",
            Place::Other(word) => word,
        }
    }
}

impl RuleExplanation {
    /// A rule of which nothing is known but its name and whether it matches.
    #[must_use]
    pub fn new(rule: &str, matches: bool) -> Self {
        RuleExplanation {
            rule: rule.to_owned(),
            matches,
            facts: Vec::new(),
        }
    }

    /// The same, with something said of it.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<FactValue>) -> Self {
        let value = value.into();
        self.facts.push(Fact { name, value });
        self
    }

    /// The same, where there is something to say.
    #[must_use]
    pub fn with_any(self, name: &'static str, value: Option<impl Into<FactValue>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

impl From<u64> for FactValue {
    fn from(number: u64) -> Self {
        FactValue::Number(number)
    }
}

impl From<String> for FactValue {
    fn from(text: String) -> Self {
        FactValue::Text(text)
    }
}

impl From<&str> for FactValue {
    fn from(text: &str) -> Self {
        FactValue::Text(text.to_owned())
    }
}

impl From<Vec<Seen>> for FactValue {
    fn from(seen: Vec<Seen>) -> Self {
        FactValue::Seen(seen)
    }
}

impl Seen {
    /// What is there under a name.
    #[must_use]
    pub fn new(place: Place, name: &str, value: Option<Cow<'_, [u8]>>) -> Self {
        Seen {
            place,
            name: name.to_owned(),
            value: value.map(Cow::into_owned),
        }
    }
}
