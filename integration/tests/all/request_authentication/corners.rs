//! Where ours is meant to differ from Envoy's own filter in what it does to a request.

use std::time::Duration;

use integration::client::{Client, Request, raw};
use integration::jwt::{Algorithm, Key};
use integration::listener::Listener;
use integration::shared::Shared;
use serde_json::{Value, json};

use crate::request_authentication::differential::good_claims;
use crate::request_authentication::pairs::Pairs;
use crate::request_authentication::rules::{A, Place, Setup, all_keys, key};
use crate::request_authentication::visible::Visible;

fn pairs(name: &'static str, fields: Value) -> Pairs {
    let mut rule = json!({"issuer": A, "jwks": all_keys(A).to_string()});
    for (field, value) in fields.as_object().unwrap() {
        rule[field] = value.clone();
    }
    Pairs::start(vec![Setup {
        name,
        rules: json!([rule]),
        places: Vec::<Place>::new(),
    }])
}

fn signer() -> Key {
    key(A, Algorithm::Es256)
}

/// The answers of Envoy's filter and of ours.
fn ask(pairs: &Pairs, request: Request) -> (Visible, Visible) {
    let pair = pairs.ask_first(request);
    (pair.theirs, pair.ours)
}

fn path(seen: &Visible) -> &str {
    &seen.upstream.as_ref().unwrap().path
}

/// Envoy decodes what it leaves of a query, sorts it, and does not encode it again, so that a value
/// may become another parameter. Ours takes out the one and leaves every other byte alone.
#[test]
fn a_query_keeps_its_other_bytes() {
    let pairs = pairs("query", json!({}));
    let token = signer().token(&good_claims());
    // `@` is where the token stands.
    for (query, native, ours) in [
        ("z=1&access_token=@&a=2", "/path?a=2&z=1", "/path?z=1&a=2"),
        (
            "a=%26b%3D1&access_token=@",
            "/path?a=&b=1",
            "/path?a=%26b%3D1",
        ),
        (
            "access_token=@&a=x%2520y",
            "/path?a=x%20y",
            "/path?a=x%2520y",
        ),
        ("access_token=@", "/path", "/path"),
        ("access_token=@&a&b=", "/path?a=&b=", "/path?a&b="),
    ] {
        let request = Request::get(&format!("/path?{}", query.replace('@', &token)));
        let (theirs, mine) = ask(&pairs, request);
        assert_eq!((path(&theirs), path(&mine)), (native, ours), "{query}");
    }
    // A blank or a line's end in a path is no request any more.
    let request = Request::get(&format!("/path?access_token={token}&a=x%0d%0ay"));
    let (theirs, mine) = ask(&pairs, request);
    assert_eq!(theirs.status, 503);
    assert_eq!(path(&mine), "/path?a=x%0d%0ay");
}

/// A claim that no header can carry: Envoy answers 503, ours goes on without the header.
#[test]
fn a_claim_that_no_header_can_carry_is_left_out() {
    let outputs = json!([{"header": "x-sub", "claim": "sub"}, {"header": "x-foo", "claim": "foo"}]);
    let pairs = pairs("illegal", json!({"outputClaimToHeaders": outputs}));
    for odd in ["a\r\nx-admin: 1", "a\nb", "a\rb", "a\0b", "a\u{7f}b"] {
        let mut claims = good_claims();
        claims["sub"] = json!(odd);
        let bearer = format!("Bearer {}", signer().token(&claims));
        let request = Request::get("/").header("authorization", bearer);
        let (theirs, mine) = ask(&pairs, request);
        assert_eq!(theirs.status, 503, "{odd:?}");
        assert_eq!(mine.status, 200, "{odd:?}");
        assert_eq!(mine.upstream_values("x-sub"), [""; 0]);
        assert_eq!(mine.upstream_values("x-admin"), [""; 0]);
        assert_eq!(mine.upstream_values("x-foo"), ["bar"]);
    }
}

/// Envoy strips a header with the first good token in it, and then cannot see the bad one.
#[test]
fn a_bad_token_beside_a_good_one_is_seen() {
    let rule = |issuer: &str, header: &str| json!({"issuer": issuer, "jwks": all_keys(issuer).to_string(), "fromHeaders": [{"name": header}]});
    let pairs = Pairs::start(vec![Setup {
        name: "two places",
        rules: json!([rule(A, "x-a"), rule("b", "x-b")]),
        places: Vec::new(),
    }]);
    let good = signer().token(&good_claims());
    let request = Request::get("/").header("x-a", "bad").header("x-a", &good);
    let (theirs, mine) = ask(&pairs, request);
    assert_eq!((theirs.status, mine.status), (200, 401));
}

/// Several `authorization` headers are one, joined by commas, for both.
#[test]
fn repeated_authorization_is_refused_alike() {
    let pairs = pairs("repeated", json!({}));
    let (a, b) = (
        signer().token(&good_claims()),
        key(A, Algorithm::EdDsa).token(&good_claims()),
    );
    for values in [
        vec![format!("Bearer {a}"), format!("Bearer {b}")],
        vec![format!("Bearer {a}"), format!("Bearer {a}")],
        vec![format!("Basic x"), format!("Bearer {a}")],
        vec![format!("Bearer {a}"), "Basic x".to_owned()],
        vec![
            format!("Bearer {a}"),
            "Bearer x".to_owned(),
            "Bearer y".to_owned(),
        ],
    ] {
        let mut request = Request::get("/");
        for value in &values {
            request = request.header("authorization", value);
        }
        let (theirs, mine) = ask(&pairs, request);
        assert_eq!(theirs.status, mine.status, "{values:?}");
    }
}

/// An object of several claims has no order: what counts is what is in it.
#[test]
fn objects_are_the_same_when_read() {
    use base64::Engine as _;
    let outputs = json!([{"header": "x-object", "claim": "object"}]);
    let pairs = pairs("objects", json!({"outputClaimToHeaders": outputs}));
    let mut claims = good_claims();
    claims["object"] = json!({"z": 1, "a": [true, null, "é\"\\/"], "m": {"y": 2.5, "b": "x"}});
    let bearer = format!("Bearer {}", signer().token(&claims));
    let (theirs, mine) = ask(&pairs, Request::get("/").header("authorization", bearer));
    let read = |seen: &Visible| -> Value {
        let text = seen.upstream_values("x-object")[0].to_owned();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(text)
            .unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()
    };
    // 1 and 1.0 are one number.
    assert_eq!(
        read(&mine).to_string().replace(".0", ""),
        read(&theirs).to_string().replace(".0", "")
    );
    assert_eq!(read(&mine), claims["object"]);
}

/// A key that names no algorithm is still a key of one kind.
#[test]
fn a_key_verifies_what_its_kind_does() {
    let keys = |keys: Vec<Value>| json!({"jwks": json!({"keys": keys}).to_string()});
    let (es256, es384) = (signer(), key(A, Algorithm::Es384));
    let bearer =
        |token: String| Request::get("/").header("authorization", format!("Bearer {token}"));

    // To Envoy, ECDSA over P-256 is that whatever the token calls it.
    let bare = pairs("one bare key", keys(vec![es256.material()]));
    let odd = es256.token_of(r#"{"alg":"HS256"}"#, good_claims().to_string());
    let (theirs, mine) = ask(&bare, bearer(odd));
    assert_eq!((theirs.status, mine.status), (200, 401));

    // And an Ed25519 key stops at a signature that is none of its own, with the right key behind it.
    let ed25519 = key(A, Algorithm::EdDsa).material();
    let two = pairs("two bare keys", keys(vec![ed25519, es384.material()]));
    let token = es384.token_of(r#"{"alg":"ES384"}"#, good_claims().to_string());
    let (theirs, mine) = ask(&two, bearer(token));
    assert_eq!(
        theirs.outcome(),
        "401 Jwt ED25519 signature is wrong length"
    );
    assert_eq!(mine.status, 200);
}

/// A listener whose routes are these.
fn routed(listener: Listener, routes: &[Value]) -> Listener {
    let upgrades = json!([{"upgrade_type": "CONNECT"}]);
    let listener = listener.manager("upgrade_configs", upgrades);
    listener.routes(routes.to_vec())
}

fn answered(matched: Value, status: u16) -> Value {
    json!({"match": matched, "direct_response": {"status": status}})
}

/// A CONNECT has no path, so none of the rules that istiod writes for Envoy's filter is about it: a
/// bad token passes. Ours verifies whatever asks for anything.
#[test]
fn a_tunnel_is_verified_too() {
    let rules = json!([{"issuer": A, "jwks": all_keys(A).to_string()}]);
    let routes = [
        answered(json!({"connect_matcher": {}}), 200),
        answered(json!({"prefix": "/"}), 200),
    ];
    let listeners = [
        crate::request_authentication::native(&rules),
        crate::request_authentication::ours(&rules),
    ];
    let listeners = listeners.map(|listener| routed(listener, &routes));
    let envoy = Shared::start(listeners, []);
    let good = signer().token(&good_claims());
    for (request, token, native, ours) in [
        ("GET /", good.as_str(), "200", "200"),
        ("GET /", "x.y.z", "401", "401"),
        ("CONNECT a.example:80", &good, "200", "200"),
        ("CONNECT a.example:80", "x.y.z", "200", "401"),
    ] {
        for (listener, status) in [("native", native), ("ours", ours)] {
            let text = format!(
                "{request} HTTP/1.1\r\nhost: a.example:80\r\nconnection: close\r\n\
                 authorization: Bearer {token}\r\n\r\n"
            );
            let answer = raw(
                envoy.addr(listener),
                text.as_bytes(),
                Duration::from_secs(2),
            );
            let line = String::from_utf8_lossy(&answer).into_owned();
            let line = line.lines().next().unwrap_or_default();
            assert!(
                line.starts_with(&format!("HTTP/1.1 {status}")),
                "{listener}: {request} {token}: {line}"
            );
        }
    }
}

/// Envoy's filter leaves the route as it was chosen unless it is told otherwise, which istiod does at
/// gateways alone. A header that a module writes makes Envoy choose again, in a sidecar too.
#[test]
fn what_ours_writes_can_choose_the_route() {
    let outputs = json!([{"header": "x-sub", "claim": "sub"}]);
    let rules = json!([{
        "issuer": A, "jwks": all_keys(A).to_string(), "outputClaimToHeaders": outputs,
    }]);
    let of_jason = json!({
        "prefix": "/",
        "headers": [{"name": "x-sub", "string_match": {"exact": "jason"}}],
    });
    let routes = [
        answered(of_jason, 203),
        answered(json!({"prefix": "/"}), 200),
    ];
    let listeners = [
        crate::request_authentication::native(&rules),
        crate::request_authentication::ours(&rules),
    ];
    let listeners = listeners.map(|listener| routed(listener, &routes));
    let envoy = Shared::start(listeners, []);
    let bearer = format!("Bearer {}", signer().token(&good_claims()));
    let status = |listener: &str, name: &str, value: &str| {
        let call = Client::http1(envoy.addr(listener)).get("/");
        call.header(name, value).send().status
    };
    // By the claim.
    assert_eq!(status("native", "authorization", &bearer), 200);
    assert_eq!(status("ours", "authorization", &bearer), 203);
    // And by what a client made up: taken out of the request by both, but too late in Envoy's.
    assert_eq!(status("native", "x-sub", "jason"), 203);
    assert_eq!(status("ours", "x-sub", "jason"), 200);
}
