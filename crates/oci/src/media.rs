//! The media types that Istio's agent looks at, and those of what it does not take.

/// A manifest as the OCI image specification has it.
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An index over manifests, one for each platform.
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The configuration of an image that containers run.
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// A tar archive, compressed by gzip.
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
/// The two bytes `{}` where a manifest needs a configuration and there is none.
pub const OCI_EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// Docker's manifest, version 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's index.
pub const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
/// Docker's configuration of an image.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// Docker's name of a tar archive, compressed by gzip.
pub const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/// The module itself, in the wasm artifact.
pub const WASM_CONTENT: &str = "application/vnd.module.wasm.content.layer.v1+wasm";
/// What runs the module, in the wasm artifact.
pub const WASM_CONFIG: &str = "application/vnd.module.wasm.config.v1+json";
/// The module in the artifact of the CNCF, which the agent does not take.
pub const CNCF_WASM: &str = "application/wasm";
