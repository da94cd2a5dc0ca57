//! Whether Istio's agent takes an image, by its own rules in its own order, and what Envoy then gets.
//!
//! The rules are those of `pkg/wasm/imagefetcher.go` in Istio: the manifest's own media type decides for Docker;
//! otherwise the last layer is tried as a compressed archive, and after that the image as a wasm artifact. What
//! Envoy asks of the module comes after.

use oci_spec::image::{Descriptor, ImageManifest};

use crate::build::FILTER;
use crate::digest::Digest;
use crate::image::{Blob, Image, Kind};
use crate::json;
use crate::layer::{Compression, plugin, plugin_in_tar};
use crate::manifest::Manifest;
use crate::media;
use crate::module::{AGENT_LIMIT, Module, ModuleError};
use crate::refusal::Refusal;
use crate::source::{MANIFEST_LIMIT, Source, SourceError};

/// What an image has to be besides one that Envoy takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The digest after `@` in a reference, or WasmPlugin's `sha256`.
    pub digest: Option<Digest>,
    /// The most bytes that a module may have.
    pub limit: u64,
}

impl Default for Expected {
    /// Any image, with the agent's own limit.
    fn default() -> Self {
        Self {
            digest: None,
            limit: AGENT_LIMIT,
        }
    }
}

/// What becomes of an image that the agent and Envoy take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Its layout.
    pub kind: Kind,
    /// The digest of its manifest, WasmPlugin's `sha256`. None for what a container engine saved with layers that it
    /// will compress as it pushes: the manifest is made then.
    pub digest: Option<Digest>,
    /// The index that led to it, whose digest the agent does not take for the image's.
    pub index: Option<Digest>,
    /// What Envoy gets.
    pub module: Module,
    /// The filter that the image says it holds.
    pub filter: Option<String>,
    /// The version that it says.
    pub version: Option<String>,
}

/// Reads an image as the agent does, and looks at the module as Envoy does.
///
/// # Errors
/// The first thing that either of them would refuse.
pub fn verify(source: &dyn Source, expected: &Expected) -> Result<Verified, Refusal> {
    let manifest = Manifest::find(source)?;
    if let Some(wanted) = expected.digest
        && wanted != manifest.digest
    {
        let is = manifest.digest;
        return Err(match manifest.index {
            Some(index) if index == wanted => Refusal::IndexByDigest {
                index,
                manifest: is,
            },
            _ => Refusal::OtherImage { wanted, is },
        });
    }
    let found = extract(source, &manifest.document, expected.limit)?;
    let module = Module::read(found.module, expected.limit)?;
    let said = |key: &str| said(source, &manifest.document, key);
    Ok(Verified {
        kind: found.kind,
        digest: found.as_it_is.then_some(manifest.digest),
        index: manifest.index,
        module,
        filter: said(FILTER),
        version: said("org.opencontainers.image.version"),
    })
}

/// Reads an image whole, every part found to be what the manifest says.
///
/// # Errors
/// If a part is missing, larger than `limit` bytes, or other than its digest says.
pub fn read(source: &dyn Source, limit: u64) -> Result<Image, Refusal> {
    let manifest = Manifest::find(source)?;
    let blob = |named: &Descriptor| {
        let bytes = Manifest::blob(source, named, limit)?;
        Ok(Blob::new(named.media_type().to_string(), bytes))
    };
    let config = blob(manifest.document.config())?;
    let layers = manifest.document.layers().iter().map(blob);
    let layers = layers.collect::<Result<_, Refusal>>()?;
    let manifest = Blob::new(manifest.media_type, manifest.bytes);
    Ok(Image::new(manifest, config, layers))
}

struct Extracted {
    kind: Kind,
    module: Vec<u8>,
    /// Whether a push would keep the manifest.
    as_it_is: bool,
}

impl Extracted {
    fn of(kind: Kind, module: Vec<u8>) -> Self {
        Self {
            kind,
            module,
            as_it_is: true,
        }
    }
}

fn extract(
    source: &dyn Source,
    manifest: &ImageManifest,
    limit: u64,
) -> Result<Extracted, Refusal> {
    // The document's own word: the agent does not ask the registry's.
    let docker = manifest
        .media_type()
        .as_ref()
        .is_some_and(|own| own.as_ref() == media::DOCKER_MANIFEST);
    let (kind, wanted) = if docker {
        (Kind::Docker, media::DOCKER_LAYER)
    } else {
        (Kind::Compat, media::OCI_LAYER)
    };
    let Some(last) = manifest.layers().last() else {
        return Err(Refusal::NoLayers);
    };
    if last.media_type().as_ref() == wanted {
        let layer = Manifest::blob(source, last, limit)?;
        return match plugin(&layer, limit) {
            Ok(module) => Ok(Extracted::of(kind, module)),
            // The agent tries the artifact as well, and says both; a layer of this type is none of an artifact's.
            Err(problem) => Err(problem.into()),
        };
    }
    if source.compresses_on_push() && is_plain_tar(last) {
        let layer = Manifest::blob(source, last, limit.saturating_mul(2))?;
        return Ok(Extracted {
            kind,
            module: plugin_in_tar(layer.as_slice(), limit)?,
            as_it_is: false,
        });
    }
    if docker {
        return Err(wrong_layer(last, wanted));
    }
    artifact(source, manifest, last, limit)
}

/// The artifact's module, or what is wrong with an image that is neither.
fn artifact(
    source: &dyn Source,
    manifest: &ImageManifest,
    last: &Descriptor,
    limit: u64,
) -> Result<Extracted, Refusal> {
    let layers = manifest.layers();
    let is = |layer: &&Descriptor, media_type| layer.media_type().as_ref() == media_type;
    let content = layers.iter().find(|layer| is(layer, media::WASM_CONTENT));
    match content {
        Some(content) if layers.len() == 2 => {
            let module =
                Manifest::blob(source, content, limit).map_err(|refusal| match refusal {
                    Refusal::Source(SourceError::TooLarge { .. }) => {
                        Refusal::Module(ModuleError::TooLarge { limit })
                    }
                    other => other,
                })?;
            Ok(Extracted::of(Kind::Artifact, module))
        }
        Some(_) => Err(Refusal::ArtifactLayers {
            layers: layers.len(),
        }),
        None if layers.iter().any(|layer| is(&layer, media::CNCF_WASM)) => Err(Refusal::Cncf),
        None => Err(wrong_layer(last, media::OCI_LAYER)),
    }
}

fn wrong_layer(layer: &Descriptor, wanted: &'static str) -> Refusal {
    let found = layer.media_type().to_string();
    let compression = if found.ends_with("zstd") {
        Compression::Zstd
    } else if is_plain_tar(layer) {
        Compression::None
    } else {
        return Refusal::LayerType { found, wanted };
    };
    Refusal::Compression { compression }
}

/// Whether a layer's type says an archive that is not compressed, in OCI's or Docker's words.
fn is_plain_tar(layer: &Descriptor) -> bool {
    layer.media_type().as_ref().ends_with("tar")
}

/// What an image says of itself: an annotation of its manifest, else a label of its configuration.
fn said(source: &dyn Source, manifest: &ImageManifest, key: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Configuration {
        config: Option<Run>,
    }
    #[derive(serde::Deserialize)]
    struct Run {
        #[serde(rename = "Labels")]
        labels: Option<std::collections::BTreeMap<String, String>>,
    }
    let annotations = manifest.annotations().as_ref();
    if let Some(annotation) = annotations.and_then(|all| all.get(key)) {
        return Some(annotation.clone());
    }
    // The agent never reads it, so nothing about it is a reason to refuse.
    let bytes = Manifest::blob(source, manifest.config(), MANIFEST_LIMIT).ok()?;
    let configuration: Configuration = json::read("the configuration", &bytes).ok()?;
    configuration.config?.labels?.remove(key)
}
