//! The life of a configuration: refused at start, and changed while Envoy runs, which reads its listeners from
//! a file then.

use serde_json::{Value, json};

use crate::envoy::{Builder, Config, Envoy, Scratch};
use crate::listener::{Listener, bootstrap};

const FILE: &str = "lds.json";

/// Asserts that Envoy does not start with this listener. Its log.
#[track_caller]
pub fn refused_at_start(listener: Listener) -> String {
    let started = Envoy::builder(bootstrap([listener], [])).try_start();
    let Err(failure) = started else {
        panic!("Envoy took it");
    };
    assert_eq!(failure.exit, Some(1), "{}", failure.log);
    failure.log
}

/// Asserts that one line of a log, and no more, is such.
#[track_caller]
pub fn told_once(log: &str, wanted: &str, is_such: impl Fn(&str, &str) -> bool) {
    let found = log.lines().filter(|line| is_such(line, wanted)).count();
    assert_eq!(found, 1, "`{wanted}` in\n{log}");
}

/// An Envoy with these listeners; `extend` changes the rest of its bootstrap. Connections of a listener
/// that was replaced end within a second.
pub fn builder(listeners: &[Value], extend: impl FnOnce(&mut Value)) -> Builder {
    let scratch = Scratch::new().expect("a folder");
    let mut config = json!({});
    watch(&scratch, listeners, &mut config);
    extend(&mut config);
    Envoy::builder(Config::from_value(config))
        .scratch(scratch)
        .args(["--drain-time-s", "1"])
}

/// Has a bootstrap read these listeners from a file, and know itself, which Envoy asks for then.
pub fn watch(scratch: &Scratch, listeners: &[Value], bootstrap: &mut Value) {
    let path = write(scratch, listeners);
    bootstrap["node"] = json!({"id": "updates", "cluster": "updates"});
    bootstrap["dynamic_resources"] = json!({"lds_config": {
        "path_config_source": {"path": path}, "resource_api_version": "V3",
    }});
}

/// Puts these listeners in the place of those before. Whether Envoy takes them is told by its statistics
/// `listener_manager.lds.update_success` and `update_rejected`.
pub fn update(envoy: &Envoy, listeners: &[Value]) {
    write(envoy.scratch(), listeners);
}

fn write(scratch: &Scratch, listeners: &[Value]) -> String {
    let mut resources = listeners.to_vec();
    for listener in &mut resources {
        listener["@type"] = json!("type.googleapis.com/envoy.config.listener.v3.Listener");
    }
    let resources = json!({ "resources": resources }).to_string();
    let path = scratch.write(FILE, &resources).expect("a file");
    path.to_str().expect("a path in UTF-8").to_owned()
}
