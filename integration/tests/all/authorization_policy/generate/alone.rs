//! Every value of every field by itself, with every request that it could tell from another.

use integration::client::Request;
use serde_json::{Value, json};

use super::policies::{
    ACCOUNTS, BLOCKS, CLAIM_KEYS, CLAIM_VALUES, DOMAINS, HEADER_KEYS, HEADER_VALUES, HOSTS,
    METADATA_KEYS, METADATA_VALUES, METHODS, NAMESPACES, PATHS, PRINCIPALS, REQUEST_PRINCIPALS,
    SERVER_NAMES,
};
use super::requests::{self, Drawn, TOKENS, VALUES};

/// What a condition is about, and with it which requests it can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    Peer,
    Path,
    Host,
    Method,
    Header,
    Token,
    Address,
    Note,
}

/// A rule of one condition.
#[derive(Debug)]
pub(crate) struct Alone {
    pub(crate) about: About,
    pub(crate) rule: Value,
}

/// All of them.
pub(crate) fn conditions() -> Vec<Alone> {
    let mut all = Vec::new();
    let fields: [(About, &str, &str, &[&str]); 10] = [
        (About::Peer, "from", "principals", PRINCIPALS),
        (About::Peer, "from", "namespaces", NAMESPACES),
        (About::Peer, "from", "serviceAccounts", ACCOUNTS),
        (About::Peer, "from", "trustDomains", DOMAINS),
        (
            About::Token,
            "from",
            "requestPrincipals",
            REQUEST_PRINCIPALS,
        ),
        (About::Address, "from", "ipBlocks", BLOCKS),
        (About::Address, "from", "remoteIpBlocks", BLOCKS),
        (About::Host, "to", "hosts", HOSTS),
        (About::Method, "to", "methods", METHODS),
        (About::Path, "to", "paths", PATHS),
    ];
    for (about, side, field, values) in fields {
        let inner = if side == "from" {
            "source"
        } else {
            "operation"
        };
        for value in values {
            let rule = json!({side: [{inner: {field: [value]}}]});
            all.push(Alone { about, rule });
        }
    }
    let keys: [(About, &[&str], &[&str]); 10] = [
        (About::Header, HEADER_KEYS, HEADER_VALUES),
        (About::Token, CLAIM_KEYS, CLAIM_VALUES),
        (About::Note, METADATA_KEYS, METADATA_VALUES),
        (About::Peer, &["source.principal"], PRINCIPALS),
        (About::Peer, &["source.namespace"], NAMESPACES),
        (About::Peer, &["source.serviceAccount"], ACCOUNTS),
        (About::Peer, &["source.trustDomain"], DOMAINS),
        (
            About::Token,
            &["request.auth.principal"],
            REQUEST_PRINCIPALS,
        ),
        (
            About::Address,
            &["source.ip", "remote.ip", "destination.ip"],
            BLOCKS,
        ),
        (About::Peer, &["connection.sni"], SERVER_NAMES),
    ];
    for (about, keys, values) in keys {
        for (index, key) in keys.iter().enumerate() {
            // Each key with each value would be a thousand; each with a few, and each value with some.
            let some = values.iter().enumerate().filter(|(place, value)| {
                keys.len() < 4 || **value == "*" || (place + index) % 3 == 0
            });
            for (_, value) in some {
                let rule = json!({"when": [{"key": key, "values": [value]}]});
                all.push(Alone { about, rule });
            }
        }
    }
    all
}

/// Requests that a condition about this could tell apart, from so many peers.
pub(crate) fn requests(about: About, peers: usize) -> Vec<Drawn> {
    let plain = |request: Request| Drawn {
        request,
        http2: false,
        peer: None,
    };
    let get = || Request::get("/a").authority("example.com");
    match about {
        About::Peer => (0..peers)
            .map(Some)
            .chain([None])
            .map(|peer| Drawn {
                peer,
                ..plain(get())
            })
            .collect(),
        About::Path => requests::PATHS
            .iter()
            .map(|path| plain(Request::get(path)))
            .collect(),
        About::Host => requests::HOSTS
            .iter()
            .flat_map(|host| {
                [false, true].map(|http2| Drawn {
                    http2,
                    ..plain(Request::get("/").authority(host))
                })
            })
            .collect(),
        About::Method => requests::METHODS
            .iter()
            .map(|method| plain(Request::new(method, "/")))
            .collect(),
        About::Header => headers().into_iter().map(plain).collect(),
        About::Token => TOKENS
            .iter()
            .map(|token| plain(get().header("authorization", token)))
            .chain([plain(get())])
            .collect(),
        About::Address => requests::FORWARDED
            .iter()
            .map(|forwarded| plain(get().header("x-forwarded-for", forwarded)))
            .chain([plain(get())])
            .collect(),
        About::Note => vec![plain(get())],
    }
}

fn headers() -> Vec<Request> {
    let get = || Request::get("/a").authority("example.com");
    let mut all = vec![
        get(),
        Request::post("/a?q=1", "").authority("EXAMPLE.com"),
        Request::grpc("/a", b"ping"),
        Request::post("/a", "body").header("te", "trailers"),
        get().header("authorization", "Bearer x"),
        get()
            .header("accept-encoding", "1")
            .header("accept-encoding", "2"),
        get().header("x-a", "1").header("x-a", "2"),
        get().header("cookie", "1").header("cookie", "2"),
        get().header("user-agent", "1").header("user-agent", "2"),
        get()
            .header("x-forwarded-for", "10.1.2.3")
            .header("x-forwarded-for", "1"),
    ];
    for name in ["x-a", "x-b", "user-agent", "cookie"] {
        all.extend(VALUES.iter().map(|value| get().header(name, value)));
    }
    all
}
