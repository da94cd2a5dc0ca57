//! One VM: a store and an instance, how a callback is called, and what is done after it.

use super::abi;
use super::log::Level;
use super::module::Module;
use super::state::{Action, State};
use super::wasi;
use wasmtime::{Func, Instance, Linker, Store, Trap, Val, ValType};

/// Callbacks started from within the aftermath of callbacks. A real Envoy nests until its stack
/// ends; here the rest waits for the outermost one, so that a test's own stack does not.
const DEEPEST: usize = 64;

pub(crate) struct Vm {
    store: Store<State>,
    instance: Option<Instance>,
    depth: usize,
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
    pub(crate) fn new(module: &Module, state: State) -> Self {
        let refused = module.refused_imports();
        assert!(
            refused.is_empty(),
            "Envoy would refuse this module: it has no {}",
            refused.join(", ")
        );
        let engine = module.code.engine();
        let mut linker = Linker::new(engine);
        abi::provide(&mut linker)
            .and_then(|()| wasi::provide(&mut linker))
            .and_then(|()| linker.define_unknown_imports_as_traps(&module.code))
            .expect("distinct host functions");
        let mut vm = Self {
            store: Store::new(engine, state),
            instance: None,
            depth: 0,
        };
        let instance = linker
            .instantiate(&mut vm.store, &module.code)
            .unwrap_or_else(|error| panic!("Envoy would refuse this module: {error:#}"));
        vm.instance = Some(instance);
        vm.start();
        vm
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

    /// Calls an export and then does what it asked for.
    ///
    /// # Panics
    /// If Envoy's whole process would die of what the module did.
    pub(crate) fn callback(&mut self, name: &str, context: u32, args: &[u32]) -> Verdict {
        self.state_mut().asked = 0;
        let mut all = vec![context];
        all.extend(args);
        let mut verdict = self.call(name, context, &all);
        if let Some(death) = &self.state().crashed {
            panic!("Envoy would die here: {death}");
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

    fn invoke(&mut self, function: Func, args: &[u32]) -> wasmtime::Result<i32> {
        let ty = function.ty(&self.store);
        let args: Vec<_> = args.iter().map(|arg| Val::I32(arg.cast_signed())).collect();
        let mut results = vec![Val::I32(0); ty.results().len()];
        function.call(&mut self.store, &args[..ty.params().len()], &mut results)?;
        Ok(results.first().and_then(Val::i32).unwrap_or(0))
    }

    fn export(&mut self, name: &str) -> Option<Func> {
        let instance = self.instance?;
        let function = instance.get_func(&mut self.store, name)?;
        let ty = function.ty(&self.store);
        let fits = ty.params().all(|param| matches!(param, ValType::I32));
        assert!(fits, "{name} takes something other than i32");
        Some(function)
    }

    /// The size of the module's memory; none without one.
    pub(crate) fn memory(&mut self) -> u64 {
        let memory = self
            .instance
            .and_then(|instance| instance.get_memory(&mut self.store, "memory"));
        memory.map_or(0, |memory| memory.data_size(&self.store) as u64)
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
