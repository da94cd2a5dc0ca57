//! What the gateway lets pass, how often, and what services see of it.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::gateway::{Caller, ELSEWHERE, STAFF, Shop, nobody, person};

/// All that is refused above is refused for who asks: to the one who may, each spelling is the one path.
pub(super) fn the_staff_gets_in_by_one_spelling(shop: &Shop) {
    let carol = person("carol", STAFF);
    for (number, path) in ["/admin", "//admin", "/%61dmin", "/catalogue/%2e%2e/admin"]
        .into_iter()
        .enumerate()
    {
        assert_eq!(shop.ask(&carol, path, &[]).status, 200, "{path}");
        assert_eq!(shop.seen().path, "/admin", "{path}");
        assert_eq!(shop.inside(), number as u64 + 1);
    }
    // Escaped twice it is a name in the catalogue, and stays there.
    let response = shop.ask(&nobody(ELSEWHERE), "/catalogue/%252e%252e/admin", &[]);
    assert_eq!(response.status, 200);
    assert_eq!(shop.seen().path, "/catalogue/%252e%252e/admin");
    assert_eq!(shop.inside(), 4);
}

/// Asks until it is refused: how often it was not.
#[track_caller]
fn allowed(shop: &Shop, caller: &Caller, method: &str, path: &str) -> usize {
    let statuses = (0..).map(|number| {
        // Neither another query nor a made-up address is another caller.
        let path = format!("{path}?{number}");
        let claimed = format!("198.51.100.{number}");
        shop.send(caller, method, &path, &[("x-forwarded-for", &claimed)])
            .status
    });
    let statuses: Vec<u16> = statuses.take_while(|status| *status == 200).collect();
    assert_eq!(shop.send(caller, method, path, &[]).status, 429);
    statuses.len()
}

pub(super) fn limits_count_who_asks(shop: &Shop) {
    let third = Ipv4Addr::new(127, 0, 0, 3);
    let fourth = Ipv4Addr::new(127, 0, 0, 4);
    // By address without a token, each on its own; the catalogue and orders share what a caller has.
    assert_eq!(allowed(shop, &nobody(third), "GET", "/catalogue"), 4);
    assert_eq!(allowed(shop, &nobody(fourth), "GET", "/catalogue/books"), 4);
    // By user with one, wherever they are, and by their plan. What is refused before counts for nothing.
    assert_eq!(
        shop.ask(&person("alice", third), "/catalogue", &[]).status,
        200
    );
    assert_eq!(
        shop.send(&person("alice", third), "POST", "/orders", &[])
            .status,
        403
    );
    assert_eq!(allowed(shop, &person("alice", fourth), "GET", "/orders"), 3);
    assert_eq!(allowed(shop, &person("bob", third), "POST", "/orders"), 8);
    // A name that is an address is still a name.
    assert_eq!(
        allowed(shop, &person("127.0.0.3", third), "GET", "/orders"),
        4
    );
    // Guesses of passwords by address, looking at the form not at all.
    let fifth = nobody(Ipv4Addr::new(127, 0, 0, 5));
    for _ in 0..5 {
        assert_eq!(shop.ask(&fifth, "/login", &[]).status, 200);
    }
    assert_eq!(allowed(shop, &fifth, "POST", "/login"), 3);
    assert_eq!(shop.send(&nobody(third), "POST", "/login", &[]).status, 200);
    assert_eq!(shop.ask(&fifth, "/health", &[]).status, 200);
}

pub(super) fn services_see_what_the_gateway_says(shop: &Shop) {
    let forged = [
        ("x-shop-user", "carol"),
        ("X-Shop-Plan", "gold"),
        ("x-shop-plan", "staff"),
        ("x-envoy-retry-on", "5xx"),
        ("x-envoy-max-retries", "9"),
        ("x-envoy-upstream-rq-timeout-ms", "1"),
        ("x-envoy-original-path", "/admin"),
        ("x-envoy-decorator-operation", "x"),
        ("x-envoy-expected-rq-timeout-ms", "1"),
        ("x-forwarded-for", "127.0.0.1"),
    ];
    let of = |caller: &Caller| {
        let response = shop.ask(caller, "/login", &forged);
        assert_eq!(response.status, 200);
        let given = response.headers.iter();
        let given: Vec<_> = given
            .filter(|(name, _)| name.starts_with("x-envoy"))
            .collect();
        assert!(given.is_empty(), "{given:?}");
        shop.seen()
    };
    let anonymous = of(&nobody(ELSEWHERE));
    assert_eq!(anonymous.header("x-shop-user"), None);
    assert_eq!(anonymous.header("x-shop-plan"), None);
    let bob = of(&person("bob", ELSEWHERE));
    assert_eq!(bob.values("x-shop-user"), [b"bob"]);
    assert_eq!(bob.values("x-shop-plan"), [b"gold"]);
    assert_eq!(bob.header("authorization"), None);
    // Who is behind has the connected address as the last.
    assert_eq!(bob.header("x-forwarded-for"), Some("127.0.0.1,127.0.0.2"));
    let envoys = bob.headers.iter();
    let envoys: Vec<&str> = envoys
        .map(|(name, _)| name.as_str())
        .filter(|name| name.starts_with("x-envoy"))
        .collect();
    assert_eq!(envoys, ["x-envoy-external-address"]);
}

pub(super) fn faults_are_for_a_load_test(shop: &Shop) {
    let dave = person("dave", STAFF);
    for (name, value) in [
        ("user-agent", "Mozilla/5.0 loadtest/1"),
        ("user-agent", "LOADTEST/1"),
        ("x-user-agent", "loadtest/1"),
        ("x-envoy-fault-abort-request", "503"),
    ] {
        let response = shop.ask(&dave, "/orders", &[(name, value)]);
        assert_eq!(response.status, 200, "{name}: {value}");
    }
    let erin = person("erin", STAFF);
    let agent = [("user-agent", "loadtest/2.1")];
    assert_eq!(shop.ask(&erin, "/orders", &agent).status, 503);
    assert_eq!(shop.ask(&erin, "/login", &agent).status, 200);
    let slow = shop.ask(&erin, "/catalogue", &agent);
    assert_eq!(slow.status, 200);
    assert!(slow.elapsed >= Duration::from_millis(200));
}
