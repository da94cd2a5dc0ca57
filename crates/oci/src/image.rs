//! An image in memory: its manifest, its configuration and its layers, as they lie in a registry.

use std::fmt;

use crate::digest::Digest;
use crate::media;
use crate::source::{Found, Source, SourceError};

/// Which of the layouts that Istio's agent takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An OCI image with one layer, a tar archive with `plugin.wasm`. Container engines take it as well, so
    /// it is what Kubernetes mounts as an image volume.
    Compat,
    /// The same with Docker's media types, for registries that know no others.
    Docker,
    /// The wasm artifact: the module as it is, and a layer that says what runs it.
    Artifact,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Compat, Kind::Docker, Kind::Artifact];

    /// Its name on a command line and in `dist/oci`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Compat => "compat",
            Kind::Docker => "docker",
            Kind::Artifact => "artifact",
        }
    }

    /// The media type of its manifest.
    #[must_use]
    pub fn manifest_type(self) -> &'static str {
        match self {
            Kind::Compat | Kind::Artifact => media::OCI_MANIFEST,
            Kind::Docker => media::DOCKER_MANIFEST,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Bytes that a registry keeps under their digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    media_type: String,
    digest: Digest,
    bytes: Vec<u8>,
}

impl Blob {
    /// These bytes, of this media type.
    #[must_use]
    pub fn new(media_type: impl Into<String>, bytes: Vec<u8>) -> Self {
        let digest = Digest::of(&bytes);
        Self {
            media_type: media_type.into(),
            digest,
            bytes,
        }
    }

    /// What it is.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Its name.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What it holds.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            media_type,
            digest,
            bytes,
        } = self;
        write!(f, "{digest} ({media_type}, {} bytes)", bytes.len())
    }
}

/// One image, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    manifest: Blob,
    config: Blob,
    layers: Vec<Blob>,
}

impl Image {
    /// An image of these parts. The manifest is taken as it is: that it names the others is up to its maker.
    #[must_use]
    pub fn new(manifest: Blob, config: Blob, layers: Vec<Blob>) -> Self {
        Self {
            manifest,
            config,
            layers,
        }
    }

    /// The manifest, whose digest is the image's.
    #[must_use]
    pub fn manifest(&self) -> &Blob {
        &self.manifest
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Blob {
        &self.config
    }

    /// The layers, lowest first.
    #[must_use]
    pub fn layers(&self) -> &[Blob] {
        &self.layers
    }

    /// Everything that the manifest names: the configuration, then the layers.
    pub fn blobs(&self) -> impl Iterator<Item = &Blob> {
        std::iter::once(&self.config).chain(&self.layers)
    }

    /// The digest of the manifest: what `@sha256:…` in a reference and WasmPlugin's `sha256` are.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.manifest.digest
    }
}

impl Source for Image {
    fn root(&self) -> Result<Found, SourceError> {
        self.listed(&self.digest())
    }

    fn listed(&self, digest: &Digest) -> Result<Found, SourceError> {
        if *digest != self.digest() {
            return Err(SourceError::missing("manifest", digest));
        }
        Ok(Found {
            digest: Some(self.digest()),
            media_type: Some(self.manifest.media_type.clone()),
            bytes: self.manifest.bytes.clone(),
        })
    }

    fn blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, SourceError> {
        let found = self.blobs().find(|blob| blob.digest == *digest);
        let found = found.ok_or_else(|| SourceError::missing("blob", digest))?;
        if found.bytes.len() as u64 > limit {
            return Err(SourceError::too_large(digest, limit));
        }
        Ok(found.bytes.clone())
    }
}
