//! Bytes that nobody meant: nothing panics, and nothing outside is read.

use std::io::Cursor;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::Index;
use serde_json::Value;

use super::layouts::{as_files, tarred};
use super::{image, module};
use crate::layout::{Archive, Folder};
use crate::{AGENT_LIMIT, Blob, Expected, Image, Kind, Module, layer, media, read, verify};

/// Any JSON, of words that manifests have.
fn document() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just(media::OCI_MANIFEST.to_owned()),
        Just(media::OCI_INDEX.to_owned()),
        Just(media::OCI_LAYER.to_owned()),
        Just(media::WASM_CONTENT.to_owned()),
        Just("sha256:../../../../etc/passwd".to_owned()),
        Just(format!("sha256:{}", "0".repeat(64))),
        Just("linux".to_owned()),
        "[a-z:/.]{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    let key = proptest::sample::select(vec![
        "schemaVersion",
        "mediaType",
        "config",
        "layers",
        "manifests",
        "digest",
        "size",
        "platform",
        "os",
        "architecture",
        "annotations",
        "data",
    ]);
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((key.clone(), inner), 0..8).prop_map(|entries| {
                Value::from_iter(
                    entries
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value)),
                )
            }),
        ]
    })
}

fn judged(image: &Image) {
    // Whatever they say of it: that they come back is the point.
    let _ = verify(image, &Expected::default());
    let _ = read(image, AGENT_LIMIT);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_document_is_judged(document in document(), media_type in "[a-z/+.]{0,9}") {
        let bytes = serde_json::to_vec(&document).unwrap();
        let config = Blob::new(media::OCI_EMPTY, b"{}".to_vec());
        for media_type in [media::OCI_MANIFEST, media::OCI_INDEX, &media_type] {
            let manifest = Blob::new(media_type, bytes.clone());
            judged(&Image::new(manifest, config.clone(), vec![]));
        }
    }

    #[test]
    fn any_bytes_are_a_layer_or_none(bytes in vec(any::<u8>(), 0..600), gzipped: bool) {
        let bytes = if gzipped { layer::gzip(&bytes) } else { bytes };
        let _ = layer::plugin(&bytes, 100);
        let _ = layer::plugin_in_tar(bytes.as_slice(), 100);
    }

    #[test]
    fn any_bytes_are_a_module_or_none(mut bytes in vec(any::<u8>(), 0..200), magic: bool) {
        if magic {
            bytes.splice(..0, *b"\0asm\x01\0\0\0");
        }
        let _ = Module::read(bytes, AGENT_LIMIT);
    }

    /// A byte of a good module, layer or archive is another.
    #[test]
    fn one_byte_that_is_another(at: Index, byte: u8) {
        let changed = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        };
        let _ = Module::read(changed(module().bytes()), AGENT_LIMIT);
        let good = image(Kind::Compat);
        let _ = layer::plugin(&changed(good.layers()[0].bytes()), 1 << 20);
        let archive = changed(&tarred(&as_files(&good)));
        if let Ok(archive) = Archive::read(Cursor::new(archive), "changed.tar") {
            let _ = verify(&archive, &Expected::default());
        }
    }

    #[test]
    fn any_index_in_a_folder_is_judged(index in document()) {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join("oci-layout"), "{}").unwrap();
        std::fs::write(scratch.path().join("index.json"), index.to_string()).unwrap();
        let folder = Folder::open(scratch.path()).unwrap();
        let refused = verify(&folder, &Expected::default()).unwrap_err();
        proptest::prop_assert!(!refused.to_string().contains("passwd:"), "{}", refused);
    }
}
