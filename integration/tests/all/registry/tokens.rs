//! What a registry is shown: passwords, tokens, and neither to anybody else.

use std::sync::Mutex;

use integration::upstream::{Answer, Recorded, Upstream};
use oci::registry::{Error, push};
use oci::{Source, SourceError};
use serde_json::json;

use super::{But, image, logged_in, manifest, nothing, refusal, remote, shown};

/// A registry that gives tokens itself: to anybody who asks, `token-1`, `token-2` and so on, and takes
/// the last one alone.
fn token_server() -> Upstream {
    let given = Mutex::new(0);
    Upstream::with(move |request| {
        let mut given = given.lock().unwrap();
        if request.path.starts_with("/token") {
            *given += 1;
            return Answer::json(&json!({ "token": format!("token-{given}") }));
        }
        match shown(&request) == Some(&format!("Bearer token-{given}")) {
            true => manifest(&image(b"x")),
            false => challenge(&request),
        }
    })
}

fn challenge(request: &Recorded) -> Answer {
    let realm = format!("http://{}/token", request.authority);
    let challenge =
        format!(r#"Bearer realm="{realm}",service="the registry",scope="repository:a/b:pull""#);
    refusal(401, "authentication required").header("www-authenticate", challenge)
}

fn paths(server: &Upstream) -> Vec<String> {
    server
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect()
}

fn problem(outcome: Result<oci::Found, SourceError>) -> Error {
    match outcome.unwrap_err() {
        SourceError::Registry(problem) => problem,
        other => panic!("{other}"),
    }
}

#[test]
fn a_token_is_fetched_once_and_renewed_when_it_has_run_out() {
    let server = token_server();
    let source = remote(server.addr(), "a/b:1");
    let token = "/token?scope=repository:a/b:pull&service=the%20registry";
    let root = "/v2/a/b/manifests/1";

    source.root().unwrap();
    source.root().unwrap();
    assert_eq!(paths(&server), [root, token, root, root]);
    assert_eq!(shown(&server.requests()[1]), None);

    // Somebody else has one given, so ours is no longer taken.
    server.forget();
    remote(server.addr(), "a/b:1").root().unwrap();
    server.forget();
    source.root().unwrap();
    assert_eq!(paths(&server), [root, token, root]);
}

#[test]
fn the_password_goes_to_the_token_service_alone() {
    let server = token_server();
    let (_login, remote) = logged_in(server.addr(), &json!({ "auth": "bWU6cHc=" }));

    remote.root().unwrap();

    let requests = server.requests();
    let seen: Vec<_> = requests.iter().map(shown).collect();
    assert_eq!(seen, [None, Some("Basic bWU6cHc="), Some("Bearer token-1")]);
}

#[test]
fn an_identity_token_is_posted() {
    let server = token_server();
    let (_login, remote) = logged_in(server.addr(), &json!({ "identitytoken": "id=1" }));

    remote.root().unwrap();

    let request = &server.requests()[1];
    assert_eq!(
        (
            request.method.as_str(),
            request.path.as_str(),
            shown(request)
        ),
        ("POST", "/token", None)
    );
    let form = "scope=repository:a/b:pull&service=the%20registry&grant_type=refresh_token&client_id=mesh-filters\
                &refresh_token=id%3D1";
    assert_eq!(String::from_utf8_lossy(&request.body), form);
}

#[test]
fn a_token_that_does_not_do_is_said_with_no_secret() {
    let server = Upstream::with(|request| match request.path.starts_with("/token") {
        true => refusal(401, "wrong password"),
        false => challenge(&request),
    });
    let (_login, remote) = logged_in(server.addr(), &json!({ "auth": "bWU6cHc=" }));

    let problem = problem(remote.root()).to_string();

    let addr = server.addr();
    assert_eq!(
        problem,
        format!(
            "http://{addr}/token: 401, it refuses the credentials that Docker's configuration has for it: \
             `docker login {addr}` (the registry says: wrong password)"
        )
    );
}

#[test]
fn a_token_that_no_header_holds_is_no_token() {
    for token in [
        json!({ "token": "a\nb" }),
        json!({ "token": "" }),
        json!({}),
        json!("token"),
    ] {
        let text = token.to_string();
        let server = Upstream::with(move |request| match request.path.starts_with("/token") {
            true => Answer::json(&token),
            false => challenge(&request),
        });
        let problem = problem(remote(server.addr(), "a/b:1").root());
        assert!(
            problem
                .to_string()
                .ends_with("/token: it gives no token that a header can hold"),
            "{text}: {problem}"
        );
    }
}

#[test]
fn what_nobody_can_meet_is_a_401() {
    for challenge in ["Negotiate", "Basic realm=\"r\"", "", "Bearer realm=\"cut"] {
        let server =
            Upstream::with(move |_| refusal(401, "").header("www-authenticate", challenge));
        let problem = problem(remote(server.addr(), "a/b:1").root());
        assert!(
            matches!(
                problem,
                Error::Unauthorized {
                    with_credentials: false,
                    ..
                }
            ),
            "{challenge}: {problem}"
        );
        assert_eq!(server.count(), 1, "{challenge}");
    }
}

#[test]
fn a_realm_is_an_address_of_the_registrys_kind() {
    for realm in [
        "file:///etc/passwd",
        "//elsewhere/token",
        "ftp://elsewhere",
        "token",
    ] {
        let challenge = format!("Bearer realm=\"{realm}\"");
        let server =
            Upstream::with(move |_| refusal(401, "").header("www-authenticate", &challenge));
        let problem = problem(remote(server.addr(), "a/b:1").root());
        assert!(
            matches!(problem, Error::Protocol { .. }),
            "{realm}: {problem}"
        );
    }
}

#[test]
fn what_the_registry_grants_is_shown_to_nobody_it_redirects_to() {
    let store = Upstream::with(|_| Answer::status(200).body("hello"));
    // The same machine under another name is another host.
    let there = format!("http://localhost:{}/blob", store.addr().port());
    let server = Upstream::with(move |request| match shown(&request) {
        None => refusal(401, "").header("www-authenticate", "Basic realm=\"r\""),
        Some(_) => Answer::status(307).header("location", &there),
    });
    let (_login, source) = logged_in(server.addr(), &json!({ "auth": "bWU6cHc=" }));

    assert_eq!(source.blob(&nothing(), 5).unwrap(), b"hello");
    assert_eq!(shown(&server.requests()[1]), Some("Basic bWU6cHc="));
    assert_eq!(shown(&store.requests()[0]), None);
}

#[test]
fn a_push_asks_for_the_right_to_push_and_shows_it_to_the_registry_alone() {
    let store = Upstream::with(|_| Answer::status(201));
    let there = format!("http://localhost:{}/upload?state=s", store.addr().port());
    let server = Upstream::with(move |request| {
        let accepted = shown(&request) == Some("Bearer t");
        match request.method.as_str() {
            _ if request.path.starts_with("/token") => {
                Answer::json(&json!({ "access_token": "t" }))
            }
            _ if !accepted => challenge(&request),
            "HEAD" => Answer::status(404),
            "POST" => Answer::status(202).header("location", &there),
            _ => Answer::status(201),
        }
    });

    let pushed = push(&image(b"x"), &remote(server.addr(), "a/b:1")).unwrap();

    assert_eq!((pushed.sent, pushed.present), (3, 0));
    let token = "/token?scope=repository:a/b:pull,push&service=the%20registry";
    let paths = paths(&server);
    assert_eq!(
        paths
            .iter()
            .filter(|path| path.starts_with("/token"))
            .collect::<Vec<_>>(),
        [token]
    );
    let stored = store.requests();
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|request| shown(request).is_none()));
    let digest = image(b"x").layers()[0].digest();
    assert_eq!(stored[1].path, format!("/upload?state=s&digest={digest}"));
    assert_eq!(stored[1].body, b"x");
}

#[test]
fn who_may_only_read_is_told_so() {
    let server = Upstream::with(|request| match request.method.as_str() {
        "HEAD" => Answer::status(404),
        _ => refusal(403, "").but(403),
    });

    let problem = push(&image(b"x"), &remote(server.addr(), "a/b:1"))
        .unwrap_err()
        .to_string();

    assert!(
        problem.contains("/blobs/uploads/: 403, this account may not push to the repository"),
        "{problem}"
    );
}
