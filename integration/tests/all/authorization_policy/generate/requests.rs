//! Requests that meet those policies, or miss them by little.

use std::sync::LazyLock;

use fastrand::Rng;
use integration::client::Request;
use serde_json::json;

use super::{once_in, one};
use crate::authorization_policy::tokens;

/// A request, and how it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    pub(crate) request: Request,
    pub(crate) http2: bool,
    /// The place of its peer among those with TLS; none is plaintext.
    pub(crate) peer: Option<usize>,
}

pub(super) const PATHS: &[&str] = &[
    "/",
    "/a",
    "/a/b",
    "/a/b/",
    "/A",
    "/ab",
    "/a/x/b",
    "/a/*/b",
    "/a/x/c",
    "/admin",
    "/admin/",
    "/x.txt",
    "/foo",
    "/foo/",
    "/foo/bar",
    "/foo/bar/",
    "/foo/a/b",
    "/foo/%20",
    "/foo/*",
    "/x/b/c",
    "/x/path",
    "//path",
    "/path",
    "//a",
    "/a//b",
    "/./a",
    "/x/../a",
    "/a/..",
    "/%61",
    "/a%2fb",
    "/a%2Fb",
    "/a%5cb",
    "/a\\b",
    "/a;v=1",
    "/a/;/b",
    "/a?q=1",
    "/a?q=/b",
    "/?/a",
    "/foo/\"x\"",
    "/foo/{x}",
    "/foo/[x]",
    "/foo/|",
    "/a%",
    "/%zz",
    "/foo/%c3%a9",
    "/a%3fb",
    "/a%23b",
];
pub(super) const METHODS: &[&str] = &[
    "GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "get",
];
pub(super) const HOSTS: &[&str] = &[
    "example.com",
    "EXAMPLE.com",
    "example.com:8080",
    "example.com:80",
    "a.example.com",
    "A.Example.Com",
    "example.org",
    "app",
    "app:1",
];
pub(super) const FORWARDED: &[&str] = &[
    "10.1.2.3",
    "10.1.2.2",
    "203.0.113.7, 10.1.2.3",
    "10.1.2.3, 203.0.113.7",
    "1.1.1.1,10.9.9.9,203.0.113.7",
    "2001:db8::1",
    "::ffff:10.1.2.3",
    "10.1.2.3:80",
    "[2001:db8::1]",
    "unknown",
    "",
    " 10.1.2.3 ",
    "127.0.0.1",
    "10.1.2.3,",
    "010.1.2.3",
];
pub(super) const VALUES: &[&[u8]] = &[
    b"1",
    b"2",
    b"1,2",
    b"a",
    b"A",
    b"",
    b"12",
    b"caf\xe9",
    b"\xff\xfe",
    b"*",
    b" 1 ",
    b"\xc3\xa9",
];

pub(super) static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let full = json!({
        "iss": "https://issuer.example", "sub": "alice", "aud": ["a", "web"], "azp": "web",
        "groups": ["dev", "ops"], "scope": "read write", "permission": "admin", "a.b": "dotted",
        "nested": {"role": "admin", "list": ["x", "y"], "deep": {"er": "dev"}},
        "number": 5, "flag": true, "mixed": ["dev", 5, null, ["ops"], {"x": "x"}], "lines": "line\nline",
    });
    let mut all = vec![full.clone()];
    for (claim, value) in [
        ("sub", json!("")),
        ("sub", json!("a/b")),
        ("iss", json!("other")),
        ("iss", json!("issuer")),
        ("aud", json!("a")),
        ("groups", json!("dev")),
        ("groups", json!([])),
        ("scope", json!(["read write"])),
        ("nested", json!("admin")),
        ("nested", json!(["x"])),
        ("a", json!({"b": "dev"})),
        ("mixed", json!([1, 2])),
        ("none", json!(null)),
        ("groups", json!(["é", ""])),
        ("lines", json!("")),
    ] {
        let mut payload = full.clone();
        payload[claim] = value;
        all.push(payload);
    }
    for claim in ["sub", "iss", "groups"] {
        let mut payload = full.clone();
        payload.as_object_mut().unwrap().remove(claim);
        all.push(payload);
    }
    all.push(json!({"iss": "other", "sub": "bob"}));
    all.push(json!({"iss": "issuer", "sub": ""}));
    all.push(json!({}));
    all.iter().map(tokens::bearer).collect()
});

/// A request from one of so many peers.
pub(crate) fn drawn(dice: &mut Rng, peers: usize) -> Drawn {
    let http2 = once_in(dice, 3);
    let path = one(dice, PATHS);
    let mut request = if once_in(dice, 8) {
        Request::grpc(
            one(dice, &["/pkg.Service/Method", "/pkg.Service/Other", "/a"]),
            b"ping",
        )
    } else {
        Request::new(one(dice, METHODS), path)
    };
    request = request.authority(one(dice, HOSTS));
    for name in ["x-a", "x-b", "x-a", "cookie", "user-agent"] {
        if once_in(dice, 3) {
            request = request.header(name, VALUES[dice.usize(..VALUES.len())]);
        }
    }
    if once_in(dice, 3) {
        request = request.header("x-forwarded-for", one(dice, FORWARDED));
        if once_in(dice, 3) {
            request = request.header("x-forwarded-for", one(dice, FORWARDED));
        }
    }
    if once_in(dice, 2) {
        request = request.header("authorization", &TOKENS[dice.usize(..TOKENS.len())]);
    }
    Drawn {
        request,
        http2,
        peer: dice.bool().then(|| dice.usize(..peers)),
    }
}
