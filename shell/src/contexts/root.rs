//! The root context: loads the chain and makes streams.

use std::cell::RefCell;
use std::rc::Rc;

use super::calls::{grpc_result, http_result};
use super::host::{self, Buffer};
use super::log_name::named;
use super::logger;
use super::shared::Shared;
use super::stream::Stream;
use super::world::EnvoyWorld;
use sdk_helpers::chain::Chain;
use sdk_helpers::config::ConfigError;
use sdk_helpers::filter::Loaded;

pub(super) struct Root<C: Chain> {
    id: u32,
    /// None until its configuration is in force.
    shared: RefCell<Option<Rc<Shared<C>>>>,
}

impl<C: Chain> Root<C> {
    pub(super) fn new(id: u32) -> Self {
        Root {
            id,
            shared: RefCell::new(None),
        }
    }

    /// A stream of this plugin. Envoy makes none before the plugin has its configuration.
    pub(super) fn stream(&self, id: u32) -> Option<Stream<C>> {
        let shared = self.shared.borrow();
        Some(Stream::new(id, Rc::clone(shared.as_ref()?)))
    }

    /// What it acts on, held on to: what it does may come back to this root before it ends.
    fn shared(&self) -> Option<Rc<Shared<C>>> {
        self.shared.borrow().clone()
    }

    /// Envoy tells the root of all that comes of calls, those of its streams too.
    pub(super) fn on_http_call_response(&self, token: u32, headers: usize, body: usize) {
        if let Some(shared) = self.shared() {
            shared.answered(token, || http_result(headers, body));
        }
    }

    /// A message, with status 0, or how it ended without one.
    pub(super) fn on_grpc_call_response(&self, token: u32, status: u32, size: usize) {
        if let Some(shared) = self.shared() {
            shared.answered(token, || grpc_result(status, size));
        }
    }

    pub(super) fn on_vm_start(&self) -> bool {
        logger::install();
        true
    }

    pub(super) fn on_configure(&self, size: usize) -> bool {
        let bytes = match size {
            0 => Vec::new(),
            _ => match host::buffer(Buffer::Configuration, size) {
                Ok(bytes) => bytes,
                Err(host::Refused(status)) => {
                    let name = named::<C>(C::NAME);
                    log::error!("{name}Envoy refused its configuration: status {status}");
                    return false;
                }
            },
        };
        let world = EnvoyWorld::new();
        match C::load(&bytes, &world) {
            Ok(loaded) => {
                let Loaded {
                    filter,
                    warnings,
                    hash,
                } = loaded;
                // From here on it is in force: what tells of it, gauges first, comes no earlier.
                let shared = Rc::new(Shared::new(self.id, filter, hash, world));
                shared.announce(warnings, hash);
                *self.shared.borrow_mut() = Some(Rc::clone(&shared));
                shared.begin();
                true
            }
            Err(errors) => refused::<C>(errors),
        }
    }

    pub(super) fn on_tick(&self) {
        if let Some(shared) = self.shared() {
            shared.run_due();
        }
    }

    pub(super) fn on_queue_ready(&self, queue: u32) {
        while host::dequeue(queue).is_ok() {}
        self.on_tick();
    }
}

fn refused<C: Chain>(errors: Vec<ConfigError>) -> bool {
    let name = named::<C>(C::NAME);
    for error in errors {
        log::error!("{name}{error}");
    }
    false
}
