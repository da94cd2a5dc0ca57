//! What a decision costs natively, by the number of rules and by what they are keyed on, and what
//! loading them costs: `cargo bench -p authorization-policy`.
//!
//! Attributes are answered at once here, so this is the filter's own work; in Envoy each question
//! costs half a microsecond more, and how many there are is pinned by tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark may fail, and looks at the clock"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use authorization_policy::AuthorizationPolicy;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{Attributes, Headers, Request, claims, load};
use serde_json::{Value, json};

const SIZES: [usize; 3] = [10, 1_000, 10_000];

/// How long each figure is measured, and how often; the least counts. Short and often, so that some
/// rounds pass undisturbed.
const ROUND: Duration = Duration::from_millis(2);
const ROUNDS: usize = 100;

/// One kind of rule set.
struct Kind {
    name: &'static str,
    action: &'static str,
    rule: fn(usize) -> Value,
    /// A request that the last of so many rules matches.
    matching: fn(usize) -> Sent,
}

/// A request and what is known of it.
#[derive(Default)]
struct Sent {
    headers: Vec<(&'static str, String)>,
    principal: Option<String>,
    address: Option<String>,
    claims: Option<String>,
}

impl Attributes for Sent {
    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        let text = match path {
            ["connection", "uri_san_peer_certificate"] => &self.principal,
            ["source", "address"] => &self.address,
            _ if path == claims::PATH => &self.claims,
            _ => &None,
        };
        text.as_ref().map(|text| text.clone().into_bytes())
    }
}

fn to(operation: Value) -> Value {
    json!({"to": [{"operation": operation}]})
}

fn from(source: Value) -> Value {
    json!({"from": [{"source": source}]})
}

fn header(name: &'static str, value: String) -> Sent {
    Sent {
        headers: vec![(name, value)],
        ..Sent::default()
    }
}

fn principal(n: usize) -> String {
    format!("cluster.local/ns/namespace-{n}/sa/account-{n}")
}

fn peer(n: usize) -> Sent {
    Sent {
        principal: Some(format!("spiffe://{}", principal(n))),
        ..Sent::default()
    }
}

fn kinds() -> Vec<Kind> {
    vec![
        Kind {
            name: "path",
            action: "ALLOW",
            rule: |n| to(json!({"paths": [format!("/service-{n}/items")]})),
            matching: |n| header(":path", format!("/service-{n}/items?page=1")),
        },
        Kind {
            name: "path prefix",
            action: "ALLOW",
            rule: |n| to(json!({"paths": [format!("/service-{n}/*")]})),
            matching: |n| header(":path", format!("/service-{n}/items/7")),
        },
        Kind {
            name: "path template",
            action: "ALLOW",
            rule: |n| to(json!({"paths": [format!("/service-{n}/{{*}}/items")]})),
            matching: |n| header(":path", format!("/service-{n}/7/items")),
        },
        Kind {
            name: "method and path",
            action: "ALLOW",
            rule: |n| to(json!({"methods": ["GET"], "paths": [format!("/service-{n}/items")]})),
            matching: |n| header(":path", format!("/service-{n}/items")),
        },
        Kind {
            name: "host",
            action: "ALLOW",
            rule: |n| {
                to(
                    json!({"hosts": [format!("service-{n}.example.com"), format!("service-{n}.example.com:*")]}),
                )
            },
            matching: |n| header(":authority", format!("service-{n}.example.com:8080")),
        },
        Kind {
            name: "principal",
            action: "ALLOW",
            rule: |n| from(json!({"principals": [principal(n)]})),
            matching: peer,
        },
        Kind {
            name: "namespace",
            action: "ALLOW",
            rule: |n| from(json!({"namespaces": [format!("namespace-{n}")]})),
            matching: peer,
        },
        Kind {
            name: "service account",
            action: "ALLOW",
            rule: |n| from(json!({"serviceAccounts": [format!("namespace-{n}/account-{n}")]})),
            matching: peer,
        },
        Kind {
            name: "claim",
            action: "ALLOW",
            rule: |n| json!({"when": [{"key": "request.auth.claims[tenant]", "values": [format!("tenant-{n}")]}]}),
            matching: |n| {
                let claims = json!({"iss": "https://issuer.example", "sub": "me", "tenant": format!("tenant-{n}")});
                Sent {
                    claims: Some(claims.to_string()),
                    ..Sent::default()
                }
            },
        },
        Kind {
            name: "request principal",
            action: "ALLOW",
            rule: |n| {
                from(json!({"requestPrincipals": [format!("https://issuer.example/user-{n}")]}))
            },
            matching: |n| {
                let claims = json!({"iss": "https://issuer.example", "sub": format!("user-{n}")});
                Sent {
                    claims: Some(claims.to_string()),
                    ..Sent::default()
                }
            },
        },
        Kind {
            name: "header",
            action: "ALLOW",
            rule: |n| json!({"when": [{"key": "request.headers[x-tenant]", "values": [format!("tenant-{n}")]}]}),
            matching: |n| header("x-tenant", format!("tenant-{n}")),
        },
        Kind {
            name: "remote address",
            action: "ALLOW",
            rule: |n| from(json!({"remoteIpBlocks": [format!("10.{}.{}.0/24", n / 256, n % 256)]})),
            matching: |n| {
                let address = Some(format!("10.{}.{}.7:1234", n / 256, n % 256));
                Sent {
                    address,
                    ..Sent::default()
                }
            },
        },
        Kind {
            name: "DENY by path",
            action: "DENY",
            rule: |n| to(json!({"paths": [format!("/service-{n}/admin*")]})),
            matching: |n| header(":path", format!("/service-{n}/admin/7")),
        },
        Kind {
            name: "DENY by principal",
            action: "DENY",
            rule: |n| from(json!({"principals": [principal(n)]})),
            matching: peer,
        },
        Kind {
            name: "notPaths (linear)",
            action: "DENY",
            rule: |n| to(json!({"notPaths": [format!("/service-{n}/*"), "/service-*"]})),
            matching: |_| header(":path", "/elsewhere".to_owned()),
        },
    ]
}

/// The rule of a number.
type RuleOf = fn(usize) -> Value;

/// What a refusal may cost, by how the closest of ten thousand rules is to be found.
fn refusals() -> Vec<(&'static str, RuleOf, Sent)> {
    let by = |path: &str| Sent {
        headers: vec![(":path", path.to_owned())],
        ..peer(4711)
    };
    vec![
        (
            "a path of its own, a claim is missing",
            |n| {
                let mut rule = to(json!({"paths": [format!("/service-{n}/*")]}));
                rule["when"] = json!([{"key": "request.auth.claims[a]", "values": ["1"]}]);
                rule
            },
            header(":path", "/service-4711/x".to_owned()),
        ),
        (
            "one path for all, a principal of its own, a claim is missing",
            |n| {
                let mut rule = to(json!({"paths": ["/api/*"]}));
                rule["from"] = json!([{"source": {"principals": [principal(n)]}}]);
                rule["when"] = json!([{"key": "request.auth.claims[a]", "values": ["1"]}]);
                rule
            },
            by("/api/x"),
        ),
        (
            "one path for all, nobody's principal",
            |n| {
                let mut rule = to(json!({"paths": ["/api/*"]}));
                rule["from"] = json!([{"source": {"principals": [principal(n)]}}]);
                rule
            },
            header(":path", "/api/x".to_owned()),
        ),
        (
            "each of twenty headers right for 500 rules, one path for all",
            |n| {
                let mut rule = to(json!({"paths": ["/api/*"]}));
                rule["when"] = json!([
                    {"key": format!("request.headers[x-{}]", n % 20), "values": ["1"]},
                    {"key": "request.headers[x-none]", "values": [format!("{n}")]},
                ]);
                rule
            },
            Sent {
                headers: NAMES
                    .map(|name| (name, "1".to_owned()))
                    .into_iter()
                    .chain([(":path", "/api/x".to_owned())])
                    .collect(),
                ..Sent::default()
            },
        ),
    ]
}

const NAMES: [&str; 20] = [
    "x-0", "x-1", "x-2", "x-3", "x-4", "x-5", "x-6", "x-7", "x-8", "x-9", "x-10", "x-11", "x-12",
    "x-13", "x-14", "x-15", "x-16", "x-17", "x-18", "x-19",
];

/// The least times of these calls in nanoseconds, each measured in turn: this machine is shared, and
/// what disturbs one then disturbs all.
fn measure(calls: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut least = vec![f64::MAX; calls.len()];
    for _ in 0..ROUNDS {
        for (call, least) in calls.iter_mut().zip(&mut least) {
            let (start, mut count) = (Instant::now(), 0u32);
            while start.elapsed() < ROUND {
                (0..16).for_each(|_| call());
                count += 16;
            }
            *least = least.min(start.elapsed().as_nanos() as f64 / f64::from(count));
        }
    }
    least
}

fn request(sent: &Sent) -> Request {
    let mut pairs = vec![
        (":method", "GET"),
        (":path", "/"),
        (":authority", "app.example"),
        ("user-agent", "bench"),
    ];
    pairs.retain(|(name, _)| !sent.headers.iter().any(|(other, _)| other == name));
    pairs.extend(
        sent.headers
            .iter()
            .map(|(name, value)| (*name, value.as_str())),
    );
    Request::new(Headers::from_pairs(pairs))
}

/// Loads so many rules, and says how long it took.
fn loaded(kind: &Kind, size: usize) -> (AuthorizationPolicy, Duration) {
    load_rules(kind.action, kind.rule, size)
}

fn load_rules(
    action: &str,
    rule: fn(usize) -> Value,
    size: usize,
) -> (AuthorizationPolicy, Duration) {
    let rules: Vec<Value> = (0..size).map(rule).collect();
    let policy = json!({"name": "p", "namespace": "a", "action": action, "rules": rules});
    let text = json!({"singleUriSan": true, "policies": [policy]}).to_string();
    let start = Instant::now();
    let loaded =
        load::<AuthorizationPolicy>(text.as_bytes(), &FakeWorld::new()).expect("a configuration");
    (loaded.filter, start.elapsed())
}

fn main() {
    println!(
        "ns a decision, by rules        10    1,000   10,000   10,000 : 10   other request   load of 10,000 / ms"
    );
    for kind in kinds() {
        let filters = SIZES.map(|size| loaded(&kind, size).0);
        let load_time = (0..5).map(|_| loaded(&kind, 10_000).1).min().unwrap();
        let sents = SIZES.map(|size| (kind.matching)(size - 1));
        let other = (kind.matching)(10_000);
        let requests = [&sents[0], &sents[1], &sents[2], &other].map(request);
        let decide = |filter: usize, sent: &Sent, request: usize| {
            let policy = filters[filter].policy();
            black_box(policy.decide(&policy.view(black_box(&requests[request]), sent)));
        };
        let times = measure(&mut [
            &mut || decide(0, &sents[0], 0),
            &mut || decide(1, &sents[1], 1),
            &mut || decide(2, &sents[2], 2),
            &mut || decide(2, &other, 3),
        ]);
        println!(
            "{:<24}{:>9.0}{:>9.0}{:>9.0}{:>15.2}{:>16.0}{:>22.0}",
            kind.name,
            times[0],
            times[1],
            times[2],
            times[2] / times[0],
            times[3],
            load_time.as_secs_f64() * 1e3
        );
    }
    println!("ns a refusal by 10,000 rules");
    for (name, rule, sent) in refusals() {
        let filter = load_rules("ALLOW", rule, 10_000).0;
        let request = request(&sent);
        let policy = filter.policy();
        let mut decide = || {
            let verdict = policy.decide(&policy.view(black_box(&request), &sent));
            assert!(!black_box(verdict).allowed);
        };
        let times = measure(&mut [&mut decide]);
        println!("{name:<64}{:>9.0}", times[0]);
    }
}
