//! Istio's AuthorizationPolicy as a proxy-wasm filter: requests are allowed, denied or handed to an
//! external service by who sends them, what they ask for, and what was verified of their token.

pub mod config;
pub mod covers;
pub mod custom;
mod lookup;
mod order;
pub mod pattern;
pub mod policy;
mod rule;
mod rules;
mod truth;
mod view;

use std::borrow::Cow;

use sdk_helpers::config::Envelope;
use sdk_helpers::{
    Decision, Edits, Filter, HeaderEdit, Headers, Load, LocalReply, Needs, Outcomes, Record,
    Request, Resume, World,
};

use config::Wire;
use custom::Judgement;
use policy::{Policy, ProviderResult, Question};

/// The filter.
#[derive(Debug)]
pub struct AuthorizationPolicy {
    policy: Policy,
}

/// What Envoy's own filter answers with.
const BODY: &str = "RBAC: access denied";

/// What is remembered of a stream while a provider is asked about it.
#[derive(Debug, Default)]
pub struct Memory {
    question: Option<Question>,
    /// What the providers so far want changed; none where none was asked.
    edits: Option<Box<Edits>>,
}

impl Filter for AuthorizationPolicy {
    const NAME: &'static str = "authorization-policy";
    const NEEDS: Needs = Needs {
        http_calls: true,
        grpc_calls: true,
        response_edits: true,
        ..Needs::NOTHING
    };
    type Wire = Wire;
    const ENVELOPE: Envelope = config::ENVELOPE;
    type Memory = Memory;

    fn compile(wire: Wire, load: &Load<'_>) -> Self {
        let policy = Policy::compile(wire.check(&load.at, load.problems));
        AuthorizationPolicy { policy }
    }

    fn outcomes(&self) -> &Outcomes {
        self.policy.outcomes()
    }

    fn rules(&self) -> Vec<String> {
        self.policy.rules()
    }

    fn summary(&self) -> String {
        let (policies, rules) = self.policy.size();
        format!("policies: {policies}, rules: {rules}")
    }

    fn on_request(&self, request: &Request, world: &dyn World, memory: &mut Memory) -> Decision {
        self.go_on(0, request, world, memory)
    }

    fn on_resume(
        &self,
        resume: Resume,
        request: &Request,
        world: &dyn World,
        memory: &mut Memory,
    ) -> Decision {
        let (Some(question), Resume::Answered(answer)) = (memory.question.take(), resume) else {
            return deny(Record::default(), vec![]);
        };
        let Some(provider) = self.policy.provider(&question) else {
            return deny(Record::default(), vec![]);
        };
        let next = question.next;
        // The next provider, and DENY and ALLOW policies, see what a provider changed, as they would behind
        // Envoy's own `ext_authz` filter.
        let seen = |edits: &Edits| match edits.request.as_slice() {
            [] => None,
            changes => Some(request.edited(changes)),
        };
        let edits = memory.edits.get_or_insert_default();
        let before = seen(edits);
        let (result, refusal) = match provider.judge(&answer, before.as_ref().unwrap_or(request)) {
            Judgement::Allow { request, response } => {
                edits.request.extend(request);
                edits.response.extend(response);
                (ProviderResult::Allowed, None)
            }
            Judgement::Deny(refusal) => (ProviderResult::Denied, Some(refusal)),
            Judgement::Unavailable { allow: true, .. } => (ProviderResult::FailedOpen, None),
            Judgement::Unavailable { refusal, .. } => (ProviderResult::FailedClosed, Some(refusal)),
        };
        self.policy.note(question, result, &mut edits.record);
        if let Some(refusal) = refusal {
            let mut headers = refusal.headers;
            headers.extend(left_by(&edits.response));
            return Decision::Reply(LocalReply {
                status: refusal.status,
                grpc_status: None,
                body: refusal.body,
                headers,
                record: std::mem::take(&mut edits.record),
            });
        }
        let after = seen(edits);
        self.go_on(next, after.as_ref().unwrap_or(request), world, memory)
    }
}

impl AuthorizationPolicy {
    /// Two filters of one configuration: its CUSTOM policies, which Istio has Envoy ask before a token is
    /// looked at, and all others. Each is there if it has something to say.
    pub fn custom_apart(wire: Wire, load: &Load<'_>) -> [Option<Self>; 2] {
        let parts = wire.check(&load.at, load.problems).custom_apart();
        parts.map(|config| {
            let policy = Policy::compile(config?);
            Some(AuthorizationPolicy { policy })
        })
    }

    /// What it decides by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    fn go_on(
        &self,
        from: usize,
        request: &Request,
        world: &dyn World,
        memory: &mut Memory,
    ) -> Decision {
        let view = self.policy.view(request, world);
        if let Some(question) = self.policy.question(from, &view)
            && let Some(provider) = self.policy.provider(&question)
        {
            let call = provider.call(request, world);
            memory.question = Some(question);
            return Decision::Ask {
                call,
                record: Record::default(),
            };
        }
        let mut edits = match memory.edits.take() {
            Some(edits) => *edits,
            None => Edits::default(),
        };
        match self.policy.allows(&view, &mut edits.record) {
            true => Decision::Continue(edits),
            false => deny(edits.record, left_by(&edits.response)),
        }
    }
}

fn deny(record: Record, headers: Vec<Field>) -> Decision {
    Decision::Reply(LocalReply {
        status: 403,
        grpc_status: None,
        body: BODY.into(),
        headers,
        record,
    })
}

/// The name and value of a header.
type Field = (Cow<'static, str>, Vec<u8>);

/// What changes to a response leave in one that has no headers yet: those of providers that allowed
/// a request stand in its refusal by others too.
fn left_by(edits: &[HeaderEdit]) -> Vec<Field> {
    let mut headers = Headers::default();
    for edit in edits {
        headers.apply(edit);
    }
    let field = |(name, value): (&[u8], &[u8])| {
        let name = String::from_utf8_lossy(name).into_owned();
        (Cow::Owned(name), value.to_vec())
    };
    headers.iter().map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_changes_to_a_response_a_refusal_keeps_what_they_leave() {
        let (name, value) = (|name: &'static str| name.into(), |text: &str| text.into());
        let edits = [
            HeaderEdit::Set(name("x-set"), value("one provider's")),
            HeaderEdit::Set(name("x-set"), value("the next one's")),
            HeaderEdit::Add(name("x-add"), value("1")),
            HeaderEdit::Overwrite(name("x-add"), value("2")),
            HeaderEdit::Overwrite(name("x-absent"), value("1")),
            HeaderEdit::Supply(name("x-supplied"), value("1")),
        ];
        let expected = [
            ("x-set", "the next one's"),
            ("x-add", "2"),
            ("x-supplied", "1"),
        ];
        let expected = expected.map(|(name, value)| (Cow::Borrowed(name), value.into()));
        assert_eq!(left_by(&edits), expected);
    }
}
