//! The configuration: Istio's AuthorizationPolicies, checked as istiod checks them.

mod keys;
mod lists;
mod pasted;
mod policy;
pub mod providers;
mod rule;
mod trust;
mod unseen;
mod values;
mod wire;

use sdk_helpers::config::{Envelope, Layout};
use sdk_helpers::{At, Problems};

use crate::custom::Provider;
use crate::order::sorted;
use crate::rule::Rule;
use policy::PolicyReader;
use providers::ProviderWire;
use trust::TrustDomains;
use unseen::Unseen;
use wire::PolicyWire;
pub use wire::Wire;

/// An AuthorizationPolicy is one of `policies`.
pub const ENVELOPE: Envelope = Envelope {
    kind: "AuthorizationPolicy",
    spec: PolicyWire::SPEC,
    passed_over: PolicyWire::PASSED_OVER,
    layout: Layout::Entries {
        list: "policies",
        beside: Wire::FIELDS,
        flag: ("istio.io/dry-run", "dryRun"),
    },
};

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// The services that CUSTOM policies ask.
    pub providers: Vec<Provider>,
    /// Every client certificate has one URI SAN.
    pub single_uri_san: bool,
    /// The policies, in order.
    pub policies: Vec<PolicyConfig>,
}

/// One checked policy.
#[derive(Debug)]
pub struct PolicyConfig {
    /// `<namespace>/<name>`, or the name alone.
    pub name: String,
    /// It was given that name; else it is its place.
    pub is_named: bool,
    /// What it does; none if that could not be told, which is an error.
    pub action: Option<Action>,
    /// Counted and logged, not enforced.
    pub dry_run: bool,
    /// Any of them; none at all never matches.
    pub rules: Vec<Rule>,
}

/// What a policy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Allows what matches; what no such policy allows is denied.
    Allow,
    /// Denies what matches.
    Deny,
    /// Notes what matches.
    Audit,
    /// Asks the provider of this number about what matches.
    Custom(usize),
}

impl Config {
    /// The CUSTOM policies with the services that they ask, and all others. A configuration without
    /// policies is one of others: it was said to allow every request.
    pub fn custom_apart(self) -> [Option<Config>; 2] {
        let is_custom = |policy: &PolicyConfig| matches!(policy.action, Some(Action::Custom(_)));
        let (custom, others): (Vec<_>, Vec<_>) = self.policies.into_iter().partition(is_custom);
        let single_uri_san = self.single_uri_san;
        let others = (custom.is_empty() || !others.is_empty()).then_some(Config {
            providers: Vec::new(),
            single_uri_san,
            policies: others,
        });
        let custom = (!custom.is_empty()).then_some(Config {
            providers: self.providers,
            single_uri_san,
            policies: custom,
        });
        [custom, others]
    }
}

impl Wire {
    /// Checks the configuration that stands at `root` and reports every problem.
    pub fn check(self, root: &At<'_>, problems: &Problems) -> Config {
        let mut trust = vec![match self.trust_domain {
            Some(domain) => domain,
            None => trust::DEFAULT.to_owned(),
        }];
        trust.extend(self.trust_domain_aliases.unwrap_or_default());
        let aliases = root.field("trustDomainAliases");
        for (index, domain) in trust.iter().enumerate() {
            if domain.is_empty() || domain.contains('/') {
                let problem = values::about(domain, " is no trust domain such as `cluster.local`");
                match index.checked_sub(1) {
                    None => problems.error(&root.field("trustDomain"), problem),
                    Some(index) => problems.error(&aliases.index(index), problem),
                }
            }
        }
        let wires = self.extension_providers.unwrap_or_default();
        let named: Vec<String> = wires.iter().map(ProviderWire::name).collect();
        let providers = providers::check(wires, &root.field("extensionProviders"), problems);
        let single_uri_san = self.single_uri_san.unwrap_or(false);
        let reader = PolicyReader {
            problems,
            trust: &TrustDomains(trust),
            providers: &providers,
            unseen: Unseen::new(single_uri_san),
            named: &named,
        };
        let at = root.field("policies");
        let wires = self.policies.unwrap_or_default();
        match (wires.is_empty(), self.allow_all.unwrap_or(false)) {
            (true, false) => problems.error(
                &at,
                "without any, every request would be allowed; who means that writes \
                 `allowAll: true` beside `policies: []`",
            ),
            (false, true) => problems.error(
                &root.field("allowAll"),
                "is for a configuration without policies; remove it, or the policies",
            ),
            _ => {}
        }
        let mut policies: Vec<PolicyConfig> = Vec::with_capacity(wires.len());
        for (index, wire) in wires.into_iter().enumerate() {
            policies.push(reader.policy(wire, index, &at.index(index)));
        }
        check_names(&policies, &at, problems);
        Config {
            providers,
            single_uri_san,
            policies,
        }
    }
}

/// Reasons, counters and a cluster know a policy by namespace and name, so no two may share them.
fn check_names(policies: &[PolicyConfig], at: &At<'_>, problems: &Problems) {
    let name = |number: u32| policies.get(number as usize).map(|policy| &policy.name);
    let order = sorted(policies.len(), &|one, other| name(one).cmp(&name(other)));
    for same in order.chunk_by(|one, other| name(*one) == name(*other)) {
        let Some((first, others)) = same.split_first() else {
            continue;
        };
        for number in others {
            let name = name(*number).map_or("", String::as_str);
            problems.error(
                &at.index(*number as usize).field("name"),
                format!(
                    "`{name}` is the name of {} too, and reasons and statistics \
                     could not tell them apart; rename one",
                    at.index(*first as usize)
                ),
            );
        }
    }
}
