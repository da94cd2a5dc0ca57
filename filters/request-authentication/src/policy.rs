//! The decision: whether a request's tokens are good. Clock, keys and the host's cryptography are
//! arguments.

mod explain;
mod judge;
mod outcomes;

use std::cell::OnceCell;
use std::rc::Rc;

use sdk_helpers::{OutcomeId, Outcomes, Request, Timestamp};
use smallvec::SmallVec;

use crate::cache::Cache;
use crate::config::{ClaimHeader, Config, ErrorBody, JwksSource, Remote, RuleConfig};
use crate::keys::KeySet;
use crate::keys::verify::HostFunction;
use crate::locations::{Found, Locations, TokenPlace};
use crate::rejection::Rejection;
use crate::token::Shape;
use crate::verified::Verified;
use judge::{Judge, Stop};
use outcomes::{Common, OfRule};

/// A compiled configuration.
#[derive(Debug)]
pub struct Policy {
    rules: Vec<Rule>,
    /// The places of tokens; rules with the same ones share them.
    places: Vec<Locations>,
    /// Every header that any rule writes, which no client may.
    outputs: Vec<String>,
    require_token: bool,
    shadow: bool,
    error_body: Option<ErrorBody>,
    outcomes: Outcomes,
    common: Common,
}

#[derive(Debug)]
struct Rule {
    issuer: String,
    audiences: Vec<String>,
    keys: RuleKeys,
    place: usize,
    forward: bool,
    payload_header: Option<String>,
    claim_headers: Vec<ClaimHeader>,
    space_delimited: Vec<String>,
    clock_skew: u64,
    shape: Shape,
    outcomes: OfRule,
}

/// What a rule verifies with.
#[derive(Debug)]
enum RuleKeys {
    /// Keys of the configuration.
    Inline(Rc<KeySet>),
    /// A remote JWKS, by its index in what [`Policy::compile`] returns.
    Remote(usize),
}

/// Keys to fetch, and the rule that first named them.
#[derive(Debug)]
pub struct RemoteJwksConfig {
    /// Where they come from.
    pub remote: Remote,
    /// The rule's name.
    pub rule: String,
}

/// Every remote JWKS of a policy, by its index in what [`Policy::compile`] returns.
pub trait RemoteKeys {
    /// Which keys of `index` count at `now`: a number that changes with them; `None` if there are none
    /// to be had. An issuer that has withdrawn all has a set without keys, and a number.
    fn generation(&self, index: usize, now: Timestamp) -> Option<u32>;

    /// The keys of `index` for a token with this `kid`.
    fn find(&self, index: usize, kid: Option<&str>, now: Timestamp) -> KeyLookup;
}

/// What a remote JWKS has for a token.
#[derive(Debug)]
pub enum KeyLookup {
    /// These keys, and the number that changes with them.
    Keys(Rc<KeySet>, u32),
    /// A fetch may bring the key soon: the request should wait.
    Wait,
    /// No keys, and no fetch that could bring some in time.
    None,
}

/// What a decision needs beside the request.
pub struct Environment<'a> {
    /// The time. It costs something to learn, and a request without a token need not know.
    pub now: &'a dyn Fn() -> Timestamp,
    /// Functions of the host, such as `verify_signature`.
    pub host: &'a HostFunction<'a>,
    /// Keys that are fetched.
    pub remote_keys: &'a dyn RemoteKeys,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// It goes on without claims: it has no token, is a preflight, or would be refused but for `shadow`.
    Pass(OutcomeId),
    /// Its tokens are good.
    Accept(Accepted<'a>),
    /// It is refused.
    Refuse(Rejection, OutcomeId),
    /// It waits for the keys of this remote JWKS.
    Wait(usize),
}

/// The tokens of the rule that accepted a request.
#[derive(Debug)]
pub struct Accepted<'a> {
    /// What they lead to, in the order they were verified: the last found comes first.
    pub tokens: SmallVec<[Rc<Verified>; 1]>,
    /// Where they were, if the upstream is not to see them.
    pub strip: SmallVec<[TokenPlace<'a>; 1]>,
    /// The rule's.
    pub outcome: OutcomeId,
    /// Counted as well if a claim could not be put into its header.
    pub unsafe_claim: OutcomeId,
}

impl Policy {
    /// Compiles a checked configuration. What must be fetched is returned beside it: the rest of this
    /// file names each by its index in that list.
    pub fn compile(config: Config) -> (Self, Vec<RemoteJwksConfig>) {
        let mut outcomes = Outcomes::default();
        let common = Common::add(&mut outcomes, config.require_token, config.shadow);
        let mut policy = Policy {
            rules: Vec::with_capacity(config.rules.len()),
            places: Vec::new(),
            outputs: Vec::new(),
            require_token: config.require_token,
            shadow: config.shadow,
            error_body: config.error_body,
            outcomes,
            common,
        };
        for rule in &config.rules {
            let written = rule.claim_headers.iter().map(|to| &to.header);
            for name in written.chain(&rule.payload_header) {
                if !policy.outputs.contains(name) {
                    policy.outputs.push(name.clone());
                }
            }
        }
        let mut remotes: Vec<RemoteJwksConfig> = Vec::new();
        for rule in config.rules {
            policy.add(rule, config.max_token_size, &mut remotes);
        }
        (policy, remotes)
    }

    fn add(&mut self, config: RuleConfig, longest: usize, remotes: &mut Vec<RemoteJwksConfig>) {
        let outputs = &self.outputs;
        // What a client may not write is gone before tokens are looked for.
        let places = config
            .locations
            .without_header(|name| outputs.iter().any(|output| output == name));
        let place = self.places.iter().position(|known| *known == places);
        let place = place.unwrap_or_else(|| {
            self.places.push(places);
            self.places.len().saturating_sub(1)
        });
        let keys = match config.keys {
            JwksSource::Inline(set) => RuleKeys::Inline(Rc::new(set)),
            JwksSource::Remote(remote) => {
                let known = remotes.iter().position(|known| known.remote.same(&remote));
                RuleKeys::Remote(known.unwrap_or_else(|| {
                    remotes.push(RemoteJwksConfig {
                        remote,
                        rule: config.name.clone(),
                    });
                    remotes.len().saturating_sub(1)
                }))
            }
        };
        self.rules.push(Rule {
            issuer: config.issuer,
            audiences: config.audiences,
            keys,
            place,
            forward: config.forward,
            payload_header: config.payload_header,
            claim_headers: config.claim_headers,
            space_delimited: config.space_delimited,
            clock_skew: config.clock_skew,
            shape: Shape {
                longest,
                padded: config.allow_padding,
            },
            outcomes: OfRule::add(&mut self.outcomes, &config.name, self.shadow),
        });
    }

    /// Everything this policy can decide.
    pub fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// For the outcomes of fetches, which are no decisions.
    pub(crate) fn outcomes_mut(&mut self) -> &mut Outcomes {
        &mut self.outcomes
    }

    /// The number of rules.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// The headers that no client may write.
    pub fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// What a refusal says, where not Envoy's text.
    pub fn error_body(&self) -> Option<&ErrorBody> {
        self.error_body.as_ref()
    }

    /// The name of a reason.
    pub fn reason(&self, outcome: OutcomeId) -> &'static str {
        self.outcomes
            .find(outcome)
            .map_or("", |outcome| outcome.reason)
    }

    /// Decides. Envoy's procedure for several rules, with each rule asked once: the first rule all
    /// of whose tokens are good accepts the request; a rule that finds no token does not count.
    pub fn decide<'a>(
        &'a self,
        request: &'a Request,
        cache: &mut Cache,
        environment: &Environment<'_>,
    ) -> Verdict<'a> {
        if is_preflight(request) {
            return Verdict::Pass(self.common.preflight);
        }
        let now = OnceCell::new();
        let mut judge = |index, rule, tokens: &[Found<'_>]| {
            let now = *now.get_or_init(|| (environment.now)());
            Judge {
                cache,
                environment,
                now,
            }
            .all(index, rule, tokens)
        };
        let mut found: SmallVec<[Option<SmallVec<[Found<'a>; 1]>>; 1]> = SmallVec::new();
        found.resize_with(self.places.len(), || None);
        let mut refused = Refusals::default();
        for (index, rule) in self.rules.iter().enumerate() {
            let (Some(places), Some(tokens)) =
                (self.places.get(rule.place), found.get_mut(rule.place))
            else {
                continue;
            };
            let tokens = tokens.get_or_insert_with(|| places.tokens(request));
            if tokens.is_empty() {
                continue;
            }
            match judge(index, rule, tokens) {
                Ok(verified) => {
                    let strip = match rule.forward {
                        true => SmallVec::new(),
                        false => tokens.iter().map(|found| found.place).collect(),
                    };
                    return Verdict::Accept(Accepted {
                        tokens: verified,
                        strip,
                        outcome: rule.outcomes.verified,
                        unsafe_claim: rule.outcomes.unsafe_claim,
                    });
                }
                Err(Stop::Wait(remote)) => return Verdict::Wait(remote),
                Err(Stop::Refuse(rejection)) => refused.note(index, rejection),
            }
        }
        match refused.verdict() {
            Some((index, rejection)) => self.refuse(rejection, self.rules.get(index)),
            None if self.require_token => self.refuse(Rejection::Missing, None),
            None => Verdict::Pass(self.common.anonymous),
        }
    }

    fn refuse(&self, rejection: Rejection, rule: Option<&Rule>) -> Verdict<'_> {
        let reason = rejection.reason();
        let outcome = rule
            .and_then(|rule| rule.outcomes.of(reason))
            .or_else(|| self.common.of(reason))
            .unwrap_or(self.common.anonymous);
        if self.shadow {
            Verdict::Pass(outcome)
        } else {
            Verdict::Refuse(rejection, outcome)
        }
    }
}

/// Which refusal a request ends with that no rule accepts. Envoy asks its rules a second time and
/// ends at the first that refuses; what it then says is the last refusal it saw that is about more
/// than an issuer.
#[derive(Debug, Default)]
struct Refusals {
    first: Option<(usize, Rejection)>,
    last_telling: Option<(usize, Rejection)>,
}

impl Refusals {
    fn note(&mut self, rule: usize, rejection: Rejection) {
        self.first = self.first.or(Some((rule, rejection)));
        if rejection != Rejection::Issuer {
            self.last_telling = Some((rule, rejection));
        }
    }

    fn verdict(self) -> Option<(usize, Rejection)> {
        let first = self.first?;
        if first.1 != Rejection::Issuer {
            return Some(first);
        }
        Some(self.last_telling.unwrap_or(first))
    }
}

/// A browser asks before it sends the request itself, and cannot send a token with the question.
fn is_preflight(request: &Request) -> bool {
    let there = |name| request.headers().first(name).is_some_and(|v| !v.is_empty());
    request.headers().first(":method") == Some(b"OPTIONS")
        && there("origin")
        && there("access-control-request-method")
}
