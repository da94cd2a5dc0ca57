//! Our regexes beside Envoy's RE2: which patterns it takes, and which bytes they match.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fastrand::Rng;
use integration::client::Frames;
use integration::envoy::{Capability, Envoy, Scratch, lacks};
use integration::listener::{Listener, bootstrap, typed};
use integration::service::wait::until;
use integration::updates;
use sdk_helpers::matcher::Regex;
use serde_json::{Value, json};

/// Long enough for anything that is going to happen.
const SOON: Duration = Duration::from_secs(60);

const PATTERNS: usize = 250;
const VALUES: usize = 4_000;

/// Envoy's own limit, as istiod sets it.
fn runtime() -> Value {
    json!({"layers": [{"name": "static", "static_layer": {"re2.max_program_size.error_level": 32768}}]})
}

/// What patterns are made of, each a part that can be repeated.
const PARTS: &[&str] = &[
    "a",
    "b",
    "k",
    "K",
    "é",
    "ÿ",
    "/",
    "bot",
    ".",
    "(?s:.)",
    r"\C",
    r"\d",
    r"\D",
    r"\s",
    r"\S",
    r"\w",
    r"\W",
    r"\pL",
    r"\PL",
    r"\pN",
    r"\p{Lu}",
    r"\p{^Ll}",
    r"\pC",
    r"\pZ",
    r"\p{Latin}",
    r"\p{Common}",
    r"\p{Greek}",
    "[a-f]",
    "[^a]",
    "[é]",
    "[^é]",
    r"[\x80-\xff]",
    r"[^\x00-\x1f]",
    "[[:alpha:]]",
    "[[:^ascii:]]",
    "[[:space:]]",
    "[[:punct:]]",
    "[[:word:]-]",
    r"\xff",
    r"\xe9",
    r"\x{e9}",
    r"\351",
    r"\0",
    r"\n",
    r"\t",
    r"\x0b",
    r"\.",
    "(?i:K)",
    "(?i:é)",
    r"(?i:\xe9)",
    r"(?i:[à-é])",
    "(?i:[^k])",
    r"(?i:\p{Lu})",
    "(?i:[[:lower:]])",
    "(?i:[[:^upper:]])",
    r"\b",
    r"\B",
    "^",
    "$",
    r"\A",
    r"\z",
    "(?m:^)",
    "(?m:$)",
    r"\Qa.\E",
    "(a|)",
    "()",
];

/// Scripts that only Envoy knows by name.
const UNKNOWN_HERE: &str = r"\p{Greek}";

fn pattern(random: &mut Rng, depth: u32) -> String {
    let part = |random: &mut Rng| {
        let known = || PARTS.iter().filter(|part| **part != UNKNOWN_HERE);
        known()
            .nth(random.usize(..known().count()))
            .unwrap()
            .to_string()
    };
    if depth == 0 {
        return part(random);
    }
    let inner = |random: &mut Rng| pattern(random, depth - 1);
    match random.u8(..8) {
        0 => format!("{}|{}", inner(random), inner(random)),
        1 => format!("(?:{})*", inner(random)),
        2 => format!("(?:{})+", inner(random)),
        3 => format!("({})?", inner(random)),
        4 => format!("(?:{}){{0,3}}", inner(random)),
        5 => format!(".*{}.*", inner(random)),
        _ => format!("{}{}", inner(random), part(random)),
    }
}

/// Bytes that patterns can tell apart, and any others.
fn value(random: &mut Rng) -> Vec<u8> {
    const LIKELY: &[&[u8]] = &[
        b"a",
        b"b",
        b"k",
        b"K",
        b"\xc3\xa9",
        b"\xc3\xa0",
        b"\xe9",
        b"\xc9",
        b"\xff",
        b"\xc3\xbf",
        b"/",
        b"bot",
        b"a.",
        b" ",
        b"\t",
        b"\n",
        b"\0",
        b"\x0b",
        b"1",
        b"_",
        b"-",
        b"\x80",
        b"\xb5",
        b"\xaa",
    ];
    let mut value = Vec::new();
    for _ in 0..random.usize(..6) {
        match random.u8(..4) {
            0 => value.push(random.u8(..)),
            _ => value.extend_from_slice(LIKELY[random.usize(..LIKELY.len())]),
        }
    }
    value
}

fn logger(path: &str, format: &str, filter: Option<Value>) -> Value {
    let file = typed(
        "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        json!({"path": path, "log_format": {"text_format_source": {"inline_string": format}}}),
    );
    let mut logger = json!({"name": "log", "typed_config": file});
    if let Some(filter) = filter {
        logger["filter"] = filter;
    }
    logger
}

/// A million answers of RE2: each pattern is the filter of an access log of its own, and each value
/// comes as metadata, where Envoy lets any byte be.
#[test]
fn a_million_values_match_alike() {
    if lacks(Capability::RegexesOfBytes) {
        return;
    }
    let seed = 0x5eed;
    let mut random = Rng::with_seed(seed);
    let mut patterns: Vec<String> = PARTS
        .iter()
        .filter(|part| **part != UNKNOWN_HERE)
        .map(|part| part.to_string())
        .collect();
    while patterns.len() < PATTERNS {
        let depth = random.u32(1..4);
        patterns.push(pattern(&mut random, depth));
    }
    let values: Vec<Vec<u8>> = (0..=255u8)
        .map(|byte| vec![byte])
        .chain((256..VALUES).map(|_| value(&mut random)))
        .collect();

    let scratch = Scratch::new().unwrap();
    let path = scratch.path().join("matched.log").display().to_string();
    let mut logs: Vec<Value> = patterns
        .iter()
        .enumerate()
        .map(|(index, pattern)| {
            let matcher = json!({
                "filter": "value",
                "path": [{"key": "value"}],
                "value": {"string_match": {"safe_regex": {"regex": pattern}}},
            });
            let filter = json!({"metadata_filter": {
                "matcher": matcher, "match_if_key_not_found": false,
            }});
            logger(&path, &format!("%REQ(number)% {index}\n"), Some(filter))
        })
        .collect();
    logs.push(logger(&path, "%REQ(number)% end\n", None));
    let metadata = json!({"request_rules": [{"header": "value", "on_header_present": {
        "metadata_namespace": "value", "key": "value", "encode": "BASE64",
    }}]});
    let listener = Listener::new("regexes")
        .manager("access_log", json!(logs))
        .filter(
            "envoy.filters.http.header_to_metadata",
            "header_to_metadata.v3.Config",
            metadata,
        );
    let mut config = bootstrap([listener], []);
    config.value_mut()["layered_runtime"] = runtime();
    let envoy = Envoy::builder(config)
        .scratch(scratch)
        .workers(1)
        .args(["--file-flush-interval-msec", "20"])
        .start();

    let encoded: Vec<(String, String)> = values
        .iter()
        .enumerate()
        .map(|(number, value)| (number.to_string(), BASE64_STANDARD.encode(value)))
        .collect();
    let fields: Vec<[(&str, &[u8]); 2]> = encoded
        .iter()
        .map(|(number, value)| [("number", number.as_bytes()), ("value", value.as_bytes())])
        .collect();
    Frames::connect(envoy.addr("regexes")).get(fields.iter().map(|fields| ("/", &fields[..])));
    let read = || std::fs::read_to_string(&path).unwrap_or_default();
    let all = until(SOON, || {
        let log = read();
        (log.matches(" end\n").count() == VALUES).then_some(log)
    });
    let log = all.expect("a line of each request");
    let theirs: BTreeSet<(usize, usize)> = log
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(number, index)| Some((index.parse().ok()?, number.parse().ok()?)))
        .collect();

    let mut differences = String::new();
    for (index, pattern) in patterns.iter().enumerate() {
        let ours = Regex::compile(pattern).unwrap_or_else(|problem| panic!("{problem}"));
        for (number, value) in values.iter().enumerate() {
            // Nothing is no metadata, so there Envoy matches nothing.
            let there = !value.is_empty();
            let matches = there && ours.matches(value);
            if matches != theirs.contains(&(index, number)) {
                let value = value.escape_ascii();
                writeln!(differences, "{pattern} {value} ours: {matches}").unwrap();
            }
        }
    }
    assert!(differences.is_empty(), "seed {seed}\n{differences}");
    // Neither everything nor nothing was matched.
    let share = theirs.len() * 100 / (PATTERNS * VALUES);
    assert!((5..95).contains(&share), "{share} %");
}

/// Texts that are patterns by half.
fn text(random: &mut Rng) -> String {
    const PIECES: &[&str] = &[
        "a", "b", "(", ")", "[", "]", "{", "}", "|", "*", "+", "?", "^", "$", ".", r"\", ",", "0",
        "1", "2", "9", "-", ":", "x", "Q", "E", "P", "<", ">", "i", "é", "=", "!", "(?", "(?:",
        "(?P<n>", "(?i", "[[:", ":]]", r"\x", r"\p", r"\p{L}", "{2}", "{1,", "[^", r"\d", r"\b",
        r"\Q", r"\E", "{0,501}", "{2,1}",
    ];
    let mut text = String::new();
    for _ in 0..random.usize(1..7) {
        text.push_str(PIECES[random.usize(..PIECES.len())]);
    }
    text
}

/// Each pattern has a listener of its own, and Envoy adds those it can read.
#[test]
fn the_same_patterns_are_taken() {
    if lacks(Capability::RegexesOfBytes) {
        return;
    }
    let seed = 0x5eed;
    let mut random = Rng::with_seed(seed);
    let mut patterns: BTreeSet<String> = BTreeSet::new();
    while patterns.len() < 1_500 {
        patterns.insert(text(&mut random));
    }
    let patterns: Vec<String> = patterns.into_iter().collect();
    let listeners: Vec<Value> = patterns
        .iter()
        .enumerate()
        .map(|(index, pattern)| {
            let value = json!({"name": "x", "string_match": {"safe_regex": {"regex": pattern}}});
            let mut listener = Listener::new(&index.to_string())
                .routes(vec![json!({
                    "match": {"prefix": "/", "headers": [value]},
                    "direct_response": {"status": 200},
                })])
                .build();
            // Never opened, but no two may have the same.
            listener["bind_to_port"] = json!(false);
            listener["address"]["socket_address"]["port_value"] = json!(index + 1);
            listener
        })
        .collect();
    let envoy = updates::builder(&listeners, |bootstrap| {
        bootstrap["layered_runtime"] = runtime();
    })
    .workers(1)
    .start();
    let dump = envoy
        .admin()
        .json("/config_dump?resource=dynamic_listeners");
    let states = dump["configs"].as_array().expect("listeners");
    let taken: BTreeSet<usize> = states
        .iter()
        .filter(|state| state.get("error_state").is_none())
        .map(|state| state["name"].as_str().unwrap().parse().unwrap())
        .collect();

    let mut differences = String::new();
    for (index, pattern) in patterns.iter().enumerate() {
        let ours = Regex::compile(pattern);
        if ours.is_ok() != taken.contains(&index) {
            writeln!(differences, "{pattern} ours: {:?}", ours.map(drop)).unwrap();
        }
    }
    assert!(differences.is_empty(), "seed {seed}\n{differences}");
    let share = taken.len() * 100 / patterns.len();
    assert!((10..90).contains(&share), "{share} % are patterns");
}
