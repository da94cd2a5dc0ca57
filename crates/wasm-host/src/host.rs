//! A worker's VM, as a test holds it.

use super::error::Error;
use super::headers::Headers;
use super::log::Level;
use super::module::Module;
use super::properties::path;
use super::state::State;
use super::status::Status;
use super::stream::Stream;
use super::upstreams::{Outcome, PendingCall};
use super::vm::Vm;
use super::world::World;
use std::cell::{Ref, RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// One VM with the plugins that run in it. Clones are the same VM.
#[derive(Clone)]
pub struct Host {
    vm: Rc<RefCell<Vm>>,
    world: World,
}

impl Host {
    /// A VM alone in a world of its own.
    ///
    /// # Errors
    /// If the module imports what Envoy does not grant.
    pub fn new(module: &Module) -> Result<Self, Error> {
        Self::in_world(module, &World::new())
    }

    /// A VM in a world that other workers share.
    ///
    /// # Errors
    /// If the module imports what Envoy does not grant.
    pub fn in_world(module: &Module, world: &World) -> Result<Self, Error> {
        Self::with_environment(module, world, &[])
    }

    /// The same, with environment variables, which a module reads when it is made.
    ///
    /// # Errors
    /// If the module imports what Envoy does not grant.
    pub fn with_environment(
        module: &Module,
        world: &World,
        variables: &[(&str, &str)],
    ) -> Result<Self, Error> {
        let mut state = State::new(world.shared());
        for (name, value) in variables {
            let variable = ((*name).to_owned(), (*value).to_owned());
            state.environment.push(variable);
        }
        let vm = Rc::new(RefCell::new(Vm::new(module, state)?));
        world.adopt(&vm);
        let world = world.clone();
        Ok(Self { vm, world })
    }

    /// The world of this VM.
    #[must_use]
    pub fn world(&self) -> World {
        self.world.clone()
    }

    /// Names the VM: only VMs of the same name share data and queue names. Empty by default.
    pub fn vm_id(&self, id: &str) {
        self.state_mut().vm_id = id.to_owned();
    }

    /// The random numbers from here on follow from `seed`.
    pub fn seed(&self, seed: u64) {
        self.state_mut().random = seed;
    }

    /// Creates root context 1 and starts it: true if the module agreed.
    pub fn vm_start(&self, config: &[u8]) -> bool {
        self.state_mut().vm_config = config.to_vec();
        self.vm.borrow_mut().new_root().is_some()
    }

    /// Hands over a plugin configuration: true if the module took it.
    ///
    /// The first one goes to root context 1, created and started here if `vm_start` has not. Each
    /// further one makes a new root context, as a configuration update does; the old one lives on
    /// until [`Host::retire`], but new streams belong to the new one, provided that it was taken.
    pub fn configure(&self, config: &[u8]) -> bool {
        let mut vm = self.vm.borrow_mut();
        let started = vm.state().unconfigured();
        let Some(root) = started.or_else(|| vm.new_root()) else {
            return false;
        };
        let accepted = vm.configure(root, config);
        if accepted {
            vm.state_mut().serving = Some(root);
        }
        accepted
    }

    /// Ends a root context, as Envoy does when its listener is drained.
    pub fn retire(&self, root: u32) {
        self.vm.borrow_mut().retire(root);
    }

    /// The root contexts alive, oldest first.
    #[must_use]
    pub fn roots(&self) -> Vec<u32> {
        self.state().roots.keys().copied().collect()
    }

    /// A stream that has not reached the filter yet; set its properties, then send the headers.
    ///
    /// Where no configuration was taken so far, Envoy has no filter to ask, and the stream gets its 503
    /// without any callback.
    #[must_use]
    pub fn stream(&self) -> Stream {
        let mut vm = self.vm.borrow_mut();
        let root = vm.state().serving;
        let id = vm.open(root);
        drop(vm);
        Stream::new(Rc::clone(&self.vm), id)
    }

    /// A stream whose request headers arrive at once.
    #[must_use]
    pub fn request(&self, headers: impl Into<Headers>, end_of_stream: bool) -> Stream {
        let stream = self.stream();
        stream.request_headers(headers, end_of_stream);
        stream
    }

    /// Sets a property for every stream, and for root contexts if it is one they can read.
    pub fn property(&self, parts: &[&str], value: impl AsRef<[u8]>) {
        let value = value.as_ref().to_vec();
        self.state_mut().properties.insert(path(parts), value);
    }

    /// Offers a foreign function. Any other name is `NotFound`, as in Envoy.
    pub fn foreign(
        &self,
        name: &str,
        function: impl FnMut(&[u8]) -> Result<Vec<u8>, Status> + 'static,
    ) {
        let function = Rc::new(RefCell::new(function));
        self.state_mut().foreign.insert(name.to_owned(), function);
    }

    /// Sets the system clock of the world. See [`World::set_time`].
    pub fn set_time(&self, unix_ns: u64) {
        self.world().set_time(unix_ns);
    }

    /// Lets time pass in the world. See [`World::advance`].
    pub fn advance(&self, by: Duration) {
        self.world().advance(by);
    }

    /// Delivers what was enqueued in the world. See [`World::run_queues`].
    pub fn run_queues(&self) {
        self.world().run_queues();
    }

    /// Lines below this level are dropped, and `get_log_level` says so. Everything, by default.
    pub fn log_level(&self, level: Level) {
        self.state_mut().level = level;
    }

    /// What the module logged and printed, and how it died.
    #[must_use]
    pub fn log(&self) -> Vec<(Level, String)> {
        self.state().log.clone()
    }

    /// How the VM died, if it did. From then on every stream gets 503.
    #[must_use]
    pub fn dead(&self) -> Option<String> {
        self.state().dead.clone()
    }

    /// What would have killed the whole of Envoy. Nothing runs in this VM after it, and its streams are
    /// [`Crashed`](super::State::Crashed).
    #[must_use]
    pub fn crashed(&self) -> Option<String> {
        self.state().crashed.clone()
    }

    /// What Envoy lets pass, but no filter should do.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// Every host call so far by name, those of WASI too.
    #[must_use]
    pub fn host_calls(&self) -> BTreeMap<String, u64> {
        self.state().host_calls.clone()
    }

    /// How often a host call so far gave bytes. For these Envoy enters the module once more, to have memory
    /// for them, which makes such a call several times as dear as any other.
    #[must_use]
    pub fn host_calls_with_bytes(&self) -> u64 {
        self.state().host_calls_with_bytes
    }

    /// Counts host calls from zero again.
    pub fn reset_host_calls(&self) {
        let mut state = self.state_mut();
        state.host_calls.clear();
        state.host_calls_with_bytes = 0;
    }

    /// The instructions that each callback has run so far, `_initialize` too; nothing unless the module
    /// was compiled to count them, by [`Module::load_counting`] or [`Module::compile_counting`].
    ///
    /// An instruction is one of wasm's, as wasmtime's fuel counts them: `nop`, `drop`, `block`, `loop`,
    /// `else`, `end`, `return` and `unreachable` are free, each call of a function has one more, and
    /// `memory.copy`, `memory.fill` and `memory.init` one more for each byte. Memory that a module allocates for
    /// what a host call gives counts for the callback that called; what the host does counts for nobody.
    /// So the same module run on the same input has the same count on every machine.
    #[must_use]
    pub fn instructions(&self) -> BTreeMap<String, u64> {
        self.state().instructions.all()
    }

    /// Counts instructions from zero again.
    pub fn reset_instructions(&self) {
        self.state_mut().instructions.clear();
    }

    /// The size of the module's memory in bytes. It grows and never shrinks.
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.vm.borrow_mut().memory()
    }

    /// What stands in a global variable of 64 bits that the module exports, such as a counter that was put
    /// into it; nothing if there is no such variable.
    #[must_use]
    pub fn global(&self, name: &str) -> Option<i64> {
        self.vm.borrow_mut().global(name)
    }

    /// The period of the serving root context's tick, if one is armed.
    #[must_use]
    pub fn tick_period(&self) -> Option<Duration> {
        let state = self.state();
        let timer = state.roots.get(&state.serving?)?.timer?;
        Some(Duration::from_nanos(timer.period))
    }

    /// The calls that wait for an answer.
    #[must_use]
    pub fn calls(&self) -> Vec<PendingCall> {
        let state = self.state();
        let pending = state.upstreams.pending.values();
        pending.map(|pending| pending.call.clone()).collect()
    }

    /// Answers an HTTP call.
    ///
    /// # Errors
    /// If no such call is pending.
    pub fn answer_http(
        &self,
        call: u32,
        headers: impl Into<Headers>,
        body: impl AsRef<[u8]>,
        trailers: impl Into<Headers>,
    ) -> Result<(), Error> {
        let (headers, trailers) = (headers.into(), trailers.into());
        let body = body.as_ref().to_vec();
        self.answer(
            call,
            Outcome::Http {
                headers,
                body,
                trailers,
            },
        )
    }

    /// Breaks an HTTP call amid its answer: the callback comes with nothing in it.
    ///
    /// # Errors
    /// If no such call is pending.
    pub fn break_http(&self, call: u32) -> Result<(), Error> {
        self.answer(call, Outcome::Broken)
    }

    /// Fails an HTTP call before any answer, as for a refused connection: Envoy makes up a 503.
    ///
    /// # Errors
    /// If no such call is pending.
    pub fn fail_http(&self, call: u32) -> Result<(), Error> {
        self.answer(call, Outcome::refused())
    }

    /// Answers a gRPC call: status 0 with a message, any other with a text that says why.
    ///
    /// # Errors
    /// If no such call is pending.
    pub fn answer_grpc(
        &self,
        call: u32,
        status: u32,
        message: impl AsRef<[u8]>,
    ) -> Result<(), Error> {
        let message = message.as_ref().to_vec();
        self.answer(call, Outcome::Grpc { status, message })
    }

    fn answer(&self, call: u32, outcome: Outcome) -> Result<(), Error> {
        let answered = self.vm.borrow_mut().answer(call, outcome);
        answered.then_some(()).ok_or(Error::NoCall(call))
    }

    fn state(&self) -> Ref<'_, State> {
        Ref::map(self.vm.borrow(), Vm::state)
    }

    fn state_mut(&self) -> RefMut<'_, State> {
        RefMut::map(self.vm.borrow_mut(), Vm::state_mut)
    }
}
