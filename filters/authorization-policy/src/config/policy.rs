//! A policy as a user writes it, checked.

use sdk_helpers::config::{Scope, nearest};
use sdk_helpers::outcome::check_name;
use sdk_helpers::{At, Problems};

use super::rule::RuleReader;
use super::trust::TrustDomains;
use super::unseen::Unseen;
use super::values::{Reader, about};
use super::wire::{ActionWire, PolicyWire, ProviderNameWire};
use super::{Action, PolicyConfig};
use crate::custom::Provider;
use crate::rule::Rule;

/// What policies are read by.
pub(super) struct PolicyReader<'a> {
    pub(super) problems: &'a Problems,
    pub(super) trust: &'a TrustDomains,
    pub(super) providers: &'a [Provider],
    pub(super) unseen: Unseen,
    /// The names of all, those among them that are not right.
    pub(super) named: &'a [String],
}

impl PolicyReader<'_> {
    /// Reads a policy.
    pub(super) fn policy(&self, wire: PolicyWire, index: usize, at: &At<'_>) -> PolicyConfig {
        let (name, namespace) = (wire.name, wire.namespace);
        let is_named = name.is_some();
        let name = name.unwrap_or_else(|| format!("policy-{index}"));
        for (field, text) in [("name", Some(&name)), ("namespace", namespace.as_ref())] {
            if let Some(Err(problem)) = text.map(|text| check_name(text)) {
                self.problems.error(&at.field(field), problem);
            }
        }
        let wanted = wire.action.unwrap_or(ActionWire::Allow);
        let action = self.action(wanted, wire.provider, at);
        let dry_run = wire.dry_run.unwrap_or(false);
        if dry_run && !matches!(wanted, ActionWire::Allow | ActionWire::Deny) {
            self.problems.error(
                &at.field("dryRun"),
                "only ALLOW and DENY can be a dry run, as in Istio; remove it",
            );
        }
        let rules = wire.rules.unwrap_or_default();
        if rules.is_empty() && matches!(wanted, ActionWire::Deny | ActionWire::Custom) {
            self.problems.error(
                at,
                "without `rules` this is never triggered; add the empty rule `{}` to trigger it \
                 for every request",
            );
        }
        let reader = RuleReader {
            values: Reader {
                problems: self.problems,
                trust: self.trust,
                namespace: namespace.as_deref(),
            },
            action: wanted,
            unseen: &self.unseen,
        };
        let at = at.field("rules");
        let read = |(index, rule): (usize, Option<_>)| -> Rule {
            let at = at.index(index);
            match rule {
                Some(rule) => reader.rule(rule, &at),
                None => {
                    self.problems.error(&at, "must not be null; write `{}`");
                    Rule::default()
                }
            }
        };
        let rules = rules.into_iter().enumerate().map(read).collect();
        PolicyConfig {
            name: match namespace {
                Some(namespace) => [&namespace, "/", &name].concat(),
                None => name,
            },
            is_named,
            action,
            dry_run,
            rules,
        }
    }

    fn action(
        &self,
        wanted: ActionWire,
        provider: Option<ProviderNameWire>,
        at: &At<'_>,
    ) -> Option<Action> {
        let at = at.field("provider");
        if provider.is_some() && wanted != ActionWire::Custom {
            self.problems
                .error(&at, "means something with action CUSTOM alone; remove it");
        }
        Some(match wanted {
            ActionWire::Allow => Action::Allow,
            ActionWire::Deny => Action::Deny,
            ActionWire::Audit => Action::Audit,
            ActionWire::Custom => {
                let at = at.field("name");
                let name = provider.and_then(|provider| provider.name);
                let Some(name) = name.filter(|name| !name.is_empty()) else {
                    self.problems.error(&at, "must name a provider");
                    return None;
                };
                let known = self.providers.iter().position(|p| p.name() == name);
                if known.is_none() && !self.named.contains(&name) {
                    let names: Vec<&str> = self.named.iter().map(String::as_str).collect();
                    let meant = match nearest(&name, &names) {
                        Some(meant) => ["; did you mean `", meant, "`?"].concat(),
                        None => String::new(),
                    };
                    let problem = [" is none of `extensionProviders`", &meant].concat();
                    self.problems
                        .error_of(Scope::Settings, &at, about(&name, &problem));
                }
                Action::Custom(known?)
            }
        })
    }
}
