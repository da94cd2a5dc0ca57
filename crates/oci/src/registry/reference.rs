//! The names of images in registries.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use oci_spec::distribution::{ParseError, Reference as Parsed};

use crate::Digest;

/// Docker Hub as references have it.
const HUB: &str = "docker.io";
/// Where Docker Hub answers.
const HUB_HOST: &str = "index.docker.io";
/// Under which name Docker keeps credentials for Docker Hub.
const HUB_KEY: &str = "https://index.docker.io/v1/";
/// The tag of a reference that names none.
const LATEST: &str = "latest";

/// Which image of which registry: `[oci://][HOST[:PORT]/]REPOSITORY[:TAG][@sha256:DIGEST]`.
///
/// It is read as Docker and Istio's agent read it. A name without a host is one of Docker Hub's (`nginx`
/// is `docker.io/library/nginx`); a host is told by a dot or a port in the first part, or by `localhost`.
/// Without a tag it is `latest`, and a digest decides where a tag stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// A text that names no image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceError {
    text: String,
    problem: String,
}

impl Reference {
    /// The registry, with its port where it has one, as a reader knows it.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository in the registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `latest` where neither tag nor digest were named.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest of the manifest.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The same repository, by this digest alone: what a WasmPlugin's `url` should say.
    #[must_use]
    pub fn pinned(&self, digest: Digest) -> Self {
        Self {
            tag: None,
            digest: Some(digest),
            ..self.clone()
        }
    }

    /// What the registry is asked for: the digest, else the tag.
    pub(super) fn name(&self) -> String {
        match self.digest {
            Some(digest) => digest.to_string(),
            None => self.tag().unwrap_or(LATEST).to_owned(),
        }
    }

    /// Where the registry answers, with its port where it has one.
    pub(super) fn host(&self) -> &str {
        match self.registry() {
            HUB => HUB_HOST,
            host => host,
        }
    }

    /// Under which name Docker keeps credentials for the registry.
    pub(super) fn credentials_key(&self) -> &str {
        match self.registry() {
            HUB => HUB_KEY,
            host => host,
        }
    }

    /// Whether the registry is on this machine and cannot be another.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.registry();
        let name = host.split_once(':').map_or(host, |(name, _)| name);
        let address = name.parse::<Ipv4Addr>();
        name == "localhost"
            || name.ends_with(".localhost")
            || address.is_ok_and(|ip| ip.is_loopback())
    }

    fn read(name: &str) -> Result<Self, String> {
        if !name.is_ascii() {
            return Err("a name is ASCII".to_owned());
        }
        let parsed: Parsed = name
            .parse()
            .map_err(|problem: ParseError| problem.to_string())?;
        let digest = parsed.digest().map(str::parse).transpose();
        Ok(Self {
            registry: parsed.registry().to_owned(),
            repository: parsed.repository().to_owned(),
            tag: parsed.tag().map(str::to_owned),
            digest: digest.map_err(|problem: crate::NotADigest| problem.to_string())?,
        })
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let read = match text.split_once("://") {
            None => Self::read(text),
            Some(("oci", name)) => Self::read(name),
            Some(_) => Err("of the schemes, a registry has only `oci://`".to_owned()),
        };
        read.map_err(|problem| ReferenceError {
            text: text.to_owned(),
            problem,
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "oci://{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, problem } = self;
        let text = text.escape_debug();
        write!(
            f,
            "`{text}` names no image of a registry: {problem}; write `oci://HOST/REPOSITORY:TAG` or \
             `oci://HOST/REPOSITORY@sha256:DIGEST`"
        )
    }
}

impl std::error::Error for ReferenceError {}

#[cfg(test)]
mod tests {
    use super::Reference;

    fn read(text: &str) -> Reference {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_is_read_as_docker_and_the_agent_read_it() {
        let cases = [
            ("oci://ghcr.io/a/b:1.2", "oci://ghcr.io/a/b:1.2", "ghcr.io"),
            (
                "127.0.0.1:5000/b",
                "oci://127.0.0.1:5000/b:latest",
                "127.0.0.1:5000",
            ),
            (
                "localhost:5000/b:1",
                "oci://localhost:5000/b:1",
                "localhost:5000",
            ),
            ("b", "oci://docker.io/library/b:latest", "index.docker.io"),
            ("a/b:c", "oci://docker.io/a/b:c", "index.docker.io"),
            (
                "index.docker.io/a/b:c",
                "oci://docker.io/a/b:c",
                "index.docker.io",
            ),
            (
                "r.example/a_b/c__d/e--f/g.h:V_1.0-x",
                "oci://r.example/a_b/c__d/e--f/g.h:V_1.0-x",
                "r.example",
            ),
        ];
        for (text, whole, host) in cases {
            assert_eq!(read(text).to_string(), whole);
            assert_eq!(read(text).host(), host);
            assert_eq!(read(whole), read(text));
        }
    }

    #[test]
    fn a_digest_is_what_is_asked_for() {
        let digest = crate::Digest::of(b"");
        let reference = read(&format!("ghcr.io/a/b:1.2@{digest}"));
        assert_eq!(
            (reference.tag(), reference.digest()),
            (Some("1.2"), Some(digest))
        );
        assert_eq!(reference.name(), digest.to_string());
        assert_eq!(read("ghcr.io/a/b").name(), "latest");
        assert_eq!(read(&format!("ghcr.io/a/b@{digest}")).tag(), None);
        let pinned = reference.pinned(digest).to_string();
        assert_eq!(pinned, format!("oci://ghcr.io/a/b@{digest}"));
    }

    #[test]
    fn loopback_is_this_machine_alone() {
        for local in [
            "localhost/a",
            "localhost:5000/a",
            "127.0.0.1:1/a",
            "127.9.0.1/a",
            "x.localhost:1/a",
        ] {
            assert!(read(local).is_loopback(), "{local}");
        }
        for other in [
            "a",
            "10.0.0.1:5000/a",
            "localhost.example/a",
            "127.example:1/a",
        ] {
            assert!(!read(other).is_loopback(), "{other}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let problem = |text: &str| text.parse::<Reference>().unwrap_err().to_string();
        assert_eq!(
            problem("https://ghcr.io/a"),
            "`https://ghcr.io/a` names no image of a registry: of the schemes, a registry has only `oci://`; \
             write `oci://HOST/REPOSITORY:TAG` or `oci://HOST/REPOSITORY@sha256:DIGEST`"
        );
        let long = format!("ghcr.io/{}", "a".repeat(256));
        for text in [
            "",
            "oci://",
            "ghcr.io/",
            "ghcr.io/A/b",
            "ghcr.io/a:b:c",
            "ghcr.io/a@sha256:12",
            "a b",
            "ghcr.io/../a",
            "ghcr.io//a",
            "ghcr.io/a-",
            "ghcr.io/a..b",
            "ghcr.io/a___b",
            "ghcr.io/a:",
            "ghcr.io/a:.b",
            "ghcr.io:x/a",
            "-a.example/b",
            "ghcr.io/a:ü",
            "[::1/b",
            "a.example?/b",
            "user@a.example/b",
            &long,
        ] {
            assert!(problem(text).contains("names no image"), "{text}");
        }
        let sha512 = format!("ghcr.io/a@sha512:{}", "0".repeat(128));
        assert!(
            problem(&sha512).contains("is no digest"),
            "{}",
            problem(&sha512)
        );
    }
}
