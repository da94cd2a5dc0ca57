//! What `replay` says of a log that a real Envoy wrote by the snippet of `envoy-configs/log`: the same as that Envoy
//! did, request by request, behind our filter and behind Envoy's own.

use std::fs;
use std::time::Duration;

use fastrand::Rng;
use integration::envoy::Envoy;
use integration::listener::bootstrap;
use integration::service::Scratch;
use integration::service::wait::until;
use replay::{Field, Policies, Replay, Source};
use serde_json::{Map, Value, json};

use crate::authorization_policy::generate::{self, Drawn};
use crate::authorization_policy::peers::WORLD;
use crate::authorization_policy::rig::{Manager, Talk, native, ours, over_tls};

const SEED: u64 = 20_261_121;
const CONFIGS: usize = 12;
const REQUESTS: usize = 40;
const SOON: Duration = Duration::from_secs(20);

/// Which listener a line is of; `replay` passes it over.
const LISTENER: &str = "listener";

/// The fields of the snippet for Envoy, with the claims as the one for a mesh has them.
fn snippet() -> Map<String, Value> {
    let read = |name: &str, pointer: &str| -> Map<String, Value> {
        let file = integration::envoy::repository()
            .join("envoy-configs/log")
            .join(name);
        let tree: Value = serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        tree.pointer(pointer).unwrap().as_object().unwrap().clone()
    };
    let mut ours = read(
        "envoy.yaml",
        "/access_log/0/typed_config/log_format/json_format",
    );
    let mesh = read(
        "mesh-config.yaml",
        "/meshConfig/extensionProviders/0/envoyFileAccessLog/logFormat/labels",
    );
    ours.insert("claims".to_owned(), mesh["claims"].clone());
    assert_eq!(
        ours, mesh,
        "the two say the same, but for who verified a token"
    );
    ours
}

/// The log of a listener, with the headers that its policies name.
fn access_log(listener: &str, policies: &Policies) -> Value {
    let mut format = snippet();
    let needs = policies.needs().iter();
    let headers = needs.filter_map(|need| match &need.field {
        Field::Header(name) => Some((name.clone(), json!(format!("%REQ({name})%")))),
        _ => None,
    });
    format.insert(
        "request_headers".to_owned(),
        Value::Object(headers.collect()),
    );
    format.insert(LISTENER.to_owned(), json!(listener));
    json!([{"name": "log", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
        "log_format": {"json_format": format},
    }}])
}

/// Policies of which no other filter's metadata decides.
fn config(dice: &mut Rng) -> (Value, Policies) {
    loop {
        let config = generate::config(dice);
        if !config.to_string().contains("experimental.") {
            let policies = Policies::read(&json!({"authorizationPolicy": config})).unwrap();
            return (config, policies);
        }
    }
}

/// Whether a line says all of the request: a header once, as text, and a certificate by its URIs.
fn is_sayable(drawn: &Drawn) -> bool {
    let headers = drawn.request.headers();
    let mut names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let once = names.windows(2).all(|pair| pair[0] != pair[1]);
    let text = headers
        .iter()
        .all(|(_, value)| value.is_ascii() && value != b"-" && !value.is_empty());
    let by_uri = drawn
        .peer
        .is_none_or(|place| ["one URI", "another URI", "two URIs"].contains(&WORLD.peers[place].0));
    once && text && by_uri
}

#[test]
fn a_log_of_envoys_is_replayed_as_it_was_answered() {
    let mut dice = Rng::with_seed(SEED);
    let configs: Vec<(Value, Policies)> = (0..CONFIGS).map(|_| config(&mut dice)).collect();
    let manager = Manager::default().paths("BASE").trusted_proxies(Some(1));
    let mut listeners = Vec::new();
    for (index, (config, policies)) in configs.iter().enumerate() {
        for kind in ["plain", "tls"] {
            let name = format!("{kind}-{index}");
            let listener = match index % 2 {
                0 => ours(&name, config, &manager),
                _ => native(&name, config, &manager),
            };
            let listener = listener.manager("access_log", access_log(&name, policies));
            listeners.push(if kind == "tls" {
                over_tls(listener)
            } else {
                listener
            });
        }
    }
    let envoy = Envoy::builder(bootstrap(listeners, [])).start();
    let mut answers = 0;
    for index in 0..CONFIGS {
        let mut asked = 0;
        while asked < REQUESTS {
            let drawn = generate::drawn(&mut dice, WORLD.ordinary());
            if !is_sayable(&drawn) {
                continue;
            }
            asked += 1;
            let kind = if drawn.peer.is_some() { "tls" } else { "plain" };
            let tls = drawn.peer.map(|peer| &WORLD.peers[peer].1);
            let listener = format!("{kind}-{index}");
            Talk::to(envoy.addr(&listener), drawn.http2, tls).ask(&drawn.request);
            answers += 1;
        }
    }
    let lines = || -> Vec<(String, String)> {
        let log = envoy.log();
        let lines = log.lines().filter_map(|line| {
            let entry: Value = serde_json::from_str(line).ok()?;
            Some((entry[LISTENER].as_str()?.to_owned(), line.to_owned()))
        });
        lines.collect()
    };
    let lines = until(SOON, || {
        Some(lines()).filter(|lines| lines.len() >= answers)
    });
    let lines = lines.expect("a line for every request");
    let scratch = Scratch::new().unwrap();
    let (mut compared, mut refused) = (0, 0);
    for (index, (config, policies)) in configs.iter().enumerate() {
        let of = |kind: &str| {
            let name = format!("{kind}-{index}");
            lines.iter().filter(move |(listener, _)| *listener == name)
        };
        let text: Vec<&str> = of("plain")
            .chain(of("tls"))
            .map(|(_, line)| line.as_str())
            .collect();
        let path = scratch.path().join(format!("{index}.log"));
        fs::write(&path, text.join("\n")).unwrap();
        let sources = Source::find(&[path]).unwrap();
        let replayed = Replay {
            old: Some(policies),
            new: policies,
            since: None,
            threads: 2,
        };
        let report = replayed.run(&sources, &mut |_| {}).unwrap();
        assert_eq!(report.lines.requests(), REQUESTS as u64, "{report:?}");
        assert_eq!((report.unjudged, report.changed), (0, 0), "{report:?}");
        let first = report.disagreements.first();
        let line = first.map(|one| text[usize::try_from(one.example.line).unwrap() - 1]);
        assert_eq!(report.disagreed, 0, "{config}\n{first:#?}\n{line:?}");
        compared += report.compared;
        let logged = Replay {
            old: None,
            ..replayed
        }
        .run(&sources, &mut |_| {})
        .unwrap();
        assert_eq!(logged.changed, 0, "{logged:?}");
        refused += text
            .iter()
            .filter(|line| {
                line.contains("rbac_access_denied") || line.contains("authorization-policy{")
            })
            .count();
    }
    println!("{compared} of {answers} requests compared, {refused} refused");
    assert!(
        compared as usize * 4 > answers * 3,
        "{compared} of {answers}"
    );
    assert!(
        refused * 5 > answers && refused * 5 < answers * 4,
        "{refused} of {answers}"
    );
}
