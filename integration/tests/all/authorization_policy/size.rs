//! Ten thousand rules: how long they take to load and what they weigh in Envoy, beside its own filter.

use std::fmt;
use std::time::{Duration, Instant};

use integration::client::Client;
use integration::listener::Listener;
use integration::service::wait::until;
use integration::updates;
use serde_json::{Value, json};

use crate::authorization_policy::rig::{Manager, native, ours};

const RULES: usize = 10_000;

/// Policies as large as Istio takes them, each rule of which names a path, a method and a principal.
fn policies(rules: usize) -> Value {
    let rule = |number: usize| {
        json!({
            "from": [{"source": {"principals": [format!("cluster.local/ns/n{number}/sa/app")]}}],
            "to": [{"operation": {"methods": ["GET"], "paths": [format!("/items/{number}"), format!("/lists/{number}/*")]}}],
        })
    };
    let numbers: Vec<usize> = (0..rules).collect();
    let policies: Vec<Value> = numbers
        .chunks(500)
        .enumerate()
        .map(|(index, numbers)| {
            let rules: Vec<Value> = numbers.iter().map(|number| rule(*number)).collect();
            json!({"name": format!("p{index}"), "namespace": "shop", "action": "DENY", "rules": rules})
        })
        .collect();
    json!({"policies": policies})
}

/// What a listener costs Envoy when it is added.
struct Added {
    /// Until it serves.
    took: Duration,
    /// Processor time of all threads, which other work on the machine does not stretch.
    cpu: Duration,
    /// RAM.
    bytes: u64,
}

impl fmt::Display for Added {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Added { took, cpu, bytes } = self;
        write!(
            f,
            "{took:.2?}, {cpu:.2?} of processor time, {} MB",
            bytes / 1_000_000
        )
    }
}

/// What a listener adds to an Envoy that has the module already.
fn added(listener: impl Fn(&str, usize) -> Listener) -> Added {
    // The module is there already: what is measured is the configuration.
    let few = listener("few", 10).build();
    let envoy = updates::builder(std::slice::from_ref(&few), |_| {}).start();
    assert_eq!(Client::http1(envoy.addr("few")).get("/").send().status, 200);
    let (bytes, cpu) = (envoy.rss(), envoy.cpu());
    let listeners = [few, listener("many", RULES).build()];
    let start = Instant::now();
    updates::update(&envoy, &listeners);
    let serves = || {
        let addr = envoy
            .admin()
            .json("/listeners?format=json")
            .to_string()
            .contains("many");
        addr.then_some(())
    };
    until(Duration::from_secs(60), serves).expect("a listener with many rules");
    assert_eq!(
        Client::http1(envoy.addr("many")).get("/").send().status,
        200
    );
    Added {
        took: start.elapsed(),
        cpu: envoy.cpu().saturating_sub(cpu),
        bytes: envoy.rss().saturating_sub(bytes),
    }
}

#[test]
fn ten_thousand_rules_load_within_a_second() {
    let manager = Manager::default();
    let ours = added(|name, rules| ours(name, &policies(rules), &manager));
    let native = added(|name, rules| native(name, &policies(rules), &manager));
    println!("{RULES} rules, two workers: ours {ours}; Envoy's own {native}");
    // Envoy configures a module once for each of its threads and once to try. The second that it may
    // take is a quiet machine's; what grows with the square of the rules takes minutes on any.
    assert!(ours.cpu < Duration::from_secs(4), "{ours}");
    assert!(ours.bytes < 400_000_000, "{ours}");
}
