//! A built module as bytes, for a test that serves it, sums it up or spoils it.

use std::fs;

use sha2::{Digest, Sha256};

use crate::envoy::repository;

/// A module as `cargo xtask build` left it in `dist/`.
#[track_caller]
pub fn built(name: &str) -> Vec<u8> {
    let file = repository().join(format!("dist/{name}.wasm"));
    fs::read(&file)
        .unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask build` makes it", file.display()))
}

/// The same module with other bytes and thus another sum: a custom section of this name follows, which
/// no engine looks at.
pub fn relabelled(module: &[u8], label: &str) -> Vec<u8> {
    const CUSTOM: u8 = 0;
    let length = u8::try_from(label.len()).expect("a short label");
    assert!(length < 0x7f, "a section whose size is one byte");
    let mut other = module.to_vec();
    other.extend([CUSTOM, length + 1, length]);
    other.extend(label.as_bytes());
    other
}

/// What `sha256sum` says of a file.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_that_of_sha256sum() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), empty);
    }

    #[test]
    fn a_label_changes_the_sum_and_follows_the_module() {
        let module = b"\0asm\x01\0\0\0";
        let other = relabelled(module, "two");
        assert_eq!(other, b"\0asm\x01\0\0\0\0\x04\x03two");
        assert_ne!(sha256(&other), sha256(module));
    }
}
