//! Manifests and indexes read from a place, and blobs checked against what a manifest says of them.

use oci_spec::image::{Arch, Descriptor, ImageIndex, ImageManifest, Os};

use crate::digest::Digest;
use crate::json;
use crate::media;
use crate::refusal::Refusal;
use crate::source::{Found, Source, SourceError};

/// Indexes within indexes are followed to this depth; the agent would follow them for ever.
const DEPTH: usize = 4;

/// An image's manifest, its digest found right, and how it was come by.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) document: ImageManifest,
    pub(crate) bytes: Vec<u8>,
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    /// The outermost index that led to it, if one did.
    pub(crate) index: Option<Digest>,
}

impl Manifest {
    /// The image that the place stands for; of an index, the one for linux/amd64, as the agent's library takes.
    pub(crate) fn find(source: &dyn Source) -> Result<Self, Refusal> {
        let mut found = source.root()?;
        let mut index = None;
        for _ in 0..DEPTH {
            let digest = checked(&found)?;
            let media_type = media_type(&found)?;
            if media_type != media::OCI_INDEX && media_type != media::DOCKER_INDEX {
                return Ok(Self {
                    document: json::read(&format!("manifest {digest}"), &found.bytes)?,
                    bytes: found.bytes,
                    media_type,
                    digest,
                    index,
                });
            }
            let listed: ImageIndex = json::read(&format!("index {digest}"), &found.bytes)?;
            index = index.or(Some(digest));
            let child = choose(listed.manifests())?;
            found = source.listed(&digest_of(child)?)?;
            found.digest = Some(digest_of(child)?);
            found.media_type = Some(child.media_type().to_string());
        }
        Err(Refusal::Source(SourceError::Malformed {
            what: "the image".to_owned(),
            problem: format!("{DEPTH} indexes, one within the other; name a manifest"),
        }))
    }

    /// A blob that this manifest names, with its size and its digest found right.
    pub(crate) fn blob(
        source: &dyn Source,
        named: &Descriptor,
        limit: u64,
    ) -> Result<Vec<u8>, Refusal> {
        let digest = digest_of(named)?;
        if named.size() > limit {
            return Err(Refusal::Source(SourceError::too_large(&digest, limit)));
        }
        let bytes = source.blob(&digest, named.size())?;
        if bytes.len() as u64 != named.size() {
            return Err(Refusal::Differs {
                what: format!("blob {digest}"),
                said: format!("{} bytes", named.size()),
                is: format!("{} bytes", bytes.len()),
            });
        }
        compare("blob", &digest, &bytes)?;
        Ok(bytes)
    }
}

/// The first manifest for linux/amd64; one that names no platform is taken for it.
fn choose(listed: &[Descriptor]) -> Result<&Descriptor, Refusal> {
    let suits = |manifest: &&Descriptor| {
        let platform = manifest.platform().as_ref();
        platform.is_none_or(|it| *it.os() == Os::Linux && *it.architecture() == Arch::Amd64)
    };
    listed.iter().find(suits).ok_or_else(|| {
        let platforms = listed.iter().filter_map(|it| it.platform().as_ref());
        let found = platforms.map(|it| format!("{}/{}", it.os(), it.architecture()));
        Refusal::NoPlatform {
            found: found.take(10).collect(),
        }
    })
}

fn digest_of(named: &Descriptor) -> Result<Digest, SourceError> {
    let read = named.digest().to_string().parse();
    read.map_err(|problem: crate::NotADigest| SourceError::Malformed {
        what: "the digest of a manifest or a blob".to_owned(),
        problem: problem.to_string(),
    })
}

/// The digest of what was found, if it is the one it was found under.
fn checked(found: &Found) -> Result<Digest, Refusal> {
    if let Some(said) = &found.digest {
        compare("manifest", said, &found.bytes)?;
    }
    Ok(Digest::of(&found.bytes))
}

fn compare(what: &str, said: &Digest, bytes: &[u8]) -> Result<(), Refusal> {
    let is = Digest::of(bytes);
    if is == *said {
        return Ok(());
    }
    Err(Refusal::Differs {
        what: format!("{what} {said}"),
        said: said.to_string(),
        is: is.to_string(),
    })
}

/// What the document is: by its place's word, else by its own, else by what it holds.
fn media_type(found: &Found) -> Result<String, SourceError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Own {
        media_type: Option<String>,
        manifests: Option<serde::de::IgnoredAny>,
    }
    let known = [
        media::OCI_MANIFEST,
        media::OCI_INDEX,
        media::DOCKER_MANIFEST,
        media::DOCKER_INDEX,
    ];
    if let Some(said) = found.media_type.as_deref()
        && known.contains(&said)
    {
        return Ok(said.to_owned());
    }
    let own: Own = json::read("the manifest", &found.bytes)?;
    Ok(own.media_type.unwrap_or_else(|| {
        let guess = match own.manifests {
            Some(_) => media::OCI_INDEX,
            None => media::OCI_MANIFEST,
        };
        guess.to_owned()
    }))
}
