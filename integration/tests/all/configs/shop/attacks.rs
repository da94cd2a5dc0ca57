//! Ways around the gateway, none of which leads to what is behind it.

use std::time::{SystemTime, UNIX_EPOCH};

use integration::jwt::attacks;
use serde_json::{Value, json};

use super::gateway::{Caller, ELSEWHERE, STAFF, Shop, claims, key, nobody, person, with};

/// What somebody tries to be let in to the back office, and the answer.
const PATHS: &[(&str, u16)] = &[
    ("/admin", 403),
    ("/admin/", 403),
    ("/admin/users", 403),
    ("/admin?x=/catalogue", 403),
    ("//admin", 403),
    ("///admin//", 403),
    ("/./admin", 403),
    ("/admin/.", 403),
    ("/catalogue/../admin", 403),
    ("/catalogue/.././admin", 403),
    ("/catalogue/..//admin", 403),
    ("/health/../admin", 403),
    ("/%61dmin", 403),
    ("/%61%64%6d%69%6e", 403),
    ("/%2e/admin", 403),
    ("/catalogue/%2e%2e/admin", 403),
    ("/catalogue/%2E./admin", 403),
    ("/ADMIN", 403),
    ("/Admin/users", 403),
    ("/administration", 403),
    ("/admin;x=1", 403),
    ("/admin;/users", 403),
    ("/;/admin", 403),
    ("/catalogue/..;/admin", 403),
    ("/catalogue/..;x=1/admin", 403),
    ("/catalogue/books;/../../admin", 403),
    ("/catalogue/books;x", 400),
    ("/catalogue/..%3b/admin", 400),
    ("/catalogue/..%3B/admin", 400),
    ("/catalogue/..%2fadmin", 400),
    ("/catalogue/..%2Fadmin", 400),
    ("/catalogue%2f..%2fadmin", 400),
    ("/catalogue/..%5cadmin", 400),
    ("/catalogue/%2e%2e%2fadmin", 400),
    ("/%2fadmin", 400),
    ("/admin%2f", 400),
    ("/admin%00", 400),
    ("/catalogue/../../../admin", 403),
    ("/../admin", 403),
];

/// Who may not be there: nobody in particular, a customer, and the staff from elsewhere.
pub(super) fn no_spelling_of_a_path_leads_to_the_back_office(shop: &Shop) {
    let callers = [
        nobody(STAFF),
        person("bob", STAFF),
        person("carol", ELSEWHERE),
    ];
    for (path, status) in PATHS {
        for caller in &callers {
            for http2 in [false, true] {
                let caller = Caller {
                    http2,
                    ..caller.clone()
                };
                let response = shop.ask(&caller, path, &[]);
                assert_eq!(response.status, *status, "{path} {caller:?}");
            }
        }
    }
    // Methods make no difference.
    for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "PATCH"] {
        let response = shop.send(&person("carol", ELSEWHERE), method, "/admin", &[]);
        assert_eq!(response.status, 403, "{method}");
    }
    assert_eq!(shop.services.count(), 0);
}

pub(super) fn no_header_makes_an_address(shop: &Shop) {
    let carol = person("carol", ELSEWHERE);
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-for", "10.20.0.1"),
        ("x-forwarded-for", "127.0.0.1, 127.0.0.1"),
        ("x-forwarded-for", "203.0.113.9, 10.20.0.1"),
        ("x-forwarded-for", "10.20.0.1:80"),
        ("x-forwarded-for", ""),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("true-client-ip", "127.0.0.1"),
        ("x-envoy-external-address", "127.0.0.1"),
        ("x-envoy-internal", "true"),
        ("x-original-url", "/catalogue"),
        ("x-envoy-original-path", "/catalogue"),
        ("x-http-method-override", "GET"),
    ] {
        let response = shop.ask(&carol, "/admin", &[(name, value)]);
        assert_eq!(response.status, 403, "{name}: {value}");
    }
    let twice = [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-for", "10.20.0.1"),
    ];
    assert_eq!(shop.ask(&carol, "/admin", &twice).status, 403);
}

pub(super) fn no_forged_token_is_one(shop: &Shop) {
    let status = |token: String| {
        let caller = Caller {
            token: Some(token),
            ..nobody(STAFF)
        };
        shop.ask(&caller, "/admin", &[]).status
    };
    let carol = claims("carol");
    for attack in attacks(&key(), &carol) {
        assert_eq!(status(attack.token), 401, "{}", attack.name);
    }
    let changed = |more: Value| status(key().token(&with(&carol, &more)));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_secs();
    assert_eq!(changed(json!({"exp": now - 3600})), 401);
    assert_eq!(changed(json!({"nbf": now + 3600})), 401);
    assert_eq!(
        changed(json!({"iss": "https://accounts.shop.example.org"})),
        401
    );
    assert_eq!(changed(json!({"aud": "another"})), 403);
    // The role is text or one of a list, and nothing that looks like it.
    for role in [
        json!("Admin"),
        json!("admin "),
        json!({"admin": true}),
        json!(true),
    ] {
        assert_eq!(changed(json!({ "role": role })), 403, "{role}");
    }
    // Another place, or another scheme, is no token.
    let good = key().token(&carol);
    let nobody = nobody(STAFF);
    assert_eq!(
        shop.ask(&nobody, &format!("/admin?access_token={good}"), &[])
            .status,
        403
    );
    for (name, value) in [
        ("authorization", format!("Basic {good}")),
        ("authorization", good.clone()),
        ("authorization", format!("bearer {good}")),
        ("cookie", format!("authorization={good}")),
        ("x-authorization", format!("Bearer {good}")),
    ] {
        let response = shop.ask(&nobody, "/admin", &[(name, &value)]);
        assert_eq!(response.status, 403, "{name}: {value}");
    }
    // Two are not one of them.
    let two = [("authorization", "Bearer x.y.z")];
    assert_eq!(
        shop.ask(&person("carol", STAFF), "/admin", &two).status,
        401
    );
}

/// What a client sends that keeps to no protocol: the line, headers, and the status of the answer.
const BROKEN: &[(&str, &str, u16)] = &[
    ("GET /admin HTTP/1.1", "", 400),
    ("GET /admin HTTP/1.0", HOST, 426),
    ("GET /admin HTTP/1.1", "host: a\r\nhost: b\r\n", 403),
    ("GET http://a/admin HTTP/1.1", HOST, 403),
    ("GET http://a/catalogue/../admin HTTP/1.1", HOST, 403),
    ("GET admin HTTP/1.1", HOST, 400),
    ("GET /catalogue/..\\admin HTTP/1.1", HOST, 403),
    ("GET /\\admin HTTP/1.1", HOST, 403),
    ("GET /catalogue#/../admin HTTP/1.1", HOST, 400),
    ("GET /admin#/catalogue HTTP/1.1", HOST, 400),
    ("GET /catalogue/..\t/admin HTTP/1.1", HOST, 400),
    (
        "GET /admin HTTP/1.1",
        "host: a\r\nx_shop_user: carol\r\n",
        400,
    ),
    (
        "GET /admin HTTP/1.1",
        "host: a\r\nx-shop-user : carol\r\n",
        400,
    ),
    (
        "POST /orders HTTP/1.1",
        "host: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n",
        400,
    ),
    (
        "POST /orders HTTP/1.1",
        "host: a\r\ncontent-length: 4\r\ncontent-length: 5\r\n",
        400,
    ),
];
const HOST: &str = "host: a\r\n";

pub(super) fn what_breaks_the_protocol_is_refused(shop: &Shop) {
    let token = key().token(&claims("bob"));
    let end = format!("authorization: Bearer {token}\r\nconnection: close\r\n\r\n");
    let answers = BROKEN.iter().map(|(line, headers, _)| {
        let status = shop.raw(&format!("{line}\r\n{headers}{end}"));
        (*line, *headers, status.expect("an answer"))
    });
    assert_eq!(answers.collect::<Vec<_>>(), BROKEN);
    assert_eq!(shop.services.count(), 0);
}
