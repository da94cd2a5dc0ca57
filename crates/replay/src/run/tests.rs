use std::fs;

use explain::Outcome;
use proptest::prelude::*;
use sdk_helpers::config;
use serde_json::{Value, json};

use super::*;

fn policies(value: &Value) -> Policies {
    Policies::read(&json!({"authorizationPolicy": {"policies": value}})).unwrap()
}

/// Replays lines of text with so many threads.
fn replay(replay: &Replay<'_>, text: &[u8]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    fs::write(&path, text).unwrap();
    let sources = Source::find(std::slice::from_ref(&path)).unwrap();
    let mut read = 0;
    let mut report = replay.run(&sources, &mut |more| read += more).unwrap();
    assert_eq!(read, text.len() as u64);
    for file in [
        report
            .changes
            .iter_mut()
            .map(|one| &mut one.example.file)
            .collect::<Vec<_>>(),
        report
            .disagreements
            .iter_mut()
            .map(|one| &mut one.example.file)
            .collect(),
        report
            .lines
            .first_unreadable
            .iter_mut()
            .map(|one| &mut one.file)
            .collect(),
    ]
    .into_iter()
    .flatten()
    {
        assert!(file.ends_with("access.log"), "{file}");
        *file = "access.log".to_owned();
    }
    report
}

fn lines(all: &[Value]) -> Vec<u8> {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join("\n").into_bytes()
}

fn with<'p>(old: Option<&'p Policies>, new: &'p Policies) -> Replay<'p> {
    Replay {
        old,
        new,
        since: None,
        threads: 2,
    }
}

fn orders(method: &str) -> Policies {
    policies(&json!([{"name": "orders", "namespace": "shop", "rules": [
        {"to": [{"operation": {"methods": [method], "paths": ["/orders/*"]}}]},
    ]}]))
}

#[test]
fn what_is_decided_otherwise_is_told_by_its_reasons() {
    let (old, new) = (orders("GET"), orders("POST"));
    let line = |method: &str, path: &str| {
        json!({"method": method, "path": path, "authority": "shop.example", "downstream_peer_uri_san": null,
               "downstream_remote_address": "203.0.113.7:4711"})
    };
    let report = replay(
        &with(Some(&old), &new),
        &lines(&[
            line("PUT", "/orders/1"),
            line("GET", "/orders/1?token=abcdef0123456789"),
            line("GET", "/orders/2"),
            line("POST", "/orders/3"),
            line("GET", "/other"),
        ]),
    );
    assert_eq!((report.changed, report.alike, report.unjudged), (3, 2, 0));
    let [denied, allowed] = &report.changes[..] else {
        panic!("{report:?}");
    };
    assert_eq!(denied.count, 2);
    assert_eq!(
        (denied.before.outcome, denied.before.reason.as_str()),
        (Outcome::Allow, "allow:shop/orders.rules[0]")
    );
    assert_eq!(
        (denied.after.outcome, denied.after.reason.as_str()),
        (
            Outcome::Deny,
            "no_allow:shop/orders.rules[0].to[0].operation.methods"
        )
    );
    let example = &denied.example;
    assert_eq!(example.line, 2);
    assert_eq!(example.path.as_deref(), Some("/orders/1?token=***"));
    let closest = example.closest.as_ref().unwrap();
    assert_eq!(
        (&closest.wanted[..], closest.seen.as_deref()),
        (&["POST".to_owned()][..], Some("GET"))
    );
    assert_eq!(
        (allowed.before.outcome, allowed.count, allowed.example.line),
        (Outcome::Deny, 1, 4)
    );
}

#[test]
fn what_the_log_does_not_say_is_not_guessed() {
    let gold = policies(&json!([{"name": "plan", "rules": [
        {"to": [{"operation": {"paths": ["/open"]}}]},
        {"to": [{"operation": {"paths": ["/gold"]}}], "when": [{"key": "request.headers[x-plan]", "values": ["gold"]}]},
    ]}]));
    let nobody = policies(&json!([{"name": "nobody"}]));
    let report = replay(
        &with(Some(&gold), &nobody),
        &lines(&[
            // Allowed, and refused, whatever the header.
            json!({"method": "GET", "path": "/open"}),
            json!({"method": "GET", "path": "/closed"}),
            // That depends.
            json!({"method": "GET", "path": "/gold"}),
            json!({"method": "GET", "path": "/gold", "request_headers": {"x-plan": null}}),
            json!({"method": "GET", "path": "/gold", "request_headers": {"X-Plan": "gold"}}),
        ]),
    );
    assert_eq!((report.changed, report.alike, report.unjudged), (2, 2, 1));
    let [missing] = &report.missing[..] else {
        panic!("{report:?}");
    };
    assert_eq!((missing.policies, missing.count), (Side::Old, 1));
    assert_eq!(missing.field.to_string(), "request_headers.x-plan");
    assert_eq!(missing.conditions, ["plan.rules[1].when[0]"]);
}

#[test]
fn a_log_that_says_otherwise_than_the_old_policies_is_told() {
    let (old, new) = (orders("GET"), orders("GET"));
    let line = |details: &str, path: &str| json!({"method": "GET", "path": path, "response_code_details": details});
    let refused =
        "mesh_filters.authorization-policy{no_allow:shop/orders.rules[0].to[0].operation.paths}";
    let text = lines(&[
        line("via_upstream", "/orders/1"),
        line("rbac_access_denied_matched_policy[none]", "/orders/1"),
        line(refused, "/other"),
        line("via_upstream", "/other"),
        line("local_rate_limited", "/other"),
        line("jwt_authn_access_denied{Jwt_is_expired}", "/orders/1"),
        line("path_normalization_failed", "/orders/%00"),
    ]);
    let report = replay(&with(Some(&old), &new), &text);
    assert_eq!((report.compared, report.disagreed), (4, 2));
    assert_eq!((report.token_refused, report.before_filters), (1, 1));
    let said = |one: &Disagreement| (one.logged.outcome, one.judged.outcome, one.example.line);
    let said: Vec<_> = report.disagreements.iter().map(said).collect();
    assert_eq!(
        said,
        [
            (Outcome::Allow, Outcome::Deny, 4),
            (Outcome::Deny, Outcome::Allow, 2)
        ]
    );
    // Without old policies it is the log that is compared with.
    let report = replay(&with(None, &new), &text);
    assert_eq!((report.changed, report.alike, report.unanswered), (2, 2, 1));
    assert_eq!(report.changes[0].before.reason, "answered");
    assert_eq!((report.compared, report.disagreed), (0, 0));
}

#[test]
fn a_provider_may_have_said_anything() {
    let custom = Policies::read(&json!({"authorizationPolicy": {
        "extensionProviders": [{"name": "login", "envoyExtAuthzHttp": {"service": "login.example", "port": 80}}],
        "policies": [
            {"name": "login", "action": "CUSTOM", "provider": {"name": "login"}, "rules": [{"to": [{"operation": {"paths": ["/in"]}}]}]},
            {"name": "out", "action": "DENY", "rules": [{"to": [{"operation": {"methods": ["PUT"]}}]}]},
        ],
    }}))
    .unwrap();
    let all = policies(&json!([{"name": "all", "rules": [{}]}]));
    let line = |method: &str, path: &str| json!({"method": method, "path": path});
    let report = replay(
        &with(Some(&all), &custom),
        &lines(&[line("GET", "/in"), line("PUT", "/in"), line("GET", "/a")]),
    );
    assert_eq!((report.changed, report.alike, report.unjudged), (1, 1, 1));
    assert_eq!(
        report.missing[0].field,
        crate::Field::Provider("login".to_owned())
    );
}

#[test]
fn requests_before_a_time_do_not_count() {
    let new = orders("GET");
    let replayed = Replay {
        since: Some(config::timestamp("2026-11-21T10:00:00Z").unwrap()),
        ..with(Some(&new), &new)
    };
    let line = |time: Value| json!({"method": "GET", "path": "/", "start_time": time});
    let report = replay(
        &replayed,
        &lines(&[
            line(json!("2026-11-21T09:59:59.999Z")),
            line(json!("2026-11-21T10:00:00.000Z")),
            line(json!("2026-11-21T10:30:00+01:00")),
            line(json!(null)),
        ]),
    );
    let lines = &report.lines;
    assert_eq!(
        (lines.read, lines.earlier, lines.untimed, lines.requests()),
        (4, 2, 1, 1)
    );
    assert_eq!(report.alike, 1);
}

#[test]
fn lines_that_are_none_are_named_and_passed_over() {
    let new = orders("GET");
    let mut text = b"Envoy proxy is ready secret\n\n{\"path\": \"/\", \xff}\n".to_vec();
    text.extend(lines(&[json!({"method": "GET", "path": "/"})]));
    let report = replay(&with(Some(&new), &new), &text);
    assert_eq!((report.lines.read, report.lines.unreadable), (3, 2));
    let places = report.lines.first_unreadable.iter().map(|one| one.line);
    assert_eq!(places.collect::<Vec<_>>(), [1, 3]);
    assert_eq!(report.alike, 1);
    assert!(!format!("{report:?}").contains("secret"));
}

/// A policy of few values, so that requests meet them.
fn policy() -> impl Strategy<Value = Value> {
    let lists = |name: &'static str, values: &'static [&'static str]| {
        prop::option::of((
            any::<bool>(),
            prop::sample::subsequence(values, 1..=values.len()),
        ))
        .prop_map(move |list| {
            let (not, values) = list?;
            let mut letters = name.chars();
            let opposite: String = letters
                .next()
                .into_iter()
                .flat_map(char::to_uppercase)
                .chain(letters)
                .collect();
            let name = if not {
                format!("not{opposite}")
            } else {
                name.to_owned()
            };
            Some((name, json!(values)))
        })
    };
    let map = |lists: Vec<Option<(String, Value)>>| -> Option<Value> {
        let map: serde_json::Map<String, Value> = lists.into_iter().flatten().collect();
        (!map.is_empty()).then_some(Value::Object(map))
    };
    let source = (
        lists("principals", &["a/ns/b/sa/c", "*"]),
        lists("remoteIpBlocks", &["10.0.0.0/8"]),
        lists("ipBlocks", &["10.0.0.1"]),
        lists("requestPrincipals", &["i/s"]),
    )
        .prop_map(move |(a, b, c, d)| map(vec![a, b, c, d]));
    let operation = (
        lists("paths", &["/a", "/b/*"]),
        lists("methods", &["GET"]),
        lists("hosts", &["x"]),
        lists("ports", &["80"]),
    )
        .prop_map(move |(a, b, c, d)| map(vec![a, b, c, d]));
    let key = prop::sample::select(vec![
        ("request.headers[x-h]", "1"),
        ("request.auth.claims[k]", "v"),
        ("connection.sni", "s"),
        ("destination.port", "80"),
        ("source.ip", "10.0.0.1"),
    ]);
    let when = (key, any::<bool>()).prop_map(|((key, value), not)| match not {
        true => json!({"key": key, "notValues": [value]}),
        false => json!({"key": key, "values": [value]}),
    });
    let rule = (
        prop::collection::vec(source, 0..3),
        prop::collection::vec(operation, 0..3),
        prop::collection::vec(when, 0..3),
    )
        .prop_map(|(from, to, when)| {
            let mut rule = json!({});
            let entries = |inner: &str, all: Vec<Option<Value>>| -> Vec<Value> {
                all.into_iter()
                    .flatten()
                    .map(|one| json!({inner: one}))
                    .collect()
            };
            for (name, list) in [
                ("from", entries("source", from)),
                ("to", entries("operation", to)),
                ("when", when),
            ] {
                if !list.is_empty() {
                    rule[name] = json!(list);
                }
            }
            rule
        });
    let action = prop::sample::select(vec!["ALLOW", "DENY"]);
    (action, prop::collection::vec(rule, 1..4))
        .prop_map(|(action, rules)| json!({"action": action, "rules": rules}))
}

/// A line that says everything.
fn full() -> impl Strategy<Value = Value> {
    let one = |values: &[&str]| {
        let values: Vec<Value> = values
            .iter()
            .map(|text| json!(text))
            .chain([Value::Null])
            .collect();
        prop::sample::select(values)
    };
    let address = |ips: &[&str]| {
        prop::sample::select(
            ips.iter()
                .map(|ip| json!(format!("{ip}:80")))
                .collect::<Vec<_>>(),
        )
    };
    let asked = (
        prop::sample::select(vec![json!("/a"), json!("/b/c"), json!("/d")]),
        prop::sample::select(vec![json!("GET"), json!("PUT")]),
        prop::sample::select(vec![json!("x"), json!("y")]),
    );
    let from = (
        one(&["spiffe://a/ns/b/sa/c", "spiffe://d/ns/e/sa/f"]),
        address(&["10.0.0.1", "10.0.0.2", "1.1.1.1"]),
        address(&["10.0.0.1", "10.0.0.2"]),
        prop::sample::select(vec![json!("10.1.1.1:80"), json!("10.1.1.1:90")]),
    );
    let more = (
        one(&["1", "2"]),
        one(&["s", "t"]),
        prop::sample::select(vec![
            Value::Null,
            json!({"iss": "i", "sub": "s", "k": "v"}),
            json!({"iss": "i", "sub": "t"}),
        ]),
    );
    (asked, from, more).prop_map(|((path, method, authority), (peer, client, direct, local), (header, sni, claims))| json!({
        "path": path, "method": method, "authority": authority, "downstream_peer_uri_san": peer,
        "downstream_remote_address": client, "downstream_direct_remote_address": direct,
        "downstream_local_address": local, "request_headers": {"x-h": header}, "requested_server_name": sni,
        "claims": claims,
    }))
}

fn verdict(policies: &Policies, line: &Value) -> Verdict {
    use crate::entry::Entry;
    use crate::judges::{Asked, Judges, Met};
    let text = line.to_string();
    let entry = Entry::parse(text.as_bytes()).unwrap();
    let asked = Asked::of([policies].into_iter());
    let met = Met::new(&entry, &asked);
    Judges::new(policies).unwrap().verdict(&met)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_known_without_a_field_is_so_whatever_was_in_it(
        policy in prop::collection::vec(policy(), 1..4),
        line in full(),
        others in full(),
        dropped in prop::collection::btree_set(0usize..10, 1..5),
    ) {
        let policies = policies(&json!(policy));
        let names: Vec<String> = line.as_object().unwrap().keys().cloned().collect();
        let mut less = line.clone();
        let mut other = line.clone();
        for place in dropped {
            let name = &names[place];
            less.as_object_mut().unwrap().remove(name);
            other[name.as_str()] = others[name.as_str()].clone();
        }
        let known = |verdict: Verdict| match verdict {
            Verdict::Known(outcome, _) => Some(outcome),
            Verdict::Unknown(_) => None,
        };
        // A line without a path and so on is none, and nothing is asked of it here.
        prop_assume!(["method", "path", "authority"].iter().any(|name| less.get(name).is_some()));
        let whole = known(verdict(&policies, &line));
        prop_assert!(whole.is_some());
        if let Some(outcome) = known(verdict(&policies, &less)) {
            prop_assert_eq!(Some(outcome), whole, "{} {}", json!(policy), &less);
            prop_assert_eq!(Some(outcome), known(verdict(&policies, &other)), "{} {}", json!(policy), &less);
        }
    }

    #[test]
    fn it_is_the_same_at_every_run(
        old in prop::collection::vec(policy(), 1..3),
        new in prop::collection::vec(policy(), 1..3),
        text in prop::collection::vec(prop_oneof![
            4 => full().prop_map(|line| line.to_string().into_bytes()),
            1 => prop::collection::vec(any::<u8>(), 0..40),
        ], 0..40),
    ) {
        let (old, new) = (policies(&json!(old)), policies(&json!(new)));
        let text = text.join(&b'\n');
        let shown = |threads: usize| {
            let report = replay(&Replay { threads, ..with(Some(&old), &new) }, &text);
            let lines = &report.lines;
            assert_eq!(lines.requests(), report.changed + report.alike + report.unjudged);
            serde_json::to_string(&report).unwrap()
        };
        prop_assert_eq!(shown(1), shown(3));
    }
}
