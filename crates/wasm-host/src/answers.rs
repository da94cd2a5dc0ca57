//! Answers: how the outcome of a call reaches the root context that made it.

use super::number::number;
use super::state::{Action, CallAnswer};
use super::upstreams::{Outcome, Pending};
use super::vm::Vm;

/// The status that goes with a call that broke.
const BROKEN_CONNECTION: u32 = 11;

impl Vm {
    /// Hands the outcome of a call to the root context that made it, if that is still there; false if
    /// there is no such call.
    pub(crate) fn answer(&mut self, id: u32, outcome: Outcome) -> bool {
        let pending = self.state_mut().upstreams.pending.remove(&id);
        let Some(Pending { root, .. }) = pending else {
            return false;
        };
        if self.state().live.contains(&root) {
            self.hand_over(root, id, outcome);
        }
        true
    }

    fn hand_over(&mut self, context: u32, id: u32, outcome: Outcome) {
        let Some(root) = self.root_mut(context) else {
            return;
        };
        let (callback, args) = match outcome {
            Outcome::Http {
                headers,
                body,
                trailers,
            } => {
                let [head, length, tail] = [headers.len(), body.len(), trailers.len()].map(number);
                root.http_answer = Some(CallAnswer {
                    headers,
                    body,
                    trailers,
                });
                ("proxy_on_http_call_response", vec![id, head, length, tail])
            }
            Outcome::Broken => {
                root.status = (BROKEN_CONNECTION, b"reset".to_vec());
                ("proxy_on_http_call_response", vec![id, 0, 0, 0])
            }
            Outcome::Grpc { status: 0, message } => {
                let length = number(message.len());
                root.grpc_answer = Some(message);
                ("proxy_on_grpc_receive", vec![id, length])
            }
            Outcome::Grpc { status, message } => {
                root.status = (status, message);
                ("proxy_on_grpc_close", vec![id, status])
            }
        };
        self.call_back(context, callback, &args);
    }

    fn call_back(&mut self, root: u32, name: &str, args: &[u32]) {
        // The answer is taken away before what the callback asked for happens.
        self.state_mut().actions.push_front(Action::Forget(root));
        self.callback(name, root, args);
    }

    pub(crate) fn forget(&mut self, root: u32) {
        if let Some(root) = self.state_mut().roots.get_mut(&root) {
            root.http_answer = None;
            root.grpc_answer = None;
            root.status.1.clear();
        }
    }
}
