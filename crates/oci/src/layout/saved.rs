//! What `docker save` wrote before Docker 25, and podman does still: no layout, but a list of images with the files
//! of their configuration and their layers.

use serde::Deserialize;
use serde_json::json;

use super::files::Files;
use crate::image::{Blob, Image};
use crate::json;
use crate::media;
use crate::module::AGENT_LIMIT;
use crate::source::{MANIFEST_LIMIT, SourceError};

/// The list.
pub(super) const LIST: &str = "manifest.json";

/// Docker's name of a layer that is not compressed, as they lie there.
const PLAIN: &str = "application/vnd.docker.image.rootfs.diff.tar";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    config: String,
    layers: Vec<String>,
}

/// The one image that was saved, with the manifest that Docker would push but for its layers, which it compresses.
pub(super) fn image(files: &impl Files) -> Result<Image, SourceError> {
    let list: Vec<Saved> = json::read(LIST, &files.file(LIST, MANIFEST_LIMIT)?)?;
    let [saved] = list.as_slice() else {
        return Err(SourceError::Malformed {
            what: LIST.to_owned(),
            problem: format!("{} images; save one", list.len()),
        });
    };
    let config = files.file(&saved.config, MANIFEST_LIMIT)?;
    let config = Blob::new(media::DOCKER_CONFIG, config);
    // The agent looks at the last alone; the others need not be held.
    let mut layers = Vec::new();
    if let Some(last) = saved.layers.last() {
        layers.push(Blob::new(PLAIN, files.file(last, AGENT_LIMIT)?));
    }
    let named = |blob: &Blob| {
        json!({
            "mediaType": blob.media_type(),
            "digest": blob.digest().to_string(),
            "size": blob.bytes().len(),
        })
    };
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media::DOCKER_MANIFEST,
        "config": named(&config),
        "layers": layers.iter().map(named).collect::<Vec<_>>(),
    });
    let manifest = Blob::new(media::DOCKER_MANIFEST, manifest.to_string().into_bytes());
    Ok(Image::new(manifest, config, layers))
}
