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
    pub(super) policies: Vec<PolicyWire>,
}

/// A policy: its name and namespace beside the fields of Istio's `spec`, or the whole object as
/// `kubectl` prints it.
#[derive(Debug, Default)]
pub(super) struct PolicyWire {
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) dry_run: Option<bool>,
    /// The fields of `spec`, if any stands here.
    pub(super) beside: Option<SpecWire>,
    /// The whole object, if this is one.
    pub(super) object: Option<ObjectWire>,
}

/// What only a whole object has.
#[derive(Debug, Default)]
pub(super) struct ObjectWire {
    pub(super) api_version: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) annotations: Vec<(String, String)>,
    pub(super) spec: SpecWire,
}

/// `AuthorizationPolicy.spec`.
#[derive(Debug, Default)]
pub(super) struct SpecWire {
    pub(super) selector: Option<Vec<(String, String)>>,
    pub(super) target_ref: Option<TargetRefWire>,
    pub(super) target_refs: Vec<TargetRefWire>,
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
pub(super) struct TargetRefWire {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) namespace: String,
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

impl FromNode for Wire {
    fn from_node(node: Node<'_>) -> Self {
        let mut wire = Wire::default();
        let known = [
            "trustDomain",
            "trustDomainAliases",
            "extensionProviders",
            "singleUriSan",
            "policies",
        ];
        node.fields(&known, &mut |place, node| match place {
            0 => wire.trust_domain = Some(node.text()),
            1 => wire.trust_domain_aliases = node.texts(),
            2 => node.elements(&mut |node| wire.extension_providers.push(ProviderWire::read(node))),
            3 => wire.single_uri_san = node.flag(),
            _ => node.elements(&mut |node| wire.policies.push(policy(node))),
        });
        wire
    }
}

/// The fields of `spec`, which come first wherever they stand.
const SPEC: [&str; 6] = [
    "action",
    "provider",
    "rules",
    "selector",
    "targetRef",
    "targetRefs",
];

fn policy(node: Node<'_>) -> PolicyWire {
    let mut wire = PolicyWire::default();
    let [action, provider, rules, selector, target, targets] = SPEC;
    let known = [
        action,
        provider,
        rules,
        selector,
        target,
        targets,
        "name",
        "namespace",
        "dryRun",
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "status",
    ];
    node.fields(&known, &mut |place, node| {
        let object = &mut wire.object;
        match place {
            6 => wire.name = Some(node.text()),
            7 => wire.namespace = Some(node.text()),
            8 => wire.dry_run = Some(node.flag()),
            9 => object.get_or_insert_default().api_version = Some(node.text()),
            10 => object.get_or_insert_default().kind = Some(node.text()),
            11 => metadata(node, object.get_or_insert_default()),
            12 => {
                let spec = &mut object.get_or_insert_default().spec;
                node.fields(&SPEC, &mut |place, node| spec_field(place, node, spec));
            }
            13 => {}
            place => spec_field(place, node, wire.beside.get_or_insert_default()),
        }
    });
    wire
}

/// What `kubectl get -o yaml` prints besides says nothing here.
fn metadata(node: Node<'_>, object: &mut ObjectWire) {
    let known = [
        "name",
        "namespace",
        "annotations",
        "labels",
        "creationTimestamp",
        "generation",
        "resourceVersion",
        "uid",
        "managedFields",
        "ownerReferences",
        "finalizers",
    ];
    node.fields(&known, &mut |place, node| match place {
        0 => object.name = Some(node.text()),
        1 => object.namespace = Some(node.text()),
        2 => object.annotations = pairs(node),
        _ => {}
    });
}

fn pairs(node: Node<'_>) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    node.entries(&mut |name, node| pairs.push((name.to_owned(), node.text())));
    pairs
}

fn spec_field(place: usize, node: Node<'_>, spec: &mut SpecWire) {
    match place {
        0 => {
            spec.action = match node.one_of(&["ALLOW", "DENY", "AUDIT", "CUSTOM"]) {
                0 => ActionWire::Allow,
                1 => ActionWire::Deny,
                2 => ActionWire::Audit,
                _ => ActionWire::Custom,
            }
        }
        1 => {
            let name = spec.provider.get_or_insert_default();
            node.fields(&["name"], &mut |_, node| *name = Some(node.text()));
        }
        2 => node.elements(&mut |node| {
            spec.rules.push((!node.is_null()).then(|| rule(node)));
        }),
        3 => {
            let labels = spec.selector.get_or_insert_default();
            node.fields(&["matchLabels"], &mut |_, node| *labels = pairs(node));
        }
        4 => spec.target_ref = Some(target_ref(node)),
        _ => node.elements(&mut |node| spec.target_refs.push(target_ref(node))),
    }
}

fn target_ref(node: Node<'_>) -> TargetRefWire {
    let mut wire = TargetRefWire::default();
    let known = ["group", "kind", "name", "namespace"];
    node.fields(&known, &mut |place, node| {
        let text = node.text();
        match place {
            0 => wire.group = text,
            1 => wire.kind = text,
            2 => wire.name = text,
            _ => wire.namespace = text,
        }
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
