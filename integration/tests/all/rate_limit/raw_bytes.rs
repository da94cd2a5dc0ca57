//! Which requests a limit is about, beside the header and query matches of Envoy's own
//! `local_ratelimit`, for values of any bytes.

use fastrand::Rng;
use integration::client::{Answered, Fields, Frames};
use integration::envoy::{Capability, Envoy, lacks};
use integration::listener::{Listener, bootstrap};
use serde_json::{Value, json};

use crate::rate_limit::FILTER;
use crate::rate_limit::native::native_at;

const REQUESTS: usize = 2_000;

/// Matches of a header or of a query parameter `v`: Istio's words, then Envoy's.
fn matches() -> Vec<(&'static str, Value, Value)> {
    let regexes = [
        ".*bot.*",
        "caf.",
        "caf..",
        r".*\xe9",
        "[a-z]*",
        r"\w+",
        "[^a]+",
        r"(?i).*É.*",
        "(?i)B.T",
        "é*",
        r"\pL+",
        "(bot|caf).?",
        r"[[:^ascii:]]+.*",
        ".*",
        ".+",
    ];
    let mut all = Vec::new();
    for kind in ["headers", "withoutHeaders", "queryParams"] {
        for regex in regexes {
            all.push((
                kind,
                json!({"regex": regex}),
                json!({"safe_regex": {"regex": regex}}),
            ));
        }
        all.push((kind, json!({"exact": "café"}), json!({"exact": "café"})));
        all.push((kind, json!({"prefix": "caf"}), json!({"prefix": "caf"})));
    }
    all
}

fn native(name: &str, kind: &str, theirs: &Value) -> Listener {
    let action = if kind == "queryParams" {
        let value = json!({"name": "v", "string_match": theirs});
        json!({"query_parameter_value_match": {"descriptor_value": "match", "query_parameters": [value]}})
    } else {
        // As istiod has it: a header that is not there is the empty text, then the answer is turned.
        let inverted = kind == "withoutHeaders";
        let value = json!({
            "name": "v", "string_match": theirs,
            "invert_match": inverted, "treat_missing_header_as_empty": inverted,
        });
        json!({"header_value_match": {"descriptor_value": "match", "headers": [value]}})
    };
    let key = if kind == "queryParams" {
        "query_match"
    } else {
        "header_match"
    };
    let bucket = |tokens: u64| json!({"max_tokens": tokens, "tokens_per_fill": tokens, "fill_interval": "86400s"});
    native_at(
        name,
        json!({
            "token_bucket": bucket(1_000_000),
            "descriptors": [{"entries": [{"key": key, "value": "match"}], "token_bucket": bucket(1)}],
            "rate_limits": [{"actions": [action]}],
        }),
    )
}

fn value(random: &mut Rng) -> Vec<u8> {
    const LIKELY: &[&[u8]] = &[
        b"bot",
        b"caf",
        b"a",
        b"B",
        b"\xc3\xa9",
        b"\xc3\x89",
        b"\xe9",
        b"\xff",
        b"\x80",
        b"1",
        b"_",
    ];
    let mut value = Vec::new();
    for _ in 0..random.usize(..5) {
        match random.u8(..4) {
            0 => value.push(random.u8(0x21..)),
            _ => value.extend_from_slice(LIKELY[random.usize(..LIKELY.len())]),
        }
    }
    // What would end a parameter, or is no character of a header.
    value.retain(|byte| !b"&#\x7f".contains(byte));
    value
}

#[test]
fn a_limit_is_about_the_same_requests() {
    if lacks(Capability::RegexesOfBytes) {
        return;
    }
    let mut random = Rng::with_seed(0x5eed);
    let values: Vec<Vec<u8>> = (0..REQUESTS).map(|_| value(&mut random)).collect();
    let paths: Vec<Vec<u8>> = values
        .iter()
        .map(|value| [b"/?v=", &value[..]].concat())
        .collect();
    let fields: Vec<[(&str, &[u8]); 1]> = values
        .iter()
        .map(|value| [("v", value.as_slice())])
        .collect();
    let cases = matches();
    let listeners = cases.iter().enumerate().flat_map(|(index, (kind, mine, theirs))| {
        let limit = json!({
            "name": format!("match-{index}"), "match": [{*kind: {"v": mine}}], "requests": 1, "per": "24h", "rateLimitHeaders": false,
        });
        let config = json!({"limits": [limit]});
        let ours = Listener::new(&format!("ours-{index}")).module(FILTER, &config);
        [native(&format!("native-{index}"), kind, theirs), ours]
            .map(|listener| listener.manager("access_log", json!([])))
    });
    let envoy = Envoy::builder(bootstrap(listeners.collect::<Vec<_>>(), []))
        .workers(1)
        .start();
    let mut limited = 0;
    for (index, (kind, mine, _)) in cases.iter().enumerate() {
        let sent = || {
            let fields = fields.iter().map(|fields| &fields[..] as &Fields<'_>);
            paths.iter().zip(fields)
        };
        let [theirs, ours] = ["native", "ours"]
            .map(|side| Frames::connect(envoy.addr(&format!("{side}-{index}"))).get(sent()));
        for ((value, ours), theirs) in values.iter().zip(&ours).zip(&theirs) {
            assert_eq!(ours, theirs, "{kind} {mine} {}", value.escape_ascii());
            limited += usize::from(*ours == Answered::Otherwise);
        }
    }
    assert!(limited > REQUESTS, "only {limited} were limited");
}
