//! Envoy's RBAC filter as AuthorizationPolicies.
//!
//! RBAC's permissions and principals nest as they like; a rule of a policy is a list of lists. So each policy is
//! written out as alternatives. What has no word there is taken for what lets less pass: for something that does not
//! hold where it would allow, for something that holds where it would deny.

mod atoms;
mod attribute;
mod metadata;
mod principal;
mod rule;

use serde_json::{Map, Value, json};

pub(crate) use self::metadata::Claims;
use crate::expression::{Conjunction, Expression, product};
use crate::node::{Message, Node};
use attribute::Clause;

/// A policy has no more rules than these.
const MOST: usize = 256;

/// The policies of a configuration, as they come together.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    policies: Vec<Value>,
    names: Vec<String>,
    /// Whether a filter that enforces ALLOW policies was read, and one whose are a dry run.
    allows: [bool; 2],
    /// Whether a policy asks for what a wasm filter sees only with help.
    asks_for_peer: bool,
}

/// What Envoy does with requests that a policy is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Allow,
    Deny,
    Log,
}

impl Action {
    /// What a condition is taken for that has no word in a policy.
    fn unknown(self) -> bool {
        self == Action::Deny
    }

    fn written(self) -> &'static str {
        match self {
            Action::Allow => "ALLOW",
            Action::Deny => "DENY",
            Action::Log => "AUDIT",
        }
    }

    /// What comes of a condition without a word.
    fn consequence(self) -> &'static str {
        match self {
            Action::Allow => {
                "it is taken for one that does not hold: requests that pass only by it are denied"
            }
            Action::Deny => {
                "it is taken for one that holds: requests are denied also where it does not hold"
            }
            Action::Log => "it is taken for one that does not hold: such requests are not noted",
        }
    }
}

/// What a policy's conditions are read by.
#[derive(Debug, Clone, Copy)]
struct Context<'c> {
    action: Action,
    claims: &'c Claims,
}

impl Context<'_> {
    /// A condition that has no word in a policy.
    fn unknown(self, node: &Node<'_>, what: &str) -> Expression<Clause> {
        node.lost(what, self.action.consequence());
        Expression::Unknown
    }
}

impl Policies {
    /// Reads a filter.
    pub(crate) fn read(&mut self, node: &Node<'_>, claims: &Claims) {
        let mut message = node.message();
        for matcher in ["matcher", "shadow_matcher"] {
            if let Some(matcher) = message.take(matcher) {
                matcher.problem(
                    "a tree of matchers is not read, and without it all would pass; write `rules`",
                );
            }
        }
        for field in [
            "rules_stat_prefix",
            "shadow_rules_stat_prefix",
            "track_per_rule_stats",
        ] {
            message.lose(
                field,
                "statistics are `mesh_filters.authorization-policy.<reason>[policy=<policy>]`",
            );
        }
        let rules = message.take("rules");
        let shadow = message.take("shadow_rules");
        message.end_or_refuse();
        if rules.is_none() && shadow.is_none() {
            node.lost(
                "there are no `rules`",
                "it denies nothing, and nothing is converted of it",
            );
        }
        for (rules, dry) in [(rules, false), (shadow, true)] {
            if let Some(rules) = rules {
                self.rules(&rules, dry, claims);
            }
        }
    }

    /// Reads what routes say of it.
    pub(crate) fn route(node: &Node<'_>) {
        let mut message = node.message();
        let own = message.take("rbac");
        message.end_or_refuse();
        match own {
            None => node.lost(
                "that a route is without RBAC is not carried over",
                "its requests are judged as all others are",
            ),
            Some(own) => own.problem(
                "policies for some routes alone are not converted: a policy cannot say of which route a request is. Write them with `paths` and `hosts`",
            ),
        }
    }

    fn rules(&mut self, node: &Node<'_>, dry: bool, claims: &Claims) {
        let mut message = node.message();
        let names = ["ALLOW", "DENY", "LOG"];
        let action = match message.take("action").map(|it| it.one_of(&names)) {
            Some("DENY") => Action::Deny,
            Some("LOG") => Action::Log,
            _ => Action::Allow,
        };
        let policies = message.take("policies");
        message.lose(
            "audit_logging_options",
            "decisions are told in filter state and metrics; put those into the access log",
        );
        message.end_or_refuse();
        if action == Action::Log && dry {
            node.lost(
                "LOG policies that are a dry run are not converted",
                "they decide nothing",
            );
            return;
        }
        if action == Action::Allow {
            let [enforced, shadow] = &mut self.allows;
            let seen = if dry { shadow } else { enforced };
            if std::mem::replace(seen, true) {
                node.problem(
                    "is a second filter that allows. Envoy lets pass what both allow, and policies of ours what any allows; convert one of them alone",
                );
            }
        }
        let policies = policies.map(|it| it.entries()).unwrap_or_default();
        let before = self.policies.len();
        for (name, policy) in policies {
            self.policy(name, &policy, Context { action, claims }, dry);
        }
        if std::mem::take(&mut self.asks_for_peer) {
            node.lost(
                "of a client's certificate a wasm filter sees the first URI and DNS name, and never the other end of the connection",
                "what it does not see is denied; where every certificate has one URI, say `singleUriSan: true`, else put Envoy's `set_filter_state` before it, as the README of authorization-policy has it",
            );
        }
        // ALLOW that names nobody denies all.
        if action == Action::Allow && self.policies.len() == before {
            self.push("allow-nothing", Action::Allow, dry, Vec::new());
        }
    }

    fn policy(&mut self, name: &str, node: &Node<'_>, context: Context<'_>, dry: bool) {
        let mut message = node.message();
        let permissions = any(&mut message, "permissions", &|it| {
            atoms::permission(it, context)
        });
        let principals = any(&mut message, "principals", &|it| {
            atoms::principal(it, context)
        });
        let mut all = vec![permissions, principals];
        for field in ["condition", "checked_condition", "cel_config"] {
            if let Some(condition) = message.take(field) {
                all.push(context.unknown(&condition, "a condition in CEL has no word in a policy"));
            }
        }
        message.end_or_refuse();
        let unknown = context.action.unknown();
        let written = all
            .iter()
            .map(|one| one.alternatives(unknown, MOST))
            .collect::<Result<Vec<_>, _>>();
        let asks = |sides: &Vec<Alternatives>| {
            let mut all = sides.iter().flatten().flatten();
            all.any(|literal| literal.atom.attribute.is_of_peer())
        };
        self.asks_for_peer |= written.as_ref().is_ok_and(asks);
        let rules = written.and_then(|sides| match sides.as_slice() {
            [permissions, principals, conditions @ ..] => {
                let permissions = conditions
                    .iter()
                    .try_fold(permissions.clone(), |all, one| product(&all, one, MOST))?;
                rule::rules(
                    &permissions,
                    principals,
                    unknown,
                    node,
                    context.action.consequence(),
                )
            }
            _ => Ok(Vec::new()),
        });
        match rules {
            Ok(rules) => self.push(name, context.action, dry, rules),
            Err(_) => node
                .problem("would be more than 256 rules; nest less, or list values in one matcher"),
        }
    }

    fn push(&mut self, name: &str, action: Action, dry: bool, rules: Vec<Value>) {
        let (namespace, name, number) = istio_name(name);
        // The rules of one policy of istiod's are policies of RBAC's, one by one.
        let same = |policy: &&mut Value| {
            number.is_some_and(|number| number > 0)
                && policy.get("action") == Some(&json!(action.written()))
                && policy.get("dryRun").is_some() == dry
                && policy.get("name") == Some(&json!(name))
                && policy.get("namespace").and_then(Value::as_str) == namespace
        };
        if let Some(policy) = self.policies.iter_mut().find(same)
            && let Some(Value::Array(all)) = policy.get_mut("rules")
        {
            all.extend(rules);
            return;
        }
        // DENY and AUDIT without a rule do nothing, and are refused.
        if rules.is_empty() && action != Action::Allow {
            return;
        }
        let mut policy = Map::new();
        let full = match namespace {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_owned(),
        };
        let unique = crate::names::unique(&full, "policy", &mut self.names);
        match namespace.and_then(|it| unique.strip_prefix(it)?.strip_prefix('/')) {
            Some(name) => {
                policy.insert("name".to_owned(), name.into());
                policy.insert("namespace".to_owned(), namespace.into());
            }
            None => {
                policy.insert("name".to_owned(), unique.into());
            }
        }
        policy.insert("action".to_owned(), action.written().into());
        if dry {
            policy.insert("dryRun".to_owned(), json!(true));
        }
        if !rules.is_empty() {
            policy.insert("rules".to_owned(), rules.into());
        }
        self.policies.push(Value::Object(policy));
    }

    /// A policy that stands for what another filter of Envoy's refuses.
    pub(crate) fn add(&mut self, mut policy: Value, name: &str) {
        let name = crate::names::unique(name, "policy", &mut self.names);
        if let Some(policy) = policy.as_object_mut() {
            policy.insert("name".to_owned(), name.into());
        }
        self.policies.push(policy);
    }

    /// The configuration; none where there is no policy.
    pub(crate) fn into_tree(self) -> Option<Value> {
        (!self.policies.is_empty()).then(|| json!({"policies": self.policies}))
    }
}

/// Any of a list, of which Envoy wants one at least.
fn any(
    message: &mut Message<'_>,
    field: &'static str,
    read: &dyn Fn(&Node<'_>) -> Expression<Clause>,
) -> Expression<Clause> {
    let list = message.take(field).map(|it| it.elements());
    let list = list.unwrap_or_default();
    if list.is_empty() {
        let problem = format!("needs `{field}`, one at least");
        message.node().problem(&problem);
    }
    Expression::Any(list.iter().map(read).collect())
}

/// A policy's namespace and name, and the number of its rule, as istiod writes all three:
/// `ns[shop]-policy[viewer]-rule[0]`.
fn istio_name(text: &str) -> (Option<&str>, &str, Option<u32>) {
    let read = || {
        let (namespace, rest) = text.strip_prefix("ns[")?.split_once("]-policy[")?;
        let (name, number) = rest.split_once("]-rule[")?;
        let number = number.strip_suffix(']')?.parse().ok()?;
        let legal = |text: &str| !text.is_empty() && sdk_helpers::outcome::check_name(text).is_ok();
        (legal(namespace) && legal(name)).then_some((Some(namespace), name, Some(number)))
    };
    read().unwrap_or((None, text, None))
}

/// Alternatives that all hold for policies.
type Alternatives = Vec<Conjunction<Clause>>;
