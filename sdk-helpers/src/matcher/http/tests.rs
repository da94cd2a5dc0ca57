use super::*;
use crate::config::{parse, read};
use crate::headers::Headers;
use crate::world::fake::FakeWorld;

fn compile(text: &str) -> Result<HttpMatch, Vec<String>> {
    let problems = Problems::default();
    let wire = read::<HttpMatchWire>(&parse(text.as_bytes()).unwrap(), &At::root(), &problems);
    let compiled = HttpMatch::compile(wire, &At::root(), &problems);
    let errors: Vec<String> = problems.errors().iter().map(ToString::to_string).collect();
    if errors.is_empty() {
        Ok(compiled)
    } else {
        Err(errors)
    }
}

fn matches_in(world: &FakeWorld, text: &str, headers: &[(&str, &str)]) -> bool {
    let mut all = vec![
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "a.example:80"),
    ];
    if !headers.iter().any(|(name, _)| *name == ":path") {
        all.push((":path", "/"));
    }
    all.extend_from_slice(headers);
    let request = Request::new(Headers::from_pairs(all));
    compile(text).expect("a match").matches(&request, world)
}

fn matches(text: &str, headers: &[(&str, &str)]) -> bool {
    matches_in(&FakeWorld::new(), text, headers)
}

#[test]
fn uri_is_the_path_without_its_query() {
    let path = |path| [(":path", path)];
    assert!(matches(r#"{"uri":{"exact":"/a"}}"#, &path("/a?b=c")));
    assert!(matches(r#"{"uri":{"prefix":"/foo"}}"#, &path("/foobar")));
    assert!(matches(r#"{"uri":{"prefix":""}}"#, &path("/x")));
    assert!(matches(r#"{"uri":{}}"#, &path("/x")));
    assert!(matches(r#"{"uri":{"template":"/a/{*}"}}"#, &path("/a/b?c")));
    assert!(!matches(r#"{"uri":{"template":"/a/{*}"}}"#, &path("/a")));
    assert!(matches(
        r#"{"uri":{"exact":"/A"},"ignoreUriCase":true}"#,
        &path("/a")
    ));
    assert!(!matches(
        r#"{"uri":{"regex":"/A"},"ignoreUriCase":true}"#,
        &path("/a")
    ));
}

#[test]
fn pseudo_headers_are_matched_as_sent() {
    assert!(matches(
        r#"{"method":{"exact":"GET"},"scheme":{"prefix":"ht"},"authority":{"exact":"a.example:80"}}"#,
        &[]
    ));
    assert!(!matches(r#"{"authority":{"exact":"a.example"}}"#, &[]));
    assert!(matches(
        r#"{"headers":{":method":{"exact":"GET"},"Host":{"prefix":"a."}}}"#,
        &[]
    ));
}

#[test]
fn any_value_of_a_repeated_header_matches_alone() {
    let twice = [("a", "1"), ("a", "2")];
    assert!(matches(r#"{"headers":{"A":{"exact":"1"}}}"#, &twice));
    assert!(matches(r#"{"headers":{"a":{"exact":"2"}}}"#, &twice));
    assert!(!matches(r#"{"headers":{"a":{"exact":"1,2"}}}"#, &twice));
    assert!(!matches(
        r#"{"withoutHeaders":{"a":{"exact":"2"}}}"#,
        &twice
    ));
}

#[test]
fn an_empty_match_asks_whether_the_header_is_there() {
    assert!(matches(r#"{"headers":{"a":{}}}"#, &[("a", "")]));
    assert!(!matches(r#"{"headers":{"a":{}}}"#, &[]));
    assert!(matches(r#"{"headers":{"a":{"exact":""}}}"#, &[("a", "")]));
    assert!(!matches(r#"{"headers":{"a":{"exact":""}}}"#, &[]));
}

#[test]
fn without_headers_takes_a_missing_header_for_the_empty_text() {
    assert!(matches(r#"{"withoutHeaders":{"a":{"exact":"x"}}}"#, &[]));
    assert!(!matches(r#"{"withoutHeaders":{"a":{"regex":".*"}}}"#, &[]));
    for presence in [
        r#"{"withoutHeaders":{"a":{}}}"#,
        r#"{"withoutHeaders":{"a":{"regex":"*"}}}"#,
    ] {
        assert!(matches(presence, &[]));
        assert!(!matches(presence, &[("a", "")]));
    }
}

#[test]
fn query_parameters_are_raw_and_the_first_counts() {
    let path = |path| [(":path", path)];
    assert!(matches(
        r#"{"queryParams":{"a":{"exact":"%31"}}}"#,
        &path("/?a=%31&a=2")
    ));
    assert!(!matches(
        r#"{"queryParams":{"a":{"exact":"2"}}}"#,
        &path("/?a=1&a=2")
    ));
    assert!(matches(r#"{"queryParams":{"a":{}}}"#, &path("/?a")));
    assert!(matches(
        r#"{"queryParams":{"a":{"exact":""}}}"#,
        &path("/?a=")
    ));
    assert!(!matches(r#"{"queryParams":{"a":{}}}"#, &path("/a")));
}

#[test]
fn facts_are_asked_for_when_all_else_matches() {
    let world = FakeWorld::new();
    let rule = r#"{"headers":{"a":{}},"port":8080,"route":{"exact":"r"},"sourceLabels":{"app":"x"},"sourceNamespace":"n"}"#;
    assert!(!matches_in(&world, rule, &[]));
    assert!(world.asked().is_empty());
    world.set_property(&["destination", "port"], 8080i64.to_le_bytes());
    world.set_property(&["xds", "route_name"], "r");
    world.set_property(&["xds", "node", "metadata", "LABELS", "app"], "x");
    world.set_property(&["xds", "node", "metadata", "NAMESPACE"], "n");
    assert!(matches_in(&world, rule, &[("a", "")]));
    assert!(!matches_in(&world, r#"{"port":80}"#, &[]));
}

#[test]
fn claims_match_by_name_and_as_istio_writes_them() {
    let world = FakeWorld::new();
    for rule in [
        r#"{"claims":{"groups":{"exact":"admin"}}}"#,
        r#"{"headers":{"@request.auth.claims.groups":{"exact":"admin"}}}"#,
        r#"{"headers":{"@Request.Auth.Claims[groups]":{"prefix":"adm"}}}"#,
    ] {
        assert!(!matches_in(&FakeWorld::new(), rule, &[]), "{rule}");
        world.set_property(&claims::PATH, r#"{"groups":["dev","admin"]}"#);
        assert!(matches_in(&world, rule, &[]), "{rule}");
    }
    for without in [
        r#"{"withoutHeaders":{"@request.auth.claims.groups":{"exact":"admin"}}}"#,
        r#"{"withoutClaims":{"groups":{"exact":"admin"}}}"#,
        r#"{"withoutClaims":{"groups":{}}}"#,
    ] {
        assert!(!matches_in(&world, without, &[]), "{without}");
        assert!(matches_in(&FakeWorld::new(), without, &[]), "{without}");
    }
    let other = r#"{"withoutClaims":{"sub":{},"groups":{"exact":"root"}}}"#;
    assert!(matches_in(&world, other, &[]));
    let both = r#"{"claims":{"groups":{}},"withoutClaims":{"sub":{}}}"#;
    assert!(matches_in(&world, both, &[]));
    assert!(!matches_in(&FakeWorld::new(), both, &[]));
}

#[test]
fn an_end_and_a_part_match_wherever_a_text_does() {
    let path = [
        (":path", "/a/report.PDF?v=1.2"),
        ("user-agent", "some bot/1"),
    ];
    for (rule, yes) in [
        (r#"{"uri":{"suffix":".PDF"}}"#, true),
        (r#"{"uri":{"suffix":".pdf"}}"#, false),
        (r#"{"uri":{"suffix":".pdf"},"ignoreUriCase":true}"#, true),
        (r#"{"uri":{"contains":"port"}}"#, true),
        (r#"{"uri":{"contains":"v="}}"#, false),
        (r#"{"headers":{"user-agent":{"contains":"bot"}}}"#, true),
        (r#"{"headers":{":path":{"suffix":"=1.2"}}}"#, true),
        (
            r#"{"withoutHeaders":{"user-agent":{"contains":"bot"}}}"#,
            false,
        ),
        (r#"{"withoutHeaders":{"x":{"contains":"bot"}}}"#, true),
        (r#"{"queryParams":{"v":{"suffix":".2"}}}"#, true),
        (r#"{"authority":{"suffix":":80"}}"#, true),
        (r#"{"authority":{"contains":"b"}}"#, false),
    ] {
        assert_eq!(matches(rule, &path), yes, "{rule}");
    }
}

#[test]
fn blocks_of_addresses_are_one_or_several() {
    let world = FakeWorld::new();
    world.set_property(&["source", "address"], "10.1.2.3:4567");
    for (rule, yes) in [
        (r#"{"sourceCIDR":"10.0.0.0/8"}"#, true),
        (r#"{"sourceCIDR":["192.0.2.0/24","10.1.2.3"]}"#, true),
        (r#"{"sourceCIDR":["192.0.2.0/24"]}"#, false),
        (r#"{"notSourceCIDR":"10.0.0.0/8"}"#, false),
        (r#"{"notSourceCIDR":["192.0.2.0/24"]}"#, true),
        (
            r#"{"sourceCIDR":"10.0.0.0/8","notSourceCIDR":"10.1.0.0/16"}"#,
            false,
        ),
        (r#"{"sourceCIDR":"10.0.0.0/8","headers":{"x":{}}}"#, false),
    ] {
        assert_eq!(matches_in(&world, rule, &[]), yes, "{rule}");
    }
    for (rule, error) in [
        (r#"{"sourceCIDR":[]}"#, "sourceCIDR: must be a block"),
        (
            r#"{"sourceCIDR":"10.0.0"}"#,
            "sourceCIDR: `10.0.0` is neither",
        ),
        (
            r#"{"notSourceCIDR":["*"]}"#,
            "notSourceCIDR[0]: `*` is neither",
        ),
        (
            r#"{"sourceCIDR":{"value":"::/0","b":[]}}"#,
            "sourceCIDR: must be a block",
        ),
        (r#"{"sourceCIDR":10}"#, "sourceCIDR: must be a block"),
        (r#"{"sourceCIDR":-1.5}"#, "sourceCIDR: must be a block"),
        (
            r#"{"notSourceCIDR":true}"#,
            "notSourceCIDR: must be a block",
        ),
        (
            r#"{"sourceCIDR":[10]}"#,
            "sourceCIDR[0]: a text is expected here",
        ),
    ] {
        let errors = compile(rule).unwrap_err();
        assert!(
            errors.len() == 1 && errors[0].starts_with(error),
            "{errors:?}"
        );
    }
}

#[test]
fn every_mistake_is_named() {
    let text = r#"{"uri":{"exact":"/a","prefix":"/"},"method":{"prefix":""},"headers":{"a b":{},"c":null,"d":{"regex":"*"},
        "@request.auth.claims":{}},"port":70000,"gateways":["mesh"],"queryParams":{"q":{"regex":""}},"claims":{"a..b":{}}}"#;
    let errors = compile(text).unwrap_err();
    let at: Vec<&str> = errors
        .iter()
        .map(|error| error.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        at,
        [
            "uri",
            "method.prefix",
            "headers[\"@request.auth.claims\"]",
            "headers[\"a b\"]",
            "headers.c",
            "headers.d.regex",
            "queryParams.q.regex",
            "port",
            "gateways",
            "claims[\"a..b\"]"
        ],
        "{errors:#?}"
    );
}
