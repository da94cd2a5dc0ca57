//! Expressions that the filter evaluates without an engine: which ones, what they come to, and what that reads.
//! Envoy itself answers generated ones in the integration tests.

use crate::world::world;
use proptest::prelude::*;
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{At, Headers, Request, Response};
use telemetry_tags::attribute::View;
use telemetry_tags::claim::LazyClaims;
use telemetry_tags::expression::Expression;

fn parse(text: &str) -> Expression {
    let parsed = Expression::parse(text, &At::root());
    parsed
        .unwrap_or_else(|problem| panic!("{text}: {problem}"))
        .0
}

/// A stream at its end.
struct Stream {
    request: Request,
    response: Response,
    world: FakeWorld,
}

impl Stream {
    fn new(request: &[(&str, &[u8])], response: &[(&str, &[u8])]) -> Self {
        Stream {
            request: Request::new(Headers::from_pairs(request.iter().copied())),
            response: Response::new(Headers::from_pairs(response.iter().copied())),
            world: world(),
        }
    }

    fn value(&self, text: &str) -> Option<Vec<u8>> {
        let view = View {
            request: Some(&self.request),
            response: Some(&self.response),
            claims: &LazyClaims::default(),
            world: &self.world,
        };
        let expression = parse(text);
        let value = expression.evaluate(&view);
        value.map(|value| value.into_owned())
    }

    fn text(&self, text: &str) -> Option<String> {
        self.value(text)
            .map(|value| String::from_utf8(value).unwrap())
    }
}

fn usual() -> Stream {
    Stream::new(
        &[
            (":method", b"GET"),
            (":path", b"/api/orders/7?x=1"),
            (":authority", b"app.example"),
            ("x-user", b"alice"),
            ("x-many", b"a"),
            ("x-many", b"b"),
            ("x-odd", b"a\xff"),
        ],
        &[(":status", b"200"), ("x-cache", b"hit"), ("host", b"odd")],
    )
}

#[test]
fn what_is_known_whole_is_evaluated_here() {
    for text in [
        "request.url_path.startsWith('/api') ? 'api' : 'web'",
        "'x-user' in request.headers ? request.headers['x-user'] : 'none'",
        "has(request.referer) && request.referer != ''",
        "response.code >= 200 && response.code <= 299 ? '2xx' : 'other'",
        "response.code / 100",
        "string(response.code) + 'x'",
        "request.method in ['PUT', 'POST']",
        "response.code in [200, 204]",
        "request.method in ['PUT', 1, true]",
        "!connection.mtls || request.path.contains('v1')",
        "source.address.startsWith('10.') ? 'inside' : 'outside'",
        "response.headers['x-cache'] == 'hit'",
        "size(request.path) > 100 ? 'long' : 'short'",
        "request.query.size()",
        "int(request.headers['x-number']) * 2 - 1",
        "response.code == 200 ? 'ok' : response.code",
        "string(response.code == 200 ? 'ok' : response.code) + '!'",
        "has(request.headers.host) == true",
    ] {
        assert!(parse(text).is_evaluated_here(), "{text}");
    }
}

#[test]
fn what_is_not_known_whole_is_the_engines() {
    let many = vec!["request.path"; 17].join(" + ");
    for text in [
        // UTF-8 matters to it.
        "request.path.matches('^/api')",
        "request.path.startsWith('/api') && request.path.matches('^/api')",
        // What other filters left may be of any kind.
        "string(filter_state['wasm.x']) == 'a'",
        "has(filter_state.upstream_peer) ? 'peer' : 'none'",
        "metadata.filter_metadata['a']['b'] == 'c'",
        "xds.node.metadata['a'] == 'b'",
        // Whose names count once each.
        "size(request.headers)",
        "has(request.headers)",
        // The engine knows what a header's name is.
        "request.headers['a b'] == 'c'",
        "request.headers[request.method] == 'c'",
        // In a response it is a header like any other.
        "response.headers['host'] == 'a'",
        "'Host' in response.headers",
        // Two questions to Envoy are as dear as one to its engine.
        "response.code == 200 && connection.mtls",
        "has(response.code_details) && response.code == 200",
        // Both texts come with the request.
        "request.path.contains(request.host)",
        "connection.id == 5u",
        "request.referer == null",
        "b'a' == b'a'",
        "[1, 2].exists(n, n == response.code)",
        "request.duration < duration('1s')",
        "[request.method] == ['PUT']",
        "(response.code == 200 ? 'ok' : response.code) == 'ok'",
        &many,
    ] {
        assert!(!parse(text).is_evaluated_here(), "{text}");
    }
}

#[test]
fn an_error_is_absorbed_where_the_other_side_decides() {
    let stream = usual();
    let failing = "request.headers['x-none'] == 'a'";
    for (text, value) in [
        (format!("{failing} || true"), Some("true")),
        (format!("true || {failing}"), Some("true")),
        (format!("{failing} && false"), Some("false")),
        (format!("false && {failing}"), Some("false")),
        (format!("{failing} || false"), None),
        (format!("true && {failing}"), None),
        (format!("({failing} || {failing}) || true"), Some("true")),
        (format!("!({failing})"), None),
        (format!("{failing} ? 1 : 2"), None),
        (format!("true ? 1 : ({failing} ? 1 : 2)"), Some("1")),
        // Not so in a list.
        ("'a' in ['a', request.headers['x-none']]".to_owned(), None),
        (
            "request.headers['x-none'] in ['a'] || true".to_owned(),
            Some("true"),
        ),
    ] {
        assert!(parse(&text).is_evaluated_here(), "{text}");
        assert_eq!(stream.text(&text).as_deref(), value, "{text}");
    }
}

#[test]
fn whole_numbers_do_not_wrap() {
    let stream = usual();
    for (text, value) in [
        ("int('9223372036854775807') + 1", None),
        ("int('-9223372036854775808') - 1", None),
        ("int('-9223372036854775808') * -1", None),
        ("int('-9223372036854775808') / -1", None),
        ("int('-9223372036854775808') % -1", None),
        ("-int('-9223372036854775808')", None),
        ("-(-9223372036854775808)", None),
        ("-(-9223372036854775807)", Some("9223372036854775807")),
        ("response.code / 0", None),
        ("response.code % 0", None),
        ("-7 / int('2')", Some("-3")),
        ("-7 % int('3')", Some("-1")),
        ("7 % int('-3')", Some("1")),
    ] {
        assert!(parse(text).is_evaluated_here(), "{text}");
        assert_eq!(stream.text(text).as_deref(), value, "{text}");
    }
}

#[test]
fn bytes_stay_as_they_are() {
    let stream = usual();
    let odd = "request.headers['x-odd']";
    for (text, value) in [
        (format!("{odd} + request.method"), &b"a\xffGET"[..]),
        (format!("string({odd}) + ''"), b"a\xff"),
        (format!("size({odd})"), b"2"),
        (format!("{odd} > 'a\u{e9}'"), b"true"),
        (format!("{odd}.startsWith('a')"), b"true"),
        (format!("{odd} in ['a', {odd}]"), b"true"),
    ] {
        assert_eq!(stream.value(&text).as_deref(), Some(value), "{text}");
    }
}

/// Of a request that Envoy could not read there are no headers, and a path that is missing is not empty.
#[test]
fn without_headers_there_is_no_path() {
    let none = Stream::new(&[], &[]);
    let connect = Stream::new(&[(":method", b"CONNECT")], &[]);
    for (text, without_headers, without_path) in [
        ("request.url_path + ''", None, Some("")),
        ("request.query == ''", None, Some("true")),
        ("request.path + ''", None, None),
        (
            "has(request.url_path) || has(request.query)",
            Some("false"),
            Some("true"),
        ),
        ("has(request.path)", Some("false"), Some("false")),
        ("request.url_path", None, Some("")),
        ("request.query", None, Some("")),
    ] {
        assert_eq!(none.text(text).as_deref(), without_headers, "{text}");
        assert_eq!(connect.text(text).as_deref(), without_path, "{text}");
    }
}

#[test]
fn an_attribute_is_asked_for_once_and_only_if_it_matters() {
    let asked = |text: &str| {
        let stream = usual();
        stream.value(text).unwrap();
        stream.world.asked()
    };
    let class = "response.code < 300 ? 'fine' : response.code < 500 ? 'client' : 'server'";
    assert_eq!(asked(class), ["response.code"]);
    let short = "request.method == 'PUT' && connection.mtls";
    assert_eq!(asked(short), Vec::<String>::new());
}

/// How many looks at the headers there are decides whether one header is read alone, or all are.
#[test]
fn looks_at_headers_are_counted_once_a_name() {
    for (text, looks) in [
        ("request.url_path.startsWith('/a') ? request.path : ''", 1),
        ("request.method == 'GET' && request.path == '/'", 2),
        ("'x' in request.headers", 1),
        // Whether it is there, and how often.
        (
            "request.headers['x'] == 'a' || request.headers['X'] == 'b'",
            2,
        ),
        ("response.headers['x'] == 'a'", 0),
        ("response.code == 200", 0),
    ] {
        assert_eq!(parse(text).headers(), looks, "{text}");
    }
}

fn one(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(of).prop_map(str::to_owned)
}

fn leaf(kind: usize) -> BoxedStrategy<String> {
    const TEXTS: &[&str] = &[
        "'a'",
        "''",
        "'caf\u{e9}'",
        "'GET'",
        "request.method",
        "request.url_path",
        "request.query",
        "request.headers['x-user']",
        "request.headers['x-many']",
        "request.headers['x-none']",
        "response.headers['x-cache']",
        "request.referer",
    ];
    const INTS: &[&str] = &[
        "0",
        "1",
        "-3",
        "200",
        "9223372036854775807",
        "response.code",
    ];
    const BOOLS: &[&str] = &[
        "true",
        "false",
        "has(request.referer)",
        "has(request.method)",
        "('x-user' in request.headers)",
        "('x-none' in response.headers)",
    ];
    one([TEXTS, INTS, BOOLS][kind]).boxed()
}

/// An expression of one kind: text, whole number, or true or false.
fn expression(kind: usize, depth: u32) -> BoxedStrategy<String> {
    if depth == 0 {
        return leaf(kind);
    }
    let of = |kind| expression(kind, depth - 1);
    let pair = |kind| (of(kind), of(kind));
    let infix = |kind, operators| {
        (pair(kind), one(operators))
            .prop_map(|((left, right), operator)| format!("({left} {operator} {right})"))
    };
    let choice = (of(2), pair(kind)).prop_map(|(is, (yes, no))| format!("({is} ? {yes} : {no})"));
    match kind {
        0 => prop_oneof![
            leaf(0),
            choice,
            pair(0).prop_map(|(left, right)| format!("({left} + {right})")),
            of(1).prop_map(|number| format!("string({number})")),
        ]
        .boxed(),
        1 => prop_oneof![
            leaf(1),
            choice,
            infix(1, &["+", "-", "*", "/", "%"]),
            of(0).prop_map(|text| format!("size({text})")),
            of(1).prop_map(|number| format!("-({number})")),
        ]
        .boxed(),
        _ => prop_oneof![
            leaf(2),
            choice,
            infix(0, &["==", "!=", "<", ">="]),
            infix(1, &["==", "!=", "<", "<=", ">", ">="]),
            infix(2, &["&&", "||", "==", "!="]),
            pair(0).prop_map(|(text, part)| format!("{text}.startsWith({part})")),
            pair(0).prop_map(|(text, part)| format!("{text}.endsWith({part})")),
            of(0).prop_map(|text| format!("{text}.contains('a')")),
            (of(0), pair(0)).prop_map(|(one, (a, b))| format!("({one} in [{a}, {b}, 'GET'])")),
            (of(1), of(1)).prop_map(|(one, other)| format!("({one} in [{other}, 200])")),
            of(2).prop_map(|is| format!("!({is})")),
        ]
        .boxed(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_engine_gives_the_same(text in (0_usize..3).prop_flat_map(|kind| expression(kind, 3))) {
        let here = parse(&text);
        prop_assume!(here.is_evaluated_here());
        // A pattern is the engine's.
        let engines = format!("''.matches('') ? ({text}) : ({text})");
        prop_assert!(!parse(&engines).is_evaluated_here());
        let stream = usual();
        prop_assert_eq!(stream.text(&text), stream.text(&engines), "{}", text);
    }
}
