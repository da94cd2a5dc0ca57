//! What a registry may do with what it is sent.

use std::sync::atomic::{AtomicUsize, Ordering};

use integration::upstream::{Answer, Upstream};
use oci::registry::{Error, push};

use super::{image, nothing, remote};

/// A registry that has nothing and sends uploads to this place.
fn sends_to(location: Option<&str>) -> Upstream {
    let location = location.map(str::to_owned);
    Upstream::with(move |request| match (request.method.as_str(), &location) {
        ("HEAD", _) => Answer::status(404),
        ("POST", Some(location)) => Answer::status(202).header("location", location),
        ("POST", None) => Answer::status(202),
        _ => Answer::status(201),
    })
}

fn refusal(server: &Upstream) -> Error {
    push(&image(b"x"), &remote(server.addr(), "a/b:1")).unwrap_err()
}

#[test]
fn blobs_go_first_and_what_is_there_is_not_sent() {
    let image = image(b"x");
    let config = image.config().digest().to_string();
    let server = Upstream::with(move |request| match request.method.as_str() {
        "HEAD" if request.path.ends_with(&config) => Answer::status(200),
        "HEAD" => Answer::status(404),
        "POST" => Answer::status(202).header("location", "/v2/a/b/blobs/uploads/1"),
        _ => Answer::status(201),
    });

    let pushed = push(&image, &remote(server.addr(), "a/b:1")).unwrap();

    assert_eq!((pushed.sent, pushed.present), (1, 2));
    let pinned = format!("oci://{}/a/b@{}", server.addr(), image.digest());
    assert_eq!(pushed.reference.to_string(), pinned);
    let layer = image.layers()[0].digest();
    let requests: Vec<_> = server
        .requests()
        .into_iter()
        .map(|r| format!("{} {}", r.method, r.path))
        .collect();
    assert_eq!(
        requests,
        [
            format!("HEAD /v2/a/b/blobs/{}", image.config().digest()),
            format!("HEAD /v2/a/b/blobs/{layer}"),
            "POST /v2/a/b/blobs/uploads/".to_owned(),
            format!("PUT /v2/a/b/blobs/uploads/1?digest={layer}"),
            "PUT /v2/a/b/manifests/1".to_owned(),
        ]
    );
    let manifest = &server.requests()[4];
    assert_eq!(manifest.body, image.manifest().bytes());
    assert_eq!(
        manifest.header("content-type"),
        Some(image.manifest().media_type())
    );
}

#[test]
fn an_upload_that_breaks_is_begun_anew() {
    let count = AtomicUsize::new(0);
    let server = Upstream::with(move |request| match request.method.as_str() {
        "HEAD" => Answer::status(404),
        "POST" => Answer::status(202).header("location", "/upload"),
        "PUT"
            if request.path.starts_with("/upload")
                && count.fetch_add(1, Ordering::Relaxed) == 0 =>
        {
            Answer::status(502)
        }
        _ => Answer::status(201),
    });

    push(&image(b"x"), &remote(server.addr(), "a/b:1")).unwrap();

    let begun = server
        .requests()
        .iter()
        .filter(|request| request.method == "POST")
        .count();
    assert_eq!(begun, 3);
}

#[test]
fn an_upload_has_to_have_a_place() {
    let nowhere = refusal(&sends_to(None)).to_string();
    assert!(
        nowhere.ends_with("it does not say where to send the bytes (no `Location`)"),
        "{nowhere}"
    );
    for location in [
        "",
        "upload",
        "ftp://elsewhere/upload",
        "http://",
        "http://[::1",
        "/a b",
    ] {
        let problem = refusal(&sends_to(Some(location)));
        assert!(
            matches!(problem, Error::Protocol { .. } | Error::Unreachable { .. }),
            "{location}: {problem}"
        );
    }
}

#[test]
fn an_upload_is_not_redirected() {
    let server = Upstream::with(|request| match request.method.as_str() {
        "HEAD" => Answer::status(404),
        "POST" => Answer::status(202).header("location", "/upload"),
        _ => Answer::status(307).header("location", "/elsewhere"),
    });

    let problem = refusal(&server);

    assert!(
        matches!(problem, Error::Status { status: 307, .. }),
        "{problem}"
    );
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.path != "/elsewhere")
    );
}

#[test]
fn what_the_registry_took_is_what_was_sent() {
    let server = Upstream::with(|request| match request.method.as_str() {
        "HEAD" => Answer::status(200),
        _ => Answer::status(201).header("docker-content-digest", nothing().to_string()),
    });

    let problem = refusal(&server).to_string();

    let expected = format!("it has {} as `{}`", image(b"x").digest(), nothing());
    assert!(problem.contains(&expected), "{problem}");
}

#[test]
fn a_digest_names_one_image() {
    let server = sends_to(Some("/upload"));
    let image = image(b"x");

    let problem = push(
        &image,
        &remote(server.addr(), &format!("a/b:1@{}", nothing())),
    )
    .unwrap_err();
    let (expected, found) = (nothing(), image.digest());
    assert_eq!(problem, Error::OtherDigest { expected, found });
    assert_eq!(server.count(), 0);

    push(&image, &remote(server.addr(), &format!("a/b@{found}"))).unwrap();
    let path = server.requests().last().unwrap().path.clone();
    assert_eq!(path, format!("/v2/a/b/manifests/{found}"));
}
