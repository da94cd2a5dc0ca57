//! Bills of materials.

use serde_json::{Value, json};

use super::about;
use crate::{Digest, SbomError, sbom};

const TREE: &str = "\
0rate-limit-module v0.1.0 (/home/me/modules/rate-limit)|Apache-2.0
1rate-limit v0.1.0 (/home/me/filters/rate-limit)|Apache-2.0
2serde v1.0.229|MIT/Apache-2.0
3serde_core v1.0.229|
2siphasher v1.0.4|MIT OR Apache-2.0
1serde v1.0.229|MIT/Apache-2.0 (*)
";

const LOCK: &str = r#"
version = 4

[[package]]
name = "rate-limit"
version = "0.1.0"
dependencies = ["serde", "siphasher"]

[[package]]
name = "serde"
version = "1.0.229"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "aa"

[[package]]
name = "serde_core"
version = "1.0.229"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "bb"

[[package]]
name = "siphasher"
version = "1.0.4"
source = "git+https://git.example/siphasher"
"#;

fn module() -> Digest {
    Digest::of(b"module")
}

#[test]
fn it_names_every_package_with_its_licence_and_hash_and_what_it_needs() {
    let bill = sbom(&about(), &module(), TREE, LOCK).unwrap();
    let bill: Value = serde_json::from_slice(&bill).unwrap();
    assert_eq!(
        (&bill["bomFormat"], &bill["specVersion"]),
        (&json!("CycloneDX"), &json!("1.5"))
    );
    let subject = &bill["metadata"]["component"];
    assert_eq!(subject["bom-ref"], "rate-limit@1.2.3");
    assert_eq!(
        subject["hashes"],
        json!([{ "alg": "SHA-256", "content": module().hex() }])
    );
    let components = bill["components"].as_array().unwrap();
    let column = |key: &str| -> Vec<&Value> { components.iter().map(|it| &it[key]).collect() };
    assert_eq!(
        column("name"),
        ["rate-limit", "serde", "serde_core", "siphasher"]
    );
    let none = &Value::Null;
    assert_eq!(
        column("purl"),
        [
            none,
            &json!("pkg:cargo/serde@1.0.229"),
            &json!("pkg:cargo/serde_core@1.0.229"),
            none
        ]
    );
    assert_eq!(
        components[1]["licenses"],
        json!([{ "expression": "MIT OR Apache-2.0" }])
    );
    assert_eq!(components[2]["licenses"], Value::Null);
    assert_eq!(
        components[1]["hashes"],
        json!([{ "alg": "SHA-256", "content": "aa" }])
    );
    let needs = |package: &str| {
        let all = bill["dependencies"].as_array().unwrap();
        let found = all.iter().find(|it| it["ref"] == package);
        found.unwrap_or_else(|| panic!("no {package}"))["dependsOn"].clone()
    };
    assert_eq!(
        needs("rate-limit@1.2.3"),
        json!(["rate-limit@0.1.0", "pkg:cargo/serde@1.0.229"])
    );
    assert_eq!(
        needs("rate-limit@0.1.0"),
        json!(["pkg:cargo/serde@1.0.229", "siphasher@1.0.4"])
    );
    assert_eq!(
        needs("pkg:cargo/serde@1.0.229"),
        json!(["pkg:cargo/serde_core@1.0.229"])
    );
    assert_eq!(needs("pkg:cargo/serde_core@1.0.229"), json!([]));
}

#[test]
fn it_says_nothing_of_the_time_and_the_machine() {
    let text = String::from_utf8(sbom(&about(), &module(), TREE, LOCK).unwrap()).unwrap();
    for word in ["timestamp", "serialNumber", "/home/me"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let elsewhere = TREE.replace("/home/me", "/builds/7");
    let again = sbom(&about(), &module(), &elsewhere, LOCK).unwrap();
    assert_eq!(text.as_bytes(), again);
}

#[test]
fn what_is_no_tree_or_belongs_to_another_lock_is_refused() {
    let refused = |tree: &str| sbom(&about(), &module(), tree, LOCK).unwrap_err();
    for (tree, line) in [
        ("", 1),
        ("serde v1", 1),
        ("0serde|MIT", 1),
        ("1serde v1.0.229|MIT", 1),
        ("0a v1|MIT\n2b v1|MIT", 2),
        ("0a v1|MIT\n0b v1|MIT", 2),
    ] {
        match refused(tree) {
            SbomError::Tree { line: found, .. } => assert_eq!(found, line, "{tree}"),
            other => panic!("{tree}: {other}"),
        }
    }
    let other = refused("0a v1|MIT\n1serde v2.0.0|MIT");
    assert_eq!(other, SbomError::Unlocked("serde 2.0.0".to_owned()));
    let lock = sbom(&about(), &module(), TREE, "package = 1").unwrap_err();
    assert!(matches!(lock, SbomError::Lock(_)), "{lock}");
}
