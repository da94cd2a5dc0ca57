//! An image in a registry as a place to read from.

use ureq::http::{HeaderName, HeaderValue, Method, header};

use super::error::{Error, Operation};
use super::http::Order;
use super::remote::Remote;
use super::retry::retry;
use crate::media;
use crate::{Digest, Found, MANIFEST_LIMIT, Source, SourceError};

/// What a manifest may come as.
const MANIFESTS: [&str; 4] = [
    media::OCI_MANIFEST,
    media::OCI_INDEX,
    media::DOCKER_MANIFEST,
    media::DOCKER_INDEX,
];
/// The same, as a request says it.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                      application/vnd.docker.distribution.manifest.v2+json, \
                      application/vnd.docker.distribution.manifest.list.v2+json";
/// What a registry calls a manifest when it serves files and knows no better: the manifest itself says
/// what it is.
const GENERIC: [&str; 3] = ["application/json", "application/octet-stream", "text/plain"];
const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

impl Source for Remote<'_> {
    fn root(&self) -> Result<Found, SourceError> {
        Ok(self.manifest(&self.reference.name(), self.reference.digest())?)
    }

    fn listed(&self, digest: &Digest) -> Result<Found, SourceError> {
        Ok(self.manifest(&digest.to_string(), Some(*digest))?)
    }

    fn blob(&self, digest: &Digest, limit: u64) -> Result<Vec<u8>, SourceError> {
        let url = self.url(&format!("blobs/{digest}"));
        let order = Order::new(Method::GET, url);
        Ok(retry(&self.options, || {
            let answer = self.ask(Operation::Pull, &order)?;
            let answer = answer.expect(200, self.asker(Operation::Pull))?;
            answer.bytes(limit, Some(*digest))
        })?)
    }
}

impl Remote<'_> {
    fn manifest(&self, name: &str, digest: Option<Digest>) -> Result<Found, Error> {
        let url = self.url(&format!("manifests/{name}"));
        let order =
            Order::new(Method::GET, url).header(header::ACCEPT, HeaderValue::from_static(ACCEPT));
        retry(&self.options, || {
            let answer = self.ask(Operation::Pull, &order)?;
            let answer = answer.expect(200, self.asker(Operation::Pull))?;
            let said = answer.header(DOCKER_CONTENT_DIGEST);
            let digest = digest.or_else(|| said.and_then(|digest| digest.parse().ok()));
            let media_type = match answer.header(header::CONTENT_TYPE).map(essence) {
                None | Some("") => None,
                Some(known) if MANIFESTS.contains(&known) => Some(known.to_owned()),
                Some(generic) if GENERIC.contains(&generic) => None,
                Some(other) => return Err(answer.media_type(other)),
            };
            Ok(Found {
                digest,
                media_type,
                bytes: answer.bytes(MANIFEST_LIMIT, None)?,
            })
        })
    }
}

/// A media type without its parameters.
fn essence(text: &str) -> &str {
    text.split(';').next().unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_accepted_is_what_is_asked_for() {
        assert_eq!(ACCEPT, MANIFESTS.join(", "));
        assert_eq!(essence("text/html; charset=utf-8"), "text/html");
    }
}
