//! Why Istio's agent, or Envoy after it, would not take an image; each with how to mend the build.

use std::fmt;

use crate::digest::Digest;
use crate::layer::{Compression, LayerError, PLUGIN};
use crate::media;
use crate::module::ModuleError;
use crate::source::SourceError;

/// The first thing that is wrong with an image, in the agent's order.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// The place does not give what it should have.
    Source(SourceError),
    /// A manifest or a blob is not what its digest or its size says.
    Differs {
        /// Which.
        what: String,
        /// What is said of it.
        said: String,
        /// What it is.
        is: String,
    },
    /// It is another image than the one that was asked for.
    OtherImage {
        /// The digest that was asked for.
        wanted: Digest,
        /// The digest of the manifest there is.
        is: Digest,
    },
    /// What was asked for is an index, and the agent compares its digest with that of a manifest.
    IndexByDigest {
        /// The index that was asked for.
        index: Digest,
        /// The manifest that it leads to.
        manifest: Digest,
    },
    /// No image in the index is for linux/amd64.
    NoPlatform {
        /// The platforms there are, at most ten.
        found: Vec<String>,
    },
    /// There is no layer.
    NoLayers,
    /// It has the module's layer as the wasm artifact has it, and not one more beside it.
    ArtifactLayers {
        /// How many layers there are.
        layers: usize,
    },
    /// The module is a layer by itself, as the CNCF's format for components has it.
    Cncf,
    /// The last layer is not compressed by gzip.
    Compression {
        /// What its media type or its bytes say.
        compression: Compression,
    },
    /// The last layer is of a type that does not go with the manifest, or that is none of a layer's.
    LayerType {
        /// The layer's media type.
        found: String,
        /// The media type that goes with the manifest.
        wanted: &'static str,
    },
    /// There is no module in the layer.
    Layer(LayerError),
    /// The agent or Envoy does not take the module.
    Module(ModuleError),
}

impl Refusal {
    /// A stable name for it, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Source(SourceError::Missing { .. }) => "missing",
            Self::Source(SourceError::TooLarge { .. }) => "too_large",
            Self::Source(SourceError::Malformed { .. }) => "malformed",
            Self::Source(_) => "unreadable",
            Self::Differs { .. } => "digest",
            Self::OtherImage { .. } => "other_image",
            Self::IndexByDigest { .. } => "index_by_digest",
            Self::NoPlatform { .. } => "no_platform",
            Self::NoLayers => "no_layers",
            Self::ArtifactLayers { .. } => "artifact_layers",
            Self::Cncf => "cncf_layout",
            Self::Compression { .. } => "layer_compression",
            Self::LayerType { .. } => "layer_type",
            Self::Layer(LayerError::NotGzip(_)) => "layer_compression",
            Self::Layer(LayerError::TooLarge { .. }) => "too_large",
            Self::Layer(LayerError::Corrupt(_)) => "layer_corrupt",
            Self::Layer(LayerError::NoPlugin { .. } | LayerError::NotAFile) => "no_plugin",
            Self::Module(ModuleError::TooLarge { .. }) => "too_large",
            Self::Module(ModuleError::NotWasm { .. }) => "not_wasm",
            Self::Module(ModuleError::Component) => "component",
            Self::Module(ModuleError::Corrupt(_)) => "wasm_corrupt",
            Self::Module(ModuleError::NoAbi) => "no_abi",
            Self::Module(ModuleError::NoAllocator) => "no_allocator",
            Self::Module(ModuleError::Imports(_)) => "imports",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => error.fmt(f),
            Self::Differs { what, said, is } => write!(
                f,
                "{what}: {said} was said of it, and it is {is}; it was cut short or changed: copy or build \
                 the image anew"
            ),
            Self::OtherImage { wanted, is } => write!(
                f,
                "the manifest is {is}, not {wanted}: write the digest of the manifest as WasmPlugin's `sha256` \
                 and after `@` (not that of the module), or push the image anew"
            ),
            Self::IndexByDigest { index, manifest } => write!(
                f,
                "{index} is an index, and the agent holds its digest against that of the manifest in it: \
                 name {manifest}, or push the manifest without an index"
            ),
            Self::NoPlatform { found } => write!(
                f,
                "the index has no image for linux/amd64, which the agent takes on every machine (there are: \
                 {}): push the manifest by itself, without an index",
                match found.as_slice() {
                    [] => "none".to_owned(),
                    all => all.join(", "),
                }
            ),
            Self::NoLayers => write!(
                f,
                "the image has no layer: `COPY` the module into it as /{PLUGIN}"
            ),
            Self::ArtifactLayers { layers } => write!(
                f,
                "a wasm artifact has two layers, and this one {layers}: push the module as `{}` and one layer \
                 `{}`, nothing else",
                media::WASM_CONTENT,
                media::WASM_CONFIG
            ),
            Self::Cncf => write!(
                f,
                "the module is the only layer, as `{}`, a layout that the agent does not read: push it as \
                 {PLUGIN} in a tar archive (`FROM scratch` and one `COPY`), or as the artifact of two layers",
                media::CNCF_WASM
            ),
            Self::Compression { compression } => write!(
                f,
                "the last layer is {compression}, and the agent reads gzip alone: {}",
                mend(*compression)
            ),
            Self::LayerType { found, wanted } => write!(
                f,
                "the last layer is `{found}` where the agent wants `{wanted}`: convert the whole image to one \
                 format, as `skopeo copy --format oci` or `--format v2s2` does"
            ),
            Self::Layer(error) => error.fmt(f),
            Self::Module(error) => error.fmt(f),
        }
    }
}

fn mend(compression: Compression) -> &'static str {
    match compression {
        Compression::Zstd => {
            "build with `--output type=image,compression=gzip,force-compression=true`"
        }
        _ => "push it with a tool that compresses layers, as docker, buildah and skopeo do",
    }
}

impl fmt::Display for LayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGzip(compression) => write!(
                f,
                "the last layer says that it is compressed by gzip, and is {compression}: {}",
                mend(*compression)
            ),
            Self::Corrupt(cause) => write!(
                f,
                "the last layer cannot be unpacked: {cause}; build the image anew"
            ),
            Self::NoPlugin { files } => write!(
                f,
                "no file in the last layer is named {PLUGIN} (there are: {}): `COPY` it under that name, in the \
                 last step that writes a file",
                match files.as_slice() {
                    [] => "none".to_owned(),
                    all => all.join(", "),
                }
            ),
            Self::NotAFile => write!(
                f,
                "{PLUGIN} in the last layer is a link or a folder: `COPY` the file itself"
            ),
            Self::TooLarge { limit } => write!(
                f,
                "the last layer unpacks to more than {limit} bytes, the most that is read: leave out what is \
                 not the module, and build it with `--release`"
            ),
        }
    }
}

impl std::error::Error for LayerError {}

impl std::error::Error for Refusal {}

impl From<SourceError> for Refusal {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<LayerError> for Refusal {
    fn from(error: LayerError) -> Self {
        Self::Layer(error)
    }
}

impl From<ModuleError> for Refusal {
    fn from(error: ModuleError) -> Self {
        Self::Module(error)
    }
}
