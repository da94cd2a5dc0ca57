//! A policy as a user writes it, checked.

use sdk_helpers::outcome::check_name;
use sdk_helpers::{At, Problems};

use super::rule::RuleReader;
use super::trust::TrustDomains;
use super::values::{Reader, about};
use super::wire::{ActionWire, PolicyWire, SpecWire, TargetRefWire};
use super::{Action, PolicyConfig};
use crate::custom::Provider;
use crate::rule::Rule;

/// What policies are read by.
pub(super) struct PolicyReader<'a> {
    pub(super) problems: &'a Problems,
    pub(super) trust: &'a TrustDomains,
    pub(super) providers: &'a [Provider],
}

/// Istio's.
const DRY_RUN: &str = "istio.io/dry-run";
const MOST_TARGETS: usize = 16;

const PLACEMENT: &str =
    "changes nothing here: a policy applies wherever this filter is attached with it";

impl PolicyReader<'_> {
    /// Reads a policy.
    pub(super) fn policy(&self, wire: PolicyWire, index: usize, at: &At<'_>) -> PolicyConfig {
        let Some(object) = wire.object else {
            let spec = wire.beside.unwrap_or_default();
            let names = (wire.name, wire.namespace);
            return self.spec(spec, names, wire.dry_run, (index, at), at);
        };
        if wire.beside.is_some() || wire.name.is_some() || wire.namespace.is_some() {
            self.problems.error(
                at,
                "is a whole Kubernetes object and has fields of a policy beside it; write one or \
                 the other",
            );
        }
        self.object(object.api_version.as_deref(), object.kind.as_deref(), at);
        let annotations = at.field("metadata");
        let dry_run = self
            .annotated(&object.annotations, &annotations.field("annotations"))
            .or(wire.dry_run);
        let names = (object.name, object.namespace);
        let inner = at.field("spec");
        self.spec(object.spec, names, dry_run, (index, at), &inner)
    }

    fn object(&self, version: Option<&str>, kind: Option<&str>, at: &At<'_>) {
        if let Some(kind) = kind.filter(|kind| *kind != "AuthorizationPolicy") {
            self.problems
                .error(&at.field("kind"), about(kind, " is no AuthorizationPolicy"));
        }
        let known = ["security.istio.io/v1", "security.istio.io/v1beta1"];
        if let Some(version) = version.filter(|version| !known.contains(version)) {
            self.problems.error(
                &at.field("apiVersion"),
                about(version, " is not `security.istio.io/v1`"),
            );
        }
    }

    /// As Go reads a truth.
    fn annotated(&self, annotations: &[(String, String)], at: &At<'_>) -> Option<bool> {
        let (_, value) = annotations.iter().find(|(name, _)| name == DRY_RUN)?;
        match value.as_str() {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
            other => {
                self.problems.error(
                    &at.field(DRY_RUN),
                    about(other, " is neither `true` nor `false`"),
                );
                None
            }
        }
    }

    fn spec(
        &self,
        wire: SpecWire,
        (name, namespace): (Option<String>, Option<String>),
        dry_run: Option<bool>,
        (index, outer): (usize, &At<'_>),
        at: &At<'_>,
    ) -> PolicyConfig {
        let name = name.unwrap_or_else(|| format!("policy-{index}"));
        for (field, text) in [("name", Some(&name)), ("namespace", namespace.as_ref())] {
            if let Some(Err(problem)) = text.map(|text| check_name(text)) {
                self.problems.error(&outer.field(field), problem);
            }
        }
        self.placement(&wire, at);
        let wanted = wire.action;
        let action = self.action(wanted, wire.provider, at);
        let dry_run = dry_run.unwrap_or(false);
        if dry_run && !matches!(wanted, ActionWire::Allow | ActionWire::Deny) {
            self.problems.error(
                outer,
                "only ALLOW and DENY can be a dry run, as in Istio; remove `dryRun`",
            );
        }
        let rules = wire.rules;
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
            custom: wanted == ActionWire::Custom,
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
            action,
            dry_run,
            rules,
        }
    }

    fn action(
        &self,
        wanted: ActionWire,
        provider: Option<Option<String>>,
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
                let name = provider.flatten();
                let Some(name) = name.filter(|name| !name.is_empty()) else {
                    self.problems.error(&at, "must name a provider");
                    return None;
                };
                let known = self.providers.iter().position(|p| p.name() == name);
                if known.is_none() {
                    self.problems
                        .error(&at, about(&name, " is none of `extensionProviders`"));
                }
                Action::Custom(known?)
            }
        })
    }

    /// Istiod checks where a policy is to apply; here it applies where the filter is.
    fn placement(&self, wire: &SpecWire, at: &At<'_>) {
        let targets = &wire.target_refs;
        let ways = [
            wire.selector.is_some(),
            wire.target_ref.is_some(),
            !targets.is_empty(),
        ];
        if ways.iter().filter(|way| **way).count() > 1 {
            self.problems.error(
                at,
                "only one of `selector`, `targetRef` and `targetRefs` can be set",
            );
        }
        if let Some(labels) = &wire.selector {
            self.selector(labels, &at.field("selector"));
        }
        if let Some(target) = &wire.target_ref {
            self.target(target, &at.field("targetRef"));
        }
        let at = at.field("targetRefs");
        if targets.len() > MOST_TARGETS {
            self.problems.error(
                &at,
                format!("has {} entries; at most {MOST_TARGETS}", targets.len()),
            );
        }
        for (index, target) in targets.iter().enumerate() {
            self.target(target, &at.index(index));
        }
    }

    fn selector(&self, labels: &[(String, String)], at: &At<'_>) {
        self.problems.warn(at, PLACEMENT);
        let at = at.field("matchLabels");
        for (key, value) in labels {
            if key.is_empty() {
                self.problems.error(&at, "has an empty key");
            } else if key.contains('*') || value.contains('*') {
                self.problems.error(
                    &at.field(key),
                    format!("`{key}: {value}`: labels take no wildcards"),
                );
            }
        }
    }

    fn target(&self, target: &TargetRefWire, at: &At<'_>) {
        self.problems.warn(at, PLACEMENT);
        if target.name.is_empty() {
            self.problems.error(&at.field("name"), "must be set");
        }
        if !target.namespace.is_empty() {
            self.problems.error(
                &at.field("namespace"),
                "must not be set: a target is in the policy's own namespace",
            );
        }
        let (group, kind) = (target.group.as_str(), target.kind.as_str());
        let known = [
            ("", "Service"),
            ("networking.istio.io", "ServiceEntry"),
            ("gateway.networking.k8s.io", "Gateway"),
            ("gateway.networking.k8s.io", "GatewayClass"),
        ];
        let core = if group == "core" { "" } else { group };
        if !known.contains(&(core, kind)) {
            self.problems.error(
                at,
                format!(
                    "`{group}/{kind}` is none of `/Service`, `networking.istio.io/ServiceEntry`, \
                     `gateway.networking.k8s.io/Gateway`, `gateway.networking.k8s.io/GatewayClass`"
                ),
            );
        }
    }
}
