//! The numbers by which the host answers a module, and the two ways a host call can fail.

/// A status of the proxy-wasm ABI, with the number Envoy uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// Nothing under that name.
    NotFound = 1,
    /// Not now, not here, or not like this.
    BadArgument = 2,
    /// The value has no byte form.
    SerializationFailure = 3,
    /// The bytes are not what the call reads.
    ParseFailure = 4,
    /// A pointer outside the module's memory.
    InvalidMemoryAccess = 6,
    /// The queue holds nothing.
    Empty = 7,
    /// Somebody else wrote the key first.
    CasMismatch = 8,
    /// Envoy refused, for reasons of its own.
    InternalFailure = 10,
    /// Not offered.
    Unimplemented = 12,
}

/// Why a host call did not end in `Ok`.
#[derive(Debug)]
pub(crate) enum Fail {
    /// The module is told.
    Status(Status),
    /// The module is ended.
    Trap(wasmtime::Error),
}

impl From<Status> for Fail {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<wasmtime::Error> for Fail {
    fn from(error: wasmtime::Error) -> Self {
        Self::Trap(error)
    }
}

/// What every host call comes to.
pub(crate) type Answer<T = ()> = Result<T, Fail>;

/// The number that goes back to the module; a trap ends it instead.
pub(crate) fn settle(answer: Answer) -> wasmtime::Result<u32> {
    match answer {
        Ok(()) => Ok(0),
        Err(Fail::Status(status)) => Ok(status as u32),
        Err(Fail::Trap(error)) => Err(error),
    }
}
