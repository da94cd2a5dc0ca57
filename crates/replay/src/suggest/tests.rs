use std::fs;

use explain::{Arrived, Outcome};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::Policies;

fn suggest(min_count: u64, threads: usize) -> Suggest {
    Suggest {
        since: None,
        threads,
        min_count,
        name: "suggested".to_owned(),
        namespace: Some("shop".to_owned()),
        labels: BTreeMap::from([("app".to_owned(), "orders".to_owned())]),
    }
}

fn run(suggest: &Suggest, lines: &[Value]) -> Suggestion {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    fs::write(&path, lines.join("\n")).unwrap();
    let sources = Source::find(&[path]).unwrap();
    suggest.run(&sources, &mut |_| {}).unwrap()
}

fn line(peer: &Value, method: &str, path: &str, code: u16) -> Value {
    json!({
        "method": method, "path": path, "response_code": code, "response_code_details": "via_upstream",
        "downstream_peer_uri_san": peer,
    })
}

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
const ADMIN: &str = "spiffe://cluster.local/ns/shop/sa/admin";

#[test]
fn a_policy_says_what_was_answered_and_no_more() {
    let (web, admin) = (json!(WEB), json!(ADMIN));
    let refused = json!({
        "method": "DELETE", "path": "/orders/7", "response_code": 403, "downstream_peer_uri_san": WEB,
        "response_code_details": "rbac_access_denied_matched_policy[none]",
    });
    let suggestion = run(
        &suggest(1, 1),
        &[
            line(&web, "GET", "/orders/7", 200),
            line(&web, "GET", "/orders/8?page=2", 200),
            line(&web, "POST", "/orders", 201),
            line(&web, "GET", "/orders", 200),
            line(&web, "GET", "/secret", 404),
            line(&admin, "GET", "/orders/export", 200),
            line(&json!(null), "GET", "/health", 200),
            line(&web, "GET", "/orders/*", 200),
            line(&json!("https://other"), "GET", "/orders", 200),
            refused,
        ],
    );
    let expected = "\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: \"suggested\"
  namespace: \"shop\"
spec:
  selector:
    matchLabels:
      \"app\": \"orders\"
  action: ALLOW
  rules:
  - from:
    - source:
        principals:
        - \"cluster.local/ns/shop/sa/admin\"  # 1 request
    to:
    - operation:
        methods: [\"GET\"]
        paths:
        - \"/orders/export\"  # 1 request
  - from:
    - source:
        principals:
        - \"cluster.local/ns/shop/sa/web\"  # 4 requests
    to:
    - operation:
        methods: [\"GET\"]
        paths:
        - \"/orders/{*}\"  # 2 requests
        # Others were answered there, or other methods.
        notPaths:
        - \"/orders/export\"
    - operation:
        methods: [\"GET\", \"POST\"]
        paths:
        - \"/orders\"  # 2 requests
  # No certificate: plaintext.
  - from:
    - source:
        notPrincipals: [\"*\"]
    to:
    - operation:
        methods: [\"GET\"]
        paths:
        - \"/health\"  # 1 request
";
    assert_eq!(suggestion.yaml(), expected);
    let counts = (suggestion.count(), suggestion.refused, suggestion.failed);
    assert_eq!(counts, (6, 1, 1));
    let left_out: Vec<u64> = suggestion.left_out.iter().map(|out| out.count).collect();
    assert_eq!(left_out, [1, 1]);
    assert!(suggestion.knows_peers);
}

#[test]
fn senders_who_do_the_same_have_one_rule() {
    let lines = [WEB, ADMIN].map(|peer| line(&json!(peer), "GET", "/a", 200));
    let suggestion = run(&suggest(1, 1), &lines);
    let rules = suggestion.policy["spec"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "{rules:?}");
    assert_eq!(
        rules[0]["from"][0]["source"]["principals"],
        json!([
            "cluster.local/ns/shop/sa/admin",
            "cluster.local/ns/shop/sa/web"
        ])
    );
}

#[test]
fn without_a_name_of_the_sender_anybody_is_admitted_and_that_is_told() {
    let mut anonymous = line(&json!(null), "GET", "/a", 200);
    anonymous
        .as_object_mut()
        .unwrap()
        .remove("downstream_peer_uri_san");
    let suggestion = run(&suggest(1, 1), &[anonymous]);
    assert!(!suggestion.knows_peers);
    assert_eq!(
        suggestion.policy["spec"]["rules"],
        json!([{"to": [{"operation": {"methods": ["GET"], "paths": ["/a"]}}]}])
    );
}

#[test]
fn what_is_seldom_is_left_out() {
    let lines: Vec<Value> = ["/a", "/a", "/b", "/c/1", "/c/2"]
        .iter()
        .map(|path| line(&json!(WEB), "GET", path, 200))
        .collect();
    let suggestion = run(&suggest(2, 1), &lines);
    let paths: Vec<&str> = suggestion
        .admitted
        .iter()
        .map(|one| one.path.as_str())
        .collect();
    assert_eq!(paths, ["/a", "/c/{*}"]);
    assert_eq!(suggestion.left_out[0].count, 1);
}

#[test]
fn nothing_that_was_answered_is_no_policy() {
    let suggestion = run(&suggest(1, 1), &[line(&json!(WEB), "GET", "/a", 500)]);
    assert_eq!((suggestion.yaml(), &suggestion.policy), ("", &Value::Null));
}

#[test]
fn paths_beyond_what_can_be_told_apart_are_counted() {
    let lines: Vec<Value> = (0..MOST_PATHS + 5)
        .map(|path| line(&json!(WEB), "GET", &format!("/p{path}x"), 200))
        .collect();
    for threads in [1, 2] {
        let suggestion = run(&suggest(1, threads), &lines);
        assert_eq!(suggestion.admitted.len(), MOST_PATHS);
        assert_eq!(suggestion.left_out[0].count, 5);
    }
}

/// Whatever somebody may have asked for.
fn request() -> impl Strategy<Value = (Value, String, String, u16, &'static str)> {
    let peer = prop_oneof![
        Just(json!(WEB)),
        Just(json!(ADMIN)),
        Just(json!(null)),
        Just(json!("-")),
        Just(json!("spiffe://*")),
        Just(json!("spiffe://a/ns/b/sa/c,spiffe://d/ns/e/sa/f")),
        Just(json!(7)),
    ];
    let method = prop::sample::select(vec!["GET", "POST", "*", "G*", "PATCH"]);
    let segment = prop::sample::select(vec![
        "orders",
        "7",
        "8",
        "007",
        "export",
        "*",
        "{*}",
        "{**}",
        "",
        "..",
        "%2e%2e",
        "a*",
        "é",
        "6f1e2d3c-0000-4a5b-8c9d-0123456789ab",
        "507f1f77bcf86cd799439011",
        "507f1f77bcf86cd799439012",
        "a b",
        "a|b",
        "[1]",
        "?",
        "#",
        "\u{1b}[2J",
        "x?y=1",
    ]);
    let path =
        prop::collection::vec(segment, 0..4).prop_map(|parts| format!("/{}", parts.join("/")));
    let path = prop_oneof![9 => path, 1 => Just("*".to_owned())];
    let code = prop::sample::select(vec![101, 200, 204, 302, 404, 500, 0]);
    let details = prop::sample::select(vec![
        "via_upstream",
        "direct_response",
        "rbac_access_denied_matched_policy[none]",
        "-",
        "unheard_of",
    ]);
    (peer, method, path, code, details).prop_map(|(peer, method, path, code, details)| {
        (peer, method.to_owned(), path, code, details)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_answered_is_admitted_and_who_was_refused_is_not(requests in prop::collection::vec(request(), 1..40)) {
        let lines: Vec<Value> = requests.iter().map(|(peer, method, path, code, details)| json!({
            "method": method, "path": path, "response_code": code, "response_code_details": details,
            "downstream_peer_uri_san": peer, "downstream_local_address": "10.0.0.1:80",
        })).collect();
        let suggestion = run(&suggest(1, 2), &lines);
        let again = run(&suggest(1, 1), &lines);
        prop_assert_eq!(suggestion.yaml(), again.yaml());
        let left_out: u64 = suggestion.left_out.iter().map(|out| out.count).sum();
        prop_assert_eq!(
            suggestion.count() + suggestion.refused + suggestion.failed + suggestion.unanswered + left_out,
            lines.len() as u64
        );
        if suggestion.policy.is_null() {
            return Ok(());
        }
        let policies = Policies::read(&json!({"resources": [suggestion.policy]})).unwrap();
        let mut judge = policies.judge(None).unwrap();
        let mut admitted = 0;
        for (peer, method, path, code, details) in &requests {
            let peer = match peer { Value::Null => None, Value::String(text) if text == "-" => None, other => Some(other.as_str().unwrap_or("7")) };
            let arrived = Arrived { method, path, authority: "a", peer, port: 80, ..Arrived::default() };
            let outcome = judge.judge(&arrived, false).unwrap().outcome;
            let answered = ["via_upstream", "direct_response"].contains(details) && (100..400).contains(code);
            let plain = path.split(['?', '#']).next().unwrap();
            let is_exact = !plain.contains(['*', '{', '}', ' ', 'é', '\u{1b}']) && plain.starts_with('/');
            let sayable = is_exact && !method.contains('*')
                && peer.is_none_or(|peer| peer.starts_with("spiffe://") && !peer.contains(['*', ',']));
            if answered && sayable {
                admitted += 1;
                prop_assert_eq!(outcome, Outcome::Allow, "{:?} {} {}\n{}", peer, method, path, suggestion.yaml());
            }
            // Who never was answered anything like it is not admitted.
            let stem = |path: &str| path.split(['?', '#']).next().unwrap_or_default().split('/').map(str::len).collect::<Vec<_>>().len();
            let like = requests.iter().any(|(_, other, known, code, details)| {
                other == method && stem(known) == stem(path) && (100..400).contains(code) && ["via_upstream", "direct_response"].contains(details)
            });
            if !like {
                prop_assert_eq!(outcome, Outcome::Deny, "{:?} {} {}\n{}", peer, method, path, suggestion.yaml());
            }
        }
        prop_assert_eq!(admitted, suggestion.count());
    }

    #[test]
    fn no_bytes_end_it(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..20)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, lines.join(&b'\n')).unwrap();
        let sources = Source::find(&[path]).unwrap();
        let suggestion = suggest(1, 2).run(&sources, &mut |_| {}).unwrap();
        prop_assert_eq!(suggestion.admitted.len(), 0);
    }
}
