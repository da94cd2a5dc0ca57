//! Images that the agent or Envoy refuses, and what is said of them.

use super::{crafted, image, layer, module, refused, says, wasm};
use crate::layer::{archive, gzip};
use crate::{
    AGENT_LIMIT, Blob, Compression, Expected, Kind, LayerError, Module, ModuleError, Refusal,
    media, verify,
};

fn oci(layers: Vec<Blob>) -> Refusal {
    refused(&crafted(media::OCI_MANIFEST, layers))
}

fn docker(layers: Vec<Blob>) -> Refusal {
    refused(&crafted(media::DOCKER_MANIFEST, layers))
}

fn content() -> Blob {
    Blob::new(media::WASM_CONTENT, module().into_bytes())
}

fn runtime() -> Blob {
    Blob::new(media::WASM_CONFIG, b"{}".to_vec())
}

#[test]
fn an_artifact_of_any_but_two_layers() {
    let licence = Blob::new("text/plain", b"free".to_vec());
    let three = oci(vec![runtime(), content(), licence]);
    assert!(matches!(three, Refusal::ArtifactLayers { layers: 3 }));
    says(
        &three,
        &["has two layers, and this one 3", media::WASM_CONTENT],
    );
    let one = oci(vec![content()]);
    assert!(matches!(one, Refusal::ArtifactLayers { layers: 1 }));
    assert_eq!(one.code(), "artifact_layers");
}

#[test]
fn the_layout_of_the_cncf() {
    let layer = Blob::new(media::CNCF_WASM, module().into_bytes());
    let refusal = oci(vec![layer]);
    assert!(matches!(refusal, Refusal::Cncf));
    says(&refusal, &["application/wasm", "FROM scratch"]);
}

#[test]
fn a_layer_that_is_not_gzip_by_its_type() {
    let plain = archive(module().bytes()).unwrap();
    for (media_type, expected) in [
        ("application/vnd.oci.image.layer.v1.tar", Compression::None),
        (
            "application/vnd.oci.image.layer.v1.tar+zstd",
            Compression::Zstd,
        ),
    ] {
        match oci(vec![Blob::new(media_type, plain.clone())]) {
            Refusal::Compression { compression } => assert_eq!(compression, expected),
            other => panic!("{media_type}: {other:?}"),
        }
    }
    let zstd = "application/vnd.docker.image.rootfs.diff.tar.zstd";
    let refusal = docker(vec![Blob::new(zstd, plain.clone())]);
    says(&refusal, &["compressed by zstd", "compression=gzip"]);
    let plain = Blob::new("application/vnd.docker.image.rootfs.diff.tar", plain);
    says(&docker(vec![plain]), &["not compressed"]);
}

#[test]
fn a_layer_that_is_not_gzip_whatever_its_type_says() {
    let plain = archive(module().bytes()).unwrap();
    let refusal = oci(vec![Blob::new(media::OCI_LAYER, plain)]);
    assert_eq!(refusal.code(), "layer_compression");
    says(
        &refusal,
        &["says that it is compressed by gzip, and is not compressed"],
    );
    let zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0];
    let refusal = docker(vec![Blob::new(media::DOCKER_LAYER, zstd)]);
    says(&refusal, &["compressed by zstd"]);
    let cut = gzip(b"short");
    let refusal = oci(vec![Blob::new(media::OCI_LAYER, cut[..12].to_vec())]);
    assert_eq!(refusal.code(), "layer_corrupt");
}

#[test]
fn layers_and_manifests_of_two_formats() {
    let good = gzip(&archive(module().bytes()).unwrap());
    let refusal = oci(vec![Blob::new(media::DOCKER_LAYER, good.clone())]);
    assert!(matches!(refusal, Refusal::LayerType { .. }));
    says(
        &refusal,
        &[media::DOCKER_LAYER, media::OCI_LAYER, "skopeo copy"],
    );
    let refusal = docker(vec![Blob::new(media::OCI_LAYER, good)]);
    assert!(matches!(refusal, Refusal::LayerType { .. }));
    // Docker's manifest has no second way for the agent.
    let refusal = docker(vec![runtime(), content()]);
    assert!(matches!(refusal, Refusal::LayerType { .. }));
}

#[test]
fn an_image_without_layers() {
    assert!(matches!(oci(vec![]), Refusal::NoLayers));
    assert!(matches!(docker(vec![]), Refusal::NoLayers));
}

#[test]
fn no_plugin_in_the_last_layer() {
    let mut builder = tar::Builder::new(Vec::new());
    for name in ["filter.wasm", "plugin.wasm.bak"] {
        let mut header = tar::Header::new_ustar();
        header.set_size(4);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, name, &b"\0asm"[..])
            .unwrap();
    }
    let other = Blob::new(media::OCI_LAYER, gzip(&builder.into_inner().unwrap()));
    // The one before is not looked at.
    let refusal = oci(vec![layer(module().bytes()), other]);
    assert_eq!(refusal.code(), "no_plugin");
    says(
        &refusal,
        &["filter.wasm, plugin.wasm.bak", "plugin.wasm", "COPY"],
    );
}

#[test]
fn the_plugin_may_lie_in_any_folder_and_the_first_one_counts() {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in [
        ("opt/plugin.wasm", module().bytes()),
        ("plugin.wasm", b"second"),
    ] {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes).unwrap();
    }
    let layer = Blob::new(media::OCI_LAYER, gzip(&builder.into_inner().unwrap()));
    let image = crafted(media::OCI_MANIFEST, vec![layer]);
    let verified = verify(&image, &Expected::default()).unwrap();
    assert_eq!(verified.module, module());
}

#[test]
fn a_link_in_place_of_the_plugin() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder
        .append_link(&mut header, "plugin.wasm", "/etc/passwd")
        .unwrap();
    let layer = Blob::new(media::OCI_LAYER, gzip(&builder.into_inner().unwrap()));
    let refusal = oci(vec![layer]);
    assert!(matches!(refusal, Refusal::Layer(LayerError::NotAFile)));
}

#[test]
fn files_that_are_no_module() {
    let refusal = oci(vec![layer(b"#!/bin/sh")]);
    assert_eq!(refusal.code(), "not_wasm");
    says(&refusal, &["begins with `#!/bin/s`", "wasm32-wasip1"]);
    let mut cut = module().into_bytes();
    cut.truncate(40);
    assert_eq!(oci(vec![layer(&cut)]).code(), "wasm_corrupt");
    let component = [b"\0asm".as_slice(), &[13, 0, 1, 0]].concat();
    assert_eq!(oci(vec![layer(&component)]).code(), "component");
    let empty = wat::parse_str("(module)").unwrap();
    let refusal = oci(vec![runtime(), Blob::new(media::WASM_CONTENT, empty)]);
    assert!(matches!(refusal, Refusal::Module(ModuleError::NoAbi)));
    let marker = r#"(module (func (export "proxy_abi_version_0_2_1")))"#;
    let refusal = oci(vec![layer(&wat::parse_str(marker).unwrap())]);
    assert!(matches!(refusal, Refusal::Module(ModuleError::NoAllocator)));
}

#[test]
fn a_module_with_imports_that_envoy_does_not_grant() {
    let imports = [
        r#"(import "__wbindgen_placeholder__" "now" (func))"#,
        r#"(import "env" "proxy_log" (func (param i64)))"#,
        r#"(import "env" "memory_base" (global i32))"#,
        // Envoy has it with other parameters than WASI.
        r#"(import "wasi_snapshot_preview1" "path_link"
             (func (param i32 i32 i32 i32 i32 i32 i32) (result i32)))"#,
        // Only older versions of the ABI have it.
        r#"(import "env" "proxy_continue_request" (func (result i32)))"#,
        r#"(import "env" "proxy_done" (func (result i32)))"#,
    ];
    match oci(vec![layer(&wasm(&imports.concat()))]) {
        Refusal::Module(ModuleError::Imports(names)) => assert_eq!(
            names,
            [
                "__wbindgen_placeholder__.now",
                "env.proxy_log with these parameters",
                "env.memory_base",
                "wasi_snapshot_preview1.path_link",
                "env.proxy_continue_request",
            ]
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_older_abi_grants_what_it_had() {
    let text = |abi: &str| {
        format!(
            r#"(module
                 (import "env" "proxy_continue_request" (func (result i32)))
                 (func (export "proxy_abi_version_{abi}"))
                 (func (export "malloc") (param i32) (result i32) (i32.const 1024)))"#
        )
    };
    let module = |abi: &str| Module::read(wat::parse_str(text(abi)).unwrap(), AGENT_LIMIT);
    assert_eq!(module("0_1_0").unwrap().abi().number(), "0.1.0");
    let wanted = vec!["env.proxy_continue_request".to_owned()];
    assert_eq!(module("0_2_0"), Err(ModuleError::Imports(wanted)));
}

#[test]
fn a_callback_that_envoy_never_calls_is_told() {
    let mistyped = r#"(func (export "proxy_on_request_header") (param i32 i32))"#;
    let module = Module::read(wasm(mistyped), AGENT_LIMIT).unwrap();
    let unknown: Vec<&str> = module.unknown_callbacks().collect();
    assert_eq!(unknown, ["proxy_on_request_header"]);
}

#[test]
fn a_module_over_the_limit_in_each_layout() {
    let limit = module().bytes().len() as u64 - 1;
    for kind in Kind::ALL {
        let expected = Expected {
            limit,
            ..Expected::default()
        };
        let refusal = verify(&image(kind), &expected).unwrap_err();
        assert_eq!(refusal.code(), "too_large", "{kind}");
        says(&refusal, &[&limit.to_string()]);
        let limit = limit + 1;
        // The layer around it needs room as well.
        let expected = Expected {
            limit: limit + 4096,
            digest: None,
        };
        assert!(verify(&image(kind), &expected).is_ok(), "{kind}");
    }
}

#[test]
fn an_image_that_is_not_the_one_asked_for() {
    let image = image(Kind::Compat);
    let right = Expected {
        digest: Some(image.digest()),
        ..Expected::default()
    };
    assert!(verify(&image, &right).is_ok());
    // A common mistake: the digest of the module.
    let wanted = module().digest();
    let wrong = Expected {
        digest: Some(wanted),
        ..Expected::default()
    };
    let refusal = verify(&image, &wrong).unwrap_err();
    assert_eq!(refusal.code(), "other_image");
    says(
        &refusal,
        &[
            &image.digest().to_string(),
            &wanted.to_string(),
            "not that of the module",
        ],
    );
}
