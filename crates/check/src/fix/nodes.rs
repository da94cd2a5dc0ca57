//! A file as its parser sees it: which bytes every name and every value is.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use istio::Position;

use super::path::{Step, spelt};

/// The documents of a file.
pub(super) struct Nodes(Vec<Node>);

/// A value.
struct Node {
    start: Position,
    what: What,
}

enum What {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<(Scalar, Node)>),
    /// A reference to what stands elsewhere.
    Alias,
}

/// A text, a number, or the name of a field.
#[derive(Debug, Clone)]
pub(super) struct Scalar {
    pub(super) bytes: Range<usize>,
    pub(super) style: ScalarStyle,
    name: String,
    /// Whether it has an anchor or a tag, so that it is more than its text.
    pub(super) is_marked: bool,
}

/// What a path leads to.
pub(super) struct Place<'a> {
    /// The name before it, where it is a field.
    pub(super) name: Option<&'a Scalar>,
    /// Itself, where it is no mapping, list or reference.
    pub(super) value: Option<&'a Scalar>,
}

type Events<'a> = Parser<'a, StrInput<'a>>;

impl Nodes {
    /// Reads a file; none where it is no YAML, or a name in it is no text.
    pub(super) fn read(text: &str) -> Option<Nodes> {
        let mut events = Parser::new_from_str(text);
        let mut documents = Vec::new();
        loop {
            match next(&mut events)? {
                (Event::StreamEnd, _) => return Some(Nodes(documents)),
                (Event::DocumentStart(..), _) => {
                    let (event, span) = next(&mut events)?;
                    documents.push(node(event, span, &mut events)?);
                }
                _ => {}
            }
        }
    }

    /// Where a path of the document leads that starts there.
    pub(super) fn find(&self, document: Position, steps: &[Step]) -> Option<Place<'_>> {
        let mut node = self.0.iter().find(|node| node.start == document)?;
        let mut name = None;
        for step in steps {
            (name, node) = match (step, &node.what) {
                (Step::Index(index), What::List(items)) => (None, items.get(*index)?),
                (Step::Field(field), What::Map(fields)) => {
                    let names = fields.iter().map(|(name, _)| name.name.as_str());
                    let field = spelt(field, names)?;
                    let (name, node) = fields.iter().find(|(name, _)| name.name == field)?;
                    (Some(name), node)
                }
                _ => return None,
            };
        }
        let value = match &node.what {
            What::Scalar(scalar) => Some(scalar),
            _ => None,
        };
        Some(Place { name, value })
    }
}

/// The next event that is no comment.
fn next<'a>(events: &mut Events<'a>) -> Option<(Event<'a>, Span)> {
    loop {
        let event = events.next_event()?.ok()?;
        if !matches!(event.0, Event::Comment(..)) {
            return Some(event);
        }
    }
}

/// As deep as the parser lets it be.
fn node(event: Event<'_>, span: Span, events: &mut Events<'_>) -> Option<Node> {
    let start = position(&span)?;
    let what = match event {
        Event::Alias(_) => What::Alias,
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match next(events)? {
                    (Event::SequenceEnd, _) => break What::List(items),
                    (event, span) => items.push(node(event, span, events)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut fields = Vec::new();
            loop {
                let name = match next(events)? {
                    (Event::MappingEnd, _) => break What::Map(fields),
                    (event, span) => scalar(event, &span)?,
                };
                let (event, span) = next(events)?;
                fields.push((name, node(event, span, events)?));
            }
        }
        event => What::Scalar(scalar(event, &span)?),
    };
    Some(Node { start, what })
}

fn scalar(event: Event<'_>, span: &Span) -> Option<Scalar> {
    let Event::Scalar(text, style, anchor, tag) = event else {
        return None;
    };
    Some(Scalar {
        bytes: span.byte_range()?,
        style,
        name: text.into_owned(),
        is_marked: anchor != 0 || tag.is_some(),
    })
}

fn position(span: &Span) -> Option<Position> {
    Some(Position {
        line: u64::try_from(span.start.line()).ok()?,
        column: u64::try_from(span.start.col()).ok()?.checked_add(1)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fix::path::steps;
    use istio::Object;

    const FILE: &str = "\
# é before
a: {b: [x, 'y'], \"c d\": 1} # é beside
---
---
- &n {k: \"v\\n\"}
- *n
- k: >
    folded
";

    #[test]
    fn every_value_knows_its_bytes() {
        let nodes = Nodes::read(FILE).unwrap();
        let objects = Object::read_all(FILE).unwrap();
        let at = |document: usize, path: &str| {
            let start = objects[document].position("");
            let place = nodes.find(start, &steps(path).unwrap())?;
            let text = |scalar: Option<&Scalar>| {
                scalar.map(|it| FILE.get(it.bytes.clone()).unwrap().to_owned())
            };
            Some((text(place.name), text(place.value)))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(at(0, "a.b[0]"), Some((None, some("x"))));
        assert_eq!(at(0, "a.b[1]"), Some((None, some("'y'"))));
        assert_eq!(at(0, "a[\"c d\"]"), Some((some("\"c d\""), some("1"))));
        assert_eq!(at(0, "a.b"), Some((some("b"), None)));
        assert_eq!(at(0, "a.c"), None);
        assert_eq!(at(1, "[0].k"), Some((some("k"), some("\"v\\n\""))));
        // What is referred to has no bytes of its own here.
        assert_eq!(at(1, "[1].k"), None);
        assert_eq!(at(1, "[1]"), Some((None, None)));
    }

    #[test]
    fn what_is_no_yaml_has_no_nodes() {
        for text in ["[", "a: b: c", "? [a]\n: b"] {
            assert!(Nodes::read(text).is_none(), "{text}");
        }
        assert!(Nodes::read("").is_some());
    }
}
