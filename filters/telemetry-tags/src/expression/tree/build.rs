//! How a tree is put together while an expression is checked. `None` is what only Envoy evaluates.

use super::operator::Operator;
use super::{Node, Tree, What};
use crate::attribute::{Attribute, Kind, look_up};

/// So often an expression may join texts: of headers as long as Envoy takes them that makes no more than a module
/// has room for.
const MOST_JOINED: usize = 15;

/// What the parts of an expression have in common.
#[derive(Debug, Default)]
pub(in crate::expression) struct Builder {
    property: Option<Attribute>,
    /// The headers of the request that are looked at.
    headers: Vec<String>,
    /// Whether values are among them that may come several times: one look is not enough for these.
    reads_request: bool,
    reads_response: bool,
    joined: usize,
}

impl Builder {
    /// A literal, as the checker has it.
    pub(in crate::expression) fn literal(kind: Kind, text: &str) -> Option<Node> {
        Some(Node::leaf(match kind {
            Kind::Text => What::Text(text.into()),
            Kind::Int => What::Int(text.parse().ok()?),
            Kind::Bool => What::Bool(text == "true"),
            _ => return None,
        }))
    }

    /// The attribute at a path.
    pub(in crate::expression) fn attribute(&mut self, path: &[String]) -> Option<Node> {
        let (attribute, kind) = known(path)?;
        if attribute.is_property() {
            return self.asked(attribute, What::Property(kind));
        }
        match self.looks_at(&attribute) {
            true => self.reads_request |= path.len() > 2,
            false => self.reads_response = true,
        }
        Some(Node::leaf(What::Header(attribute.into())))
    }

    /// Whether there is an attribute at a path: `has(request.referer)`, `'x-user' in request.headers`.
    pub(in crate::expression) fn has(&mut self, path: &[String]) -> Option<Node> {
        let (attribute, _) = known(path)?;
        if attribute.is_property() {
            return self.asked(attribute, What::HasProperty);
        }
        self.looks_at(&attribute);
        Some(Node::leaf(What::HasHeader(attribute.into())))
    }

    /// Two questions to Envoy cost as much as to have it evaluate the whole expression.
    fn asked(&mut self, attribute: Attribute, what: What) -> Option<Node> {
        let asked = self.property.get_or_insert_with(|| attribute.clone());
        (*asked == attribute).then(|| Node::leaf(what))
    }

    /// Whether it is a header of the request.
    fn looks_at(&mut self, attribute: &Attribute) -> bool {
        let name = attribute.request_header();
        if let Some(name) = name
            && !self.headers.iter().any(|known| known == name)
        {
            self.headers.push(name.to_owned());
        }
        name.is_some()
    }

    /// An operator by how it is written, between parts of these kinds.
    pub(in crate::expression) fn operation(
        &mut self,
        written: &str,
        parts: &mut dyn Iterator<Item = (Kind, Option<Node>)>,
    ) -> Option<Node> {
        let operator = Operator::find(written)?;
        let mut nodes = Vec::new();
        for (kind, node) in parts {
            let fits = match kind {
                Kind::Text | Kind::Int | Kind::Bool => true,
                Kind::Map => operator == Operator::In && nodes.len() == 1,
                // `a ? 1 : 'b'`, of which the kind is open.
                Kind::Other => matches!(operator, Operator::Choice | Operator::ToText),
                _ => false,
            };
            nodes.push(node.filter(|_| fits)?);
        }
        self.joined = self
            .joined
            .saturating_add(usize::from(operator == Operator::Plus));
        let bounded = match (operator, nodes.as_slice()) {
            (Operator::Plus, _) => self.joined <= MOST_JOINED,
            // Who sends both texts could have it look for very long.
            (Operator::Contains, [_, part]) => matches!(part.what, What::Text(_)),
            _ => true,
        };
        bounded.then_some(Node {
            what: What::Operator(operator),
            parts: nodes,
        })
    }

    /// The whole expression.
    pub(in crate::expression) fn finish(self, root: Node) -> Tree {
        Tree {
            root,
            property: self.property,
            headers: self.headers.len().saturating_add(self.reads_request.into()),
            reads_response: self.reads_response,
        }
    }
}

impl Node {
    fn leaf(what: What) -> Self {
        let parts = Vec::new();
        Node { what, parts }
    }
}

/// The attribute at a path, if its value is known to be what CEL has.
fn known(path: &[String]) -> Option<(Attribute, Kind)> {
    let (kind, phase) = look_up(path).ok()?;
    if let [root, headers, name] = path
        && headers == "headers"
    {
        // Of any other, CEL's idea of what a header's name is would matter.
        let letters = name.strip_prefix(':').unwrap_or(name);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_name = !letters.is_empty() && letters.bytes().all(is_plain);
        // `host` is `:authority` in a request alone.
        let is_other = root == "response" && name.eq_ignore_ascii_case("host");
        if !is_name || is_other {
            return None;
        }
    }
    let is_value = matches!(kind, Kind::Text | Kind::Int | Kind::Bool);
    let attribute = Attribute::plain(path, kind, phase).filter(|_| is_value)?;
    Some((attribute, kind))
}
