//! Envoy's own RBAC and our filter in one Envoy with two workers: the same policies, the same request,
//! the same answer.

use integration::shared::Shared;
use std::fmt::Write as _;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::authorization_policy::generate::{self, About, Alone, Drawn};
use crate::authorization_policy::peers::WORLD;
use crate::authorization_policy::rig::{Manager, Seen, Talk, native, ours, over_tls};

/// Another one tries other policies: `MESH_FILTERS_SEED=7 cargo test …`.
const SEED: u64 = 20_261_121;
/// Starts of Envoy, configurations in each, and requests to each of those.
const BATCHES: usize = 6;
const CONFIGS: usize = 20;
const REQUESTS: usize = 120;

/// A configuration under a connection manager of its own.
#[derive(Debug, Clone)]
struct Setup {
    config: Value,
    manager: Manager,
    /// Whether anybody comes over TLS.
    tls: bool,
}

fn setup(dice: &mut Rng) -> Setup {
    let paths = ["NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"];
    let proxies = [None, Some(0), Some(1), Some(2)];
    Setup {
        config: generate::config(dice),
        manager: Manager::default()
            .paths(paths[dice.usize(..4)])
            .trusted_proxies(proxies[dice.usize(..4)]),
        tls: true,
    }
}

/// Envoy with a listener for each side of each setup, and two where there is TLS.
fn start(setups: &[Setup]) -> Shared {
    let mut listeners = Vec::new();
    for (index, setup) in setups.iter().enumerate() {
        let Setup {
            config,
            manager,
            tls,
        } = setup;
        listeners.extend([
            native(&format!("native-{index}"), config, manager),
            ours(&format!("ours-{index}"), config, manager),
        ]);
        if *tls {
            listeners.extend([
                over_tls(native(&format!("native-{index}-tls"), config, manager)),
                over_tls(ours(&format!("ours-{index}-tls"), config, manager)),
            ]);
        }
    }
    Shared::start(listeners, [])
}

/// Both answers to one request.
fn both(envoy: &Shared, index: usize, drawn: &Drawn) -> [Seen; 2] {
    let mut talks = Talks::default();
    talks.both(envoy, index, drawn)
}

/// The conversations with the listeners of one setup.
#[derive(Default)]
struct Talks(Vec<Pair>);

/// Two conversations of the same kind.
struct Pair {
    peer: Option<usize>,
    http2: bool,
    talks: [Talk; 2],
}

impl Talks {
    fn both(&mut self, envoy: &Shared, index: usize, drawn: &Drawn) -> [Seen; 2] {
        let Drawn { peer, http2, .. } = *drawn;
        let same = |pair: &Pair| pair.peer == peer && pair.http2 == http2;
        let place = self.0.iter().position(same);
        let place = place.unwrap_or_else(|| {
            let tls = peer.map(|peer| &WORLD.peers[peer].1);
            let ending = if tls.is_some() { "-tls" } else { "" };
            let talks = ["native", "ours"]
                .map(|side| Talk::to(envoy.addr(&format!("{side}-{index}{ending}")), http2, tls));
            self.0.push(Pair { peer, http2, talks });
            self.0.len() - 1
        });
        let talks = &mut self.0[place].talks;
        talks.each_mut().map(|talk| talk.ask(&drawn.request))
    }
}

#[test]
fn generated_policies_and_requests_are_decided_alike() {
    let seed = std::env::var("MESH_FILTERS_SEED");
    let seed = seed.map_or(SEED, |seed| {
        seed.parse().expect("MESH_FILTERS_SEED to be a number")
    });
    println!("seed {seed}");
    let mut dice = Rng::with_seed(seed);
    let (mut refused, mut total) = (0, 0);
    for _ in 0..BATCHES {
        let setups: Vec<Setup> = (0..CONFIGS).map(|_| setup(&mut dice)).collect();
        let envoy = start(&setups);
        for (index, setup) in setups.iter().enumerate() {
            let mut talks = Talks::default();
            for _ in 0..REQUESTS {
                let drawn = generate::drawn(&mut dice, WORLD.ordinary());
                let [theirs, mine] = talks.both(&envoy, index, &drawn);
                if theirs != mine {
                    panic!("{}", explain(setup, &drawn, &theirs, &mine));
                }
                total += 1;
                refused += usize::from(theirs.refused());
            }
        }
        assert!(!envoy.log().contains("panicked at"), "the module panicked");
    }
    println!("{total} requests, {refused} of them refused");
    // Policies that refuse nothing or everything compare nothing.
    assert!(
        refused * 5 > total && refused * 5 < total * 4,
        "{refused} of {total} refused"
    );
}

/// How many of them are in one Envoy.
const TOGETHER: usize = 120;

#[test]
fn every_value_of_every_field_is_taken_alike() {
    let mut setups = Vec::new();
    for (index, Alone { about, rule }) in generate::conditions().into_iter().enumerate() {
        let action = if index % 5 == 0 { "DENY" } else { "ALLOW" };
        let config = json!({"policies": [
            {"name": "p", "namespace": "default", "action": action, "rules": [rule]},
        ]});
        let setup = Setup {
            config,
            manager: Manager::default().paths("NONE"),
            tls: about == About::Peer,
        };
        setups.extend(
            variants(about, setup)
                .into_iter()
                .map(|setup| (about, setup)),
        );
    }
    let (mut refused, mut total) = (0, 0);
    for together in setups.chunks(TOGETHER) {
        let alone: Vec<Setup> = together.iter().map(|(_, setup)| setup.clone()).collect();
        let envoy = start(&alone);
        for (index, (about, setup)) in together.iter().enumerate() {
            let mut talks = Talks::default();
            for drawn in generate::requests(*about, WORLD.ordinary()) {
                let [theirs, mine] = talks.both(&envoy, index, &drawn);
                if theirs != mine {
                    panic!("{}", explain(setup, &drawn, &theirs, &mine));
                }
                total += 1;
                refused += usize::from(theirs.refused());
            }
        }
    }
    println!(
        "{} configurations, {total} requests, {refused} of them refused",
        setups.len()
    );
}

/// The same policy where the trust domain goes by other names, or other proxies are trusted.
fn variants(about: About, setup: Setup) -> Vec<Setup> {
    match about {
        About::Peer => {
            // Namespaces and accounts are the same in any trust domain.
            let text = setup.config.to_string();
            if !text.contains("rincipal") && !text.contains("rustDomain") {
                return vec![setup];
            }
            let worlds = [
                json!({}),
                json!({"trustDomain": "td2"}),
                json!({"trustDomainAliases": ["td2", "old.domain"]}),
            ];
            let changed = worlds.map(|world| {
                let mut setup = setup.clone();
                for (field, value) in world.as_object().unwrap() {
                    setup.config[field] = value.clone();
                }
                setup
            });
            changed.into()
        }
        About::Address => [None, Some(0), Some(1)]
            .map(|proxies| Setup {
                manager: Manager::default().trusted_proxies(proxies),
                ..setup.clone()
            })
            .into(),
        _ => vec![setup],
    }
}

fn explain(setup: &Setup, drawn: &Drawn, theirs: &Seen, mine: &Seen) -> String {
    let small = shrink(setup, drawn);
    let mut text = String::new();
    let peer = drawn.peer.map_or("plaintext", |peer| WORLD.peers[peer].0);
    let _ = write!(
        text,
        "native: {theirs:?}\nours:   {mine:?}\n{:?} over {peer}, HTTP/2: {}\nmanager: {:?}\nconfiguration: {}",
        drawn.request, drawn.http2, small.manager, small.config
    );
    text
}

/// The configuration with all that can be left out of it while the answers differ.
fn shrink(setup: &Setup, drawn: &Drawn) -> Setup {
    let mut least = setup.clone();
    for _ in 0..8 {
        let fewer = without(&least.config);
        // All at once, in one Envoy; those that a side refuses are left out one by one.
        let candidates: Vec<Setup> = fewer
            .into_iter()
            .map(|config| Setup {
                config,
                ..least.clone()
            })
            .filter(|candidate| legal(&candidate.config))
            .collect();
        if candidates.is_empty() {
            break;
        }
        let envoy = start(&candidates);
        let differing = (0..candidates.len()).filter(|index| {
            let [theirs, mine] = both(&envoy, *index, drawn);
            theirs != mine
        });
        let shortest = differing.min_by_key(|index| candidates[*index].config.to_string().len());
        match shortest {
            Some(index) => least = candidates[index].clone(),
            None => break,
        }
    }
    least
}

/// Whether istiod, and with it our filter, takes lists as short as these.
fn legal(config: &Value) -> bool {
    let text = config.to_string();
    let policies = config["policies"].as_array().unwrap();
    let denies = |policy: &Value| policy["action"] == "DENY" && policy.get("rules").is_none();
    let empty = |condition: &Value| {
        condition
            .get("values")
            .or(condition.get("notValues"))
            .is_none()
    };
    let mut rules = policies
        .iter()
        .flat_map(|policy| policy["rules"].as_array().into_iter().flatten());
    let void = rules.any(|rule| rule["when"].as_array().into_iter().flatten().any(empty));
    !void
        && !text.contains("\"source\":{}")
        && !text.contains("\"operation\":{}")
        && !text.contains(":[]")
        && !policies.iter().any(denies)
}

/// Every way to leave one element of a list, or one field, out.
fn without(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Array(items) => {
            for index in 0..items.len() {
                let mut fewer = items.clone();
                fewer.remove(index);
                all.push(Value::from(fewer));
                for item in without(&items[index]) {
                    let mut changed = items.clone();
                    changed[index] = item;
                    all.push(Value::from(changed));
                }
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                if !matches!(
                    name.as_str(),
                    "name" | "namespace" | "key" | "action" | "policies"
                ) {
                    let mut fewer = fields.clone();
                    fewer.remove(name);
                    all.push(Value::from(fewer));
                }
                for item in without(field) {
                    let mut changed = fields.clone();
                    changed[name] = item;
                    all.push(Value::from(changed));
                }
            }
        }
        _ => {}
    }
    all
}
