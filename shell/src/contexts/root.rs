//! The root context: loads the filter and makes streams.

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use super::calls::{grpc_result, http_result};
use super::host::{self, Buffer};
use super::log_name::named;
use super::shared::Shared;
use super::stream::Stream;
use super::world::EnvoyWorld;
use crate::callbacks::has_timer;
use sdk_helpers::config::ConfigError;
use sdk_helpers::filter::{BackgroundEvent, Filter, Loaded, load};

pub(super) struct Root<F: Filter> {
    id: u32,
    shared: Option<Rc<Shared<F>>>,
}

impl<F: Filter> Root<F> {
    pub(super) fn new(id: u32) -> Self {
        Root { id, shared: None }
    }
}

impl<F: Filter> Context for Root<F> {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body: usize, _: usize) {
        if F::NEEDS.http_calls
            && let Some(shared) = &self.shared
        {
            shared.answered(token, http_result(headers, body));
        }
    }

    fn on_grpc_call_response(&mut self, token: u32, status: u32, size: usize) {
        if F::NEEDS.grpc_calls
            && let Some(shared) = &self.shared
        {
            shared.answered(token, grpc_result(status, size));
        }
    }
}

impl<F: Filter> RootContext for Root<F> {
    fn on_vm_start(&mut self, _: usize) -> bool {
        // Not while the module is initialized: Envoy allows no host call then.
        proxy_wasm::set_log_level(host::log_level());
        true
    }

    fn on_configure(&mut self, size: usize) -> bool {
        let bytes = match size {
            0 => Vec::new(),
            _ => match host::buffer(Buffer::Configuration, size) {
                Ok(bytes) => bytes,
                Err(host::Refused(status)) => {
                    let name = named::<F>();
                    log::error!("{name}Envoy refused its configuration: status {status}");
                    return false;
                }
            },
        };
        let world = EnvoyWorld::new();
        match load::<F>(&bytes, &world) {
            Ok(loaded) => {
                let Loaded {
                    filter,
                    warnings,
                    hash,
                } = loaded;
                // From here on it is in force: what tells of it, gauges first, comes no earlier.
                let shared = Rc::new(Shared::new(self.id, filter, world));
                shared.metrics.in_force(hash);
                shared.announce(warnings, hash);
                self.shared = Some(Rc::clone(&shared));
                shared.background(BackgroundEvent::Loaded);
                true
            }
            Err(errors) => refused::<F>(errors),
        }
    }

    fn on_tick(&mut self) {
        if has_timer(F::NEEDS)
            && let Some(shared) = &self.shared
        {
            shared.run_due();
        }
    }

    fn on_queue_ready(&mut self, queue: u32) {
        if !has_timer(F::NEEDS) {
            return;
        }
        while host::dequeue(queue).is_ok() {}
        if let Some(shared) = &self.shared {
            shared.run_due();
        }
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(match &self.shared {
            Some(shared) => Box::new(Stream::new(id, Rc::clone(shared))),
            None => Box::new(Unconfigured),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

fn refused<F: Filter>(errors: Vec<ConfigError>) -> bool {
    let name = named::<F>();
    for error in errors {
        log::error!("{name}{error}");
    }
    false
}

/// A stream of a plugin that never got its configuration. Envoy makes none; should it ever, nothing
/// passes.
struct Unconfigured;

impl Context for Unconfigured {}

impl HttpContext for Unconfigured {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let _ = host::send_reply(503, "mesh_filters{unconfigured}", b"", &[], None);
        Action::Pause
    }
}
