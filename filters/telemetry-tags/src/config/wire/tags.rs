//! Tags as a user writes them: `tags[]`, and `customTags` of Istio's `tracing`.

use sdk_helpers::config::Node;

use super::BoundWire;
use super::number;

/// Where a value comes from; exactly one must be there.
#[derive(Debug, Default)]
pub(in crate::config) struct SourceWire {
    pub(in crate::config) literal: Option<Option<String>>,
    pub(in crate::config) environment: Option<NamedWire>,
    pub(in crate::config) header: Option<NamedWire>,
    pub(in crate::config) formatter: Option<Option<String>>,
    pub(in crate::config) expression: Option<String>,
    pub(in crate::config) claim: Option<String>,
}

impl SourceWire {
    /// How many of them are there.
    pub(in crate::config) fn said(&self) -> usize {
        let said = [
            self.literal.is_some(),
            self.environment.is_some(),
            self.header.is_some(),
            self.formatter.is_some(),
            self.expression.is_some(),
            self.claim.is_some(),
        ];
        said.iter().filter(|there| **there).count()
    }
}

#[derive(Debug, Default)]
pub(in crate::config) struct NamedWire {
    pub(in crate::config) name: Option<String>,
    pub(in crate::config) default: Option<String>,
}

#[derive(Debug, Default)]
pub(in crate::config) struct TagWire {
    pub(in crate::config) name: Option<String>,
    pub(in crate::config) source: SourceWire,
    pub(in crate::config) templates: Vec<String>,
    pub(in crate::config) bound: BoundWire,
    pub(in crate::config) label: Option<bool>,
}

/// The fields of a tag of ours; Istio's `customTags` have the first ones.
const TAG: [&str; 11] = [
    "literal",
    "environment",
    "header",
    "formatter",
    "expression",
    "name",
    "templates",
    "maxValues",
    "overflow",
    "label",
    "claim",
];
const SOURCE: &[&str] = TAG.split_at(4).0;

pub(super) fn custom_tag(node: Node<'_>) -> SourceWire {
    let mut wire = SourceWire::default();
    node.fields(SOURCE, &mut |place, node| {
        source_field(&mut wire, place, node);
    });
    wire
}

fn source_field(wire: &mut SourceWire, place: usize, node: Node<'_>) {
    match place {
        0 => wire.literal = Some(value(node)),
        1 => wire.environment = Some(named(node)),
        2 => wire.header = Some(named(node)),
        _ => wire.formatter = Some(value(node)),
    }
}

fn value(node: Node<'_>) -> Option<String> {
    let mut text = None;
    node.fields(&["value"], &mut |_, node| text = Some(node.text()));
    text
}

fn named(node: Node<'_>) -> NamedWire {
    let mut wire = NamedWire::default();
    node.fields(&["name", "defaultValue"], &mut |place, node| match place {
        0 => wire.name = Some(node.text()),
        _ => wire.default = Some(node.text()),
    });
    wire
}

pub(super) fn tag(node: Node<'_>) -> TagWire {
    let mut wire = TagWire::default();
    node.fields(&TAG, &mut |place, node| match place {
        0..=3 => source_field(&mut wire.source, place, node),
        4 => wire.source.expression = Some(node.text()),
        5 => wire.name = Some(node.text()),
        6 => wire.templates = node.texts(),
        7 => wire.bound.max_values = Some(number(node)),
        8 => wire.bound.overflow = Some(node.text()),
        9 => wire.label = Some(node.flag()),
        _ => wire.source.claim = Some(node.text()),
    });
    wire
}
