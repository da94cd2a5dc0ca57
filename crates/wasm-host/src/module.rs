//! Compiled modules. Compiling is the slow part, so each file is compiled once in a process.

use super::grants::ENVOY_IMPORTS;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use wasmtime::{Config, Engine, ExternType};

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(&Config::new()).expect("a wasm engine for this machine"));

static LOADED: LazyLock<Mutex<BTreeMap<PathBuf, Module>>> = LazyLock::new(Mutex::default);

/// A compiled module; as many VMs as a test likes can run it.
#[derive(Clone)]
pub struct Module {
    pub(crate) code: wasmtime::Module,
    size: u64,
}

impl Module {
    /// The module at `path`, compiled now or earlier in this process.
    ///
    /// # Panics
    /// If there is no such file, or it is not wasm.
    #[must_use]
    pub fn load(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let file = std::fs::canonicalize(path)
            .unwrap_or_else(|error| panic!("no module at {}: {error}", path.display()));
        // A poisoned lock only says that another test failed to load its own module.
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        loaded
            .entry(file)
            .or_insert_with_key(|file| {
                let bytes = std::fs::read(file).expect("a module that can be read");
                Self::compile(&bytes)
            })
            .clone()
    }

    /// A module from its bytes.
    ///
    /// # Panics
    /// If they are not wasm.
    #[must_use]
    pub fn compile(bytes: &[u8]) -> Self {
        let code = wasmtime::Module::from_binary(&ENGINE, bytes)
            .unwrap_or_else(|error| panic!("not a wasm module: {error:#}"));
        let size = bytes.len() as u64;
        Self { code, size }
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
            .map(|(module, name)| format!("{module}.{name}"))
            .filter(|import| !ENVOY_IMPORTS.contains(&import.as_str()))
            .collect()
    }

    /// The length of the file.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
}
