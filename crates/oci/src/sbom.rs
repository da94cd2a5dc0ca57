//! What a module is made of, as a CycloneDX bill of materials (1.5, JSON).
//!
//! The format's own library brings some forty crates for XML, times and random numbers. This document
//! has no use for them: it says neither when it was made nor a serial number, so that the same source gives the same
//! bytes, and its few fields are written below.

mod graph;
mod lock;

use std::fmt;

use serde::Serialize;

use crate::build::About;
use crate::digest::Digest;
use crate::json::canonical;
use graph::{Graph, Package};
use lock::Lock;

/// What cargo is asked so that its answer can be read here: add the package with `-p` and `--target wasm32-wasip1`.
pub const CARGO_TREE: [&str; 7] = [
    "tree",
    "--locked",
    "--edges=normal,no-proc-macro",
    "--prefix=depth",
    "--charset=ascii",
    "--format",
    "{p}|{l}",
];

/// The bill of materials could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SbomError {
    /// A line of what `cargo tree` said is none of those it writes for [`CARGO_TREE`].
    Tree {
        /// The line's number, from 1.
        line: usize,
        /// The line.
        text: String,
    },
    /// Cargo.lock cannot be read.
    Lock(String),
    /// A package comes from a registry and Cargo.lock does not have it.
    Unlocked(String),
    /// It cannot be written.
    Unwritable(String),
}

impl fmt::Display for SbomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tree { line, text } => write!(
                f,
                "dependencies, line {line}: `{}` is no line of `cargo {}`; write the file by that command",
                text.escape_debug(),
                CARGO_TREE.join(" ")
            ),
            Self::Lock(cause) => write!(f, "Cargo.lock: {cause}"),
            Self::Unlocked(package) => write!(
                f,
                "Cargo.lock has no {package}, and the dependencies do: make both of the same workspace"
            ),
            Self::Unwritable(cause) => write!(f, "the bill of materials: {cause}"),
        }
    }
}

impl std::error::Error for SbomError {}

/// The bill of materials of a module: `tree` is what cargo says to [`CARGO_TREE`] of its package, `lock` the
/// workspace's Cargo.lock.
///
/// # Errors
/// If one of them is something else, or they do not belong together.
pub fn sbom(about: &About, module: &Digest, tree: &str, lock: &str) -> Result<Vec<u8>, SbomError> {
    let graph = Graph::read(tree)?;
    let lock = Lock::read(lock)?;
    let root = reference(&about.filter, &about.version);
    let components = graph
        .dependencies()
        .map(|package| component(package, &lock));
    let name = |package: &Package| match graph.is_root(package) {
        true => root.clone(),
        false => of(package, &lock),
    };
    let bom = Bom {
        bom_format: "CycloneDX",
        spec_version: "1.5",
        version: 1,
        metadata: Metadata {
            component: Component {
                kind: "application",
                bom_ref: root.clone(),
                name: about.filter.clone(),
                version: about.version.clone(),
                description: Some(about.description.clone()),
                purl: None,
                licenses: licenses(&about.licenses),
                hashes: vec![sha256(module.hex())],
            },
        },
        components: components.collect::<Result<_, _>>()?,
        dependencies: graph
            .edges()
            .map(|(package, on)| Dependency {
                on: on.map(&name).collect(),
                package: name(package),
            })
            .collect(),
    };
    canonical(&bom).map_err(|error| SbomError::Unwritable(error.to_string()))
}

fn component(package: &Package, lock: &Lock) -> Result<Component, SbomError> {
    let locked = lock.find(package);
    let locked = locked.ok_or_else(|| SbomError::Unlocked(package.to_string()))?;
    let bom_ref = of(package, lock);
    Ok(Component {
        kind: "library",
        purl: locked.is_from_registry().then(|| bom_ref.clone()),
        bom_ref,
        name: package.name.clone(),
        version: package.version.clone(),
        description: None,
        licenses: licenses(&package.license),
        hashes: locked.checksum.iter().cloned().map(sha256).collect(),
    })
}

/// How the document names a package: by its package URL, if it has one.
fn of(package: &Package, lock: &Lock) -> String {
    let plain = reference(&package.name, &package.version);
    match lock.find(package) {
        Some(locked) if locked.is_from_registry() => format!("pkg:cargo/{plain}"),
        _ => plain,
    }
}

fn reference(name: &str, version: &str) -> String {
    format!("{name}@{version}")
}

/// Older packages write `/` for `OR`.
fn licenses(expression: &str) -> Vec<License> {
    if expression.is_empty() {
        return Vec::new();
    }
    let expression = expression.replace('/', " OR ");
    vec![License { expression }]
}

fn sha256(content: String) -> Hash {
    Hash {
        alg: "SHA-256",
        content,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    bom_format: &'static str,
    spec_version: &'static str,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata {
    component: Component,
}

#[derive(Serialize)]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    name: String,
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
}

#[derive(Serialize)]
struct License {
    expression: String,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct Dependency {
    #[serde(rename = "ref")]
    package: String,
    #[serde(rename = "dependsOn")]
    on: Vec<String>,
}
