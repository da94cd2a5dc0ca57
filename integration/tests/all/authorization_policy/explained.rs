//! What `explain` says of a request, and what Envoy's own RBAC does with it behind Istio's normalization of paths:
//! the same, line by line.

use explain::{Chain, HeaderList, Line, Normalization, Options, Outcome, Session, Values};
use fastrand::Rng;
use integration::shared::Shared;
use sdk_helpers::Timestamp;
use serde_json::Value;

use crate::authorization_policy::generate::{self, Drawn};
use crate::authorization_policy::peers::{HTTPBIN, SLEEP, WORLD};
use crate::authorization_policy::rig::{Manager, Seen, Talk, native, over_tls};

const SEED: u64 = 20_261_130;
const CONFIGS: usize = 24;
const REQUESTS: usize = 100;

/// What a line cannot say, for it is nothing of the request's.
const UNSAID: [&str; 3] = ["experimental.", "connection.sni", "destination.ip"];

struct Setup {
    config: Value,
    normalization: &'static str,
    hops: u32,
}

fn setup(dice: &mut Rng) -> Setup {
    let paths = ["NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"];
    loop {
        let config = generate::config(dice);
        let text = config.to_string();
        if !UNSAID.iter().any(|unsaid| text.contains(unsaid)) {
            return Setup {
                config,
                normalization: paths[dice.usize(..paths.len())],
                hops: dice.u32(..3),
            };
        }
    }
}

/// The request as a line; none where no line says it.
fn line(drawn: &Drawn, port: u16) -> Option<Line> {
    let peer = match drawn.peer {
        None => None,
        Some(place) => match WORLD.peers[place].0 {
            "one URI" => Some(SLEEP),
            "another URI" => Some(HTTPBIN),
            _ => return None,
        },
    };
    let request = &drawn.request;
    let authority = request.said_authority()?;
    let mut headers: Vec<(String, Values)> = Vec::new();
    let mut claims = None;
    for (name, value) in request.headers() {
        let value = String::from_utf8(value.clone()).ok()?;
        if name == "authorization" {
            claims = Some(payload(&value)?);
        }
        headers.push((name.clone(), Values::One(value)));
    }
    Some(Line {
        method: Some(request.method().to_owned()),
        url: format!("http://{authority}{}", request.path()),
        headers: HeaderList(headers),
        peer: peer.map(|peer| format!("spiffe://{peer}")),
        claims,
        port: Some(port),
        ..Line::default()
    })
}

/// The claims of a token.
fn payload(bearer: &str) -> Option<Value> {
    let part = bearer.strip_prefix("Bearer ")?.split('.').nth(1)?;
    let mut bits = 0u32;
    let mut held = 0;
    let mut bytes = Vec::new();
    for digit in part.bytes() {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 255) as u8);
        }
    }
    serde_json::from_slice(&bytes).ok()
}

#[test]
fn a_line_is_explained_as_envoy_decides_it() {
    let mut dice = Rng::with_seed(SEED);
    let setups: Vec<Setup> = (0..CONFIGS).map(|_| setup(&mut dice)).collect();
    let mut listeners = Vec::new();
    for (index, setup) in setups.iter().enumerate() {
        let manager = Manager::default()
            .paths(setup.normalization)
            .trusted_proxies(Some(setup.hops));
        let plain = native(&format!("plain-{index}"), &setup.config, &manager);
        let tls = native(&format!("tls-{index}"), &setup.config, &manager);
        listeners.extend([plain, over_tls(tls)]);
    }
    let envoy = Shared::start(listeners, []);
    let (mut total, mut refused) = (0, 0);
    for (index, setup) in setups.iter().enumerate() {
        let filter = catalog::find("authorization-policy").unwrap();
        let now = Timestamp::from_secs(1_767_225_600);
        let chain = Chain::load(filter, &setup.config, now, None).unwrap();
        let options = Options {
            normalization: Normalization::named(setup.normalization).unwrap(),
            trusted_hops: setup.hops,
            ..Options::default()
        };
        let mut session = Session::new(&chain, now, options);
        let mut asked = 0;
        while asked < REQUESTS {
            let drawn = generate::drawn(&mut dice, WORLD.ordinary());
            let kind = if drawn.peer.is_some() { "tls" } else { "plain" };
            let listener = format!("{kind}-{index}");
            let Some(line) = line(&drawn, envoy.addr(&listener).port()) else {
                continue;
            };
            asked += 1;
            // What no URL or header is made of, no line has either.
            let Ok(answer) = session.answer(&line) else {
                continue;
            };
            let tls = drawn.peer.map(|peer| &WORLD.peers[peer].1);
            let seen = Talk::to(envoy.addr(&listener), drawn.http2, tls).ask(&drawn.request);
            let theirs = match &seen {
                // Envoy itself refuses some requests that are none, before any policy.
                Seen::Answer(401 | 404, ..) | Seen::Nothing => continue,
                Seen::Answer(400, ..) if answer.by != Some("envoy") => continue,
                Seen::Answer(status, ..) => (seen.refused(), *status),
            };
            let mine = answer.decision == Outcome::Deny && answer.by != Some("envoy");
            assert_eq!(
                (mine, answer.status),
                theirs,
                "{line:?}\n{}, {} hops\n{}\n{answer:?}",
                setup.normalization,
                setup.hops,
                setup.config
            );
            total += 1;
            refused += usize::from(mine);
        }
    }
    println!("{total} requests, {refused} of them refused");
    assert!(
        refused * 5 > total && refused * 5 < total * 4,
        "{refused} of {total} refused"
    );
}
