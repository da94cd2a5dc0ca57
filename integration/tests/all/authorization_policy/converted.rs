//! RBAC of Envoy's and what it is converted to, in one Envoy: whatever nests in it, nothing passes that Envoy
//! denies, and where nothing is lost the answers are the same.

use std::fmt::Write as _;

use fastrand::Rng;
use integration::envoy::{Capability, lacks};
use integration::rbac;
use integration::shared::Shared;
use serde_json::{Value, json};

use crate::authorization_policy::generate::{self, Drawn};
use crate::authorization_policy::peers::WORLD;
use crate::authorization_policy::rig::{Manager, Talk, native_filters, ours, over_tls};
use crate::converted::{converted, is_of_names};

/// Another one tries other policies: `MESH_FILTERS_SEED=7 cargo test …`.
const SEED: u64 = 20_261_130;
/// RBAC as nobody writes it, and as istiod does.
const NESTED: usize = 22;
const OF_ISTIOD: usize = 8;
const REQUESTS: usize = 150;

/// Filters, and what they are converted to.
struct Pair {
    filters: Vec<Value>,
    config: Value,
    /// Whether decisions may differ, for what is told.
    has_losses: bool,
}

impl Pair {
    fn of(filters: Vec<Value>) -> Self {
        let named: Vec<(&str, Value)> = filters
            .iter()
            .map(|fields| (rbac::MESSAGE, fields.clone()))
            .collect();
        let mut native = converted(&named);
        let has_losses = native.losses.iter().any(|loss| !is_of_names(loss));
        Pair {
            filters,
            config: native.tree["authorizationPolicy"].take(),
            has_losses,
        }
    }
}

#[test]
fn what_rbac_is_converted_to_decides_as_it_does() {
    if lacks(Capability::RepeatedHeaders) {
        return;
    }
    let seed = std::env::var("MESH_FILTERS_SEED");
    let seed = seed.map_or(SEED, |seed| {
        seed.parse().expect("MESH_FILTERS_SEED to be a number")
    });
    println!("seed {seed}");
    let mut dice = Rng::with_seed(seed);
    let mut pairs: Vec<Pair> = (0..NESTED)
        .map(|_| Pair::of(vec![filter(&mut dice)]))
        .collect();
    for _ in 0..OF_ISTIOD {
        let config = generate::config(&mut dice);
        pairs.push(Pair::of(rbac::filters(&config).unwrap()));
    }
    pairs.retain(|pair| !pair.config.is_null());
    let mut listeners = Vec::new();
    let manager = Manager::default();
    for (index, pair) in pairs.iter().enumerate() {
        let theirs = |ending| {
            native_filters(
                &format!("native-{index}{ending}"),
                pair.filters.clone(),
                &manager,
            )
        };
        let mine = |ending| ours(&format!("ours-{index}{ending}"), &pair.config, &manager);
        listeners.extend([
            theirs(""),
            mine(""),
            over_tls(theirs("-tls")),
            over_tls(mine("-tls")),
        ]);
    }
    let envoy = Shared::start(listeners, []);
    let (mut refused, mut total, mut stricter) = (0, 0, 0);
    for (index, pair) in pairs.iter().enumerate() {
        let mut talks = Vec::new();
        for _ in 0..REQUESTS {
            let drawn = generate::drawn(&mut dice, WORLD.ordinary());
            let Drawn { peer, http2, .. } = drawn;
            let tls = peer.map(|peer| &WORLD.peers[peer].1);
            let ending = if tls.is_some() { "-tls" } else { "" };
            let place = talks.iter().position(|(kind, _)| *kind == (peer, http2));
            let place = place.unwrap_or_else(|| {
                let pair = ["native", "ours"].map(|side| {
                    Talk::to(envoy.addr(&format!("{side}-{index}{ending}")), http2, tls)
                });
                talks.push(((peer, http2), pair));
                talks.len() - 1
            });
            let both: &mut [Talk; 2] = &mut talks[place].1;
            let [theirs, mine] = both.each_mut().map(|talk| talk.ask(&drawn.request));
            total += 1;
            refused += usize::from(theirs.refused());
            if pair.has_losses && mine.refused() {
                stricter += usize::from(!theirs.refused());
                continue;
            }
            if theirs != mine {
                let mut text = String::new();
                let _ = write!(
                    text,
                    "native: {theirs:?}\nours: {mine:?}\n{:?} over {:?}\nfilters: {}\nconverted: {}",
                    drawn.request,
                    peer.map(|peer| WORLD.peers[peer].0),
                    Value::from(pair.filters.clone()),
                    pair.config
                );
                panic!("{text}");
            }
        }
    }
    let with_losses = pairs.iter().filter(|pair| pair.has_losses).count();
    println!(
        "{} configurations, {with_losses} with losses; {total} requests, {refused} refused, {stricter} by ours alone",
        pairs.len()
    );
    assert!(
        refused * 6 > total && refused * 6 < total * 5,
        "{refused} of {total} refused"
    );
    assert!(
        with_losses * 2 < pairs.len(),
        "{with_losses} of {} with losses",
        pairs.len()
    );
}

fn filter(dice: &mut Rng) -> Value {
    let action = ["ALLOW", "ALLOW", "DENY"][dice.usize(..3)];
    let policies = (0..=dice.usize(..2)).map(|index| {
        let policy = json!({
            "permissions": some(dice, &mut |dice| permission(dice, 2)),
            "principals": some(dice, &mut |dice| principal(dice, 2)),
        });
        (format!("policy {index}"), policy)
    });
    let policies: serde_json::Map<_, _> = policies.collect();
    json!({"rules": {"action": action, "policies": policies}})
}

fn some(dice: &mut Rng, one: &mut dyn FnMut(&mut Rng) -> Value) -> Vec<Value> {
    (0..=dice.usize(..2)).map(|_| one(dice)).collect()
}

fn permission(dice: &mut Rng, depth: u32) -> Value {
    if depth > 0 && dice.bool() {
        return match dice.u8(..3) {
            0 => {
                json!({"and_rules": {"rules": some(dice, &mut |dice| permission(dice, depth - 1))}})
            }
            1 => {
                json!({"or_rules": {"rules": some(dice, &mut |dice| permission(dice, depth - 1))}})
            }
            _ => json!({"not_rule": permission(dice, depth - 1)}),
        };
    }
    match dice.u8(..9) {
        0..=2 => {
            json!({"url_path": {"path": text(dice, &["/a", "/a/b", "/foo", "/foo/bar", "/path"], &["/a", "/f"], &["b", "/"])}})
        }
        3 => {
            json!({"header": header(dice, ":method", &["GET", "POST", "PUT"], &["P", "G"], &["T"])})
        }
        4 => json!({"destination_port": 8080}),
        5 => json!({"any": true}),
        6 => json!({"metadata": {
            "filter": "envoy.filters.http.test", "path": [{"key": "text"}], "invert": dice.bool(),
            "value": {"string_match": {"exact": (["blue", "red"][dice.usize(..2)])}},
        }}),
        _ => json!({"header": any_header(dice)}),
    }
}

fn principal(dice: &mut Rng, depth: u32) -> Value {
    if depth > 0 && dice.bool() {
        return match dice.u8(..3) {
            0 => json!({"and_ids": {"ids": some(dice, &mut |dice| principal(dice, depth - 1))}}),
            1 => json!({"or_ids": {"ids": some(dice, &mut |dice| principal(dice, depth - 1))}}),
            _ => json!({"not_id": principal(dice, depth - 1)}),
        };
    }
    match dice.u8(..12) {
        0..=3 => {
            let names = [
                "spiffe://cluster.local/ns/default/sa/sleep",
                "spiffe://td2/ns/foo/sa/httpbin",
            ];
            let name = match dice.u8(..4) {
                0 => {
                    json!({"prefix": (["spiffe://", "spiffe://cluster.local/ns/", "spiffe://td2/"][dice.usize(..3)])})
                }
                1 => {
                    json!({"safe_regex": {"regex": ([".+", ".*/ns/default/.*"][dice.usize(..2)])}})
                }
                _ => json!({"exact": (names[dice.usize(..2)])}),
            };
            json!({"authenticated": {"principal_name": name}})
        }
        4 => json!({"authenticated": {}}),
        5 => {
            let kind = ["remote_ip", "direct_remote_ip"][dice.usize(..2)];
            let (address, length) =
                [("127.0.0.1", 32), ("10.0.0.0", 8), ("127.0.0.0", 30)][dice.usize(..3)];
            json!({kind: {"address_prefix": address, "prefix_len": length}})
        }
        6 | 7 => {
            let claim = ["groups", "scope", "sub"][dice.usize(..3)];
            let matcher =
                json!({"string_match": text(dice, &["dev", "read", "alice"], &["d", "a"], &["e"])});
            json!({"metadata": {
                "filter": "envoy.filters.http.jwt_authn",
                "path": [{"key": "payload"}, {"key": claim}],
                "value": {"or_match": {"value_matchers": [{"list_match": {"one_of": matcher}}, matcher]}},
            }})
        }
        8 => json!({"any": true}),
        9 => json!({"url_path": {"path": {"prefix": "/a"}}}),
        _ => json!({"header": any_header(dice)}),
    }
}

fn any_header(dice: &mut Rng) -> Value {
    match dice.u8(..4) {
        0 => header(
            dice,
            ":authority",
            &["example.com", "app"],
            &["example", "a"],
            &["com"],
        ),
        1 => header(dice, "cookie", &["1", "a"], &["1"], &["2"]),
        _ => header(dice, "x-a", &["1", "2", "a"], &["1", "A"], &["2"]),
    }
}

fn header(dice: &mut Rng, name: &str, exact: &[&str], prefix: &[&str], suffix: &[&str]) -> Value {
    let mut header = json!({"name": name});
    match dice.u8(..6) {
        0 => header["present_match"] = json!(dice.bool()),
        1 => {}
        2 => header["exact_match"] = json!(exact[dice.usize(..exact.len())]),
        _ => header["string_match"] = text(dice, exact, prefix, suffix),
    }
    if name == ":authority" && header.get("string_match").is_some() && dice.bool() {
        header["string_match"]["ignore_case"] = json!(true);
    }
    if dice.u8(..3) == 0 {
        header["invert_match"] = json!(true);
    }
    if dice.u8(..4) == 0 {
        header["treat_missing_header_as_empty"] = json!(true);
    }
    header
}

fn text(dice: &mut Rng, exact: &[&str], prefix: &[&str], suffix: &[&str]) -> Value {
    match dice.u8(..12) {
        0..=2 => json!({"prefix": prefix[dice.usize(..prefix.len())]}),
        3..=4 => json!({"suffix": suffix[dice.usize(..suffix.len())]}),
        5 => json!({"contains": exact[dice.usize(..exact.len())]}),
        _ => json!({"exact": exact[dice.usize(..exact.len())]}),
    }
}
