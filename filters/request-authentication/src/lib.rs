//! Istio's RequestAuthentication as a proxy-wasm filter: tokens are verified, their claims passed
//! on, and a request with a bad one is refused.

pub mod algorithm;
mod audience;
mod background;
mod base64;
pub mod cache;
pub mod config;
mod effects;
pub mod keys;
pub mod locations;
pub mod policy;
pub mod rejection;
pub mod remote_jwks;
pub mod token;
pub mod verified;

use std::cell::RefCell;

use sdk_helpers::config::Envelope;
use sdk_helpers::explanation::RuleExplanation;
use sdk_helpers::{
    At, BackgroundActions, BackgroundEvent, Decision, Filter, Gauges, Load, Needs, Outcomes,
    Record, Request, Resume, Timestamp, World,
};

use background::{Background, RequestKeys};
use cache::Cache;
use config::{Config, Wire};
use policy::{Environment, Policy, Verdict};

/// The filter.
#[derive(Debug)]
pub struct RequestAuthentication {
    policy: Policy,
    background: Background,
    cache: RefCell<Cache>,
}

impl Filter for RequestAuthentication {
    const NAME: &'static str = "request-authentication";
    const NEEDS: Needs = Needs {
        waits: true,
        http_calls: true,
        background: true,
        ..Needs::NOTHING
    };
    type Wire = Wire;
    const ENVELOPE: Envelope = config::ENVELOPE;
    /// Until when the request can wait for keys; none before it first has to.
    type Memory = Option<Timestamp>;

    fn compile(wire: Wire, load: &Load<'_>) -> Self {
        let config = wire.check(&load.at, load.problems);
        warn_of_expired(&config, load);
        let cache = RefCell::new(Cache::new(config.token_cache_size));
        let (mut policy, remotes) = Policy::compile(config);
        let background = Background::new(remotes, policy.outcomes_mut());
        RequestAuthentication {
            policy,
            background,
            cache,
        }
    }

    fn outcomes(&self) -> &Outcomes {
        self.policy.outcomes()
    }

    fn gauges(&self) -> &Gauges {
        self.background.gauges()
    }

    fn summary(&self) -> String {
        match self.policy.rules() {
            1 => "1 rule".to_owned(),
            rules => format!("{rules} rules"),
        }
    }

    fn explain(&self, request: &Request, world: &dyn World) -> Vec<RuleExplanation> {
        let remote_keys = RequestKeys {
            background: &self.background,
            world,
            wait_deadline: None,
            waited: false,
            timed_out: false,
        };
        self.policy.explain(
            request,
            &Environment {
                now: &|| world.now(),
                host: &|name, argument| world.host_function(name, argument),
                remote_keys: &remote_keys,
            },
        )
    }

    fn on_request(
        &self,
        request: &Request,
        world: &dyn World,
        wait_deadline: &mut Option<Timestamp>,
    ) -> Decision {
        self.decide(request, world, wait_deadline, None)
    }

    fn on_resume(
        &self,
        resume: Resume,
        request: &Request,
        world: &dyn World,
        wait_deadline: &mut Option<Timestamp>,
    ) -> Decision {
        self.decide(request, world, wait_deadline, Some(resume))
    }

    fn background(&self, event: BackgroundEvent, world: &dyn World) -> BackgroundActions {
        self.background.run(event, world)
    }
}

/// Tells of the keys of the configuration whose certificate has ended.
fn warn_of_expired(config: &Config, load: &Load<'_>) {
    let mut certified = config.rules.iter().flat_map(|rule| &rule.certified);
    let Some(first) = certified.next() else {
        return;
    };
    let now = load.world.now();
    for (path, end) in std::iter::once(first).chain(certified) {
        if *end < now {
            load.problems.warn(&At::written(path), keys::set::EXPIRED);
        }
    }
}

impl RequestAuthentication {
    fn decide(
        &self,
        request: &Request,
        world: &dyn World,
        wait_deadline: &mut Option<Timestamp>,
        resume: Option<Resume>,
    ) -> Decision {
        let remote_keys = RequestKeys {
            background: &self.background,
            world,
            wait_deadline: *wait_deadline,
            waited: resume.is_some(),
            timed_out: resume == Some(Resume::TimedOut),
        };
        let environment = Environment {
            now: &|| world.now(),
            host: &|name, argument| world.host_function(name, argument),
            remote_keys: &remote_keys,
        };
        let policy = &self.policy;
        match policy.decide(request, &mut self.cache.borrow_mut(), &environment) {
            Verdict::Pass(outcome) => effects::pass(policy, request, outcome),
            Verdict::Accept(accepted) => effects::accept(policy, request, &accepted),
            Verdict::Refuse(rejection, outcome) => {
                effects::refuse(policy, request, rejection, outcome)
            }
            Verdict::Wait(remote) => {
                let now = world.now();
                let end = wait_deadline.unwrap_or_else(|| self.background.deadline(remote, now));
                *wait_deadline = Some(end);
                Decision::Wait {
                    at_most: end.saturating_since(now),
                    record: Record::default(),
                }
            }
        }
    }
}
