//! An image made of a module: each of the three layouts that Istio's agent takes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, ImageConfigurationBuilder, ImageManifestBuilder, MediaType,
    Os, RootFsBuilder,
};
use serde::Serialize;
use serde_json::json;

use crate::digest::Digest;
use crate::image::{Blob, Image, Kind};
use crate::json::canonical;
use crate::layer::{PLUGIN, archive, gzip};
use crate::media;
use crate::module::Module;

/// The annotation with the filter's name.
pub const FILTER: &str = "mesh-filters.filter";
/// The annotation with the digest of the JSON Schema of the filter's configuration: two images with the same one
/// take the same configurations.
pub const SCHEMA: &str = "mesh-filters.schema";

/// What an image says of itself, in annotations and labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The filter's name.
    pub filter: String,
    /// What it does, in a sentence.
    pub description: String,
    /// Its version.
    pub version: String,
    /// Its licence, an SPDX expression.
    pub licenses: String,
    /// Where its source is, an address.
    pub source: Option<String>,
    /// The digest of its configuration's JSON Schema, if it has one.
    pub schema: Option<Digest>,
}

impl About {
    /// The annotations: the names of the OCI image specification where it has one.
    #[must_use]
    pub fn annotations(&self) -> BTreeMap<String, String> {
        const OCI: &str = "org.opencontainers.image";
        let mut all = BTreeMap::from([
            (format!("{OCI}.title"), self.filter.clone()),
            (format!("{OCI}.description"), self.description.clone()),
            (format!("{OCI}.version"), self.version.clone()),
            (format!("{OCI}.licenses"), self.licenses.clone()),
            (FILTER.to_owned(), self.filter.clone()),
        ]);
        if let Some(schema) = &self.schema {
            all.insert(SCHEMA.to_owned(), schema.to_string());
        }
        if let Some(source) = &self.source {
            all.insert(format!("{OCI}.source"), source.clone());
        }
        all
    }
}

/// An image could not be put together.
#[derive(Debug)]
pub struct BuildError(String);

impl BuildError {
    pub(crate) fn because(cause: impl fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the image cannot be put together: {}", self.0)
    }
}

impl std::error::Error for BuildError {}

impl Image {
    /// The image of a module, in each of these layouts.
    ///
    /// Nothing of the time and the machine goes in: the same module and the same words give the same digests.
    ///
    /// # Errors
    /// If a part of it does not fit into its format.
    pub fn build(
        module: &Module,
        about: &About,
        kinds: &[Kind],
    ) -> Result<Vec<(Kind, Image)>, BuildError> {
        // The same layer twice, and compressing it is the slow part.
        let mut packed = None;
        let mut images = Vec::new();
        for kind in kinds {
            let image = match kind {
                Kind::Artifact => artifact(module, about)?,
                Kind::Compat | Kind::Docker => {
                    let layer = match packed.take() {
                        Some(layer) => layer,
                        None => Layer::of(module)?,
                    };
                    let image = mountable(*kind, &layer, about)?;
                    packed = Some(layer);
                    image
                }
            };
            images.push((*kind, image));
        }
        Ok(images)
    }
}

/// The layer with the module, and the digest of the archive before it was compressed.
struct Layer {
    bytes: Vec<u8>,
    archive: Digest,
}

impl Layer {
    fn of(module: &Module) -> Result<Self, BuildError> {
        let archive = archive(module.bytes()).map_err(BuildError::because)?;
        Ok(Self {
            bytes: gzip(&archive),
            archive: Digest::of(&archive),
        })
    }
}

/// An image with one layer, which container engines take as well.
///
/// Its platform is linux/amd64, though it runs nothing: an engine wants one, that is what the agent would choose
/// from an index, and Docker and containerd mount an image of another architecture all the same where a
/// reference names its manifest, as ours do.
fn mountable(kind: Kind, layer: &Layer, about: &About) -> Result<Image, BuildError> {
    let (config_type, layer_type) = match kind {
        Kind::Docker => (media::DOCKER_CONFIG, media::DOCKER_LAYER),
        Kind::Compat | Kind::Artifact => (media::OCI_CONFIG, media::OCI_LAYER),
    };
    let labels: HashMap<String, String> = about.annotations().into_iter().collect();
    let root = RootFsBuilder::default()
        .typ("layers")
        .diff_ids([layer.archive.to_string()])
        .build();
    let config = ConfigBuilder::default().labels(labels).build();
    let config = ImageConfigurationBuilder::default()
        .architecture(Arch::Amd64)
        .os(Os::Linux)
        .config(config.map_err(BuildError::because)?)
        .rootfs(root.map_err(BuildError::because)?)
        .build();
    let config = Blob::new(
        config_type,
        document(&config.map_err(BuildError::because)?)?,
    );
    let layer = Blob::new(layer_type, layer.bytes.clone());
    image(kind, config, vec![layer], about)
}

/// The wasm artifact: what runs the module, and the module.
fn artifact(module: &Module, about: &About) -> Result<Image, BuildError> {
    // The root id that a plugin has where none is named; ours do not look at it.
    let runtime = json!({
        "type": "envoy_proxy",
        "abiVersions": [module.abi().number()],
        "config": { "rootIds": [""] },
    });
    let runtime = Blob::new(media::WASM_CONFIG, document(&runtime)?);
    let content = Blob::new(media::WASM_CONTENT, module.bytes().to_vec());
    let config = Blob::new(media::OCI_EMPTY, b"{}".to_vec());
    image(Kind::Artifact, config, vec![runtime, content], about)
}

fn image(kind: Kind, config: Blob, layers: Vec<Blob>, about: &About) -> Result<Image, BuildError> {
    let mut described = Vec::new();
    for layer in &layers {
        let mut descriptor = descriptor(layer)?;
        if kind == Kind::Artifact {
            // By which clients for artifacts name the files they unpack.
            let name = match layer.media_type() {
                media::WASM_CONTENT => PLUGIN,
                _ => "runtime-config.json",
            };
            let title = ("org.opencontainers.image.title".to_owned(), name.to_owned());
            descriptor.set_annotations(Some(HashMap::from([title])));
        }
        described.push(descriptor);
    }
    let mut manifest = ImageManifestBuilder::default()
        .schema_version(2_u32)
        .media_type(MediaType::from(kind.manifest_type()))
        .config(descriptor(&config)?)
        .layers(described);
    // Docker's manifest has no annotations: there the labels of the configuration say it.
    if kind != Kind::Docker {
        let annotations: HashMap<_, _> = about.annotations().into_iter().collect();
        manifest = manifest.annotations(annotations);
    }
    if kind == Kind::Artifact {
        manifest = manifest.artifact_type(MediaType::from(media::WASM_CONFIG));
    }
    let manifest = document(&manifest.build().map_err(BuildError::because)?)?;
    let manifest = Blob::new(kind.manifest_type(), manifest);
    Ok(Image::new(manifest, config, layers))
}

/// How a manifest names a blob.
pub(crate) fn descriptor(blob: &Blob) -> Result<Descriptor, BuildError> {
    let digest: oci_spec::image::Digest = blob
        .digest()
        .to_string()
        .parse()
        .map_err(BuildError::because)?;
    let size = blob.bytes().len() as u64;
    Ok(Descriptor::new(
        MediaType::from(blob.media_type()),
        size,
        digest,
    ))
}

fn document(document: &impl Serialize) -> Result<Vec<u8>, BuildError> {
    canonical(document).map_err(BuildError::because)
}
