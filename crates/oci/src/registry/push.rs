//! An image sent to a registry: its blobs, and then the manifest that names them.

use std::collections::BTreeSet;

use ureq::http::{HeaderName, HeaderValue, Method, header};

use super::error::{Error, Operation};
use super::http::Order;
use super::options::Event;
use super::reference::Reference;
use super::remote::Remote;
use super::retry::retry;
use crate::{Blob, Digest, Image};

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");
const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// What came of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The image by its digest, as a WasmPlugin's `url` should name it.
    pub reference: Reference,
    /// Bytes of blobs that were sent.
    pub sent: u64,
    /// Bytes of blobs that the registry had.
    pub present: u64,
}

/// Sends an image: what the registry has of it already is not sent again, and nobody can pull it before
/// all of it is there, since the manifest goes last.
///
/// # Errors The registry cannot be reached or does not take it; [`Error::OtherDigest`], before anything
/// is sent, if the reference names another image by its digest.
pub fn push(image: &Image, remote: &Remote<'_>) -> Result<Pushed, Error> {
    let found = image.digest();
    if let Some(expected) = remote
        .reference
        .digest()
        .filter(|expected| *expected != found)
    {
        return Err(Error::OtherDigest { expected, found });
    }
    let mut pushed = Pushed {
        reference: remote.reference.pinned(found),
        sent: 0,
        present: 0,
    };
    let mut seen = BTreeSet::new();
    for blob in image.blobs().filter(|blob| seen.insert(blob.digest())) {
        let bytes = blob.bytes().len() as u64;
        let sent = retry(&remote.options, || remote.send_blob(blob))?;
        *(if sent {
            &mut pushed.sent
        } else {
            &mut pushed.present
        }) += bytes;
    }
    retry(&remote.options, || remote.send_manifest(image.manifest()))?;
    Ok(pushed)
}

impl Remote<'_> {
    /// Sends a blob unless it is there; says whether it was sent.
    fn send_blob(&self, blob: &Blob) -> Result<bool, Error> {
        let digest = blob.digest();
        if self.has(digest)? {
            let bytes = blob.bytes().len() as u64;
            (self.options.progress)(Event::Present {
                blob: digest,
                bytes,
            });
            return Ok(false);
        }
        let begin = Order::new(Method::POST, self.url("blobs/uploads/"));
        let begun = self.expect(&begin, 202)?;
        let location = self.location(&begun)?;
        let join = if location.contains('?') { '&' } else { '?' };
        let whole = Order::new(Method::PUT, format!("{location}{join}digest={digest}"))
            .header(header::CONTENT_TYPE, OCTETS)
            .body(blob.bytes(), Some(digest));
        self.expect(&whole, 201)?;
        Ok(true)
    }

    fn has(&self, digest: Digest) -> Result<bool, Error> {
        let order = Order::new(Method::HEAD, self.url(&format!("blobs/{digest}")));
        let answer = self.ask(Operation::Push, &order)?;
        match answer.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(answer.refusal(self.asker(Operation::Push))),
        }
    }

    fn send_manifest(&self, manifest: &Blob) -> Result<(), Error> {
        let name = match self.reference.tag() {
            Some(tag) => tag.to_owned(),
            None => self.reference.name(),
        };
        let url = self.url(&format!("manifests/{name}"));
        let Ok(kind) = HeaderValue::from_str(manifest.media_type()) else {
            return Err(Error::MediaType {
                url,
                found: manifest.media_type().escape_debug().to_string(),
            });
        };
        let order = Order::new(Method::PUT, url)
            .header(header::CONTENT_TYPE, kind)
            .body(manifest.bytes(), None);
        let answer = self.expect(&order, 201)?;
        let digest = manifest.digest().to_string();
        match answer.header(DOCKER_CONTENT_DIGEST) {
            Some(other) if other != digest => Err(answer.protocol(format!(
                "it has {digest} as `{}`, so what is there is not what was sent; look what stands between",
                other.escape_debug()
            ))),
            _ => Ok(()),
        }
    }

    fn expect(&self, order: &Order<'_>, status: u16) -> Result<super::answer::Answer<'_>, Error> {
        let answer = self.ask(Operation::Push, order)?;
        answer.expect(status, self.asker(Operation::Push))
    }
}
