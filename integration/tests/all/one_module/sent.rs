//! Requests out of a seed, made of what the configurations look at.

use fastrand::Rng;
use integration::client::Request;

use crate::one_module::configurations::Kind;
use crate::one_module::pick::{once_in, one};
use crate::one_module::service::{ANSWERS, ASKED};
use crate::one_module::tokens::TOKENS;

/// A request, and how it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) request: Request,
    pub(crate) http2: bool,
    /// Its `x-request-id`, by which its line of the log and its span are found.
    pub(crate) id: String,
}

/// Headers and the values that they may have: what clients may send, and what only filters should.
const HEADERS: &[(&str, usize, &[&str])] = &[
    ("x-key", 2, &["one", "two"]),
    ("x-plan", 5, &["gold", "bronze"]),
    ("x-sub", 5, &["forged"]),
    ("x-custom", 5, &["forged"]),
    ("x-payload", 8, &["forged"]),
    ("cookie", 3, &["session=one", "a=b; session=two"]),
    ("x-cost", 6, &["1", "2", "9", "none"]),
    ("x-fault", 5, &["yes"]),
    ("x-envoy-fault-abort-request", 8, &["418", "503", "none"]),
    ("x-envoy-fault-delay-request", 8, &["3", "-1"]),
    ("x-envoy-fault-abort-grpc-request", 12, &["7"]),
    ("x-tenant", 3, &["acme", "a\"]b", "third", "caf\u{e9}"]),
    ("x-echo-status", 8, &["503", "404", "204"]),
    (
        "x-echo-header",
        8,
        &["x-ratelimit-remaining=7", "x-down=up", "set-cookie=a=b"],
    ),
    ("x-forwarded-for", 6, &["10.1.2.3", "192.0.2.7, 10.1.2.4"]),
];

/// The request with this number of a configuration.
pub(crate) fn sent(dice: &mut Rng, configuration: usize, number: usize, kind: Kind) -> Sent {
    let http2 = once_in(dice, 3);
    let id = format!("{configuration:08x}-{number:04x}-4000-8000-000000000000");
    let mut path = (*one(
        dice,
        &[
            "/",
            "/a",
            "/a/b?x=1",
            "/a?token=none",
            "/admin",
            "/admin/x",
            "/b.png",
            "/orders/7/items",
            "/b",
        ],
    ))
    .to_owned();
    let mut tokens = Vec::new();
    // Envoy's filter judges several in another order.
    let most = if kind == Kind::Native { 1 } else { 2 };
    for _ in 0..most {
        if dice.bool() {
            // Mostly one that is good somewhere.
            let good = dice.usize(..8);
            let other = dice.usize(..TOKENS.len());
            let which = if once_in(dice, 3) { other } else { good };
            tokens.push(&TOKENS[which]);
        }
    }
    let mut headers: Vec<(&str, String)> = Vec::new();
    for (place, token) in tokens.into_iter().enumerate() {
        match (place, dice.u8(..4)) {
            (0, 0) => headers.push(("x-jwt", token.clone())),
            (0, 1) => path = format!("/a?token={token}&x=1"),
            (0, _) => headers.push(("authorization", format!("Bearer {token}"))),
            _ => headers.push(("x-jwt", token.clone())),
        }
    }
    let mut request = request(dice, &path, http2)
        .authority(if once_in(dice, 6) {
            "other.example"
        } else {
            "app.example"
        })
        .header("x-request-id", &id)
        .header(ASKED, one(dice, &ANSWERS));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    for (name, times, values) in HEADERS {
        if once_in(dice, *times) {
            request = request.header(name, one(dice, values));
        }
    }
    Sent { request, http2, id }
}

fn request(dice: &mut Rng, path: &str, http2: bool) -> Request {
    match dice.u8(..12) {
        0 => Request::post(path, "body"),
        1 => Request::new("DELETE", path),
        2 => Request::new("HEAD", path),
        3 if http2 => Request::grpc(path, b"ping"),
        4 => Request::new("OPTIONS", path)
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST"),
        5 => Request::new("PUT", path),
        _ => Request::get(path),
    }
}
