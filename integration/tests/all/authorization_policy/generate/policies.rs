//! Configurations that are legal, with every field and every form a value can take.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::{once_in, one};

pub(super) const PRINCIPALS: &[&str] = &[
    "*",
    "cluster.local/ns/default/sa/sleep",
    "cluster.local/ns/default/sa/*",
    "cluster.local/ns/foo/sa/httpbin",
    "td2/ns/foo/sa/httpbin",
    "td*/ns/foo/sa/httpbin",
    "*2/ns/foo/sa/httpbin",
    "*/ns/default/sa/sleep",
    "*/sa/sleep",
    "other.domain/*",
    "c*",
    "*eep",
    "cluster.local/ns/*/sa/sleep",
    "web.example",
    "nobody/ns/x/sa/y",
];
pub(super) const NAMESPACES: &[&str] = &[
    "default", "foo", "bar", "*", "d*", "*oo", "f*o", "*a*", "d.fault", "none",
];
pub(super) const ACCOUNTS: &[&str] = &[
    "sleep",
    "default/sleep",
    "foo/httpbin",
    "web",
    "bar/first",
    "x",
];
pub(super) const DOMAINS: &[&str] = &[
    "cluster.local",
    "td2",
    "*",
    "*.local",
    "cluster*",
    "other.domain",
    "x",
];
pub(super) const BLOCKS: &[&str] = &[
    "127.0.0.1",
    "127.0.0.0/8",
    "127.9.9.9/8",
    "10.0.0.0/8",
    "10.1.2.3",
    "10.1.2.3/31",
    "203.0.113.0/24",
    "0.0.0.0/0",
    "::/0",
    "::1",
    "2001:db8::/32",
    "::ffff:10.1.2.3",
];
pub(super) const REQUEST_PRINCIPALS: &[&str] = &[
    "*",
    "https://issuer.example/alice",
    "https://issuer.example/*",
    "https://issuer.example/al*",
    "*/alice",
    "*example/alice",
    "*lice",
    "https://*",
    "issuer",
    "other/bob",
    "https://issuer.example/a/b",
];
pub(super) const HOSTS: &[&str] = &[
    "example.com",
    "Example.COM",
    "example.com:8080",
    "example.com:*",
    "*.example.com",
    "*.EXAMPLE.com",
    "example.*",
    "*",
    "app",
];
pub(super) const METHODS: &[&str] = &["GET", "POST", "*", "P*", "*T", "get", "DELETE", "HEAD"];
pub(super) const PATHS: &[&str] = &[
    "*",
    "/",
    "/a",
    "/a/b",
    "/a/b/",
    "/A",
    "/a*",
    "/a/*",
    "/*",
    "*/b",
    "*.txt",
    "*a*",
    "/a/*/b",
    "/admin",
    "/admin*",
    "/foo/{*}",
    "/foo/{**}",
    "/foo/{**}/",
    "/{*}/b/{**}",
    "/{**}/path",
    "/a/{*}/c",
    "/{**}",
    "/pkg.Service/Method",
    "/pkg.Service/*",
    "/a%2fb",
    "/a;v=1",
    "/a?q",
];
pub(super) const HEADER_KEYS: &[&str] = &[
    "request.headers[x-a]",
    "request.headers[X-B]",
    "request.headers[x-none]",
    "request.headers[:path]",
    "request.headers[:method]",
    "request.headers[:authority]",
    "request.headers[Host]",
    "request.headers[:scheme]",
    "request.headers[user-agent]",
    "request.headers[cookie]",
    "request.headers[content-type]",
    "request.headers[x-forwarded-for]",
    "request.headers[x-a][b]",
    "request.headers[x-forwarded-proto]",
    "request.headers[x-envoy-internal]",
    "request.headers[x-envoy-external-address]",
    "request.headers[authorization]",
    "request.headers[content-length]",
    "request.headers[te]",
    "request.headers[accept-encoding]",
];
pub(super) const HEADER_VALUES: &[&str] = &[
    "*",
    "1",
    "2",
    "1*",
    "*2",
    "1,2",
    "a",
    "A",
    "*a*",
    "/a",
    "/a*",
    "*?q=1",
    "GET",
    "example.com",
    "http",
    "10.1.2.3",
    "application/grpc*",
    "true",
    "trailers",
    "Bearer*",
];
pub(super) const CLAIM_KEYS: &[&str] = &[
    "request.auth.audiences",
    "request.auth.presenter",
    "request.auth.claims[iss]",
    "request.auth.claims[sub]",
    "request.auth.claims[groups]",
    "request.auth.claims[scope]",
    "request.auth.claims[permission]",
    "request.auth.claims[nested][role]",
    "request.auth.claims[nested][list]",
    "request.auth.claims[nested]",
    "request.auth.claims[nested][deep][er]",
    "request.auth.claims[a.b]",
    "request.auth.claims[a][b]",
    "request.auth.claims[number]",
    "request.auth.claims[flag]",
    "request.auth.claims[mixed]",
    "request.auth.claims[lines]",
    "request.auth.claims[none]",
];
pub(super) const CLAIM_VALUES: &[&str] = &[
    "*",
    "dev",
    "d*",
    "*s",
    "ops",
    "read",
    "read write",
    "write",
    "admin",
    "x",
    "a",
    "web",
    "5",
    "true",
    "alice",
    "dotted",
    "https*",
    "line*",
    "é",
];
pub(super) const METADATA_KEYS: &[&str] = &[
    "experimental.envoy.filters.http.test[text]",
    "experimental.envoy.filters.http.test[list]",
    "experimental.envoy.filters.http.test[number]",
    "experimental.envoy.filters.http.test[empty]",
    "experimental.envoy.filters.http.test[none]",
    "experimental.envoy.filters.http.test[a][b]",
    "experimental.envoy.filters.http.none[text]",
];
pub(super) const METADATA_VALUES: &[&str] = &[
    "*", "blue", "b*", "*ue", "[red]", "[r*]", "[*]", "[[red]]", "[]", "odd", "7",
];
pub(super) const SERVER_NAMES: &[&str] =
    &["*", "localhost", "app.example", "*.example", "app*", "x"];

/// A configuration of a few policies.
pub(crate) fn config(dice: &mut Rng) -> Value {
    let policies: Vec<Value> = (0..dice.usize(1..=4))
        .map(|index| policy(dice, index))
        .collect();
    let mut config = json!({"policies": policies});
    match dice.u32(..4) {
        0 => config["trustDomain"] = json!("td1"),
        1 => config["trustDomain"] = json!("td2"),
        _ => {}
    }
    match dice.u32(..4) {
        0 => config["trustDomainAliases"] = json!(["td2"]),
        1 => config["trustDomainAliases"] = json!(["old.domain", "other.domain"]),
        _ => {}
    }
    config
}

fn policy(dice: &mut Rng, index: usize) -> Value {
    let action = one(dice, &["ALLOW", "ALLOW", "ALLOW", "DENY", "DENY", "AUDIT"]);
    let least = usize::from(action == "DENY");
    let rules: Vec<Value> = (0..dice.usize(least..=3)).map(|_| rule(dice)).collect();
    let mut policy = json!({
        "name": format!("p{index}"),
        "namespace": one(dice, &["default", "foo"]),
        "action": action,
        "rules": rules,
    });
    if action == "ALLOW" && once_in(dice, 3) {
        policy.as_object_mut().unwrap().remove("action");
    }
    if action != "AUDIT" && once_in(dice, 7) {
        policy["dryRun"] = json!(true);
    }
    policy
}

fn rule(dice: &mut Rng) -> Value {
    let mut rule = Map::new();
    let from: Vec<Value> = (0..dice.usize(..=2))
        .map(|_| json!({"source": source(dice)}))
        .collect();
    let to: Vec<Value> = (0..dice.usize(..=2))
        .map(|_| json!({"operation": operation(dice)}))
        .collect();
    let when: Vec<Value> = (0..dice.usize(..=2)).map(|_| condition(dice)).collect();
    for (field, list) in [("from", from), ("to", to), ("when", when)] {
        if !list.is_empty() {
            rule.insert(field.to_owned(), list.into());
        }
    }
    rule.into()
}

fn source(dice: &mut Rng) -> Value {
    // Istio lets service accounts stand beside neither principals nor namespaces.
    let peers: &[(&str, &str, &[&str])] = if dice.bool() {
        &[("serviceAccounts", "notServiceAccounts", ACCOUNTS)]
    } else {
        &[
            ("principals", "notPrincipals", PRINCIPALS),
            ("namespaces", "notNamespaces", NAMESPACES),
        ]
    };
    let others: &[(&str, &str, &[&str])] = &[
        (
            "requestPrincipals",
            "notRequestPrincipals",
            REQUEST_PRINCIPALS,
        ),
        ("trustDomains", "notTrustDomains", DOMAINS),
        ("ipBlocks", "notIpBlocks", BLOCKS),
        ("remoteIpBlocks", "notRemoteIpBlocks", BLOCKS),
    ];
    fields(dice, &[peers, others].concat())
}

fn operation(dice: &mut Rng) -> Value {
    let fields_of = [
        ("hosts", "notHosts", HOSTS),
        ("methods", "notMethods", METHODS),
        ("paths", "notPaths", PATHS),
        ("paths", "notPaths", PATHS),
        ("ports", "notPorts", &["80", "0", "65535"]),
    ];
    fields(dice, &fields_of)
}

/// One to three of these fields, some of them negated, few of them both.
fn fields(dice: &mut Rng, of: &[(&str, &str, &[&str])]) -> Value {
    let mut fields = Map::new();
    for _ in 0..dice.usize(1..=3) {
        let (field, not, pool) = of[dice.usize(..of.len())];
        let field = if once_in(dice, 4) { not } else { field };
        fields.insert(field.to_owned(), values(dice, pool));
    }
    fields.into()
}

fn condition(dice: &mut Rng) -> Value {
    let (key, pool): (&str, &[&str]) = match dice.u32(..13) {
        0..4 => (one(dice, HEADER_KEYS), HEADER_VALUES),
        4..7 => (one(dice, CLAIM_KEYS), CLAIM_VALUES),
        7 => (
            one(dice, &["source.ip", "remote.ip", "destination.ip"]),
            BLOCKS,
        ),
        8 => ("source.principal", PRINCIPALS),
        9 => ("request.auth.principal", REQUEST_PRINCIPALS),
        10 => (one(dice, METADATA_KEYS), METADATA_VALUES),
        11 => ("connection.sni", SERVER_NAMES),
        _ => match dice.u32(..3) {
            0 => ("source.namespace", NAMESPACES),
            1 => ("source.serviceAccount", ACCOUNTS),
            _ => ("source.trustDomain", DOMAINS),
        },
    };
    let mut condition = json!({"key": key});
    let which = dice.u32(..6);
    if which < 4 {
        condition["values"] = values(dice, pool);
    }
    if which >= 3 {
        condition["notValues"] = values(dice, pool);
    }
    condition
}

fn values(dice: &mut Rng, pool: &[&str]) -> Value {
    (0..dice.usize(1..=3))
        .map(|_| json!(one(dice, pool)))
        .collect()
}
