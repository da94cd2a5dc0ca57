//! Images made by hand, good ones and all the bad ones, and what is said of each.

mod bill;
mod hostile;
mod layouts;
mod lying;
mod made;
mod refused;

use serde_json::{Value, json};

use crate::layer::{archive, gzip};
use crate::{AGENT_LIMIT, About, Blob, Digest, Image, Kind, Module, Refusal, media};

/// A module that Envoy would load, with what a test adds to it.
fn wasm(more: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
             {more}
             (memory (export "memory") 1)
             (func (export "proxy_abi_version_0_2_1"))
             (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
             (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 0)))"#
    );
    wat::parse_str(text).unwrap()
}

fn module() -> Module {
    let log = r#"(import "env" "proxy_log" (func (param i32 i32 i32) (result i32)))"#;
    Module::read(wasm(log), AGENT_LIMIT).unwrap()
}

fn about() -> About {
    About {
        filter: "rate-limit".to_owned(),
        description: "limits requests".to_owned(),
        version: "1.2.3".to_owned(),
        licenses: "Apache-2.0".to_owned(),
        source: Some("https://git.example/mesh-filters".to_owned()),
        schema: Some(Digest::of(b"{}")),
    }
}

fn image(kind: Kind) -> Image {
    let mut built = Image::build(&module(), &about(), &[kind]).unwrap();
    built.pop().unwrap().1
}

/// An image of these layers, and of a manifest of this type.
fn crafted(manifest_type: &str, layers: Vec<Blob>) -> Image {
    let config = Blob::new(media::OCI_CONFIG, b"{}".to_vec());
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": named(&config),
        "layers": layers.iter().map(named).collect::<Vec<_>>(),
    });
    let manifest = serde_json::to_vec(&manifest).unwrap();
    Image::new(Blob::new(manifest_type, manifest), config, layers)
}

/// How a manifest names a blob.
fn named(blob: &Blob) -> Value {
    json!({
        "mediaType": blob.media_type(),
        "digest": blob.digest().to_string(),
        "size": blob.bytes().len(),
    })
}

/// A layer as the agent wants it, with this file.
fn layer(plugin: &[u8]) -> Blob {
    Blob::new(media::OCI_LAYER, gzip(&archive(plugin).unwrap()))
}

fn refused(image: &Image) -> Refusal {
    crate::verify(image, &crate::Expected::default()).unwrap_err()
}

/// The message names what is wrong, and what to do.
#[track_caller]
fn says(refusal: &Refusal, parts: &[&str]) {
    let text = refusal.to_string();
    for part in parts {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}
