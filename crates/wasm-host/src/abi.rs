//! The host functions of ABI 0.2.1, grouped as a module's author thinks of them.
//!
//! Each function reads its arguments out of the module's memory, asks the state, and writes the
//! answer back; the rules live in the state's own modules. What crosses here is what Envoy's
//! exports do in the same order, down to which argument is refused first.

mod buffers;
mod context;
mod header_maps;
mod outward;
mod shared;

use super::call::Call;
use super::state::State;
use super::status::{Answer, settle};
use wasmtime::{Caller, Linker, Result};

/// Links functions under their own names, counted and with their answer turned into a number.
macro_rules! exports {
    ($linker:ident: $($name:ident($($arg:ident: $ty:ty),*);)*) => {$(
        $linker.func_wrap(
            "env",
            stringify!($name),
            |caller: Caller<'_, State>, $($arg: $ty),*| -> Result<u32> {
                let mut call = Call::enter(caller, stringify!($name))?;
                let answer: Answer = $name(&mut call, $($arg),*);
                settle(answer)
            },
        )?;
    )*};
}
use exports;

pub(crate) fn provide(linker: &mut Linker<State>) -> Result<()> {
    context::provide(linker)?;
    header_maps::provide(linker)?;
    buffers::provide(linker)?;
    shared::provide(linker)?;
    outward::provide(linker)
}
