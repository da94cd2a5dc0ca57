//! Objects that nobody would write: they are read without a panic, and whatever comes of them can be written.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test support: a panic is how a test fails"
)]

use std::path::Path;

use documents::Document;
use mesh::model::Model;
use mesh::{Addresses, Certificates, Mesh, Outside};
use proptest::prelude::*;
use serde_json::{Value, json};

const SHOP: &str = include_str!("shop.yaml");

/// Values that stand where others are expected.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!([null, 1, "a", {"host": {}}])),
        Just(json!({"exact": 7, "prefix": []})),
        Just(json!(-1)),
        Just(json!(99_999_999_999_u64)),
        Just(json!(1e308)),
        Just(json!(true)),
        "[*./@\\[\\]a-z0-9:\u{e9}]{0,12}".prop_map(Value::from),
    ]
}

/// Every place of a value, as a pointer.
fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                places(
                    value,
                    &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                    all,
                );
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, &format!("{at}/{index}"), all);
            }
        }
        _ => {}
    }
}

fn write_all(text: &str) -> usize {
    let documents = Document::read_text("odd.yaml", text).unwrap();
    let (model, _) = Model::read(&documents);
    let addresses = Addresses::assign(&model, 10);
    let mesh = Mesh {
        model: &model,
        addresses: &addresses,
        trust_domain: "cluster.local",
        outside: Outside::RegistryOnly,
    };
    let certificates = Certificates {
        chain: "a".into(),
        key: "b".into(),
        roots: "c".into(),
    };
    let folder = Path::new("/f");
    let admin = ([127, 0, 0, 1], 0).into();
    let mut files = 0;
    for workload in &model.workloads {
        for address in addresses.of(workload) {
            let proxy = mesh.sidecar(workload, address, &certificates, folder);
            files += proxy.files(folder, admin).len();
        }
    }
    for gateway in mesh.gateways() {
        let proxy = mesh.gateway(&gateway, addresses.gateway(1), &certificates, folder);
        files += proxy.files(folder, admin).len();
    }
    files
}

proptest! {
    // Each writes every proxy of the shop.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_stands_anywhere_is_written_without_a_panic(
        document in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        value in odd(),
    ) {
        let documents = Document::read_text("shop.yaml", SHOP).unwrap();
        let mut values: Vec<Value> = documents.iter().map(|one| one.object().value().clone()).collect();
        let one = document.get(&values).clone();
        let mut all = Vec::new();
        places(&one, "", &mut all);
        let place = place.get(&all);
        let changed = document.index(values.len());
        *values[changed].pointer_mut(place).unwrap() = value;
        let texts: Vec<String> = values.iter().map(Value::to_string).collect();
        write_all(&texts.join("\n---\n"));
    }
}

#[test]
fn the_shop_itself_is_written() {
    // Four sidecars and a gateway; the pod that wants no sidecar has none to write by its own word, and is written all
    // the same: who has one is asked of the model.
    assert_eq!(write_all(SHOP), 6 * 4);
}
