//! How a registry is talked to, and what is told meanwhile.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::Digest;

/// How a registry is talked to.
pub struct Options<'a> {
    /// The folder with Docker's `config.json`, see [`docker_folder`](super::docker_folder); without one,
    /// nobody's credentials are used. Of the file, `auths`, `credHelpers` and `credsStore` are read, and
    /// only when the registry asks for credentials.
    pub docker: Option<PathBuf>,
    /// A file of certificates (PEM) that may vouch for the registry beside those this machine trusts.
    /// With it, a registry on loopback is asked over TLS as well.
    pub ca: Option<PathBuf>,
    /// Plain HTTP, also to a registry that is not on loopback. Registries on loopback are asked over
    /// plain HTTP whenever there is no `ca`.
    pub plain_http: bool,
    /// Told of what happens.
    pub progress: &'a dyn Fn(Event<'_>),
    /// Waits between two attempts; [`std::thread::sleep`], unless it is a test.
    pub pause: &'a dyn Fn(Duration),
}

/// Something that happened while a registry was talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'a> {
    /// Some of a blob has been sent or received.
    Transferred {
        /// Which blob.
        blob: Digest,
        /// Bytes so far.
        done: u64,
        /// Bytes in all; `None` where the registry does not say.
        total: Option<u64>,
    },
    /// The registry has a blob already, so it is not sent.
    Present {
        /// Which blob.
        blob: Digest,
        /// Its size in bytes.
        bytes: u64,
    },
    /// Something did not work that may work later.
    Retry {
        /// What.
        problem: &'a super::Error,
        /// How long until the next attempt.
        pause: Duration,
    },
}

impl Default for Options<'_> {
    /// The user's Docker configuration, the certificates of this machine, plain HTTP for loopback alone.
    fn default() -> Self {
        Self {
            docker: super::docker_folder(),
            ca: None,
            plain_http: false,
            progress: &|_| (),
            pause: &std::thread::sleep,
        }
    }
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("docker", &self.docker)
            .field("ca", &self.ca)
            .field("plain_http", &self.plain_http)
            .finish_non_exhaustive()
    }
}
