//! The decision: CUSTOM, then DENY, then ALLOW, as Istio orders them.

mod pools;
mod reasons;

use std::rc::Rc;

use sdk_helpers::{Attributes, Outcomes, Record, Request};

use crate::config::{Action, Config, PolicyConfig};
use crate::custom::Provider;
use crate::rules::{Hit, Near, Pool, Rules};
use crate::view::{Attribute, View, ViewOptions};
use pools::{Pools, ranks};
use reasons::Reasons;

/// A compiled configuration.
#[derive(Debug)]
pub struct Policy {
    view_options: ViewOptions,
    providers: Vec<Provider>,
    /// CUSTOM policies, pooled by provider.
    custom: Vec<(usize, Rules)>,
    audit: Rules,
    deny: Rules,
    dry_deny: Rules,
    /// None where no such policy applies; without rules, where none ever matches.
    allow: Option<Rules>,
    dry_allow: Option<Rules>,
    reasons: Vec<Reasons>,
    /// The ALLOW policy that answers where none has a rule: in force, and dry run.
    without_rules: [Option<u32>; 2],
    outcomes: Outcomes,
    rules: usize,
}

/// What becomes of a request, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Whether it goes on.
    pub allowed: bool,
    /// Why; the last outcome is the one that decided.
    pub record: Record,
}

/// A provider is to be asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Where to go on after a good answer.
    pub next: usize,
    provider: usize,
    policy: u32,
    place: Rc<str>,
}

/// What came of asking a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderResult {
    /// It allowed.
    Allowed,
    /// It denied.
    Denied,
    /// It gave no answer, and the request passes.
    FailedOpen,
    /// It gave no answer, and the request is refused.
    FailedClosed,
}

impl Policy {
    /// Compiles a checked configuration.
    pub fn compile(config: Config) -> Self {
        let mut outcomes = Outcomes::default();
        let ranks = ranks(&config.policies);
        let first = |dry_run: bool| {
            let allows = |policy: &PolicyConfig| {
                policy.action == Some(Action::Allow) && policy.dry_run == dry_run
            };
            let numbered = (0u32..).zip(&config.policies).zip(&ranks);
            let allowing = numbered.filter(|((_, policy), _)| allows(policy));
            let first = allowing.min_by_key(|(_, rank)| **rank);
            first.map(|((number, _), _)| number)
        };
        let without_rules = [first(false), first(true)];
        let mut pools = Pools::default();
        let mut reasons = Vec::with_capacity(config.policies.len());
        let mut count = 0usize;
        for (number, policy) in (0u32..).zip(config.policies) {
            count = count.saturating_add(policy.rules.len());
            reasons.push(Reasons::of(&policy, config.single_uri_san, &mut outcomes));
            pools.add(number, policy);
        }
        let mut view_options = ViewOptions {
            single_uri_san: config.single_uri_san,
            takes_header_map: false,
        };
        let mut compile = |rules: Pool, unknown_matches: bool| {
            let rules = Rules::new(rules, unknown_matches);
            view_options.takes_header_map |= rules.attributes().any(Attribute::takes_header_map);
            rules
        };
        let audit = compile(pools.audit, false);
        let deny = compile(pools.deny, true);
        let dry_deny = compile(pools.dry_deny, true);
        let mut ranked = |rules: Pool| compile(rules, false).ranked(&ranks);
        let allow = pools.allow.map(&mut ranked);
        let dry_allow = pools.dry_allow.map(&mut ranked);
        let custom = pools
            .custom
            .into_iter()
            .map(|(provider, rules)| (provider, compile(rules, true)))
            .collect();
        Policy {
            without_rules,
            view_options,
            providers: config.providers,
            custom,
            audit,
            deny,
            dry_deny,
            allow,
            dry_allow,
            reasons,
            outcomes,
            rules: count,
        }
    }

    /// Everything this policy can decide.
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// Every rule that has an effect, by the name of its policy and its place there: `viewer.rules[0]`.
    pub fn rules(&self) -> Vec<String> {
        let custom = self.custom.iter().map(|(_, rules)| rules);
        let always = [&self.audit, &self.dry_deny, &self.deny];
        let allowing = self.dry_allow.iter().chain(&self.allow);
        let pools = custom.chain(always).chain(allowing);
        let mut places: Vec<(u32, u32)> = pools.flat_map(Rules::places).collect();
        places.sort_unstable();
        let named = places.into_iter().filter_map(|(policy, index)| {
            let outcome = self.reasons.get(policy as usize)?.matched;
            let policy = self.outcomes.find(outcome)?.policy.as_ref()?;
            Some(format!("{policy}.rules[{index}]"))
        });
        named.collect()
    }

    /// How many policies there are, and rules in them.
    pub fn size(&self) -> (usize, usize) {
        (self.reasons.len(), self.rules)
    }

    /// A request of which nothing has been asked yet.
    pub fn view<'a>(&self, request: &'a Request, attributes: &'a dyn Attributes) -> View<'a> {
        View::new(request, attributes, self.view_options)
    }

    /// The next provider to ask, from a place on: 0, or where the last question says.
    pub fn question(&self, from: usize, view: &View<'_>) -> Option<Question> {
        let pools = self.custom.iter().enumerate().skip(from);
        for (index, (provider, rules)) in pools {
            if let Some(hit) = rules.find(view) {
                return Some(Question {
                    next: index.saturating_add(1),
                    provider: *provider,
                    policy: hit.policy,
                    place: rules.place(hit, view),
                });
            }
        }
        None
    }

    /// Whom to ask.
    pub fn provider(&self, question: &Question) -> Option<&Provider> {
        self.providers.get(question.provider)
    }

    /// Records what came of a question.
    pub fn note(&self, question: Question, result: ProviderResult, record: &mut Record) {
        if let Some(reasons) = self.reasons.get(question.policy as usize) {
            let outcome = match result {
                ProviderResult::Allowed => reasons.matched,
                ProviderResult::Denied => reasons.provider_denied,
                ProviderResult::FailedOpen => reasons.error_allowed,
                ProviderResult::FailedClosed => reasons.error_denied,
            };
            record.note(outcome, question.place);
        }
    }

    /// Decides by all that is not CUSTOM.
    pub fn decide(&self, view: &View<'_>) -> Verdict {
        let mut record = Record::default();
        let allowed = self.allows(view, &mut record);
        Verdict { allowed, record }
    }

    /// The same, noted in a record that there is already.
    pub(crate) fn allows(&self, view: &View<'_>, record: &mut Record) -> bool {
        self.allows_by(view, Rules::find, Rules::closest, record)
    }

    /// The same with every rule tried: what [`Policy::decide`] must agree with.
    pub fn decide_slowly(&self, view: &View<'_>) -> Verdict {
        let mut record = Record::default();
        let allowed = self.allows_by(view, Rules::walk, Rules::closest_of_all, &mut record);
        Verdict { allowed, record }
    }

    fn allows_by(
        &self,
        view: &View<'_>,
        find: Find,
        closest: Closest,
        record: &mut Record,
    ) -> bool {
        let matches = |rules: &Rules, record: &mut Record| {
            let found = find(rules, view);
            if let Some(hit) = found {
                self.hit(rules, hit, view, record);
            }
            found.is_some()
        };
        matches(&self.audit, record);
        matches(&self.dry_deny, record);
        let mut allowed = !matches(&self.deny, record);
        if allowed {
            let [enforced, dry] = self.without_rules;
            if let Some(rules) = &self.dry_allow
                && !matches(rules, record)
            {
                self.refuse(closest(rules, view), dry, record);
            }
            if let Some(rules) = &self.allow
                && !matches(rules, record)
            {
                self.refuse(closest(rules, view), enforced, record);
                allowed = false;
            }
        }
        allowed
    }

    fn hit(&self, rules: &Rules, hit: Hit, view: &View<'_>, record: &mut Record) {
        if let Some(reasons) = self.reasons.get(hit.policy as usize) {
            let outcome = match hit.certain {
                true => reasons.matched,
                false => reasons.may_match,
            };
            record.note(outcome, rules.place(hit, view));
        }
    }

    /// Notes that no rule allows, by the one that came closest; where there is none, by a policy.
    fn refuse(&self, near: Option<Near>, without_rules: Option<u32>, record: &mut Record) {
        let policy = near.as_ref().map(|near| near.policy).or(without_rules);
        let reasons = policy.and_then(|policy| self.reasons.get(policy as usize));
        if let Some(reasons) = reasons {
            let (outcome, place) = match near {
                Some(near) if near.unseen => (reasons.no_allow_unseen, near.place),
                Some(near) => (reasons.no_allow, near.place),
                None => return record.add(reasons.no_allow),
            };
            record.note(outcome, place);
        }
    }
}

/// How rules are searched.
type Find = fn(&Rules, &View<'_>) -> Option<Hit>;

/// How the closest is.
type Closest = fn(&Rules, &View<'_>) -> Option<Near>;
