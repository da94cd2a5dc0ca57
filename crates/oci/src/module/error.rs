//! Why a file is no module that Envoy loads.

use std::fmt;

/// Why Envoy, or the agent before it, takes these bytes for no module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleError {
    /// It is larger than the agent reads.
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// It does not begin as wasm does.
    NotWasm {
        /// What it begins with, at most eight bytes.
        starts: Vec<u8>,
    },
    /// It is a component, which Envoy does not run.
    Component,
    /// It begins as wasm, and is none.
    Corrupt(String),
    /// It does not say which version of the ABI it speaks.
    NoAbi,
    /// Envoy cannot hand it anything.
    NoAllocator,
    /// It imports what Envoy does not grant.
    Imports(Vec<String>),
}

impl fmt::Display for ModuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { limit } => write!(
                f,
                "the module has more than {limit} bytes, the most that Istio's agent reads: \
                 build it with `--release`, and strip its debug information"
            ),
            Self::NotWasm { starts } => write!(
                f,
                "the file is no wasm: it begins with `{}` in place of `\\0asm`; pack the file that \
                 `cargo build --target wasm32-wasip1` writes",
                starts.escape_ascii()
            ),
            Self::Component => f.write_str(
                "the file is a WebAssembly component, which Envoy does not run: build for the target \
                 wasm32-wasip1, not wasm32-wasip2",
            ),
            Self::Corrupt(cause) => write!(
                f,
                "the file begins as wasm and is none: {cause}; build it anew, it may be cut short"
            ),
            Self::NoAbi => f.write_str(
                "the module exports no `proxy_abi_version_0_2_1`, so it is no proxy-wasm module, or its \
                 exports were stripped: build it with a proxy-wasm SDK as a `cdylib`",
            ),
            Self::NoAllocator => f.write_str(
                "the module exports neither `malloc` nor `proxy_on_memory_allocate`, so Envoy cannot hand it \
                 anything: keep that export when stripping",
            ),
            Self::Imports(names) => write!(
                f,
                "Envoy has no {}: leave out what needs it (crates for browsers import `wasm_bindgen`; \
                 so their `js` features must be off)",
                names.join(", no ")
            ),
        }
    }
}

impl std::error::Error for ModuleError {}
