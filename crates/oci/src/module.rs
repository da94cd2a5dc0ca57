//! A module as Envoy would take it: bytes that are wasm, speak an ABI of Envoy's, and ask for nothing that it lacks.

mod error;

use std::fmt;

use envoy_abi::{ALLOCATORS, Abi, Import, Type};
use wasmparser::{
    CompositeInnerType, Encoding, ExternalKind, FuncType, Parser, Payload, TypeRef, ValType,
    Validator,
};

use crate::digest::Digest;
pub use error::ModuleError;

/// The most that Istio's agent reads of a module unless it is told otherwise
/// (`ISTIO_WASM_MAX_BINARY_SIZE_BYTES`), in bytes.
pub const AGENT_LIMIT: u64 = 256 << 20;

/// What every wasm file begins with.
pub(crate) const MAGIC: &[u8] = b"\0asm";

/// A module that Envoy loads.
#[derive(Clone, PartialEq, Eq)]
pub struct Module {
    bytes: Vec<u8>,
    digest: Digest,
    abi: Abi,
    imports: Vec<String>,
    exports: Vec<String>,
}

impl Module {
    /// The module that these bytes are.
    ///
    /// # Errors
    /// If they are more than `limit` bytes ([`AGENT_LIMIT`] is Istio's), no wasm module, or one that Envoy refuses.
    pub fn read(bytes: Vec<u8>, limit: u64) -> Result<Self, ModuleError> {
        if bytes.len() as u64 > limit {
            return Err(ModuleError::TooLarge { limit });
        }
        if !bytes.starts_with(MAGIC) || bytes.len() < 8 {
            return Err(ModuleError::NotWasm {
                starts: bytes.get(..8).unwrap_or(&bytes).to_vec(),
            });
        }
        let corrupt =
            |error: wasmparser::BinaryReaderError| ModuleError::Corrupt(error.to_string());
        let parsed = parse(&bytes).map_err(corrupt)?;
        if parsed.component {
            return Err(ModuleError::Component);
        }
        Validator::new().validate_all(&bytes).map_err(corrupt)?;
        let markers = parsed.exports.iter();
        let abi = markers.filter_map(|name| Abi::of_marker(name)).max();
        let abi = abi.ok_or(ModuleError::NoAbi)?;
        if !ALLOCATORS.iter().any(|name| parsed.exports_function(name)) {
            return Err(ModuleError::NoAllocator);
        }
        let refused: Vec<String> = parsed
            .imports
            .iter()
            .filter_map(|import| import.refused(abi))
            .collect();
        if !refused.is_empty() {
            return Err(ModuleError::Imports(refused));
        }
        let digest = Digest::of(&bytes);
        let imports = parsed.imports.iter().map(Wanted::name).collect();
        Ok(Self {
            digest,
            abi,
            imports,
            exports: parsed.exports,
            bytes,
        })
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file, given away.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The digest of the file: what an EnvoyFilter's remote code and a WasmPlugin with an `http` address have as
    /// `sha256`. That of an `oci` address is the [image's](crate::Image::digest).
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The version of the ABI it speaks.
    #[must_use]
    pub fn abi(&self) -> Abi {
        self.abi
    }

    /// What it imports, as `module.name`. Envoy has all of it.
    #[must_use]
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// What it exports, by name.
    #[must_use]
    pub fn exports(&self) -> &[String] {
        &self.exports
    }

    /// Exports that are named as callbacks of the ABI and that Envoy never calls: mistyped, or of another proxy.
    pub fn unknown_callbacks(&self) -> impl Iterator<Item = &str> {
        let names = self.exports.iter().map(String::as_str);
        names.filter(|name| name.starts_with("proxy_") && !envoy_abi::calls(name))
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "module {} ({} bytes)", self.digest, self.bytes.len())
    }
}

/// What a module says of itself, before anybody judges it.
#[derive(Default)]
struct Parsed {
    component: bool,
    imports: Vec<Wanted>,
    exports: Vec<String>,
    functions: Vec<String>,
}

impl Parsed {
    fn exports_function(&self, name: &str) -> bool {
        self.functions.iter().any(|function| function == name)
    }
}

struct Wanted {
    module: String,
    name: String,
    kind: Kind,
}

enum Kind {
    Function(Option<FuncType>),
    /// Envoy makes one of the size the module wants.
    MemoryOrTable,
    Other,
}

impl Wanted {
    fn name(&self) -> String {
        format!("{}.{}", self.module, self.name)
    }

    /// What is to be said against it, if Envoy does not grant it.
    fn refused(&self, abi: Abi) -> Option<String> {
        let signature = match &self.kind {
            Kind::MemoryOrTable => return None,
            Kind::Other => return Some(self.name()),
            Kind::Function(signature) => signature.as_ref(),
        };
        match (abi.grants(&self.module, &self.name), signature) {
            (None, _) => Some(self.name()),
            (Some(granted), Some(wanted)) if same(granted, wanted) => None,
            (Some(_), _) => Some(format!("{} with these parameters", self.name())),
        }
    }
}

fn same(granted: &Import, wanted: &FuncType) -> bool {
    let as_wasm = |kind| match kind {
        Type::I32 => ValType::I32,
        Type::I64 => ValType::I64,
    };
    granted
        .params()
        .map(as_wasm)
        .eq(wanted.params().iter().copied())
        && granted
            .results()
            .map(as_wasm)
            .eq(wanted.results().iter().copied())
}

fn parse(bytes: &[u8]) -> wasmparser::Result<Parsed> {
    let mut parsed = Parsed::default();
    let mut types: Vec<Option<FuncType>> = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version {
                encoding: Encoding::Component,
                ..
            } => {
                parsed.component = true;
                return Ok(parsed);
            }
            Payload::TypeSection(section) => {
                for group in section {
                    types.extend(
                        group?
                            .into_types()
                            .map(|sub| match sub.composite_type.inner {
                                CompositeInnerType::Func(function) => Some(function),
                                _ => None,
                            }),
                    );
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    parsed.imports.push(Wanted {
                        module: import.module.to_owned(),
                        name: import.name.to_owned(),
                        kind: kind(import.ty, &types),
                    });
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    parsed.exports.push(export.name.to_owned());
                    if matches!(export.kind, ExternalKind::Func | ExternalKind::FuncExact) {
                        parsed.functions.push(export.name.to_owned());
                    }
                }
            }
            // Nothing of interest follows.
            Payload::CodeSectionStart { .. } => break,
            _ => {}
        }
    }
    Ok(parsed)
}

fn kind(import: TypeRef, types: &[Option<FuncType>]) -> Kind {
    match import {
        TypeRef::Func(index) | TypeRef::FuncExact(index) => {
            let found = usize::try_from(index).ok().and_then(|at| types.get(at));
            Kind::Function(found.cloned().flatten())
        }
        TypeRef::Memory(_) | TypeRef::Table(_) => Kind::MemoryOrTable,
        TypeRef::Global(_) | TypeRef::Tag(_) => Kind::Other,
    }
}
