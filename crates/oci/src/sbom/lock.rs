//! Where packages come from, and the hashes of their archives, by Cargo.lock.

use serde::Deserialize;

use super::SbomError;
use super::graph::Package;

#[derive(Deserialize)]
pub(super) struct Lock {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
pub(super) struct Locked {
    name: String,
    version: String,
    /// None for the workspace's own.
    source: Option<String>,
    /// The SHA-256 of its archive, if it comes from a registry.
    pub(super) checksum: Option<String>,
}

impl Lock {
    pub(super) fn read(text: &str) -> Result<Self, SbomError> {
        toml::from_str(text).map_err(|error| SbomError::Lock(error.message().to_owned()))
    }

    pub(super) fn find(&self, package: &Package) -> Option<&Locked> {
        let mut all = self.package.iter();
        all.find(|locked| locked.name == package.name && locked.version == package.version)
    }
}

impl Locked {
    /// Whether it is known to everybody by its name and version.
    pub(super) fn is_from_registry(&self) -> bool {
        let source = self.source.as_deref();
        source.is_some_and(|source| source.starts_with("registry+"))
    }
}
