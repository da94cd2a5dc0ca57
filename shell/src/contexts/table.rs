//! All contexts of the VM, and which of them each callback is for.
//!
//! A reply, a stream that goes on and a call may come back into the VM before they return, and end the
//! very stream that they are about. So a context is taken out of the table before anything is done with
//! it, and nothing of the table is held on to meanwhile.

use std::cell::RefCell;
use std::rc::Rc;

use super::host;
use super::root::Root;
use super::stream::Stream;
use super::types::Action;
use crate::by_number::ByNumber;
use crate::callbacks::has_timer;
use sdk_helpers::chain::Chain;

/// The contexts of a module with this chain. A plugin has a root context, and so has each that shares
/// the VM, and a plugin's next configuration while streams of the last one still live.
pub struct Contexts<C: Chain> {
    roots: RefCell<ByNumber<Rc<Root<C>>>>,
    streams: RefCell<ByNumber<Stream<C>>>,
}

impl<C: Chain> Contexts<C> {
    /// None yet.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "a static has to be made by a constant function"
    )]
    pub const fn new() -> Self {
        Contexts {
            roots: RefCell::new(ByNumber::new()),
            streams: RefCell::new(ByNumber::new()),
        }
    }

    /// A context begins: a plugin's, or a stream's if it has a `root`.
    pub fn on_context_create(&self, context: u32, root: u32) {
        if root == 0 {
            let root = Rc::new(Root::new(context));
            self.roots.borrow_mut().insert(context, root);
            return;
        }
        // Nothing is asked of Envoy yet, so nothing can come back.
        let stream = self
            .roots
            .borrow()
            .get(root)
            .and_then(|root| root.stream(context));
        if let Some(stream) = stream {
            self.streams.borrow_mut().insert(context, stream);
        }
    }

    /// The VM starts, for this plugin.
    pub fn on_vm_start(&self, root: u32, _: usize) -> bool {
        self.root(root).is_some_and(|root| root.on_vm_start())
    }

    /// A plugin is given its configuration, of `size` bytes; whether it takes it.
    pub fn on_configure(&self, root: u32, size: usize) -> bool {
        self.root(root).is_some_and(|root| root.on_configure(size))
    }

    /// The headers of a request are there.
    pub fn on_request_headers(&self, context: u32, _: usize, _: u32) -> Action {
        match self.stream(context) {
            Some(stream) => stream.on_request_headers(),
            None => unconfigured(),
        }
    }

    /// The headers of its response are there.
    pub fn on_response_headers(&self, context: u32, _: usize, _: u32) -> Action {
        if C::NEEDS.changes_response()
            && let Some(stream) = self.stream(context)
        {
            stream.on_response_headers();
        }
        Action::Continue
    }

    /// A stream is over.
    pub fn on_log(&self, context: u32) {
        if C::NEEDS.end
            && let Some(stream) = self.stream(context)
        {
            stream.on_log();
        }
    }

    /// A context ends.
    pub fn on_delete(&self, context: u32) {
        let stream = self.streams.borrow_mut().remove(context);
        if stream.is_none() {
            let root = self.roots.borrow_mut().remove(context);
            drop(root);
        }
    }

    /// The timer of a plugin fires.
    pub fn on_tick(&self, root: u32) {
        if has_timer(C::NEEDS)
            && let Some(root) = self.root(root)
        {
            root.on_tick();
        }
    }

    /// There is something in a queue of a plugin.
    pub fn on_queue_ready(&self, root: u32, queue: u32) {
        if has_timer(C::NEEDS)
            && let Some(root) = self.root(root)
        {
            root.on_queue_ready(queue);
        }
    }

    /// The answer to an HTTP call that a plugin or one of its streams has made.
    pub fn on_http_call_response(
        &self,
        root: u32,
        token: u32,
        headers: usize,
        body: usize,
        _: usize,
    ) {
        if C::NEEDS.http_calls
            && let Some(root) = self.root(root)
        {
            root.on_http_call_response(token, headers, body);
        }
    }

    /// The message that answers a gRPC call.
    pub fn on_grpc_receive(&self, root: u32, token: u32, size: usize) {
        if C::NEEDS.grpc_calls
            && let Some(root) = self.root(root)
        {
            root.on_grpc_call_response(token, 0, size);
        }
    }

    /// The end of a gRPC call that has no message.
    pub fn on_grpc_close(&self, root: u32, token: u32, status: u32) {
        if C::NEEDS.grpc_calls
            && let Some(root) = self.root(root)
        {
            root.on_grpc_call_response(token, status, 0);
        }
    }

    fn root(&self, context: u32) -> Option<Rc<Root<C>>> {
        self.roots.borrow().get(context).cloned()
    }

    fn stream(&self, context: u32) -> Option<Stream<C>> {
        self.streams.borrow().get(context).cloned()
    }
}

/// A stream of a plugin that never got its configuration. Envoy makes none; should it ever, nothing
/// passes.
fn unconfigured() -> Action {
    let _ = host::send_reply(503, "mesh_filters{unconfigured}", b"", &[], None);
    Action::Pause
}
