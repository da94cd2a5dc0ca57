use super::*;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{At, Problems};
use serde_json::json;

fn read(rules: &Tree) -> Rules {
    let problems = Problems::default();
    let world = FakeWorld::new();
    let load = Load {
        at: At::root(),
        problems: &problems,
        world: &world,
    };
    let policy = json!({"policies": [{"name": "a", "action": "ALLOW", "rules": rules}]});
    let rules = Rules::read(policy, &load);
    assert_eq!(problems.errors(), [], "{rules:?}");
    rules
}

#[test]
fn rules_are_within_each_other() {
    let anything = json!({});
    let get = json!({"to": [{"operation": {"methods": ["GET"]}}]});
    let paths = json!({"to": [{"operation": {"methods": ["GET"], "paths": ["/a"]}}]});
    let either =
        json!({"to": [{"operation": {"methods": ["GET"]}}, {"operation": {"paths": ["/b"]}}]});
    let not = json!({"to": [{"operation": {"methods": ["GET"], "notPaths": ["/a*"]}}]});
    let not_more = json!({"to": [{"operation": {"methods": ["GET"], "notPaths": ["/a*", "/b"]}}]});
    let from = json!({"from": [{"source": {"principals": ["a"]}}], "to": [{"operation": {"methods": ["GET"]}}]});
    let header =
        |values: &[&str]| json!({"when": [{"key": "request.headers[x]", "values": values}]});
    let block = |block: &str| json!({"from": [{"source": {"remoteIpBlocks": [block]}}]});
    let when_block = json!({"when": [{"key": "remote.ip", "values": ["10.1.0.0/16"]}]});
    let template = json!({"to": [{"operation": {"paths": ["/a/{*}/b"]}}]});
    let start = json!({"to": [{"operation": {"paths": ["/a/*"]}}]});
    let host = |host: &str| json!({"to": [{"operation": {"hosts": [host]}}]});
    for (wide, narrow, expected) in [
        (&anything, &get, true),
        (&get, &anything, false),
        (&get, &paths, true),
        (&paths, &get, false),
        (&either, &get, true),
        (&get, &either, false),
        (&not, &not_more, true),
        (&not_more, &not, false),
        (&get, &not, true),
        (&get, &from, true),
        (&from, &get, false),
        (&header(&["a*", "b"]), &header(&["ab"]), true),
        (&header(&["ab"]), &header(&["a*"]), false),
        // The same attribute, wherever it is asked for.
        (&block("10.0.0.0/8"), &block("10.1.0.0/16"), true),
        (&block("10.1.0.0/16"), &block("10.0.0.0/8"), false),
        (&block("10.0.0.0/8"), &when_block, true),
        (&when_block, &block("10.1.2.3"), true),
        (&start, &template, true),
        (&template, &start, false),
        (&host("*.Example"), &host("shop.example"), true),
    ] {
        let (wide, narrow) = (read(&json!([wide])), read(&json!([narrow])));
        assert_eq!(wide.covers(0, &narrow, 0), expected, "{wide:?} {narrow:?}");
        let found = Index::new(&[&wide]).may_cover(&narrow, 0);
        assert!(!expected || found == [(0, 0)], "{wide:?} {narrow:?}");
    }
}

#[test]
fn few_of_many_rules_may_cover_one() {
    let rule = |number: usize| json!({"to": [{"operation": {"methods": ["GET"], "paths": [format!("/{number}/*")]}}]});
    let rules = read(&Tree::Array((0..2_000).map(rule).collect()));
    let index = Index::new(&[&rules]);
    assert_eq!(index.may_cover(&rules, 1_234), [(0, 1_234)]);
}
