//! What an attacker may send: no VM dies of it, and the next good request is served.

use integration::client::Client;
use integration::envoy::Envoy;
use integration::hostile;
use integration::jwt::{Algorithm, Key, broken, jwks};
use integration::listener::bootstrap;
use serde_json::{Value, json};

use crate::request_authentication::differential::good_claims;
use crate::request_authentication::rules::A;
use crate::request_authentication::{assert_serves, ours};

/// Rules that look everywhere, and write what they find.
fn nosy(keys: &[Key]) -> Value {
    let jwks = jwks(keys).to_string();
    let outputs = json!([
        {"header": "x-sub", "claim": "sub"},
        {"header": "x-deep", "claim": "a.b.c.d"},
        {"header": "x-groups", "claim": "groups"},
    ]);
    json!([
        {"name": "all", "issuer": A, "jwks": jwks, "outputPayloadToHeader": "x-payload",
         "fromHeaders": [{"name": "authorization", "prefix": "Bearer "}, {"name": "x-jwt"}, {"name": "x-odd", "prefix": "\u{fc}"}],
         "fromParams": ["token", "t"], "fromCookies": ["session", "s"], "outputClaimToHeaders": outputs},
        {"name": "second", "issuer": "b", "jwks": jwks, "fromHeaders": [{"name": "x-jwt"}, {"name": "x-b", "prefix": "a"}],
         "outputClaimToHeaders": outputs},
    ])
}

fn start(key: &Key) -> Envoy {
    let listener = hostile::admit(ours(&nosy(std::slice::from_ref(key))));
    Envoy::builder(bootstrap([listener], [])).start()
}

#[test]
fn hostile_requests_leave_a_good_one_served() {
    let key = Key::new(Algorithm::Es256, "hostile");
    let good = key.token(&good_claims());
    let envoy = start(&key);
    let addr = envoy.addr("ours");
    let long = vec![b'a'; 64 * 1024];
    let dots = vec![b'.'; 64 * 1024];
    let mut claims = good_claims();
    claims["long"] = json!("x".repeat(48 * 1024));
    let long_token = key.token(&claims);

    let names = [
        "authorization",
        "x-jwt",
        "x-odd",
        "x-b",
        "cookie",
        "x-sub",
        "x-envoy-original-path",
        "origin",
        "content-type",
    ];
    let beginnings: Vec<String> = names
        .iter()
        .flat_map(|name| [format!("{name}: "), format!("{name}: Bearer ")])
        .collect();
    let beginnings: Vec<&str> = beginnings.iter().map(String::as_str).collect();
    let tokens = [
        &b"\xff.\xff.\xff"[..],
        b"eyJ\xff.e30.AA",
        b"\xc3\xbceyJ.e30.AA",
        b".",
        b"=",
        b"a=b; session; =; session=\"; session=\"\"; s=\xff",
        &long,
        &dots,
        long_token.as_bytes(),
    ];
    hostile::values(addr, "/any", &beginnings, &tokens);
    assert_serves(&envoy, &good);
    hostile::targets(addr, "/any");
    assert_serves(&envoy, &good);

    for query in [
        "?token",
        "?token=",
        "?=&==&token&t",
        "?token=%",
        "?token=%f",
        "?token=%ff%fe",
        "?token=%00",
        "?token=%2e%2e",
        "?&&&&",
        "?token=a.b.c&token=d.e.f",
        "?%74oken=a.b.c",
        "?t=%25%25%25",
        "?token=+",
    ] {
        hostile::send(addr, format!("GET /any{query} HTTP/1.1\r\n").as_bytes());
    }
    for value in [
        &long[..],
        &dots,
        long_token.as_bytes(),
        "%2e".repeat(20_000).as_bytes(),
    ] {
        hostile::send(
            addr,
            &[b"GET /any?token=", value, b" HTTP/1.1\r\n"].concat(),
        );
    }
    let many: Vec<String> = (0..5_000).map(|n| format!("t{n}=x")).collect();
    hostile::send(
        addr,
        format!("GET /any?{} HTTP/1.1\r\n", many.join("&")).as_bytes(),
    );
    assert_serves(&envoy, &good);

    // The same header a thousand times, a thousand cookies, and a thousand good tokens at once.
    for value in ["a.b.c", good.as_str()] {
        let count = if value.len() > 10 { 400 } else { 1_000 };
        let same = format!("x-jwt: {value}\r\n").repeat(count);
        hostile::send(addr, format!("GET /any HTTP/1.1\r\n{same}").as_bytes());
    }
    let cookies = "session=a.b.c; ".repeat(4_000);
    hostile::send(
        addr,
        format!("GET /any HTTP/1.1\r\ncookie: {cookies}\r\n").as_bytes(),
    );
    assert_serves(&envoy, &good);
}

/// HTTP/2 carries bytes that HTTP/1 parsers stop at.
#[test]
fn hostile_headers_over_http2() {
    let key = Key::new(Algorithm::Es256, "hostile");
    let envoy = start(&key);
    let client = Client::http2(envoy.addr("ours"));
    for bad in [
        &b"\xff\xfe"[..],
        b"\x80",
        b"caf\xe9 \xc3",
        b"Bearer \xff",
        b"Bearer \x80.\x80.\x80",
    ] {
        for name in ["authorization", "x-jwt", "x-odd", "cookie", "x-payload"] {
            let _ = client.get("/any").header(name, bad).try_send();
        }
    }
    assert_serves(&envoy, &key.token(&good_claims()));
}

/// Every broken token, at every place, for a key of each kind, by a filter whose keys are others.
#[test]
fn broken_tokens_at_every_place() {
    let key = Key::new(Algorithm::Es256, "hostile");
    let envoy = start(&key);
    let client = Client::http1(envoy.addr("ours")).connect();
    let tokens = broken(&key, &good_claims());
    let carried = |token: &str| {
        token
            .bytes()
            .all(|byte| (b'!'..=b'~').contains(&byte) && byte != b'"')
    };
    for broken in tokens
        .iter()
        .filter(|broken| carried(&broken.token) && broken.token.len() < 8_000)
    {
        let token = &broken.token;
        let requests = [
            Client::http1(envoy.addr("ours"))
                .get("/")
                .header("x-jwt", token),
            Client::http1(envoy.addr("ours"))
                .get("/")
                .header("cookie", format!("session={token}")),
            Client::http1(envoy.addr("ours"))
                .get(&format!("/?token={}", token.replace('%', "%25"))),
        ];
        for request in requests {
            let status = client.send(request.request()).status;
            assert!(
                [200, 401, 403].contains(&status),
                "{}: {status}",
                broken.name
            );
        }
    }
    assert_serves(&envoy, &key.token(&good_claims()));
}
