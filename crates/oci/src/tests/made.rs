//! The images that are built: what is in them, and that it is always the same.

use serde_json::Value;

use super::{about, image, module};
use crate::{Digest, Expected, FILTER, Image, Kind, SCHEMA, media, verify};

fn manifest(image: &Image) -> Value {
    serde_json::from_slice(image.manifest().bytes()).unwrap()
}

#[test]
fn the_agent_takes_each_layout_and_envoy_gets_the_module() {
    for kind in Kind::ALL {
        let image = image(kind);
        let verified = verify(&image, &Expected::default()).unwrap();
        assert_eq!(verified.kind, kind);
        assert_eq!(verified.digest, Some(image.digest()));
        assert_eq!(verified.index, None);
        assert_eq!(verified.module, module());
        assert_eq!(verified.filter.as_deref(), Some("rate-limit"), "{kind}");
        assert_eq!(verified.version.as_deref(), Some("1.2.3"), "{kind}");
    }
}

/// If one of these moves, so do the digests that people pinned: a change of a library's or of ours that
/// belongs into the changelog.
#[test]
fn the_same_source_has_the_same_digests_everywhere() {
    let built = Image::build(&module(), &about(), &Kind::ALL).unwrap();
    let again = Image::build(&module(), &about(), &Kind::ALL).unwrap();
    assert_eq!(built, again);
    let digests: Vec<String> = built
        .iter()
        .map(|(kind, image)| format!("{kind} {}", image.digest().hex()))
        .collect();
    assert_eq!(
        digests,
        [
            "compat e908a237776fe287460b18825e6f44deb8efa55f205e71e60770402c7f50f39e",
            "docker 3a5fa8d4fc8b8cb4fca13f308623b3fa5c4d97a2b57cdce2ff1724a95362d066",
            "artifact 24e0aefbbd584bfb94abd3d1365a2692a0bc8c139b7c8d99421907f7b24ebd69",
        ]
    );
}

#[test]
fn nothing_of_the_time_goes_in() {
    for kind in Kind::ALL {
        let image = image(kind);
        for document in [image.manifest(), image.config()] {
            let text = String::from_utf8(document.bytes().to_vec()).unwrap();
            assert!(!text.contains("created"), "{kind}: {text}");
        }
    }
}

#[test]
fn compat_has_one_layer_and_a_platform_for_engines_that_mount_it() {
    let image = image(Kind::Compat);
    let manifest = manifest(&image);
    assert_eq!(manifest["mediaType"], media::OCI_MANIFEST);
    assert_eq!(manifest["config"]["mediaType"], media::OCI_CONFIG);
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(manifest["layers"][0]["mediaType"], media::OCI_LAYER);
    let config: Value = serde_json::from_slice(image.config().bytes()).unwrap();
    assert_eq!(
        (&config["os"], &config["architecture"]),
        (&"linux".into(), &"amd64".into())
    );
    // Engines compare it with what they unpack.
    let mut unpacked = Vec::new();
    let mut layer = flate2::read::GzDecoder::new(image.layers()[0].bytes());
    std::io::Read::read_to_end(&mut layer, &mut unpacked).unwrap();
    let archive = Digest::of(&unpacked).to_string();
    assert_eq!(config["rootfs"]["diff_ids"], serde_json::json!([archive]));
    // What an image volume shows.
    let volume = tempfile::tempdir().unwrap();
    let mut archive = tar::Archive::new(unpacked.as_slice());
    archive.unpack(volume.path()).unwrap();
    let plugin = std::fs::read(volume.path().join("plugin.wasm")).unwrap();
    assert_eq!(plugin, module().bytes());
    assert_eq!(std::fs::read_dir(volume.path()).unwrap().count(), 1);
}

#[test]
fn docker_has_dockers_types_and_no_annotations() {
    let image = image(Kind::Docker);
    let manifest = manifest(&image);
    assert_eq!(manifest["mediaType"], media::DOCKER_MANIFEST);
    assert_eq!(manifest["config"]["mediaType"], media::DOCKER_CONFIG);
    assert_eq!(manifest["layers"][0]["mediaType"], media::DOCKER_LAYER);
    assert_eq!(manifest["annotations"], Value::Null);
    let config: Value = serde_json::from_slice(image.config().bytes()).unwrap();
    assert_eq!(config["config"]["Labels"][FILTER], "rate-limit");
}

#[test]
fn the_artifact_has_two_layers_and_says_what_runs_it() {
    let image = image(Kind::Artifact);
    let types: Vec<&str> = image
        .layers()
        .iter()
        .map(|layer| layer.media_type())
        .collect();
    assert_eq!(types, [media::WASM_CONFIG, media::WASM_CONTENT]);
    assert_eq!(image.layers()[1].bytes(), module().bytes());
    let runtime: Value = serde_json::from_slice(image.layers()[0].bytes()).unwrap();
    assert_eq!(runtime["type"], "envoy_proxy");
    assert_eq!(runtime["abiVersions"], serde_json::json!(["0.2.1"]));
}

#[test]
fn annotations_say_what_it_is() {
    for kind in [Kind::Compat, Kind::Artifact] {
        let annotations = &manifest(&image(kind))["annotations"];
        let expected = [
            ("org.opencontainers.image.title", "rate-limit"),
            ("org.opencontainers.image.description", "limits requests"),
            ("org.opencontainers.image.version", "1.2.3"),
            ("org.opencontainers.image.licenses", "Apache-2.0"),
            (
                "org.opencontainers.image.source",
                "https://git.example/mesh-filters",
            ),
            (FILTER, "rate-limit"),
            (SCHEMA, &Digest::of(b"{}").to_string()),
        ];
        for (key, value) in expected {
            assert_eq!(annotations[key], value, "{kind}: {key}");
        }
        assert_eq!(annotations.as_object().unwrap().len(), expected.len());
    }
}
