//! A registry as people run it, and a client that others wrote.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use integration::envoy::Scratch;
use integration::service::{Service, tool};
use oci::registry::{Error, push};
use oci::{Source, SourceError};

use super::{image, nothing, remote};

/// What `skopeo` says with these arguments.
pub(super) fn skopeo(args: &[&str]) -> String {
    let program = tool("skopeo", "skopeo").unwrap_or_else(|problem| panic!("{problem}"));
    let output = Command::new(program)
        .arg("--insecure-policy")
        .args(args)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "skopeo {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// An image as `skopeo` names it.
pub(super) fn docker(addr: SocketAddr, name: &str) -> String {
    format!("docker://{addr}/{name}")
}

#[test]
fn what_we_push_another_client_reads() {
    let registry = Service::registry();
    let image = image(b"hello");

    let pushed = push(&image, &remote(registry.addr(), "a/b:1")).unwrap();

    assert_eq!((pushed.sent, pushed.present), (7, 0));
    let pinned = format!("a/b@{}", image.digest());
    for name in ["a/b:1", &pinned] {
        let args = [
            "inspect",
            "--tls-verify=false",
            "--raw",
            &docker(registry.addr(), name),
        ];
        assert_eq!(skopeo(&args).as_bytes(), image.manifest().bytes(), "{name}");
    }
    let folder = Scratch::new().unwrap();
    let copy = folder.path().join("copy");
    let into = format!("dir:{}", copy.display());
    skopeo(&[
        "copy",
        "--src-tls-verify=false",
        &docker(registry.addr(), "a/b:1"),
        &into,
    ]);
    for blob in image.blobs() {
        let copied = fs::read(copy.join(blob.digest().hex())).unwrap();
        assert_eq!(copied, blob.bytes());
    }
}

#[test]
fn what_is_there_is_not_sent_again() {
    let registry = Service::registry();
    push(&image(b"hello"), &remote(registry.addr(), "a/b:1")).unwrap();

    let again = push(&image(b"hello"), &remote(registry.addr(), "a/b:2")).unwrap();
    assert_eq!((again.sent, again.present), (0, 7));

    let other = push(&image(b"other"), &remote(registry.addr(), "a/b:2")).unwrap();
    assert_eq!((other.sent, other.present), (5, 2));
}

#[test]
fn what_another_client_copies_we_read() {
    let registry = Service::registry();
    let image = image(b"hello");
    push(&image, &remote(registry.addr(), "a/b:1")).unwrap();
    skopeo(&[
        "copy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        &docker(registry.addr(), "a/b:1"),
        &docker(registry.addr(), "mirror/of/b:v1"),
    ]);

    let named = format!("mirror/of/b@{}", image.digest());
    let source = remote(registry.addr(), &named);
    let found = source.root().unwrap();

    assert_eq!(found.digest, Some(image.digest()));
    assert_eq!(
        found.media_type.as_deref(),
        Some(image.manifest().media_type())
    );
    assert_eq!(found.bytes, image.manifest().bytes());
    for blob in image.blobs() {
        let bytes = source
            .blob(&blob.digest(), blob.bytes().len() as u64)
            .unwrap();
        assert_eq!(bytes, blob.bytes());
    }
}

#[test]
fn what_is_not_there_is_a_404() {
    let registry = Service::registry();
    push(&image(b"hello"), &remote(registry.addr(), "a/b:1")).unwrap();
    let (tag, repository) = (
        remote(registry.addr(), "a/b:2"),
        remote(registry.addr(), "c:1"),
    );
    let problems = [
        tag.root().unwrap_err(),
        tag.blob(&nothing(), 1).unwrap_err(),
        repository.root().unwrap_err(),
    ];
    let said = [
        "manifest unknown",
        "blob unknown to registry",
        "manifest unknown",
    ];
    for (problem, said) in problems.iter().zip(said) {
        assert!(
            matches!(problem, SourceError::Registry(Error::NotFound { .. })),
            "{problem}"
        );
        assert!(
            problem
                .to_string()
                .contains(&format!("(the registry says: {said}")),
            "{problem}"
        );
    }
}
