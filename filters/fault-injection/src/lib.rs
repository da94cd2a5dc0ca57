//! Istio's HTTP fault injection as a proxy-wasm filter: requests are delayed, answered with an
//! error, or both, by percentage, by match, or because a header asks for it.

pub mod config;
pub mod grpc;
pub mod percentage;
pub mod policy;

use sdk_helpers::config::Envelope;
use sdk_helpers::explanation::RuleExplanation;
use sdk_helpers::{
    Decision, Edits, Filter, Load, LocalReply, Needs, Outcomes, Record, Request, World,
};

use config::Wire;
use policy::{AbortStatus, Dice, Environment, Policy, Verdict};

/// The filter.
#[derive(Debug)]
pub struct FaultInjection {
    policy: Policy,
}

/// What Envoy's own fault filter answers with.
const BODY: &str = "fault filter abort";

impl Filter for FaultInjection {
    const NAME: &'static str = "fault-injection";
    const NEEDS: Needs = Needs {
        delays: true,
        ..Needs::NOTHING
    };
    type Wire = Wire;
    const ENVELOPE: Envelope = config::ENVELOPE;
    type Memory = ();

    fn compile(wire: Wire, load: &Load<'_>) -> Self {
        let policy = Policy::compile(wire.check(&load.at, load.problems));
        FaultInjection { policy }
    }

    fn outcomes(&self) -> &Outcomes {
        self.policy.outcomes()
    }

    fn summary(&self) -> String {
        match self.policy.rules() {
            1 => "1 rule".to_owned(),
            rules => format!("{rules} rules"),
        }
    }

    fn explain(&self, request: &Request, world: &dyn World) -> Vec<RuleExplanation> {
        self.policy.explain(request, world, world.now())
    }

    fn on_request(&self, request: &Request, world: &dyn World, (): &mut ()) -> Decision {
        let dice = Dice {
            delay: world.roll(),
            abort: world.roll(),
        };
        let environment = Environment {
            now: &|| world.now(),
            active: &|| world.active(),
        };
        decision(self.policy.decide(request, world, dice, &environment))
    }
}

fn decision(verdict: Verdict) -> Decision {
    match verdict {
        Verdict::Pass => Decision::pass(),
        Verdict::Overflow(outcome) => go_on(Record::of(outcome)),
        Verdict::Shadow { delay, abort } => {
            let mut record = Record::default();
            for outcome in delay.into_iter().chain(abort) {
                record.add(outcome);
            }
            go_on(record)
        }
        Verdict::Inject { delay, abort } => {
            let then = match abort {
                Some((answer, outcome)) => Decision::Reply(reply(answer, Record::of(outcome))),
                None => Decision::pass(),
            };
            match delay {
                Some((by, outcome)) => Decision::Delay {
                    by,
                    record: Record::of(outcome),
                    then: Box::new(then),
                },
                None => then,
            }
        }
    }
}

fn go_on(record: Record) -> Decision {
    Decision::Continue(Edits {
        record,
        ..Edits::default()
    })
}

/// A gRPC status on a request that is not gRPC is HTTP 200 with the body as text, as Envoy's own
/// filter has it.
fn reply(answer: AbortStatus, record: Record) -> LocalReply {
    let (status, grpc_status) = match answer {
        AbortStatus::Http(status) => (status, None),
        AbortStatus::Grpc(code) => (200, Some(code)),
    };
    LocalReply {
        status,
        grpc_status,
        body: BODY.into(),
        headers: vec![],
        record,
    }
}
