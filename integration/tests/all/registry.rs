//! Images in registries: a real one with an independent client beside ours, and one that answers as a
//! test wants it.

mod accounts;
mod answers;
mod hostile;
mod modules;
mod program;
mod pushes;
mod real;
mod tokens;

use std::net::SocketAddr;
use std::time::Duration;

use integration::envoy::Scratch;
use integration::upstream::{Answer, Recorded};
use oci::registry::{Options, Reference, Remote};
use oci::{Blob, Digest, Image, media};
use serde_json::json;

/// What nobody has to be asked for: no account, no waiting.
fn options() -> Options<'static> {
    Options {
        docker: None,
        pause: &|_: Duration| (),
        ..Options::default()
    }
}

/// An image in the registry at this address.
fn at(addr: SocketAddr, name: &str) -> Reference {
    format!("oci://{addr}/{name}").parse().unwrap()
}

fn remote(addr: SocketAddr, name: &str) -> Remote<'static> {
    Remote::new(at(addr, name), options()).unwrap()
}

/// An image that any registry takes, with these bytes for a layer.
fn image(layer: &[u8]) -> Image {
    let config = Blob::new(media::WASM_CONFIG, b"{}".to_vec());
    let layer = Blob::new(media::WASM_CONTENT, layer.to_vec());
    let descriptor = |blob: &Blob| {
        json!({
            "mediaType": blob.media_type(),
            "digest": blob.digest().to_string(),
            "size": blob.bytes().len(),
        })
    };
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_MANIFEST,
        "config": descriptor(&config),
        "layers": [descriptor(&layer)],
    });
    let manifest = Blob::new(media::OCI_MANIFEST, manifest.to_string().into_bytes());
    Image::new(manifest, config, vec![layer])
}

/// A registry's answer with a manifest.
fn manifest(image: &Image) -> Answer {
    Answer::status(200)
        .header("content-type", image.manifest().media_type())
        .body(image.manifest().bytes())
}

/// A registry's refusal.
fn refusal(status: u16, message: &str) -> Answer {
    let error = json!({ "errors": [{ "code": "DENIED", "message": message }] });
    Answer::json(&error).but(status)
}

/// An answer of another status.
trait But {
    fn but(self, status: u16) -> Self;
}

impl But for Answer {
    fn but(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// The `Authorization` of a request.
fn shown(request: &Recorded) -> Option<&str> {
    request.header("authorization")
}

/// `a/b:1` at this address, for somebody who has these credentials in Docker's configuration, which is
/// there as long as its folder.
fn logged_in(addr: SocketAddr, credentials: &serde_json::Value) -> (Scratch, Remote<'static>) {
    let folder = Scratch::new().unwrap();
    let config = json!({ "auths": { addr.to_string(): credentials } });
    folder.write("config.json", &config.to_string()).unwrap();
    let options = Options {
        docker: Some(folder.path().to_owned()),
        ..options()
    };
    (folder, Remote::new(at(addr, "a/b:1"), options).unwrap())
}

/// The digest of something that no registry has.
fn nothing() -> Digest {
    Digest::of(b"nothing")
}
