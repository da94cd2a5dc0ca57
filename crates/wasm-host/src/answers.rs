//! Answers: how the outcome of a call reaches the root context that made it.

use super::number::number;
use super::state::{Action, CallAnswer};
use super::upstreams::{Outcome, Pending};
use super::vm::Vm;

/// The status that goes with a call that broke.
const BROKEN_CONNECTION: u32 = 11;

impl Vm {
    /// Hands the outcome of a call to the root context that made it.
    pub(crate) fn answer(&mut self, id: u32, outcome: Outcome) {
        let pending = self.state_mut().upstreams.pending.remove(&id);
        let Pending { root, .. } = pending.unwrap_or_else(|| panic!("no call {id} is pending"));
        if !self.state().live.contains(&root) {
            return;
        }
        match outcome {
            Outcome::Http {
                headers,
                body,
                trailers,
            } => {
                let sizes = [headers.len(), body.len(), trailers.len()].map(number);
                let args = [id, sizes[0], sizes[1], sizes[2]];
                self.root_mut(root).http_answer = Some(CallAnswer {
                    headers,
                    body,
                    trailers,
                });
                self.call_back(root, "proxy_on_http_call_response", &args);
            }
            Outcome::Broken => {
                self.root_mut(root).status = (BROKEN_CONNECTION, b"reset".to_vec());
                let args = [id, 0, 0, 0];
                self.call_back(root, "proxy_on_http_call_response", &args);
            }
            Outcome::Grpc { status: 0, message } => {
                let args = [id, number(message.len())];
                self.root_mut(root).grpc_answer = Some(message);
                self.call_back(root, "proxy_on_grpc_receive", &args);
            }
            Outcome::Grpc { status, message } => {
                self.root_mut(root).status = (status, message);
                self.call_back(root, "proxy_on_grpc_close", &[id, status]);
            }
        }
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
