//! What comes of each answer that is not the one to be expected.

use std::cell::RefCell;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};

use integration::upstream::{Answer, Upstream};
use oci::registry::{Error, Event, Options, Remote};
use oci::{MANIFEST_LIMIT, Source, SourceError};

use super::{at, image, manifest, nothing, options, refusal, remote};

/// A server that gives these answers, one after another, and the last one for ever.
fn one_after_another(answers: Vec<Answer>) -> Upstream {
    let count = AtomicUsize::new(0);
    Upstream::with(move |_| {
        let place = count.fetch_add(1, Ordering::Relaxed);
        answers[place.min(answers.len() - 1)].clone()
    })
}

/// What a pull from such a server comes to.
fn root(answer: Answer) -> Error {
    let server = one_after_another(vec![answer]);
    refused(remote(server.addr(), "a/b:1").root().unwrap_err())
}

fn refused(problem: SourceError) -> Error {
    match problem {
        SourceError::Registry(problem) => problem,
        other => panic!("{other}"),
    }
}

#[test]
fn what_may_pass_is_tried_again() {
    let image = image(b"x");
    let good = manifest(&image);
    let bad = [500, 429, 408].map(Answer::status).to_vec();
    let server = one_after_another([bad, vec![good]].concat());
    let waits = RefCell::new(Vec::new());
    let told = RefCell::new(Vec::new());
    let options = Options {
        pause: &|pause| waits.borrow_mut().push(pause.as_millis()),
        progress: &|event| {
            if let Event::Retry { problem, pause } = event {
                told.borrow_mut()
                    .push((problem.to_string(), pause.as_millis()));
            }
        },
        ..options()
    };

    let found = Remote::new(at(server.addr(), "a/b:1"), options)
        .unwrap()
        .root();

    assert_eq!(found.unwrap().bytes, image.manifest().bytes());
    assert_eq!(server.count(), 4);
    assert_eq!(*waits.borrow(), [500, 1000, 2000]);
    let told = told.borrow();
    let url = format!("http://{}/v2/a/b/manifests/1", server.addr());
    assert_eq!(
        told[0].0,
        format!("{url}: 500, the registry has a fault: look at its log, or try later")
    );
    assert_eq!(told[1].1, 1000);
}

#[test]
fn nobody_is_asked_for_ever() {
    let server = one_after_another(vec![Answer::status(503)]);

    let problem = refused(remote(server.addr(), "a/b:1").root().unwrap_err());

    assert!(
        matches!(problem, Error::Status { status: 503, .. }),
        "{problem}"
    );
    assert_eq!(server.count(), 4);
}

#[test]
fn each_refusal_says_what_to_do_and_is_not_asked_twice() {
    let login = "docker login 127.0.0.1:";
    let cases = [
        (
            refusal(401, ""),
            "401, it wants credentials, and Docker's configuration has none",
            login,
        ),
        (
            refusal(403, "not yours"),
            "403, this account may not pull from the repository",
            "(the registry says: not yours)",
        ),
        (
            refusal(404, "no such manifest"),
            "404, the registry has no such thing",
            "(the registry says: no such manifest)",
        ),
        (
            Answer::status(418),
            "418, the registry refuses",
            "see that this is its address",
        ),
        (
            Answer::status(501),
            "501, the registry has a fault",
            "try later",
        ),
        (Answer::status(204), "204, the registry refuses", ""),
    ];
    for (answer, what, more) in cases {
        let server = one_after_another(vec![answer]);
        let problem = refused(remote(server.addr(), "a/b:1").root().unwrap_err()).to_string();
        let url = format!("http://{}/v2/a/b/manifests/1: ", server.addr());
        assert!(problem.starts_with(&format!("{url}{what}")), "{problem}");
        assert!(problem.contains(more), "{problem}");
        assert_eq!(server.count(), 1, "{problem}");
    }
}

#[test]
fn too_many_requests_say_how_long_to_wait() {
    let problem = root(refusal(429, "limit\nexceeded").header("retry-after", "120")).to_string();

    let expected = "429, too many requests; wait (Retry-After: 120), or log in for a higher limit (the registry \
                    says: limit exceeded)";
    assert!(problem.ends_with(expected), "{problem}");
}

#[test]
fn a_page_is_no_manifest() {
    for kind in [
        "text/html; charset=utf-8",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    ] {
        let problem = root(
            Answer::status(200)
                .header("content-type", kind)
                .body("<html>"),
        );
        let found = kind.split(';').next().unwrap();
        assert!(
            matches!(&problem, Error::MediaType { found: is, .. } if is == found),
            "{problem}"
        );
        assert!(
            problem
                .to_string()
                .contains("neither a manifest nor an index"),
            "{problem}"
        );
    }
}

#[test]
fn a_registry_that_only_serves_files_has_no_media_types() {
    for kind in [
        "application/json; charset=utf-8",
        "application/octet-stream",
        "",
    ] {
        let server = one_after_another(vec![
            Answer::status(200).header("content-type", kind).body("{}"),
        ]);
        let found = remote(server.addr(), "a/b:1").root().unwrap();
        assert_eq!(
            (found.media_type, found.bytes.as_slice()),
            (None, &b"{}"[..]),
            "{kind}"
        );
    }
}

#[test]
fn the_digest_is_the_references_else_the_registrys() {
    let (server, digest) = (
        one_after_another(vec![
            manifest(&image(b"x")).header("docker-content-digest", nothing().to_string()),
        ]),
        image(b"y").digest(),
    );
    let named = |name: &str| remote(server.addr(), name).root().unwrap().digest;
    assert_eq!(named("a/b:1"), Some(nothing()));
    assert_eq!(named(&format!("a/b:1@{digest}")), Some(digest));
    assert_eq!(
        server.requests()[1].path,
        format!("/v2/a/b/manifests/{digest}")
    );
}

#[test]
fn a_blob_cut_short_is_fetched_again() {
    let cut = Answer::status(200).header("content-length", "5").body("he");
    let whole = Answer::status(200).body("hello");
    let server = one_after_another(vec![cut.clone(), whole]);
    let bytes = remote(server.addr(), "a/b:1").blob(&nothing(), 5);
    assert_eq!(bytes.unwrap(), b"hello");
    assert_eq!(server.count(), 2);

    let always = one_after_another(vec![cut]);
    let problem = refused(
        remote(always.addr(), "a/b:1")
            .blob(&nothing(), 5)
            .unwrap_err(),
    );
    assert!(matches!(problem, Error::Unreachable { .. }), "{problem}");
    assert_eq!(always.count(), 4);
}

#[test]
fn nothing_is_read_beyond_its_limit() {
    let large = vec![b'x'; MANIFEST_LIMIT as usize + 1];
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let problem = root(Answer::status(200).header("content-type", kind).body(large));
    assert!(
        matches!(
            problem,
            Error::TooLarge {
                limit: MANIFEST_LIMIT,
                ..
            }
        ),
        "{problem}"
    );

    // With a trailer the body goes in chunks, so its size is not known before.
    let chunked = Answer::status(200).body("hello").trailer("x-sum", "1");
    let server = one_after_another(vec![chunked]);
    let source = remote(server.addr(), "a/b:1");
    assert_eq!(source.blob(&nothing(), 5).unwrap(), b"hello");
    let problem = refused(source.blob(&nothing(), 4).unwrap_err());
    assert!(
        matches!(problem, Error::TooLarge { limit: 4, .. }),
        "{problem}"
    );
}

#[test]
fn a_blob_may_be_elsewhere() {
    let store = Upstream::with(|_| Answer::status(200).body("hello"));
    let there = format!("http://{}/blob?signature=s", store.addr());
    let server = one_after_another(vec![Answer::status(307).header("location", there)]);

    let bytes = remote(server.addr(), "a/b:1").blob(&nothing(), 5);

    assert_eq!(bytes.unwrap(), b"hello");
    assert_eq!(store.requests()[0].path, "/blob?signature=s");
}

#[test]
fn a_redirect_in_a_circle_ends() {
    let problem = root(Answer::status(307).header("location", "/v2/a/b/manifests/1"));
    let expected = "307, it redirects what cannot be redirected: use the address it redirects to";
    assert!(problem.to_string().ends_with(expected), "{problem}");
}

#[test]
fn progress_is_told_of_blobs() {
    let server = one_after_another(vec![Answer::status(200).body(vec![b'x'; 100_000])]);
    let told = RefCell::new(Vec::new());
    let options = Options {
        progress: &|event| match event {
            Event::Transferred { blob, done, total } => told.borrow_mut().push((blob, done, total)),
            other => panic!("{other:?}"),
        },
        ..options()
    };

    let source = Remote::new(at(server.addr(), "a/b:1"), options).unwrap();
    source.blob(&nothing(), 100_000).unwrap();

    let told = told.borrow();
    assert!(told.is_sorted());
    assert_eq!(told.last(), Some(&(nothing(), 100_000, Some(100_000))));
}

#[test]
fn a_registry_that_does_not_run_is_named() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = port.local_addr().unwrap();
    drop(port);

    let problem = refused(remote(addr, "a/b:1").root().unwrap_err()).to_string();

    assert!(
        problem.starts_with(&format!("http://{addr}/v2/a/b/manifests/1: ")),
        "{problem}"
    );
    assert!(
        problem.ends_with("; see that the registry runs and that this machine reaches it"),
        "{problem}"
    );
}

#[test]
fn a_registry_that_nobody_knows_is_named() {
    let nowhere = "oci://registry.invalid/a/b:1".parse().unwrap();
    let problem = Remote::new(nowhere, options())
        .unwrap()
        .root()
        .unwrap_err()
        .to_string();
    assert!(
        problem.starts_with("https://registry.invalid/v2/a/b/manifests/1: "),
        "{problem}"
    );
}
