//! One VM: a store and an instance, how a callback is called, and what is done after it.

use super::abi;
use super::error::Error;
use super::log::Level;
use super::module::Module;
use super::state::{Action, State};
use super::wasi;
use wasmtime::{Func, Instance, Linker, Store, Trap, Val};

/// Callbacks started from within the aftermath of callbacks. A real Envoy nests until its stack
/// ends; here the rest waits for the outermost one, so that a test's own stack does not.
const DEEPEST: usize = 64;

pub(crate) struct Vm {
    store: Store<State>,
    instance: Option<Instance>,
    depth: usize,
    /// Whether the module counts its instructions.
    counts: bool,
}

/// How a callback ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It returned this number.
    Returned(i32),
    /// The module does not have it.
    Missing,
    /// The VM is dead, now or from before.
    Dead,
}

impl Vm {
    pub(crate) fn new(module: &Module, state: State) -> Result<Self, Error> {
        let refused = module.refused_imports();
        if !refused.is_empty() {
            return Err(Error::Imports(refused));
        }
        let engine = module.code.engine();
        let mut linker = Linker::new(engine);
        let mut vm = Self {
            store: Store::new(engine, state),
            instance: None,
            depth: 0,
            counts: module.counts,
        };
        vm.refuel();
        let instance = abi::provide(&mut linker)
            .and_then(|()| wasi::provide(&mut linker))
            .and_then(|()| linker.define_unknown_imports_as_traps(&module.code))
            .and_then(|()| linker.instantiate(&mut vm.store, &module.code))
            .map_err(|error| Error::Unlinkable(format!("{error:#}")))?;
        vm.instance = Some(instance);
        vm.start();
        Ok(vm)
    }

    fn start(&mut self) {
        self.state_mut().starting = true;
        if self.call("_initialize", 0, &[]) == Verdict::Missing {
            self.call("_start", 0, &[]);
        }
        self.state_mut().starting = false;
    }

    pub(crate) fn state(&self) -> &State {
        self.store.data()
    }

    pub(crate) fn state_mut(&mut self) -> &mut State {
        self.store.data_mut()
    }

    /// Calls an export and then does what it asked for. Where Envoy's whole process would die of what
    /// the module did, nothing more is done, now or later.
    pub(crate) fn callback(&mut self, name: &str, context: u32, args: &[u32]) -> Verdict {
        self.state_mut().asked = 0;
        let mut all = vec![context];
        all.extend(args);
        let mut verdict = self.call(name, context, &all);
        if self.state().crashed.is_some() {
            self.state_mut().actions.clear();
            return Verdict::Dead;
        }
        let stopped = std::mem::take(&mut self.state_mut().stop);
        if stopped && matches!(verdict, Verdict::Returned(0)) {
            verdict = Verdict::Returned(1);
        }
        self.aftermath();
        verdict
    }

    fn call(&mut self, name: &str, context: u32, args: &[u32]) -> Verdict {
        if self.state().dead.is_some() {
            return Verdict::Dead;
        }
        let Some(function) = self.export(name) else {
            return Verdict::Missing;
        };
        let state = self.state_mut();
        // Each call starts without an effective context and leaves the caller's as it was.
        let before = (state.current, state.effective);
        let callback = std::mem::replace(&mut state.callback, name.to_owned());
        (state.current, state.effective) = (context, 0);
        let result = self.invoke(function, args);
        self.count(context, name);
        let state = self.state_mut();
        (state.current, state.effective) = before;
        state.callback = callback;
        match result {
            Ok(value) => Verdict::Returned(value),
            Err(error) => {
                self.bury(name, &error);
                Verdict::Dead
            }
        }
    }

    /// A function of another signature than the callback's ends the VM.
    fn invoke(&mut self, function: Func, args: &[u32]) -> wasmtime::Result<i32> {
        let ty = function.ty(&self.store);
        let args = args.iter().map(|arg| Val::I32(arg.cast_signed()));
        // `_initialize` and a few others are not told the context.
        let args: Vec<_> = args.take(ty.params().len()).collect();
        let mut results = vec![Val::I32(0); ty.results().len()];
        function.call(&mut self.store, &args, &mut results)?;
        Ok(results.first().and_then(Val::i32).unwrap_or(0))
    }

    fn export(&mut self, name: &str) -> Option<Func> {
        self.instance?.get_func(&mut self.store, name)
    }

    /// A module that counts gets so much fuel for each call that it never runs out.
    fn refuel(&mut self) {
        if self.counts {
            let fuelled = self.store.set_fuel(u64::MAX);
            debug_assert!(fuelled.is_ok(), "the module was compiled to count");
        }
    }

    /// Adds what the call has used to the callback's instructions.
    fn count(&mut self, context: u32, name: &str) {
        if let (true, Ok(left)) = (self.counts, self.store.get_fuel()) {
            let used = u64::MAX.saturating_sub(left);
            self.state_mut().instructions.add(context, name, used);
            self.refuel();
        }
    }

    /// The size of the module's memory; none without one.
    pub(crate) fn memory(&mut self) -> u64 {
        let memory = self
            .instance
            .and_then(|instance| instance.get_memory(&mut self.store, "memory"));
        memory.map_or(0, |memory| memory.data_size(&self.store) as u64)
    }

    /// The value of an exported global of 64 bits, if there is one of that name.
    pub(crate) fn global(&mut self, name: &str) -> Option<i64> {
        let global = self.instance?.get_global(&mut self.store, name)?;
        global.get(&mut self.store).i64()
    }

    fn bury(&mut self, callback: &str, error: &wasmtime::Error) {
        let cause = match error.downcast_ref::<Trap>() {
            Some(trap) => trap.to_string(),
            None => error.root_cause().to_string(),
        };
        let state = self.state_mut();
        let said = state
            .log
            .iter()
            .rev()
            .find(|(level, _)| *level >= Level::Error);
        let last_words = said.map_or(String::new(), |(_, line)| format!("; last error: {line}"));
        let death = format!("{callback}: {cause}{last_words}");
        state
            .log
            .push((Level::Critical, format!("VM failed: {death}")));
        state.dead = Some(death);
    }

    /// Does what the callback put off, in order.
    fn aftermath(&mut self) {
        if self.depth == DEEPEST {
            return;
        }
        self.depth += 1;
        while let Some(action) = self.state_mut().actions.pop_front() {
            match action {
                Action::Resume(stream, way) => self.resume(stream, way),
                Action::Reply(stream, reply) => self.reply(stream, reply),
                Action::Reset(stream) => self.reset(stream),
                Action::Delete(root) => self.delete(root),
                Action::Forget(root) => self.forget(root),
            }
        }
        self.depth -= 1;
    }
}
