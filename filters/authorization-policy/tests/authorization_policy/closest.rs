//! Which rule a refusal names: the one its reader means, in whatever order policies and rules stand.

use std::cmp::Reverse;

use authorization_policy::AuthorizationPolicy;
use proptest::prelude::*;
use proptest::sample::select;
use sdk_helpers::claims;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{Headers, Request, load};
use serde_json::{Value, json};

/// A request, and what is known of who sends it.
#[derive(Debug, Clone, Default)]
struct Sent {
    method: &'static str,
    path: String,
    peer: Option<String>,
    address: Option<String>,
    claims: Option<Value>,
}

fn get(path: &str) -> Sent {
    Sent {
        method: "GET",
        path: path.to_owned(),
        ..Sent::default()
    }
}

fn loaded(policies: &Value) -> AuthorizationPolicy {
    let config = json!({"singleUriSan": true, "policies": policies});
    load::<AuthorizationPolicy>(config.to_string().as_bytes(), &FakeWorld::new())
        .unwrap_or_else(|errors| panic!("{errors:?}"))
        .filter
}

fn reason(policies: &Value, sent: &Sent) -> String {
    said(&loaded(policies), sent)
}

/// The reason by the index and by weighing every rule, which must agree.
fn said(filter: &AuthorizationPolicy, sent: &Sent) -> String {
    let world = FakeWorld::new();
    if let Some(peer) = &sent.peer {
        world.set_property(&["connection", "uri_san_peer_certificate"], peer.clone());
    }
    if let Some(address) = &sent.address {
        world.set_property(&["source", "address"], format!("{address}:0"));
    }
    if let Some(claims) = &sent.claims {
        world.set_property(&claims::PATH, claims.to_string());
    }
    let request = Request::new(Headers::from_pairs([
        (":method", sent.method),
        (":path", &sent.path),
        (":authority", "app.example"),
    ]));
    let policy = filter.policy();
    let view = || policy.view(&request, &world);
    let [found, walked] = [policy.decide(&view()), policy.decide_slowly(&view())].map(|verdict| {
        let (outcome, detail) = verdict.record.noted().last().unwrap();
        format!("{}{detail}", policy.outcomes().find(outcome).unwrap())
    });
    assert_eq!(found, walked, "{sent:?}");
    found
}

fn paths(path: &str) -> Value {
    json!([{"operation": {"paths": [path]}}])
}

fn claim(name: &str, value: &str) -> Value {
    json!([{"key": format!("request.auth.claims[{name}]"), "values": [value]}])
}

/// A shop's: anybody sees what is public, orders take a scope, administration takes a group and an
/// address. `path` writes the kind of path.
fn shop(path: fn(&str) -> String) -> [Value; 3] {
    let to = |name: &str| paths(&path(name));
    [
        json!({"name": "public", "rules": [{"to": to("public")}]}),
        json!({"name": "orders", "rules": [{"to": to("orders"), "when": claim("scope", "orders:read")}]}),
        json!({"name": "admin", "rules": [{
            "from": [{"source": {"remoteIpBlocks": ["127.0.0.0/8"]}}],
            "to": to("admin"),
            "when": claim("groups", "admins"),
        }]}),
    ]
}

const ORDERS: [[usize; 3]; 6] = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
];

#[test]
fn the_rule_for_the_path_is_named_in_every_order() {
    let kinds: [fn(&str) -> String; 4] = [
        |name| format!("/{name}/*"),
        |name| format!("/{name}/{{*}}"),
        |name| format!("/{name}/1"),
        |name| format!("*/{name}/1"),
    ];
    let reader = json!({"iss": "https://issuer.example", "sub": "me", "scope": ["orders:read"]});
    let writer = json!({"iss": "https://issuer.example", "sub": "me", "scope": ["orders:write"]});
    for (kind, order) in kinds
        .iter()
        .flat_map(|kind| ORDERS.map(|order| (kind, order)))
    {
        let shop = shop(*kind);
        let policies = Value::from(order.map(|place| shop[place].clone()).to_vec());
        let from = |address: &str, path: &str, claims: Option<&Value>| Sent {
            address: Some(address.to_owned()),
            claims: claims.cloned(),
            ..get(path)
        };
        for (sent, expected) in [
            (
                from("127.0.0.1", "/orders/1", None),
                "orders.rules[0].when[0].values",
            ),
            (
                from("10.0.0.1", "/orders/1", Some(&writer)),
                "orders.rules[0].when[0].values",
            ),
            (
                from("127.0.0.1", "/admin/1", Some(&reader)),
                "admin.rules[0].when[0].values",
            ),
            (
                from("127.0.0.1", "/admin/1", None),
                "admin.rules[0].when[0].values",
            ),
            (
                from("10.0.0.1", "/admin/1", None),
                "admin.rules[0].from[0].source.remoteIpBlocks",
            ),
            // Of a path that none has, the rule is told of which most else holds.
            (
                from("127.0.0.1", "/x", None),
                "admin.rules[0].to[0].operation.paths",
            ),
            (
                from("10.0.0.1", "/x", Some(&reader)),
                "orders.rules[0].to[0].operation.paths",
            ),
        ] {
            assert_eq!(
                reason(&policies, &sent),
                format!("no_allow:{expected}"),
                "{sent:?}"
            );
        }
    }
}

#[test]
fn one_policy_alone_is_told_the_path_before_all_else() {
    for path in ["/orders", "/orders/*", "*/orders", "/orders/{*}"] {
        let policies = json!([{"name": "p", "rules": [{
            "from": [{"source": {"principals": ["cluster.local/ns/a/sa/b"]}}],
            "to": paths(path),
            "when": claim("scope", "orders:read"),
        }]}]);
        assert_eq!(
            reason(&policies, &get("/x")),
            "no_allow:p.rules[0].to[0].operation.paths"
        );
    }
}

#[test]
fn the_first_condition_of_several_is_told_as_one_reads_them() {
    let policies = json!([{"name": "p", "rules": [{
        "to": [{"operation": {"paths": ["/a"], "ports": ["80"]}}],
        "from": [{"source": {"requestPrincipals": ["*"]}}],
        "when": [
            {"key": "request.auth.claims[a]", "values": ["1"]},
            {"key": "request.headers[x-a]", "values": ["1"]},
        ],
    }]}]);
    let first = "no_allow:p.rules[0].from[0].source.requestPrincipals";
    assert_eq!(reason(&policies, &get("/a")), first);
    let mut sent = get("/a");
    sent.claims = Some(json!({"iss": "a", "sub": "b"}));
    assert_eq!(
        reason(&policies, &sent),
        "no_allow:p.rules[0].to[0].operation.ports"
    );
    let policies = json!([{"name": "p", "rules": [{"to": paths("/a"), "when": [
        {"key": "request.auth.claims[a]", "values": ["1"]},
        {"key": "request.headers[x-a]", "values": ["1"]},
    ]}]}]);
    assert_eq!(
        reason(&policies, &sent),
        "no_allow:p.rules[0].when[0].values"
    );
}

#[test]
fn between_equals_the_path_that_says_more_is_told_then_the_name() {
    let rule = |path: &str| json!({"to": paths(path), "when": claim("a", "1")});
    let all = ["*", "/a*", "/a/{**}", "/a/b/*", "/a/b/c"];
    for most in 1..=all.len() {
        for turned in 0..most {
            let mut rules: Vec<Value> = all[..most].iter().map(|path| rule(path)).collect();
            rules.rotate_left(turned);
            let place = (most - 1 + most - turned) % most;
            let policies = json!([{"name": "p", "rules": rules}]);
            let expected = format!("no_allow:p.rules[{place}].when[0].values");
            assert_eq!(reason(&policies, &get("/a/b/c")), expected);
        }
    }
    let policy = |name: &str| json!({"name": name, "rules": [rule("/a")]});
    for policies in [
        json!([policy("a"), policy("b")]),
        json!([policy("b"), policy("a")]),
    ] {
        assert_eq!(
            reason(&policies, &get("/a")),
            "no_allow:a.rules[0].when[0].values"
        );
    }
}

#[test]
fn a_policy_without_rules_answers_where_no_policy_has_any() {
    for policies in [
        json!([{"name": "b"}, {"name": "a"}]),
        json!([{"name": "a"}, {"name": "b"}]),
    ] {
        assert_eq!(reason(&policies, &get("/a")), "no_allow:a");
    }
}

/// Ten thousand rules of shapes that services have.
fn many(rule: impl Fn(usize) -> Value) -> AuthorizationPolicy {
    let rules: Vec<Value> = (0..10_000).map(rule).collect();
    let policies = rules.chunks(500).enumerate();
    let policy = |(number, rules)| json!({"name": format!("p{number}"), "rules": rules});
    loaded(&policies.map(policy).collect())
}

fn at(rule: usize, condition: &str) -> String {
    format!("no_allow:p{}.rules[{}].{condition}", rule / 500, rule % 500)
}

#[test]
fn the_rule_is_found_among_ten_thousand() {
    let principal = |n: usize| format!("cluster.local/ns/default/sa/account-{n}");
    let from = |n: usize| json!([{"source": {"principals": [principal(n)]}}]);
    let by = |n: usize, path: String| Sent {
        peer: Some(format!("spiffe://{}", principal(n))),
        ..get(&path)
    };
    // A path of its own each, one method for all.
    let filter = many(|n| {
        json!({
            "to": [{"operation": {"methods": ["GET"], "paths": [format!("/service-{n}/*")]}}],
            "when": claim("scope", "read"),
        })
    });
    for n in [0, 17, 4711, 9_999] {
        let path = format!("/service-{n}/x");
        assert_eq!(said(&filter, &get(&path)), at(n, "when[0].values"));
        let post = Sent {
            method: "POST",
            ..get(&path)
        };
        assert_eq!(said(&filter, &post), at(n, "to[0].operation.methods"));
    }
    // One path for all, and who may is each one's own.
    let filter = many(|n| {
        json!({
            "from": from(n), "to": paths("/api/*"), "when": claim("scope", "read"),
        })
    });
    for n in [3, 5_000, 9_999] {
        let sent = by(n, "/api/x".to_owned());
        assert_eq!(said(&filter, &sent), at(n, "when[0].values"));
        let sent = by(n, "/x".to_owned());
        assert_eq!(said(&filter, &sent), at(n, "to[0].operation.paths"));
    }
    // A hundred paths by a hundred principals.
    let filter = many(|n| {
        json!({
            "from": from(n % 100), "to": paths(&format!("/service-{}", n / 100)), "when": claim("scope", "read"),
        })
    });
    for (path, principal) in [(0, 0), (3, 97), (50, 50), (99, 98)] {
        let sent = by(principal, format!("/service-{path}"));
        assert_eq!(
            said(&filter, &sent),
            at(path * 100 + principal, "when[0].values")
        );
    }
    // No path at all.
    let filter = many(|n| json!({"from": from(n), "when": claim("scope", "read")}));
    for n in [40, 9_998] {
        assert_eq!(
            said(&filter, &by(n, "/".to_owned())),
            at(n, "when[0].values")
        );
    }
}

#[test]
fn what_may_hold_and_is_not_seen_is_found_among_ten_thousand() {
    let ip = json!([{"source": {"ipBlocks": ["10.0.0.1"]}}]);
    let filter = many(|n| match n {
        // One of them asks for what cannot be seen, the others for a claim.
        7_777 => json!({"from": ip, "to": paths("/api/*")}),
        n => {
            let claim = claim("tenant", &format!("{n}"));
            json!({"to": paths("/api/*"), "when": claim})
        }
    });
    let place = at(7_777, "from[0].source.ipBlocks");
    let unseen = place.replace("no_allow:", "no_allow_unseen:");
    assert_eq!(said(&filter, &get("/api/x")), unseen);
    // For another path it fails as the others do.
    assert!(said(&filter, &get("/x")).starts_with("no_allow:"));
}

const PATHS: &[&str] = &[
    "/a", "/b", "/a/*", "/a/b/*", "*/b", "*/c", "/a/{*}", "/{*}/c", "/a/{**}", "/b/c", "*",
];

fn list(values: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(select(values), 1..3)
}

fn source() -> impl Strategy<Value = Value> {
    let principals = ["cluster.local/ns/a/sa/x", "cluster.local/ns/a/*", "*/sa/y"];
    let blocks = ["10.0.0.0/8", "127.0.0.1", "::/0"];
    prop_oneof![
        select(principals.to_vec()).prop_map(|p| json!({"principals": [p]})),
        select(blocks.to_vec()).prop_map(|b| json!({"remoteIpBlocks": [b]})),
        select(blocks.to_vec()).prop_map(|b| json!({"notRemoteIpBlocks": [b]})),
        select(vec!["iss/me", "*", "iss/*"]).prop_map(|t| json!({"requestPrincipals": [t]})),
        (select(principals.to_vec()), select(blocks.to_vec()))
            .prop_map(|(p, b)| json!({"principals": [p], "remoteIpBlocks": [b]})),
    ]
    .prop_map(|source| json!({"source": source}))
}

fn operation() -> impl Strategy<Value = Value> {
    let method = select(vec!["GET", "POST"]);
    prop_oneof![
        list(PATHS).prop_map(|paths| json!({"paths": paths})),
        (list(PATHS), method.clone()).prop_map(|(p, m)| json!({"paths": p, "methods": [m]})),
        method.prop_map(|method| json!({"methods": [method]})),
        list(PATHS).prop_map(|paths| json!({"notPaths": paths})),
    ]
    .prop_map(|operation| json!({"operation": operation}))
}

fn when() -> impl Strategy<Value = Value> {
    let key = select(vec![
        "request.auth.claims[scope]",
        "request.auth.claims[group]",
        "request.headers[x-a]",
    ]);
    let value = select(vec!["1", "2", "*"]);
    (key, value, any::<bool>()).prop_map(|(key, value, negated)| {
        let field = if negated { "notValues" } else { "values" };
        json!({"key": key, field: [value]})
    })
}

fn rule() -> impl Strategy<Value = Value> {
    let some = |one: BoxedStrategy<Value>| prop::collection::vec(one, 0..3);
    (
        some(source().boxed()),
        some(operation().boxed()),
        some(when().boxed()),
    )
        .prop_map(|(from, to, when)| {
            let mut rule = json!({});
            for (name, part) in [("from", from), ("to", to), ("when", when)] {
                if !part.is_empty() {
                    rule[name] = part.into();
                }
            }
            // A rule that holds for all allows all.
            if rule == json!({}) {
                rule["to"] = paths("/none");
            }
            rule
        })
}

fn sent() -> impl Strategy<Value = Sent> {
    let claim = || prop::option::of(select(vec!["1", "2", "3"]));
    (
        select(vec!["GET", "POST", "PUT"]),
        select(vec!["/a", "/b", "/a/b", "/a/b/c", "/b/c", "/x", "/x/y/z"]),
        prop::option::of(select(vec!["x", "y", "z"])),
        select(vec!["10.0.0.1", "127.0.0.1", "[2001:db8::1]"]),
        prop::option::of((claim(), claim())),
    )
        .prop_map(|(method, path, peer, address, claims)| Sent {
            method,
            path: path.to_owned(),
            peer: peer.map(|name| format!("spiffe://cluster.local/ns/a/sa/{name}")),
            address: Some(address.to_owned()),
            claims: claims.map(
                |(scope, group)| json!({"iss": "iss", "sub": "me", "scope": scope, "group": group}),
            ),
        })
}

/// The policy, the rule as it was written, and the condition that a reason names.
fn named(policies: &Value, reason: &str) -> (String, Value, String) {
    let (word, rest) = reason.split_once(':').unwrap();
    let Some((name, rest)) = rest.split_once(".rules[") else {
        return (reason.to_owned(), Value::Null, String::new());
    };
    let (index, condition) = rest.split_once(']').unwrap();
    let policies = policies.as_array().unwrap();
    let policy = policies
        .iter()
        .find(|policy| policy["name"] == name)
        .unwrap();
    let rule = policy["rules"][index.parse::<usize>().unwrap()].clone();
    (format!("{word}:{name}"), rule, condition.to_owned())
}

/// Policies of these rules, and the same in another order.
fn permuted(most: usize) -> impl Strategy<Value = (Value, Value)> {
    let rules = prop::collection::vec(rule(), 1..most);
    let policies = prop::collection::vec(rules, 1..5);
    policies.prop_flat_map(|policies| {
        let rules: Vec<_> = policies
            .iter()
            .map(|rules| Just(rules.clone()).prop_shuffle())
            .collect();
        let order = Just((0..policies.len()).collect::<Vec<_>>()).prop_shuffle();
        (rules, order).prop_map(move |(rules, order)| {
            let name = |(number, rules): (usize, &Vec<Value>)| {
                json!({"name": format!("p{number}"), "rules": rules})
            };
            let one: Vec<Value> = policies.iter().enumerate().map(name).collect();
            let other: Vec<Value> = rules.iter().enumerate().map(name).collect();
            let other: Vec<Value> = order.iter().map(|place| other[*place].clone()).collect();
            (one.into(), other.into())
        })
    })
}

fn names_the_same((one, other): (Value, Value), sent: &Sent) -> Result<(), TestCaseError> {
    let (first, second) = (reason(&one, sent), reason(&other, sent));
    if first.starts_with("no_allow") {
        prop_assert_eq!(
            named(&one, &first),
            named(&other, &second),
            "{} {}",
            one,
            other
        );
    } else {
        prop_assert!(second.starts_with("allow"));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_same_rule_is_named_in_every_order(orders in permuted(5), sent in sent()) {
        names_the_same(orders, &sent)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// More than are all weighed, so they are found by their values.
    #[test]
    fn the_same_rule_of_many_is_named_in_every_order(orders in permuted(60), sent in sent()) {
        names_the_same(orders, &sent)?;
    }
}

/// One rule of each part at most once, so that its score can be said without the filter.
fn plain() -> impl Strategy<Value = (u8, u8, u8, u8)> {
    (0u8..40, 0u8..3, 0u8..4, 0u8..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The order as it is documented, by rules whose conditions can be counted by hand.
    #[test]
    fn the_documented_order_decides(rules in prop::collection::vec(plain(), 1..300), path in 0u8..45, scope in 4u8..6, group in 0u8..4) {
        let scope = if scope == 4 { 0 } else { 9 };
        let sent = Sent {
            claims: Some(json!({"scope": format!("{scope}"), "group": format!("{group}")})),
            ..get(&format!("/{path}"))
        };
        // Zero is no condition at all; a scope of zero is nobody's.
        let config: Vec<Value> = rules.iter().map(|(path, method, scope, group)| {
            let mut operation = json!({"paths": [format!("/{path}")]});
            match method {
                1 => operation["methods"] = json!(["GET"]),
                2 => operation["methods"] = json!(["PUT"]),
                _ => {}
            }
            let mut when = vec![claim("scope", &format!("{}", scope + 1))[0].clone()];
            if *group > 0 {
                when.push(claim("group", &format!("{group}"))[0].clone());
            }
            json!({"to": [{"operation": operation}], "when": when})
        }).collect();
        let score = |(p, method, _, g): &(u8, u8, u8, u8)| {
            let holds = [Some(*p == path), (*method > 0).then_some(*method == 1), Some(false), (*g > 0).then_some(*g == group)];
            let count = |what: bool| holds.iter().filter(|holds| **holds == Some(what)).count();
            (*p == path && *method < 2, count(true), Reverse(count(false)), *p == path)
        };
        let best = rules.iter().map(score).max().unwrap();
        let policies = json!([{"name": "p0", "rules": config}]);
        let reason = reason(&policies, &sent);
        let (_, rule, _) = named(&policies, &reason);
        let place = config.iter().position(|one| *one == rule).unwrap();
        prop_assert_eq!(score(&rules[place]), best, "{} for {:?}", reason, sent);
    }
}
