//! Where manifests and blobs are read: a folder, a tar archive, a registry, or memory.

use std::fmt;

use crate::digest::Digest;
use crate::registry;

/// More than this is no manifest: registries refuse larger ones, and nobody needs to hold them. In bytes.
pub const MANIFEST_LIMIT: u64 = 4 << 20;

/// A place that holds one image, or an index over some.
///
/// What it hands out need not be true: whoever reads it checks bytes against their digests.
pub trait Source {
    /// What the place's name stands for: the manifest or the index that a tag or a digest names, or that a
    /// layout's `index.json` does.
    ///
    /// # Errors
    /// If there is none, or it cannot be read, or it is larger than [`MANIFEST_LIMIT`].
    fn root(&self) -> Result<Found, SourceError>;

    /// A manifest that an index of the same place lists.
    ///
    /// # Errors
    /// As [`Source::root`].
    fn listed(&self, digest: &Digest) -> Result<Found, SourceError>;

    /// The bytes of a blob; no more than `limit` bytes are ever held.
    ///
    /// # Errors
    /// If there is none, it cannot be read, or it is larger than `limit`.
    fn blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, SourceError>;

    /// Whether layers lie here uncompressed and are compressed as they are pushed: so it is in the archive that a
    /// container engine saves. A registry hands out what lies there.
    fn compresses_on_push(&self) -> bool {
        false
    }
}

/// A manifest or an index, as its place has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The digest under which the place has it, where it has one: what a reference, a header or a descriptor
    /// says, and not yet compared with the bytes.
    pub digest: Option<Digest>,
    /// What the place says it is: the `Content-Type` of a registry's answer, a descriptor's `mediaType`.
    pub media_type: Option<String>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why a place does not give what it was asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum SourceError {
    /// It has no such thing.
    Missing {
        /// What, with its digest or path.
        what: String,
    },
    /// It has it, and it cannot be read.
    Unreadable {
        /// What, with its digest or path.
        what: String,
        /// What the system says.
        cause: String,
    },
    /// It has more bytes than anybody should hold.
    TooLarge {
        /// What, with its digest or path.
        what: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// It is no place that images are kept in.
    Malformed {
        /// Where: a path, a file in an archive, an address.
        what: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The registry does not give it.
    Registry(registry::Error),
}

impl SourceError {
    /// There is no manifest or blob of this digest.
    #[must_use]
    pub fn missing(what: &str, digest: &Digest) -> Self {
        Self::Missing {
            what: format!("{what} {digest}"),
        }
    }

    /// The blob of this digest is larger than `limit` bytes.
    #[must_use]
    pub fn too_large(digest: &Digest, limit: u64) -> Self {
        Self::TooLarge {
            what: format!("blob {digest}"),
            limit,
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { what } => {
                write!(f, "{what}: there is none; build or copy the image anew")
            }
            Self::Unreadable { what, cause } => write!(f, "{what}: {cause}"),
            Self::TooLarge { what, limit } => write!(
                f,
                "{what}: larger than {limit} bytes, which is the most that is read"
            ),
            Self::Malformed { what, problem } => write!(f, "{what}: {problem}"),
            Self::Registry(problem) => problem.fmt(f),
        }
    }
}

impl std::error::Error for SourceError {}

impl From<registry::Error> for SourceError {
    fn from(problem: registry::Error) -> Self {
        Self::Registry(problem)
    }
}
