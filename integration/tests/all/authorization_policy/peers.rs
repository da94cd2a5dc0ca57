//! Who asks: over plaintext, or with a certificate of each kind.

use std::sync::LazyLock;

use integration::tls::{Authority, Issued, Names, Tls};

/// One authority and one server for all tests of this program.
pub(crate) struct World {
    pub(crate) authority: String,
    pub(crate) server: Issued,
    /// Certificates by what is special about them.
    pub(crate) peers: Vec<(&'static str, Tls)>,
}

/// The principals that policies are made to name.
pub(crate) const SLEEP: &str = "cluster.local/ns/default/sa/sleep";
pub(crate) const HTTPBIN: &str = "td2/ns/foo/sa/httpbin";

/// A peer whose one URI looks like two where they are joined by commas.
pub(crate) const COMMA: &str = "a URI with a comma";

impl World {
    /// How many peers come first of which nothing special is told in `differences.rs`.
    pub(crate) fn ordinary(&self) -> usize {
        self.peers.len() - 1
    }

    /// A peer by what is special about it; none is plaintext.
    pub(crate) fn peer(&self, what: Option<&str>) -> Option<&Tls> {
        let what = what?;
        let found = self.peers.iter().find(|(known, _)| *known == what);
        Some(&found.unwrap_or_else(|| panic!("no peer is `{what}`")).1)
    }
}

pub(crate) static WORLD: LazyLock<World> = LazyLock::new(|| {
    let authority = Authority::new("mesh");
    let server = authority.issue(&Names::none().dns("localhost").dns("app.example"));
    let tls = Tls::trusting(authority.pem());
    let peers = [
        ("no certificate", None),
        ("one URI", Some(Names::spiffe(SLEEP))),
        ("another URI", Some(Names::spiffe(HTTPBIN))),
        (
            "two URIs",
            Some(
                Names::spiffe("other.domain/ns/bar/sa/first")
                    .uri("spiffe://cluster.local/ns/default/sa/sleep"),
            ),
        ),
        (
            "a URI, DNS names and a subject",
            Some(
                Names::spiffe("cluster.local/ns/foo/sa/web")
                    .dns("web.foo.example")
                    .dns("sleep")
                    .common_name("web"),
            ),
        ),
        (
            "DNS names alone",
            Some(Names::none().dns("web.example").dns("sleep.default")),
        ),
        (
            "a subject alone",
            Some(Names::none().common_name("spiffe://cluster.local/ns/default/sa/sleep")),
        ),
        (
            "a URI that is no identity",
            Some(Names::none().uri("https://example.com/ns/default/x")),
        ),
        (
            "an identity with more in it",
            Some(Names::spiffe(
                "cluster.local/region/x/ns/default/zone/y/sa/sleep/extra",
            )),
        ),
        ("no name", Some(Names::none())),
        (
            COMMA,
            Some(Names::none().uri("spiffe://x/y,spiffe://cluster.local/ns/default/sa/sleep")),
        ),
    ]
    .map(|(what, names)| match names {
        None => (what, tls.clone()),
        Some(names) => (what, tls.clone().showing(&authority.issue(&names))),
    });
    World {
        authority: authority.pem(),
        server,
        peers: peers.into(),
    }
});
