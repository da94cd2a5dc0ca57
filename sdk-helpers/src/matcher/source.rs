//! Where a request comes from: Envoy's `remote_address_match`.

use super::Cidr;
use crate::config::kind::FieldKind;
use crate::config::table::Type;
use crate::config::{At, Node, Problems};
use crate::world::Attributes;

/// `sourceCIDR` and `notSourceCIDR` as a user writes them: one block of addresses, or a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum BlocksWire {
    /// What is neither is refused.
    #[default]
    Neither,
    /// One block.
    One(String),
    /// A list.
    Several(Vec<String>),
}

impl FieldKind for BlocksWire {
    type Value = BlocksWire;

    fn read(node: Node<'_>) -> BlocksWire {
        if node.is_list() {
            return BlocksWire::Several(Vec::<String>::read(node));
        }
        match node.is_text() {
            true => BlocksWire::One(node.text()),
            false => BlocksWire::Neither,
        }
    }

    fn describe() -> Type {
        Type::Either(vec![String::describe(), Vec::<String>::describe()])
    }
}

/// What is asked of the client's address, as Envoy trusts it.
#[derive(Debug, Clone, Default)]
pub struct SourceMatch {
    inside: Option<Vec<Cidr>>,
    outside: Vec<Cidr>,
}

impl SourceMatch {
    /// Compiles what a user wrote in the mapping at `at`.
    pub fn compile(
        inside: Option<BlocksWire>,
        outside: Option<BlocksWire>,
        at: &At<'_>,
        problems: &Problems,
    ) -> Self {
        let blocks = |wire: BlocksWire, field| {
            let at = at.field(field);
            let mut blocks = Vec::new();
            let mut add = |text: &str, at: &At<'_>| match Cidr::parse(text) {
                Ok(block) => blocks.push(block),
                Err(problem) => problems.error(at, problem),
            };
            match &wire {
                BlocksWire::One(text) => add(text, &at),
                BlocksWire::Several(texts) if !texts.is_empty() => {
                    for (index, text) in texts.iter().enumerate() {
                        add(text, &at.index(index));
                    }
                }
                _ => problems.error(
                    &at,
                    "must be a block of addresses such as `10.0.0.0/8`, or a list of some",
                ),
            }
            blocks
        };
        SourceMatch {
            inside: inside.map(|wire| blocks(wire, "sourceCIDR")),
            outside: outside.map_or_else(Vec::new, |wire| blocks(wire, "notSourceCIDR")),
        }
    }

    /// Whether it asks nothing.
    pub fn is_empty(&self) -> bool {
        self.inside.is_none() && self.outside.is_empty()
    }

    /// Whether the client's address matches. Who has none, as behind a pipe, is in no block.
    pub fn matches(&self, attributes: &dyn Attributes) -> bool {
        if self.is_empty() {
            return true;
        }
        let address = attributes.source_ip();
        let is_in = |blocks: &[Cidr]| {
            address.is_some_and(|address| blocks.iter().any(|block| block.contains(address)))
        };
        self.inside.as_deref().is_none_or(is_in) && !is_in(&self.outside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fake::FakeWorld;

    fn compile(inside: &[&str], outside: &[&str]) -> (SourceMatch, Vec<String>) {
        let wire = |list: &[&str]| {
            let list: Vec<String> = list.iter().map(|text| (*text).to_owned()).collect();
            (!list.is_empty()).then_some(BlocksWire::Several(list))
        };
        let problems = Problems::default();
        let compiled = SourceMatch::compile(wire(inside), wire(outside), &At::root(), &problems);
        let errors = problems.errors();
        (compiled, errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_address_is_inside_or_outside() {
        let internal: &[&str] = &["10.0.0.0/8", "2001:db8::/32"];
        let gateway: &[&str] = &["10.0.0.1"];
        for (address, inside, outside, both) in [
            ("10.1.2.3:80", true, false, true),
            ("10.0.0.1:80", true, false, false),
            ("[2001:db8::1]:443", true, false, true),
            ("192.0.2.1:80", false, true, false),
            ("/var/run/envoy.sock", false, true, false),
            ("envoy://inner/1", false, true, false),
        ] {
            let world = FakeWorld::new();
            world.set_property(&["source", "address"], address);
            let matches = |inside: &[&str], outside: &[&str]| {
                let (compiled, errors) = compile(inside, outside);
                assert!(errors.is_empty() && !compiled.is_empty(), "{errors:?}");
                compiled.matches(&world)
            };
            assert_eq!(matches(internal, &[]), inside, "{address}");
            assert_eq!(matches(&[], internal), outside, "{address}");
            assert_eq!(matches(internal, gateway), both, "{address}");
        }
    }

    #[test]
    fn nothing_asked_asks_nothing() {
        let world = FakeWorld::new();
        let nothing = SourceMatch::default();
        assert!(nothing.is_empty() && nothing.matches(&world));
        assert!(world.asked().is_empty());
        assert!(!compile(&["0.0.0.0/0"], &[]).0.matches(&world));
        assert!(compile(&[], &["0.0.0.0/0"]).0.matches(&world));
    }

    #[test]
    fn what_is_no_block_is_named() {
        let (_, errors) = compile(&["10.0.0.0/8", "10.0.0"], &["::/129"]);
        let at = |error: &String| error.split(": ").next().map(str::to_owned);
        let at: Vec<_> = errors.iter().filter_map(at).collect();
        assert_eq!(at, ["sourceCIDR[1]", "notSourceCIDR[0]"], "{errors:?}");
    }
}
