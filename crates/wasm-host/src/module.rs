//! Compiled modules. Compiling is the slow part, so each file is compiled once in a process.

use super::error::Error;
use envoy_abi::Abi;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use wasmtime::{Config, Engine, ExternType, OptLevel, RegallocAlgorithm};

/// An engine, or why this machine has none.
type Made = LazyLock<Result<Engine, String>>;

static PLAIN: Made = LazyLock::new(|| made(&mut Config::new()));

/// Its code counts its own instructions, and is slower by that.
static COUNTING: Made = LazyLock::new(|| made(Config::new().consume_fuel(true)));

/// A module runs for less time here than it takes to compile it well. What it does, and its instructions, are the same.
fn made(config: &mut Config) -> Result<Engine, String> {
    config
        .cranelift_opt_level(OptLevel::None)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::SinglePass);
    Engine::new(config).map_err(|error| format!("{error:#}"))
}

/// Modules by file, and whether they count.
static LOADED: LazyLock<Mutex<BTreeMap<(PathBuf, bool), Module>>> = LazyLock::new(Mutex::default);

/// A compiled module; as many VMs as a test likes can run it.
#[derive(Clone)]
pub struct Module {
    pub(crate) code: wasmtime::Module,
    /// Whether its code counts its instructions.
    pub(crate) counts: bool,
    size: u64,
}

impl Module {
    /// The module at `path`, compiled now or earlier in this process.
    ///
    /// # Errors
    /// If there is no such file, or it is not wasm.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::loaded(path.as_ref(), false)
    }

    /// The same, with every instruction counted: see [`Host::instructions`](super::Host::instructions).
    ///
    /// # Errors
    /// If there is no such file, or it is not wasm.
    pub fn load_counting(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::loaded(path.as_ref(), true)
    }

    /// A module from its bytes.
    ///
    /// # Errors
    /// If they are not wasm.
    pub fn compile(bytes: &[u8]) -> Result<Self, Error> {
        Self::compiled(bytes, false)
    }

    /// The same, with every instruction counted: see [`Host::instructions`](super::Host::instructions).
    ///
    /// # Errors
    /// If they are not wasm.
    pub fn compile_counting(bytes: &[u8]) -> Result<Self, Error> {
        Self::compiled(bytes, true)
    }

    fn loaded(path: &Path, counts: bool) -> Result<Self, Error> {
        let unreadable = |error| Error::unreadable(path, &error);
        let file = std::fs::canonicalize(path).map_err(unreadable)?;
        // A poisoned lock only says that another test failed to load its own module.
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (file, counts);
        if let Some(module) = loaded.get(&place) {
            return Ok(module.clone());
        }
        let bytes = std::fs::read(&place.0).map_err(unreadable)?;
        let module = Self::compiled(&bytes, counts)?;
        loaded.insert(place, module.clone());
        Ok(module)
    }

    fn compiled(bytes: &[u8], counts: bool) -> Result<Self, Error> {
        let engine = if counts { &COUNTING } else { &PLAIN };
        let engine = engine
            .as_ref()
            .map_err(|cause| Error::Engine(cause.clone()))?;
        let code = wasmtime::Module::from_binary(engine, bytes)
            .map_err(|error| Error::NotWasm(format!("{error:#}")))?;
        let size = bytes.len() as u64;
        Ok(Self { code, counts, size })
    }

    /// The names of the exported functions.
    #[must_use]
    pub fn exports(&self) -> Vec<String> {
        let all = self.code.exports();
        let functions = all.filter(|export| matches!(export.ty(), ExternType::Func(_)));
        functions.map(|export| export.name().to_owned()).collect()
    }

    /// What the module wants from its host: pairs of module and name.
    #[must_use]
    pub fn imports(&self) -> Vec<(String, String)> {
        let all = self.code.imports();
        all.map(|import| (import.module().to_owned(), import.name().to_owned()))
            .collect()
    }

    /// The imports that Envoy does not grant, as `module.name`. One, and it does not load there.
    #[must_use]
    pub fn refused_imports(&self) -> Vec<String> {
        let names = self.imports().into_iter();
        names
            .filter(|(module, name)| Abi::V0_2_1.grants(module, name).is_none())
            .map(|(module, name)| format!("{module}.{name}"))
            .collect()
    }

    /// The length of the file.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}
