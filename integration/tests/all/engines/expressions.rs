//! Envoy's own CEL on the corpus that the interpreter of the native tests answers too.

use std::collections::BTreeMap;
use std::time::Duration;

use integration::client::Client;
use integration::envoy::{Envoy, Scratch, repository};
use integration::listener::{Listener, bootstrap};
use sdk_helpers::world::fake::FakeWorld;
use sdk_helpers::{At, Decision, Exchange, Filter, Headers, Request, Response, load};
use serde_json::{Value, json};
use telemetry_tags::TelemetryTags;
use telemetry_tags::expression::Expression;

/// The request that all expressions are about.
const HEADERS: [(&str, &str); 3] = [("x-user", "alice"), ("x-many", "a"), ("x-many", "b")];

fn tags(expressions: &[String]) -> Value {
    let tag = |(index, expression)| json!({"name": format!("tag-{index}"), "expression": expression, "label": false});
    let tags: Vec<Value> = expressions.iter().enumerate().map(tag).collect();
    json!({"tags": tags})
}

/// What Envoy makes of each.
fn in_envoy(expressions: &[String]) -> Vec<Option<String>> {
    let mut listener = Listener::new("corpus").module("telemetry-tags", &tags(expressions));
    for index in 0..expressions.len() {
        let name = format!("tag-{index}");
        let format = format!("%FILTER_STATE(wasm.mesh_filters.tag.{name}:PLAIN)%");
        listener = listener.log(&name, &format);
    }
    let envoy = Envoy::builder(bootstrap(vec![listener], []))
        .args(["--file-flush-interval-msec", "10"])
        .start();
    let mut call = Client::http1(envoy.addr("corpus"))
        .method("GET", "/api/orders/7?x=1")
        .authority("app.example");
    for (name, value) in HEADERS {
        call = call.header(name, value);
    }
    assert_eq!(call.send().status, 200);
    let line = envoy.wait_log("\"tag-0\":", Duration::from_secs(10));
    let line: Value = serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap();
    let value = |index| line[format!("tag-{index}")].as_str().map(str::to_owned);
    (0..expressions.len()).map(value).collect()
}

/// What the interpreter of the native tests makes of each.
fn natively(expressions: &[String]) -> Vec<Option<String>> {
    let config = tags(expressions).to_string();
    let filter = load::<TelemetryTags>(config.as_bytes(), &FakeWorld::new())
        .unwrap_or_else(|errors| panic!("{errors:?}"))
        .filter;
    let world = FakeWorld::new();
    for (path, text) in [
        ("path", "/api/orders/7?x=1"),
        ("url_path", "/api/orders/7"),
        ("query", "x=1"),
        ("host", "app.example"),
        ("method", "GET"),
    ] {
        world.set_property(&["request", path], text);
    }
    world.set_property(&["response", "code"], 200_i64.to_le_bytes());
    world.set_property(&["connection", "mtls"], [0]);
    world.set_property(&["connection_id"], 5u64.to_le_bytes());
    let pseudo = [
        (":method", "GET"),
        (":path", "/api/orders/7?x=1"),
        (":scheme", "http"),
        (":authority", "app.example"),
    ];
    let request = Request::new(Headers::from_pairs(pseudo.iter().chain(&HEADERS).copied()));
    let response = Response::new(Headers::from_pairs([(":status", "200")]));
    let mut memory = Default::default();
    let Decision::Continue(edits) = filter.on_request(&request, &world, &mut memory) else {
        panic!("telemetry answers nothing")
    };
    let exchange = Exchange {
        request: &request,
        response: &response,
    };
    let records = [
        edits.record,
        filter.on_response(&response, &world, &mut memory).record,
        filter.on_end(&exchange, &world, &mut memory),
    ];
    let states = records.into_iter().flat_map(|record| record.state);
    let states: BTreeMap<String, String> = states
        .map(|(key, value)| (key.to_string(), String::from_utf8(value.to_vec()).unwrap()))
        .collect();
    let value = |index| {
        states
            .get(&format!("mesh_filters.tag.tag-{index}"))
            .cloned()
    };
    (0..expressions.len()).map(value).collect()
}

#[test]
fn envoy_gives_what_the_corpus_says() {
    let path = repository().join("filters/telemetry-tags/tests/expressions.json");
    let corpus: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let values = corpus["values"].as_array().unwrap();
    let expressions = values
        .iter()
        .map(|entry| entry[0].as_str().unwrap().to_owned());
    let expressions: Vec<String> = expressions.collect();
    let mut wrong = Vec::new();
    for (entry, seen) in values.iter().zip(in_envoy(&expressions)) {
        let expected = entry[1].as_str().unwrap_or("unknown");
        if seen.as_deref() != Some(expected) {
            wrong.push(format!("{}: {seen:?}, not {expected}", entry[0]));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// A module that only asks Envoy which texts are expressions: `1` for each that is, in one line of the log.
const ASKS: &str = r#"(module
  (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_call_foreign_function" (func $call (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (memory (export "memory") 64)
  (global $free (mut i32) (i32.const 65536))
  (data (i32.const 0) "expr_create")
  (data (i32.const 1016) "answers:")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (global.get $free)
    (global.set $free (i32.add (global.get $free) (local.get $size))))
  (func (export "proxy_on_configure") (param i32) (param $size i32) (result i32)
    (local $at i32) (local $end i32) (local $from i32) (local $answer i32)
    (drop (call $buffer (i32.const 7) (i32.const 0) (local.get $size) (i32.const 64) (i32.const 68)))
    (local.set $at (i32.load (i32.const 64)))
    (local.set $from (local.get $at))
    (local.set $end (i32.add (local.get $at) (i32.load (i32.const 68))))
    (local.set $answer (i32.const 1024))
    (loop $more
      (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x1e)) (then
        (i32.store8 (local.get $answer) (i32.sub (i32.const 49) (i32.ne (i32.const 0)
          (call $call (i32.const 0) (i32.const 11) (local.get $from)
            (i32.sub (local.get $at) (local.get $from)) (i32.const 72) (i32.const 76)))))
        (local.set $answer (i32.add (local.get $answer) (i32.const 1)))
        (local.set $from (i32.add (local.get $at) (i32.const 1)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $more (i32.lt_u (local.get $at) (local.get $end))))
    (drop (call $log (i32.const 3) (i32.const 1016) (i32.sub (local.get $answer) (i32.const 1016))))
    (i32.const 1)))"#;

/// Whether Envoy's `expr_create` takes each.
fn taken(expressions: &[String]) -> Vec<bool> {
    let scratch = Scratch::new().unwrap();
    let path = scratch.path().join("asks.wasm");
    std::fs::write(&path, wat::parse_str(ASKS).unwrap()).unwrap();
    let all: String = expressions
        .iter()
        .map(|text| format!("{text}\x1e"))
        .collect();
    let config = json!({"config": {
        "name": "asks",
        "vm_config": {
            "vm_id": "asks",
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": path.to_str().unwrap()}},
        },
        "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": all},
    }});
    let listener = Listener::new("asks").filter("asks", "wasm.v3.Wasm", config);
    let envoy = Envoy::builder(bootstrap(vec![listener], []))
        .scratch(scratch)
        .start();
    let line = envoy.wait_log("answers:", Duration::from_secs(10));
    let (_, answers) = line.split_once("answers:").unwrap();
    let answers: Vec<bool> = answers
        .trim()
        .bytes()
        .map(|answer| answer == b'1')
        .collect();
    assert_eq!(answers.len(), expressions.len());
    answers
}

/// A literal, or what nearly is one.
fn literal(dice: &mut fastrand::Rng) -> String {
    match dice.bool() {
        true => number(dice),
        false => quoted(dice),
    }
}

fn number(dice: &mut fastrand::Rng) -> String {
    let mut text = one(dice, &["", "", "", "-", "- ", "--"]).to_owned();
    let large = ["", "", "0", "922337203685477580", "1844674407370955161"];
    let (start, digits) = match dice.bool() {
        true => (one(dice, &["0x", "0x", "0X"]), "0123456789abcdefABCDEFgx"),
        false => (one(dice, &large), "0123456789"),
    };
    text.push_str(start);
    let digits: Vec<char> = digits.chars().collect();
    let count = match dice.u8(..8) {
        0 => 15,
        // Without any it were a name.
        _ => dice.usize(usize::from(start.is_empty())..4),
    };
    text.extend((0..count).map(|_| digits[dice.usize(..digits.len())]));
    // Minus an unsigned number can be read, and is none.
    let ends = match text.starts_with('-') {
        true => ["", "", "", "", "x", "_", "z"],
        false => ["", "u", "U", "uu", "x", "_", "z"],
    };
    text.push_str(one(dice, &ends));
    text
}

fn quoted(dice: &mut fastrand::Rng) -> String {
    let starts = [
        "", "", "", "r", "R", "b", "B", "br", "bR", "Br", "BR", "rb", "x",
    ];
    let quote = one(dice, &["'", "\"", "'''", "\"\"\""]);
    let parts = [
        "a",
        "caf\u{e9}",
        " ",
        "\t",
        "//",
        r"\n",
        r"\t",
        r"\\",
        r"\'",
        "\\\"",
        r"\`",
        r"\?",
        r"\a",
        r"\v",
        r"\x41",
        r"\xff",
        r"\X7f",
        r"\x4",
        r"\101",
        r"\377",
        r"\400",
        r"\08",
        r"\u00e9",
        r"\ud800",
        r"\u12",
        r"\U0001F600",
        r"\U00110000",
        r"\q",
        r"\",
        "'",
        "\"",
        "''",
        "\n",
        "\r",
        "\r\n",
    ];
    let mut text = format!("{}{quote}", one(dice, &starts));
    for _ in 0..dice.usize(..4) {
        text.push_str(one(dice, &parts));
    }
    if dice.u8(..12) > 0 {
        text.push_str(quote);
    }
    text
}

/// Texts, bytes and numbers however they are written: the check takes what Envoy takes, and nothing else.
/// Alone, compared with `null`, and with blanks and comments around.
#[test]
fn the_check_takes_the_literals_that_envoy_takes() {
    let mut dice = fastrand::Rng::with_seed(17);
    let mut expressions: Vec<String> = (0..6_000)
        .map(|number| {
            let literal = literal(&mut dice);
            match number % 4 {
                0 => format!("{literal} == null"),
                1 => format!("// it's\n\t{literal} // \"end"),
                _ => literal,
            }
        })
        .collect();
    expressions.sort_unstable();
    expressions.dedup();
    let mut wrong = Vec::new();
    let mut both = 0;
    for (expression, taken) in expressions.iter().zip(taken(&expressions)) {
        let ours = Expression::parse(expression, &At::root());
        both += usize::from(taken && ours.is_ok());
        if ours.is_ok() != taken {
            let ours = ours.err();
            wrong.push(format!("{expression:?}: Envoy {taken}, ours {ours:?}"));
        }
    }
    let first = &wrong[..wrong.len().min(20)];
    assert!(wrong.is_empty(), "{} differ: {first:#?}", wrong.len());
    let all = expressions.len();
    assert!(both > all / 5, "{both} of {all} say little");
}

/// Of access logs' filters only what cannot be read is refused, as in Istio.
#[test]
fn what_can_be_read_is_what_envoy_reads() {
    let mut dice = fastrand::Rng::with_seed(18);
    let pieces = [
        "1", "1.5", ".5", "1e3", "1.e3", "1e", "2E-1", "5u", "0x1f", "'a'", "r'b'", "b'c'", "null",
        "true", "a", "_b", "a.b", "[1, 2]", "{'a': 1}", "(1)", "size(a)", "a.size()", "-a", "!a",
        "a['b']", "// x\n", "", "1x", "'a", "'\\q'",
    ];
    let mut expressions: Vec<String> = (0..2_000)
        .map(|_| {
            let operators = [
                " + ", " == ", "&&", " || ", " in ", " ? 1 : ", " ", ", ", "<",
            ];
            let (left, right) = (one(&mut dice, &pieces), one(&mut dice, &pieces));
            match dice.bool() {
                true => format!("{left}{}{right}", one(&mut dice, &operators)),
                false => left.to_owned(),
            }
        })
        .collect();
    expressions.sort_unstable();
    expressions.dedup();
    let mut wrong = Vec::new();
    for (expression, taken) in expressions.iter().zip(taken(&expressions)) {
        let ours = Expression::check_syntax(expression);
        // A word too many may stand behind what we do not support, and is not looked for there.
        if ours.is_err() && taken {
            wrong.push(format!("{expression:?}: {ours:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Expressions that nobody thought of: whatever ours accepts, Envoy accepts, and both engines give the same.
#[test]
fn envoy_and_the_interpreter_agree_on_generated_expressions() {
    for seed in 1..=4 {
        agree(seed);
    }
}

fn agree(seed: u64) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut expressions: Vec<String> = (0..190)
        .map(|number| match number % 3 {
            0 => text(&mut dice, 3),
            1 => whole(&mut dice, 3),
            _ => flag(&mut dice, 3),
        })
        .collect();
    expressions.sort_unstable();
    expressions.dedup();
    let (envoy, native) = (in_envoy(&expressions), natively(&expressions));
    let mut wrong = Vec::new();
    for ((expression, envoy), native) in expressions.iter().zip(&envoy).zip(&native) {
        if envoy != native {
            wrong.push(format!("{expression}: {envoy:?}, natively {native:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let known = envoy.iter().flatten().filter(|value| *value != "unknown");
    assert!(known.count() > expressions.len() / 3, "{envoy:?}");
}

fn one<'a>(dice: &mut fastrand::Rng, of: &[&'a str]) -> &'a str {
    of[dice.usize(..of.len())]
}

fn text(dice: &mut fastrand::Rng, depth: u32) -> String {
    let leaves = [
        "'a'",
        "'api'",
        "''",
        "'caf\u{e9}'",
        "'GET'",
        "\"it's\"",
        "request.method",
        "request.url_path",
        "request.host",
        "request.query",
        "request.headers['x-user']",
        "request.headers['x-many']",
        "request.headers['x-none']",
        "request.referer",
    ];
    match dice.u32(..if depth == 0 { 3 } else { 6 }) {
        3 => format!("({} + {})", text(dice, depth - 1), text(dice, depth - 1)),
        4 => format!(
            "({} ? {} : {})",
            flag(dice, depth - 1),
            text(dice, depth - 1),
            text(dice, depth - 1)
        ),
        5 => format!("string({})", whole(dice, depth - 1)),
        _ => one(dice, &leaves).to_owned(),
    }
}

fn whole(dice: &mut fastrand::Rng, depth: u32) -> String {
    let leaves = [
        "0",
        "1",
        "7",
        "-3",
        "200",
        "response.code",
        "int('12')",
        "int('x')",
    ];
    match dice.u32(..if depth == 0 { 2 } else { 6 }) {
        2 => {
            let operator = one(dice, &["+", "-", "*", "/", "%"]);
            format!(
                "({} {operator} {})",
                whole(dice, depth - 1),
                whole(dice, depth - 1)
            )
        }
        3 => format!("size({})", text(dice, depth - 1)),
        4 => format!("{}.size()", text(dice, depth - 1)),
        5 => format!(
            "({} ? {} : {})",
            flag(dice, depth - 1),
            whole(dice, depth - 1),
            whole(dice, depth - 1)
        ),
        _ => one(dice, &leaves).to_owned(),
    }
}

fn flag(dice: &mut fastrand::Rng, depth: u32) -> String {
    let leaves = [
        "true",
        "false",
        "connection.mtls",
        "has(request.referer)",
        "'x-user' in request.headers",
    ];
    match dice.u32(..if depth == 0 { 2 } else { 9 }) {
        2 => {
            let method = one(dice, &["startsWith", "endsWith", "contains"]);
            format!(
                "{}.{method}({})",
                text(dice, depth - 1),
                text(dice, depth - 1)
            )
        }
        3 => {
            let operator = one(dice, &["==", "!=", "<", ">="]);
            format!(
                "({} {operator} {})",
                text(dice, depth - 1),
                text(dice, depth - 1)
            )
        }
        4 => {
            let operator = one(dice, &["==", "!=", "<", "<=", ">", ">="]);
            format!(
                "({} {operator} {})",
                whole(dice, depth - 1),
                whole(dice, depth - 1)
            )
        }
        5 => format!(
            "({} in [{}, 200])",
            whole(dice, depth - 1),
            whole(dice, depth - 1)
        ),
        6 => {
            let operator = one(dice, &["&&", "||"]);
            format!(
                "({} {operator} {})",
                flag(dice, depth - 1),
                flag(dice, depth - 1)
            )
        }
        7 => format!("!({})", flag(dice, depth - 1)),
        8 => format!("{}.matches('^[a-z/]+')", text(dice, depth - 1)),
        _ => one(dice, &leaves).to_owned(),
    }
}
