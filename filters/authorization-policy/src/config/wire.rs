//! The configuration as a user writes it: Istio's names, every field optional. What must be there,
//! and what a value may say, is checked afterwards.
//!
//! Read by hand: what serde derives for these types weighs a fifth of the whole module.

use sdk_helpers::config::{FromNode, Node};

use super::providers::ProviderWire;

/// What a user writes. `trustDomain`, `trustDomainAliases` and `extensionProviders` are those of
/// Istio's MeshConfig.
#[derive(Debug, Default)]
pub struct Wire {
    pub(super) trust_domain: Option<String>,
    pub(super) trust_domain_aliases: Vec<String>,
    pub(super) extension_providers: Vec<ProviderWire>,
    pub(super) single_uri_san: bool,
    pub(super) allow_all: bool,
    pub(super) policies: Vec<PolicyWire>,
}

/// A policy: its name and namespace beside the fields of Istio's `spec`.
#[derive(Debug, Default)]
pub(super) struct PolicyWire {
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) dry_run: Option<bool>,
    pub(super) action: ActionWire,
    pub(super) provider: Option<Option<String>>,
    pub(super) rules: Vec<Option<RuleWire>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ActionWire {
    #[default]
    Allow,
    Deny,
    Audit,
    Custom,
}

#[derive(Debug, Default)]
pub(super) struct RuleWire {
    /// Each with its `source`.
    pub(super) from: Option<Vec<Option<Lists>>>,
    /// Each with its `operation`.
    pub(super) to: Option<Vec<Option<Lists>>>,
    pub(super) when: Vec<WhenWire>,
}

/// The lists of a source or an operation, each with the place of its field in [`SOURCE`] or
/// [`OPERATION`]. An absent list and an empty one are the same, as in Istio.
pub(super) type Lists = Vec<(usize, Vec<String>)>;

#[derive(Debug, Default)]
pub(super) struct WhenWire {
    pub(super) key: String,
    pub(super) values: Vec<String>,
    pub(super) not_values: Vec<String>,
}

/// The lists of a source; behind each its opposite.
pub(super) const SOURCE: [&str; 14] = [
    "principals",
    "notPrincipals",
    "requestPrincipals",
    "notRequestPrincipals",
    "serviceAccounts",
    "notServiceAccounts",
    "trustDomains",
    "notTrustDomains",
    "namespaces",
    "notNamespaces",
    "remoteIpBlocks",
    "notRemoteIpBlocks",
    "ipBlocks",
    "notIpBlocks",
];

/// The lists of an operation; behind each its opposite.
pub(super) const OPERATION: [&str; 8] = [
    "hosts",
    "notHosts",
    "methods",
    "notMethods",
    "paths",
    "notPaths",
    "ports",
    "notPorts",
];

/// The fields of the configuration.
pub(super) const FIELDS: [&str; 6] = [
    "trustDomain",
    "trustDomainAliases",
    "extensionProviders",
    "singleUriSan",
    "allowAll",
    "policies",
];

impl FromNode for Wire {
    fn from_node(node: Node<'_>) -> Self {
        let mut wire = Wire::default();
        node.fields(&FIELDS, &mut |place, node| match place {
            0 => wire.trust_domain = Some(node.text()),
            1 => wire.trust_domain_aliases = node.texts(),
            2 => node.elements(&mut |node| wire.extension_providers.push(ProviderWire::read(node))),
            3 => wire.single_uri_san = node.flag(),
            4 => wire.allow_all = node.flag(),
            _ => node.elements(&mut |node| wire.policies.push(policy(node))),
        });
        wire
    }
}

/// The fields of a policy: of `spec` first, and of those first what says something here.
const POLICY: [&str; 9] = [
    "action",
    "provider",
    "rules",
    "selector",
    "targetRef",
    "targetRefs",
    "name",
    "namespace",
    "dryRun",
];
/// Those of `spec`.
pub(super) const SPEC: &[&str] = POLICY.split_at(6).0;

fn policy(node: Node<'_>) -> PolicyWire {
    let mut wire = PolicyWire::default();
    node.fields(&POLICY, &mut |place, node| match place {
        0 => {
            wire.action = match node.one_of(&["ALLOW", "DENY", "AUDIT", "CUSTOM"]) {
                0 => ActionWire::Allow,
                1 => ActionWire::Deny,
                2 => ActionWire::Audit,
                _ => ActionWire::Custom,
            }
        }
        1 => {
            let name = wire.provider.get_or_insert_default();
            node.fields(&["name"], &mut |_, node| *name = Some(node.text()));
        }
        2 => node.elements(&mut |node| {
            wire.rules.push((!node.is_null()).then(|| rule(node)));
        }),
        6 => wire.name = Some(node.text()),
        7 => wire.namespace = Some(node.text()),
        8 => wire.dry_run = Some(node.flag()),
        // Where it applies was checked with the object it stands in.
        _ => {}
    });
    wire
}

fn rule(node: Node<'_>) -> RuleWire {
    let mut wire = RuleWire::default();
    node.fields(&["from", "to", "when"], &mut |place, node| match place {
        0 => wire.from = Some(branches(node, "source", &SOURCE)),
        1 => wire.to = Some(branches(node, "operation", &OPERATION)),
        _ => node.elements(&mut |node| wire.when.push(when(node))),
    });
    wire
}

fn branches(node: Node<'_>, inner: &str, known: &[&str]) -> Vec<Option<Lists>> {
    let mut branches = Vec::new();
    node.elements(&mut |node| {
        let mut branch = None;
        if !node.is_null() {
            node.fields(&[inner], &mut |_, node| {
                let lists: &mut Lists = branch.get_or_insert_default();
                node.fields(known, &mut |place, node| lists.push((place, node.texts())));
            });
        }
        branches.push(branch);
    });
    branches
}

fn when(node: Node<'_>) -> WhenWire {
    let mut wire = WhenWire::default();
    if !node.is_null() {
        let known = ["key", "values", "notValues"];
        node.fields(&known, &mut |place, node| match place {
            0 => wire.key = node.text(),
            1 => wire.values = node.texts(),
            _ => wire.not_values = node.texts(),
        });
    }
    wire
}
