//! One host call: the module's memory, and the books about who called what.

use super::number::number;
use super::state::State;
use super::status::{Answer, Fail, Status};
use wasmtime::{Caller, Memory, bail};

/// What a module may call before it is started; anything else ends the VM.
const AT_START: &[&str] = &[
    "proxy_log",
    "fd_write",
    "args_sizes_get",
    "args_get",
    "environ_sizes_get",
    "environ_get",
    "fd_prestat_get",
    "fd_prestat_dir_name",
    "clock_time_get",
    "random_get",
];

pub(crate) struct Call<'a> {
    caller: Caller<'a, State>,
}

impl<'a> Call<'a> {
    pub(crate) fn enter(mut caller: Caller<'a, State>, name: &str) -> wasmtime::Result<Self> {
        let state = caller.data_mut();
        match state.host_calls.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(state.host_calls.insert(name.to_owned(), 1)),
        }
        if state.starting && !AT_START.contains(&name) {
            bail!("{name} called before the module was started");
        }
        Ok(Self { caller })
    }

    pub(crate) fn state(&mut self) -> &mut State {
        self.caller.data_mut()
    }

    /// The module's bytes at `at`.
    pub(crate) fn bytes(&mut self, at: u32, len: u32) -> Answer<Vec<u8>> {
        let (from, len) = (at as usize, len as usize);
        let memory = self.memory()?.data(&self.caller);
        let bytes = from.checked_add(len).and_then(|to| memory.get(from..to));
        Ok(bytes.ok_or(Status::InvalidMemoryAccess)?.to_vec())
    }

    /// The module's bytes as text; where Envoy takes any bytes for a name, so does this.
    pub(crate) fn text(&mut self, at: u32, len: u32) -> Answer<String> {
        let bytes = self.bytes(at, len)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(crate) fn put(&mut self, at: u32, bytes: &[u8]) -> Answer {
        let memory = self.memory()?;
        let written = memory.write(&mut self.caller, at as usize, bytes);
        written.map_err(|_| Fail::Status(Status::InvalidMemoryAccess))
    }

    pub(crate) fn put_u32(&mut self, at: u32, number: u32) -> Answer {
        self.put(at, &number.to_le_bytes())
    }

    pub(crate) fn put_u64(&mut self, at: u32, number: u64) -> Answer {
        self.put(at, &number.to_le_bytes())
    }

    /// Hands bytes over in memory that the module allocates; nothing is a null pointer.
    pub(crate) fn give(&mut self, bytes: &[u8], pointer_at: u32, length_at: u32) -> Answer {
        let len = number(bytes.len());
        let mut at = 0;
        if len > 0 {
            at = self.allocate(len)?;
            self.put(at, bytes)?;
        }
        self.put_u32(pointer_at, at)?;
        self.put_u32(length_at, len)
    }

    fn allocate(&mut self, len: u32) -> Answer<u32> {
        let named = |caller: &mut Caller<'a, State>, name| caller.get_export(name)?.into_func();
        let function = named(&mut self.caller, "proxy_on_memory_allocate")
            .or_else(|| named(&mut self.caller, "malloc"));
        self.caller.data_mut().host_calls_with_bytes += 1;
        let Some(function) = function else {
            let error = wasmtime::format_err!("the module has no proxy_on_memory_allocate");
            return Err(Fail::Trap(error));
        };
        let allocate = function.typed::<u32, u32>(&self.caller)?;
        let at = allocate.call(&mut self.caller, len)?;
        match at {
            0 => Err(Status::InvalidMemoryAccess.into()),
            at => Ok(at),
        }
    }

    fn memory(&mut self) -> Answer<Memory> {
        let export = self.caller.get_export("memory");
        let memory = export.and_then(wasmtime::Extern::into_memory);
        Ok(memory.ok_or(Status::InvalidMemoryAccess)?)
    }
}
