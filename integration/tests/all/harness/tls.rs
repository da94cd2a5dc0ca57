//! Mutual TLS: a listener knows its clients by their certificates.

use integration::client::Client;
use integration::envoy::Envoy;
use integration::listener::{Clients, Listener, bootstrap};
use integration::tls::{Authority, Names, Tls};

use crate::harness::SOON;

#[test]
fn clients_are_known_by_their_certificates() {
    let authority = Authority::new("ours");
    let stranger = Authority::new("theirs");
    let server = authority.issue(&Names::none().dns("localhost").dns("app.example"));
    let listener = |name: &str, clients| {
        Listener::new(name)
            .tls(&server, &authority.pem(), clients)
            .log("uris", "%DOWNSTREAM_PEER_URI_SAN%")
            .log("subject", "%DOWNSTREAM_PEER_SUBJECT%")
            .log("asked", "%REQUESTED_SERVER_NAME%")
    };
    let listeners = [
        listener("strict", Clients::Certified),
        listener("lax", Clients::Any),
    ];
    let envoy = Envoy::builder(bootstrap(listeners, []))
        .args(["--file-flush-interval-msec", "20"])
        .start();

    let sleep = authority.issue(&Names::spiffe("cluster.local/ns/a/sa/sleep").common_name("s"));
    let trusting = Tls::trusting(authority.pem());
    let shown = trusting.clone().showing(&sleep).server("app.example");
    for (path, client) in [
        ("/http1", Client::http1(envoy.addr("strict"))),
        ("/http2", Client::http2(envoy.addr("strict"))),
    ] {
        assert_eq!(client.tls(shown.clone()).get(path).send().status, 200);
        let line = envoy.wait_log(path, SOON);
        for part in [
            "spiffe://cluster.local/ns/a/sa/sleep",
            "CN=s",
            "app.example",
        ] {
            assert!(line.contains(part), "`{part}` in {line}");
        }
    }

    let strange = stranger.issue(&Names::spiffe("cluster.local/ns/a/sa/sleep"));
    let strange = trusting.clone().showing(&strange);
    for (listener, tls, served) in [
        ("strict", &trusting, false),
        ("strict", &strange, false),
        ("lax", &trusting, true),
        ("lax", &strange, false),
        ("lax", &shown, true),
    ] {
        let client = Client::http1(envoy.addr(listener)).tls(tls.clone());
        let answer = client.get("/").try_send();
        assert_eq!(answer.is_ok(), served, "{listener} {tls:?}: {answer:?}");
    }
    let distrusting = Tls::trusting(stranger.pem()).showing(&sleep);
    let answer = Client::http1(envoy.addr("lax"))
        .tls(distrusting)
        .get("/")
        .try_send();
    assert!(answer.is_err(), "{answer:?}");
}
