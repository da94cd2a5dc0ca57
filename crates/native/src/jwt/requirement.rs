//! What tokens a rule asks for.

use crate::node::Node;
use crate::snippet::elements;

/// Tokens of any of some providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    /// Names of providers, each with the audiences that are asked for in place of its own.
    pub(super) providers: Vec<(String, Option<Vec<String>>)>,
    pub(super) allows_missing: bool,
    pub(super) allows_failed: bool,
}

impl Requirement {
    /// Asks for what either does.
    pub(super) fn tighten(&mut self, other: &Self) {
        self.allows_missing &= other.allows_missing || other.allows_failed;
        self.allows_failed &= other.allows_failed;
    }
}

/// Reads a JwtRequirement; none where it asks for nothing.
pub(super) fn read(node: &Node<'_>, providers: &[&str]) -> Option<Requirement> {
    let mut found = Requirement {
        providers: Vec::new(),
        allows_missing: false,
        allows_failed: false,
    };
    add(node, providers, &mut found);
    // Any token passes, none is asked for: Envoy looks at those that it knows a provider for.
    if found.providers.is_empty() && (found.allows_missing || found.allows_failed) {
        found.providers = providers
            .iter()
            .map(|name| ((*name).to_owned(), None))
            .collect();
    }
    (!found.providers.is_empty()).then_some(found)
}

fn add(node: &Node<'_>, known: &[&str], found: &mut Requirement) {
    let mut message = node.message();
    let name = |node: &Node<'_>| {
        let name = node.text();
        if !known.contains(&name) {
            node.problem("is none of `providers`");
        }
        name.to_owned()
    };
    if let Some(provider) = message.take("provider_name") {
        found.providers.push((name(&provider), None));
    }
    if let Some(both) = message.take("provider_and_audiences") {
        let mut inner = both.message();
        let provider = inner.take("provider_name").map(|it| name(&it));
        let audiences = inner.take("audiences").map(|it| it.texts());
        inner.end_or_refuse();
        let audiences = audiences.unwrap_or_default();
        let audiences = audiences.iter().map(|it| (*it).to_owned()).collect();
        found
            .providers
            .extend(provider.map(|name| (name, Some(audiences))));
    }
    if let Some(any) = message.take("requires_any") {
        let mut inner = any.message();
        for one in elements(inner.take("requirements")) {
            add(&one, known, found);
        }
        inner.end_or_refuse();
    }
    if let Some(all) = message.take("requires_all") {
        let mut inner = all.message();
        let list = elements(inner.take("requirements"));
        inner.end_or_refuse();
        match list.as_slice() {
            [one] => add(one, known, found),
            _ => all.problem("asks for several tokens at once, and ours for one: more would pass; convert it without, and ask for the others in an AuthorizationPolicy"),
        }
    }
    if message.has("allow_missing") {
        found.allows_missing = true;
    }
    if message.has("allow_missing_or_failed") {
        found.allows_failed = true;
    }
    if let Some(extract) = message.take("extract_only_without_validation") {
        extract.problem("takes tokens that nobody verified, which ours never does; remove it");
    }
    message.end_or_refuse();
}
