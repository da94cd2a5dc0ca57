//! Rule sets of shapes that chance does not come to: more attributes than are looked up, one value
//! in very many rules, very many values in one rule.

use authorization_policy::AuthorizationPolicy;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{Headers, Request, load};
use serde_json::{Value, json};

/// What decides a request, by the index and by trying every rule.
fn reasons(config: &Value, headers: &[(&str, &str)]) -> [String; 2] {
    let filter = load::<AuthorizationPolicy>(config.to_string().as_bytes(), &FakeWorld::new())
        .unwrap()
        .filter;
    let policy = filter.policy();
    let request = Request::new(Headers::from_pairs(headers.iter().copied()));
    let world = FakeWorld::new();
    let view = || policy.view(&request, &world);
    [policy.decide(&view()), policy.decide_slowly(&view())].map(|verdict| {
        let (outcome, detail) = verdict.record.noted().last().unwrap();
        format!("{}{detail}", policy.outcomes().find(outcome).unwrap())
    })
}

fn allow(rules: impl Iterator<Item = Value>) -> Value {
    json!({"policies": [{"name": "p", "rules": rules.collect::<Vec<_>>()}]})
}

#[test]
fn more_headers_than_are_looked_up() {
    let config =
        allow((0..200).map(
            |n| json!({"when": [{"key": format!("request.headers[x-{n}]"), "values": ["1"]}]}),
        ));
    for n in [0, 63, 64, 65, 199] {
        let name = format!("x-{n}");
        let expected = format!("allow:p.rules[{n}]");
        assert_eq!(reasons(&config, &[(&name, "1")]), [expected.as_str(); 2]);
    }
    let both = [("x-150", "1"), ("x-3", "1")];
    assert_eq!(reasons(&config, &both), ["allow:p.rules[3]"; 2]);
}

#[test]
fn one_value_in_every_rule() {
    let config = allow((0..3000).map(|n| {
        json!({
            "to": [{"operation": {"paths": ["/same"]}}],
            "when": [{"key": "request.headers[x-a]", "notValues": [format!("{}", 2999 - n)]}],
        })
    }));
    let request = [(":path", "/same"), ("x-a", "2999")];
    assert_eq!(reasons(&config, &request), ["allow:p.rules[1]"; 2]);
}

#[test]
fn very_many_values_in_one_rule() {
    let paths: Vec<String> = (0..5000).map(|n| format!("/{n}/*")).collect();
    let config = allow(std::iter::once(
        json!({"to": [{"operation": {"paths": paths}}]}),
    ));
    assert_eq!(
        reasons(&config, &[(":path", "/4999/x")]),
        ["allow:p.rules[0]"; 2]
    );
    let refused = "no_allow:p.rules[0].to[0].operation.paths";
    assert_eq!(reasons(&config, &[(":path", "/5000/x")])[0], refused);
}

#[test]
fn the_same_text_in_other_places_leads_nowhere() {
    let config = allow((0..100).map(|n| {
        json!({
            "to": [{"operation": {"hosts": [format!("{n}")]}}],
            "when": [{"key": "request.headers[x-a]", "values": [format!("{n}")]}],
        })
    }));
    let request = [(":authority", "7"), ("x-a", "7")];
    assert_eq!(reasons(&config, &request), ["allow:p.rules[7]"; 2]);
    let crossed = [(":authority", "7"), ("x-a", "8")];
    let [found, walked] = reasons(&config, &crossed);
    assert!(found.starts_with("no_allow:p.rules[") && walked.starts_with("no_allow:"));
}
