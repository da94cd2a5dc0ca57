//! The tables of fields as values, for whoever tells people or editors what may be written: schemas,
//! READMEs, tests. A module has none of this, because nothing in it asks.

/// The fields of a mapping, in the order in which they are listed where one is unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// What it is called where it stands in several places and is described in one: `StringMatch`.
    pub called: Option<&'static str>,
    /// The name of the type it is read into.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub about: String,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field, and all that is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name in camel case; snake case is read too.
    pub name: &'static str,
    /// What may be written there.
    pub kind: Type,
    /// What it does, in Markdown. Nothing for a field that says nothing to a filter.
    pub meaning: String,
    /// What else there is to say.
    pub notes: Notes,
}

/// What is said of a field beside its name, kind and meaning. In Markdown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Notes {
    /// What may be written, where that of its kind is too little: `duration, whole ms, ≥ 1 ms`.
    pub kind: &'static str,
    /// What it is when left out, where that is something.
    pub default: &'static str,
    /// The field of Istio's or Envoy's that it is, `same`, or `ours`.
    pub istio: &'static str,
    /// The least and the most that its check lets through, where that is less than its kind does.
    pub within: Option<(f64, f64)>,
    /// The words that its check lets through.
    pub words: &'static [&'static str],
    /// Whether it is known only to be refused with a word on what to do.
    pub refused: bool,
}

impl Notes {
    /// Nothing more to say.
    pub const NONE: Notes = Notes {
        kind: "",
        default: "",
        istio: "",
        within: None,
        words: &[],
        refused: false,
    };
}

/// What may be written in a place.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Text.
    Text {
        /// What a page calls it: `text`, `RFC 3339 time`.
        called: &'static str,
        /// A regular expression (of ECMA-262, and of RE2) for every text that is right.
        pattern: Option<&'static str>,
    },
    /// The text of a duration.
    Duration,
    /// One of these words.
    Words(&'static [&'static str]),
    /// True or false.
    Flag,
    /// A whole number.
    Whole {
        /// The least.
        least: i128,
        /// The most.
        most: i128,
    },
    /// Any number.
    Number,
    /// A list.
    List(Box<Type>),
    /// A mapping from any names.
    Map(Box<Type>),
    /// A mapping of known fields.
    Table(Table),
    /// One of several kinds.
    Either(Vec<Type>),
    /// Whatever it is.
    Anything,
}

impl Type {
    /// The mapping it is; one without fields where it is none.
    pub fn into_table(self) -> Table {
        match self {
            Type::Table(table) => table,
            _ => Table::default(),
        }
    }

    /// The fields of the mapping it is, or that stand in the list or map it is.
    pub fn table(&self) -> Option<&Table> {
        match self {
            Type::Table(table) => Some(table),
            Type::List(inner) | Type::Map(inner) => inner.table(),
            _ => None,
        }
    }
}

/// Comments as one text.
#[doc(hidden)]
pub fn sentence(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}
