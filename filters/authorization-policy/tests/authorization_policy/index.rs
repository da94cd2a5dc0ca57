//! The index decides exactly as trying every rule does, over configurations and requests nobody
//! thought of.

use authorization_policy::AuthorizationPolicy;
use authorization_policy::covers::{Index, Rules};
use authorization_policy::policy::Verdict;
use proptest::prelude::*;
use proptest::sample::select;
use sdk_helpers::claims;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{At, Headers, Load, Problems, Request, load};
use serde_json::{Map, Value, json};

const PATHS: &[&str] = &[
    "/", "/a", "/a/b", "/a/*", "*/b", "*", "/a*", "/{*}", "/a/{*}", "/{**}/b", "/a/{**}", "/b/c/d",
    "*c*", "/a*b",
];
const METHODS: &[&str] = &["GET", "POST", "G*", "*T", "*"];
const HOSTS: &[&str] = &["a.example", "A.example:80", "*.example", "a.*", "*"];
const PRINCIPALS: &[&str] = &[
    "td/ns/a/sa/x",
    "td/ns/b/sa/y",
    "cluster.local/ns/a/sa/x",
    "*/sa/x",
    "td/*",
    "*",
    "*/ns/a/sa/x",
    "old/ns/a/sa/x",
    "other/ns/a/sa/x",
];
const NAMESPACES: &[&str] = &["a", "b", "*", "a*", "*b", "a/sa"];
const ACCOUNTS: &[&str] = &["x", "y", "b/y", "a/x"];
const DOMAINS: &[&str] = &["td", "old", "*", "t*", "*d", "cluster.local"];
const TOKENS: &[&str] = &[
    "iss/sub",
    "*",
    "iss/*",
    "*/sub",
    "iss*",
    "*ub",
    "iss/s*",
    "*s/sub",
    "iss",
    "https://a/b/sub",
];
const BLOCKS: &[&str] = &[
    "10.0.0.1",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "::1",
    "2001:db8::/32",
    "10.1.0.0/16",
];
const PORTS: &[&str] = &["80", "8080", "080"];
const TEXTS: &[&str] = &["1", "2", "1*", "*2", "*", "12", "read", "admin"];
const KEYS: &[(&str, &[&str])] = &[
    ("request.headers[x-a]", TEXTS),
    ("request.headers[X-B]", TEXTS),
    ("request.headers[:method]", METHODS),
    ("source.ip", BLOCKS),
    ("remote.ip", BLOCKS),
    ("destination.ip", BLOCKS),
    ("destination.port", PORTS),
    ("source.namespace", NAMESPACES),
    ("source.serviceAccount", ACCOUNTS),
    ("source.principal", PRINCIPALS),
    ("source.trustDomain", DOMAINS),
    ("request.auth.principal", TOKENS),
    ("request.auth.audiences", TEXTS),
    ("request.auth.presenter", TEXTS),
    ("request.auth.claims[groups]", TEXTS),
    ("request.auth.claims[realm][roles]", TEXTS),
    ("connection.sni", HOSTS),
    ("experimental.envoy.filters.x[k]", &["1", "[1]", "[*]", "*"]),
];

fn list(values: &'static [&'static str], most: usize) -> impl Strategy<Value = Value> {
    prop_oneof![
        9 => prop::collection::vec(select(values), 1..4),
        1 => prop::collection::vec(select(values), 17..=most.max(17)),
    ]
    .prop_map(Value::from)
}

/// Some of these fields, each itself or its opposite.
fn fields(
    fields: &'static [(&'static str, &'static [&'static str])],
) -> impl Strategy<Value = Value> {
    let field = select(fields).prop_flat_map(|(name, values)| {
        let most = if name.starts_with("service") { 16 } else { 24 };
        (list(values, most), any::<bool>()).prop_map(move |(list, negated)| {
            let opposite = format!("not{}{}", name[..1].to_uppercase(), &name[1..]);
            (if negated { opposite } else { name.to_owned() }, list)
        })
    });
    prop::collection::vec(field, 1..3)
        .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()))
}

fn source() -> impl Strategy<Value = Value> {
    prop_oneof![
        fields(&[
            ("principals", PRINCIPALS),
            ("namespaces", NAMESPACES),
            ("trustDomains", DOMAINS),
            ("requestPrincipals", TOKENS),
            ("remoteIpBlocks", BLOCKS),
            ("ipBlocks", BLOCKS),
        ]),
        prop::collection::vec(select(ACCOUNTS), 1..3)
            .prop_map(|list| json!({"serviceAccounts": list})),
    ]
    .prop_map(|source| json!({"source": source}))
}

fn operation() -> impl Strategy<Value = Value> {
    fields(&[
        ("paths", PATHS),
        ("methods", METHODS),
        ("hosts", HOSTS),
        ("ports", PORTS),
    ])
    .prop_map(|operation| json!({"operation": operation}))
}

fn when() -> impl Strategy<Value = Value> {
    select(KEYS).prop_flat_map(|(key, values)| {
        let most = if key.ends_with("serviceAccount") {
            3
        } else {
            20
        };
        let list = move || prop::collection::vec(select(values), 1..most.min(4));
        (list(), list(), 0..3).prop_map(move |(values, not, which)| match which {
            0 => json!({"key": key, "values": values}),
            1 => json!({"key": key, "notValues": not}),
            _ => json!({"key": key, "values": values, "notValues": not}),
        })
    })
}

fn rule() -> impl Strategy<Value = Value> {
    let some = |one: BoxedStrategy<Value>| prop_oneof![1 => Just(None), 2 => prop::collection::vec(one, 1..3).prop_map(Some)];
    (
        some(source().boxed()),
        some(operation().boxed()),
        some(when().boxed()),
    )
        .prop_map(|(from, to, when)| {
            let mut rule = Map::new();
            for (name, part) in [("from", from), ("to", to), ("when", when)] {
                if let Some(part) = part {
                    rule.insert(name.to_owned(), part.into());
                }
            }
            Value::Object(rule)
        })
}

fn policy() -> impl Strategy<Value = Value> {
    (select(vec!["ALLOW", "DENY", "AUDIT"]), any::<bool>(), prop::collection::vec(rule(), 1..8)).prop_map(
        |(action, dry, rules)| {
            json!({"namespace": "a", "action": action, "dryRun": dry && action != "AUDIT", "rules": rules})
        },
    )
}

fn config() -> impl Strategy<Value = Value> {
    (prop::collection::vec(policy(), 1..5), any::<bool>()).prop_map(|(policies, single)| {
        json!({"trustDomain": "td", "trustDomainAliases": ["old"], "singleUriSan": single, "policies": policies})
    })
}

/// Attributes: what is absent half of the time is not known then.
fn facts() -> impl Strategy<Value = Vec<(&'static [&'static str], Vec<u8>)>> {
    type Fact = (&'static [&'static str], &'static [&'static [u8]]);
    const FACTS: &[Fact] = &[
        (
            &["connection", "uri_san_peer_certificate"],
            &[
                b"spiffe://td/ns/a/sa/x",
                b"spiffe://old/ns/b/sa/y",
                b"https://a",
            ],
        ),
        (
            &["connection", "dns_san_peer_certificate"],
            &[b"a.example", b"spiffe://td/ns/b/sa/y", b"x/ns/b/y"],
        ),
        (
            &["connection", "subject_peer_certificate"],
            &[b"CN=a", b"CN=/ns/b/c"],
        ),
        (
            &["connection", "requested_server_name"],
            &[b"a.example", b"b"],
        ),
        (
            &["filter_state", "mesh_filters.peer.uri_sans"],
            &[
                b"-",
                b"",
                b"spiffe://td/ns/a/sa/x",
                b"https://b,spiffe://td/ns/b/sa/y",
            ],
        ),
        (
            &["filter_state", "mesh_filters.peer.dns_sans"],
            &[b"-", b"a.example,b.example", b"x/ns/a/y"],
        ),
        (
            &["filter_state", "mesh_filters.peer.address"],
            &[b"10.0.0.1", b"::1", b"-", b"/pipe"],
        ),
        (
            &["filter_state", "io.istio.peer_principal"],
            &[b"spiffe://td/ns/a/sa/x"],
        ),
        (
            &["source", "address"],
            &[b"10.0.0.1:80", b"[2001:db8::5]:0", b"10.1.2.3:0", b"/pipe"],
        ),
        (&["destination", "address"], &[b"10.0.0.1:80", b"[::1]:80"]),
        (
            &["destination", "port"],
            &[b"\x50\0\0\0\0\0\0\0", b"\x90\x1f\0\0\0\0\0\0", b"\x01"],
        ),
    ];
    FACTS
        .iter()
        .map(|(path, values)| {
            prop::option::of(select(*values))
                .prop_map(move |value| value.map(|v| (*path, v.to_vec())))
        })
        .collect::<Vec<_>>()
        .prop_map(|facts| facts.into_iter().flatten().collect())
}

fn token() -> impl Strategy<Value = Option<Value>> {
    let iss = select(vec![
        json!("iss"),
        json!("https://a/b"),
        json!("is"),
        json!(7),
    ]);
    let sub = select(vec![json!("sub"), json!(""), json!("s/ub"), Value::Null]);
    let text = || {
        select(vec![
            json!("1"),
            json!("12"),
            json!(["2", "read"]),
            json!([1, "admin"]),
            json!(1),
            json!({}),
        ])
    };
    prop::option::of((iss, sub, text(), text(), text()).prop_map(|(iss, sub, aud, groups, roles)| {
        json!({"iss": iss, "sub": sub, "aud": aud, "azp": aud, "groups": groups, "realm": {"roles": roles}})
    }))
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let path = select(vec![
        "/",
        "/a",
        "/a/b",
        "/a/b?x=/a",
        "/a/b/c#d",
        "/b/c/d",
        "/a/\u{e4}",
        "/ab",
        "",
        "*c*",
        "/a*b",
        "//b",
    ]);
    let host = select(vec!["a.example", "A.EXAMPLE:80", "b.example", "", "h,g"]);
    let more = prop::collection::vec(
        (
            select(vec!["x-a", "x-b", "x-c"]),
            select(vec!["1", "2", "12", "", "21", "\u{e4}"]),
        ),
        0..4,
    );
    (select(vec!["GET", "POST", "get"]), path, host, more).prop_map(|(method, path, host, more)| {
        let mut headers: Vec<(String, Vec<u8>)> =
            [(":method", method), (":path", path), (":authority", host)]
                .map(|(n, v)| (n.to_owned(), v.into()))
                .into();
        headers.extend(more.into_iter().map(|(n, v)| (n.to_owned(), v.into())));
        headers
    })
}

/// The reasons, each with its place.
fn reasons(filter: &AuthorizationPolicy, verdict: &Verdict) -> Vec<String> {
    let outcomes = filter.policy().outcomes();
    verdict
        .record
        .noted()
        .map(|(outcome, detail)| format!("{}{detail}", outcomes.find(outcome).unwrap()))
        .collect()
}

/// The reasons alone; for DENY, whichever of two.
fn words(reasons: &[String]) -> Vec<String> {
    reasons
        .iter()
        .map(|reason| {
            reason
                .split(':')
                .next()
                .unwrap()
                .replace("deny_unseen", "deny")
        })
        .collect()
}

/// Rules that may match more than one does: it without a part, or another one.
fn wider(narrow: &Value, other: &Value) -> Vec<Value> {
    let without = |name: &str| {
        let mut rule = narrow.clone();
        rule.as_object_mut().unwrap().remove(name);
        rule
    };
    let mut all = vec![narrow.clone(), other.clone()];
    for name in ["from", "to", "when"] {
        let mut rule = without(name);
        all.push(rule.clone());
        if let Some(part) = other.get(name) {
            rule[name] = part.clone();
            all.push(rule);
        }
    }
    all
}

fn policies(rules: Vec<Value>) -> Value {
    json!({"policies": [{"namespace": "a", "action": "ALLOW", "rules": rules}]})
}

fn world(facts: &[(&[&str], Vec<u8>)], token: Option<&Value>) -> FakeWorld {
    let world = FakeWorld::new();
    for (path, value) in facts {
        world.set_property(path, value.clone());
    }
    if let Some(token) = token {
        world.set_property(&claims::PATH, token.to_string());
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_rule_that_covers_another_matches_whatever_that_does(
        narrow in rule(),
        other in rule(),
        requests in prop::collection::vec((headers(), facts(), token()), 8),
    ) {
        let all = wider(&narrow, &other);
        let problems = Problems::default();
        let fake = FakeWorld::new();
        let to = Load { at: At::root(), problems: &problems, world: &fake };
        let rules = Rules::read(policies(all.clone()), &to);
        prop_assert!(!problems.has_errors(), "{:?}", problems.errors());
        let allowed = |rule: &Value| -> Vec<bool> {
            let config = policies(vec![rule.clone()]).to_string();
            let filter = load::<AuthorizationPolicy>(config.as_bytes(), &FakeWorld::new()).unwrap().filter;
            let policy = filter.policy();
            let decided = requests.iter().map(|(headers, facts, token)| {
                let request = Request::new(Headers::from_pairs(headers.clone()));
                let world = world(facts, token.as_ref());
                policy.decide(&policy.view(&request, &world)).allowed
            });
            decided.collect()
        };
        let decided: Vec<Vec<bool>> = all.iter().map(allowed).collect();
        let index = Index::new(&[&rules]);
        // Without one of its parts it matches no less.
        prop_assert!(rules.covers(0, &rules, 0), "{}", narrow);
        for narrow in 0..all.len() {
            let candidates = index.may_cover(&rules, narrow);
            for wide in 0..all.len() {
                if !rules.covers(wide, &rules, narrow) {
                    continue;
                }
                prop_assert!(candidates.contains(&(0, wide)), "{} is not found for {}", all[wide], all[narrow]);
                let less = decided[narrow].iter().zip(&decided[wide]).any(|(narrow, wide)| *narrow && !wide);
                prop_assert!(!less, "{} and {}", all[wide], all[narrow]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_index_decides_as_the_rules_do(config in config(), headers in headers(), facts in facts(), token in token()) {
        let loaded = load::<AuthorizationPolicy>(config.to_string().as_bytes(), &FakeWorld::new());
        let filter = loaded.map_err(|errors| TestCaseError::fail(format!("{errors:?} of {config}")))?.filter;
        let world = world(&facts, token.as_ref());
        let request = Request::new(Headers::from_pairs(headers));
        let policy = filter.policy();
        let found = policy.decide(&policy.view(&request, &world));
        let asked = world.asked();
        let walked = policy.decide_slowly(&policy.view(&request, &world));
        prop_assert_eq!(found.allowed, walked.allowed, "{}", config);
        let (found, walked) = (reasons(&filter, &found), reasons(&filter, &walked));
        // A certificate's other names are looked at last, so another rule of the same kind may be
        // named where one of them matches.
        let other_names = facts.iter().any(|(path, _)| path[1].starts_with("dns") || path[1].starts_with("subject") || path[1].ends_with("dns_sans"));
        if other_names {
            prop_assert_eq!(words(&found), words(&walked), "{}", config);
        } else {
            prop_assert_eq!(found, walked, "{}", config);
        }
        // Nothing is asked twice; claims and metadata read the same.
        for (index, path) in asked.iter().enumerate() {
            prop_assert!(path == "metadata" || !asked[..index].contains(path), "{} twice", path);
        }
    }
}
