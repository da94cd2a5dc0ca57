//! Registries that do not let in everybody, or that want TLS.

use integration::envoy::Scratch;
use integration::service::Service;
use integration::tls::{Authority, Names};
use oci::Source;
use oci::registry::{Error, Options, Reference, Remote, push};
use serde_json::json;

use super::{at, image, logged_in, options, remote};

/// `me`, whose password is `open sesame`.
pub(super) const ACCOUNTS: &str =
    "me:$2b$04$mesh.filters.tests.eaOxNPKxxyN.xaUd0mT4LYi8vyD2PwLgKi\n";
/// Both as `docker login` writes them.
const AUTH: &str = "bWU6b3BlbiBzZXNhbWU=";

#[test]
fn without_an_account_one_is_told_to_log_in() {
    let registry = Service::registry_with_accounts(ACCOUNTS);
    let problem = push(&image(b"x"), &remote(registry.addr(), "a/b:1")).unwrap_err();
    let expected = format!(
        "401, it wants credentials, and Docker's configuration has none for it: `docker login {}`",
        registry.addr()
    );
    assert!(problem.to_string().contains(&expected), "{problem}");
}

#[test]
fn what_docker_login_wrote_lets_in() {
    let registry = Service::registry_with_accounts(ACCOUNTS);
    let (_login, remote) = logged_in(registry.addr(), &json!({ "auth": AUTH }));

    push(&image(b"x"), &remote).unwrap();

    let found = remote.root().unwrap();
    assert_eq!(found.bytes, image(b"x").manifest().bytes());
}

#[test]
fn a_wrong_password_is_said_and_not_shown() {
    let registry = Service::registry_with_accounts(ACCOUNTS);
    let account = json!({ "username": "me", "password": "hush hush" });
    let (_login, remote) = logged_in(registry.addr(), &account);

    let problem = push(&image(b"x"), &remote).unwrap_err();

    assert!(
        matches!(
            problem,
            Error::Unauthorized {
                with_credentials: true,
                ..
            }
        ),
        "{problem}"
    );
    for text in [problem.to_string(), format!("{problem:?} {remote:?}")] {
        assert!(!text.contains("hush"), "{text}");
    }
}

#[test]
fn tls_is_trusted_as_far_as_it_is_vouched_for() {
    let authority = Authority::new("of the registry");
    let issued = authority.issue(&Names::none().dns("localhost"));
    let registry = Service::registry_with_tls(&issued);
    let folder = Scratch::new().unwrap();
    let ca = folder.write("ca.pem", &authority.pem()).unwrap();
    let other = folder
        .write("other.pem", &Authority::new("another").pem())
        .unwrap();
    let reference: Reference = format!("oci://localhost:{}/a/b:1", registry.addr().port())
        .parse()
        .unwrap();
    let pushed = |ca| {
        let options = Options { ca, ..options() };
        push(&image(b"x"), &Remote::new(reference.clone(), options)?)
    };

    pushed(Some(ca)).unwrap();

    let strange = pushed(Some(other)).unwrap_err().to_string();
    assert!(
        strange.ends_with(
            "nothing here vouches for the registry: name the file of its authority (`--ca`)"
        ),
        "{strange}"
    );
    let plain = pushed(None).unwrap_err().to_string();
    let says =
        ": 400, the registry refuses; if it speaks TLS, name the file of its authority (`--ca`)";
    assert!(plain.ends_with(says), "{plain}");
}

#[test]
fn a_registry_without_tls_is_told_from_one_with() {
    let registry = Service::registry();
    let folder = Scratch::new().unwrap();
    let ca = folder
        .write("ca.pem", &Authority::new("any").pem())
        .unwrap();
    let options = Options {
        ca: Some(ca),
        ..options()
    };
    let remote = Remote::new(at(registry.addr(), "a/b:1"), options).unwrap();

    let problem = push(&image(b"x"), &remote).unwrap_err().to_string();

    assert!(
        problem.ends_with("it does not speak TLS: allow plain HTTP (`--plain-http`)"),
        "{problem}"
    );
}

#[test]
fn a_file_of_certificates_has_some() {
    let folder = Scratch::new().unwrap();
    let empty = folder.write("empty.pem", "no certificate").unwrap();
    for (file, what) in [
        (empty, "there is no certificate in it"),
        ("/no/such.pem".into(), "No such file"),
    ] {
        let options = Options {
            ca: Some(file.clone()),
            ..options()
        };
        let problem = Remote::new("r.example/a".parse().unwrap(), options)
            .unwrap_err()
            .to_string();
        assert!(
            problem.starts_with(&format!("{}: {what}", file.display())),
            "{problem}"
        );
    }
}
