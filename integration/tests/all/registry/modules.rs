//! Modules on their way: built into each layout, pushed, copied by another client, verified where they
//! are, pulled by digest and loaded by a real Envoy.

use std::fs;

use integration::client::Client;
use integration::envoy::{Envoy, Scratch, repository};
use integration::listener::{Listener, bootstrap};
use integration::service::Service;
use integration::upstream::{Answer, Upstream};
use oci::registry::push;
use oci::{AGENT_LIMIT, About, Expected, Image, Kind, Module, Refusal, media, read, verify};
use serde_json::json;

use super::real::{docker, skopeo};
use super::{manifest, remote};

const FILTER: &str = "fault-injection";

pub(super) fn module() -> Module {
    let path = repository().join(format!("dist/{FILTER}.wasm"));
    let bytes = fs::read(&path).unwrap_or_else(|problem| {
        panic!("{}: {problem}; run `cargo xtask build`", path.display());
    });
    Module::read(bytes, AGENT_LIMIT).unwrap()
}

pub(super) fn images() -> Vec<(Kind, Image)> {
    let about = About {
        filter: FILTER.to_owned(),
        description: "Faults.".to_owned(),
        version: "1.2.3".to_owned(),
        licenses: "Apache-2.0".to_owned(),
        source: None,
        schema: None,
    };
    Image::build(&module(), &about, &Kind::ALL).unwrap()
}

#[test]
fn each_layout_gets_from_here_to_envoy() {
    let registry = Service::registry();
    let addr = registry.addr();
    let scratch = Scratch::new().unwrap();
    let fault = json!({ "abort": { "percentage": { "value": 100 }, "httpStatus": 418 } });
    let config = json!({ "http": [{ "fault": fault }] });
    let mut listeners = Vec::new();
    for (kind, image) in images() {
        push(&image, &remote(addr, &format!("{kind}:1"))).unwrap();
        let (ours, copy) = (
            docker(addr, &format!("{kind}:1")),
            docker(addr, &format!("mirror/{kind}:2")),
        );
        skopeo(&[
            "copy",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            &ours,
            &copy,
        ]);

        let source = remote(addr, &format!("mirror/{kind}@{}", image.digest()));
        let expected = Expected {
            digest: Some(image.digest()),
            ..Expected::default()
        };
        let verified =
            verify(&source, &expected).unwrap_or_else(|problem| panic!("{kind}: {problem}"));

        assert_eq!(
            (verified.kind, verified.digest),
            (kind, Some(image.digest()))
        );
        assert_eq!(verified.filter.as_deref(), Some(FILTER));
        assert_eq!(verified.version.as_deref(), Some("1.2.3"));
        assert_eq!(verified.module.digest(), module().digest());
        assert_eq!(read(&source, AGENT_LIMIT).unwrap(), image);

        let file = scratch.path().join(format!("{kind}.wasm"));
        fs::write(&file, verified.module.bytes()).unwrap();
        let path = file.display().to_string();
        let listener = Listener::new(kind.name());
        listeners.push(listener.module_at(FILTER, &path, &config, "FAIL_CLOSED"));
    }
    let envoy = Envoy::builder(bootstrap(listeners, []))
        .scratch(scratch)
        .start();

    for kind in Kind::ALL {
        let answer = Client::http1(envoy.addr(kind.name())).get("/").send();
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (418, "fault filter abort"),
            "{kind}"
        );
    }
}

/// A registry that has this image, as `a/b:1`, but says this of its layer.
fn with_layer(image: &Image, layer: Vec<u8>) -> Upstream {
    let image = image.clone();
    Upstream::with(move |request| {
        let names = |digest: oci::Digest| request.path.ends_with(&digest.to_string());
        match image.blobs().find(|blob| names(blob.digest())) {
            Some(blob) if blob == image.config() => Answer::status(200).body(blob.bytes()),
            Some(_) => Answer::status(200).body(&layer),
            None => manifest(&image),
        }
    })
}

#[test]
fn what_is_not_as_its_digest_says_is_refused() {
    let (_, image) = images().remove(0);
    let good = image.layers()[0].bytes();
    let mut other = good.to_vec();
    *other.last_mut().unwrap() ^= 1;
    for bytes in [other, good[1..].to_vec()] {
        let server = with_layer(&image, bytes);
        let source = remote(server.addr(), "a/b:1");
        let problems = [
            verify(&source, &Expected::default()).map(drop).unwrap_err(),
            read(&source, AGENT_LIMIT).map(drop).unwrap_err(),
        ];
        for problem in problems {
            assert!(matches!(problem, Refusal::Differs { .. }), "{problem}");
        }
    }
    let server = with_layer(&image, good.to_vec());
    let source = remote(server.addr(), &format!("a/b@{}", super::nothing()));
    let problem = verify(&source, &Expected::default()).unwrap_err();
    assert!(matches!(problem, Refusal::Differs { .. }), "{problem}");
}

#[test]
fn an_index_leads_to_the_image() {
    let (_, image) = images().remove(0);
    let index = json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_INDEX,
        "manifests": [{
            "mediaType": image.manifest().media_type(),
            "digest": image.digest().to_string(),
            "size": image.manifest().bytes().len(),
            "platform": { "os": "linux", "architecture": "amd64" },
        }],
    });
    let (parts, tag) = (image.clone(), index.to_string());
    let server = Upstream::with(move |request| {
        let names = |digest: oci::Digest| request.path.ends_with(&digest.to_string());
        match parts.blobs().find(|blob| names(blob.digest())) {
            Some(blob) => Answer::status(200).body(blob.bytes()),
            None if names(parts.digest()) => manifest(&parts),
            None => Answer::status(200)
                .header("content-type", media::OCI_INDEX)
                .body(&tag),
        }
    });

    let source = remote(server.addr(), "a/b:1");
    let verified = verify(&source, &Expected::default()).unwrap();

    assert_eq!(verified.digest, Some(image.digest()));
    assert_eq!(
        verified.index,
        Some(oci::Digest::of(index.to_string().as_bytes()))
    );
}
