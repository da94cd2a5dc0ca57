//! The life of a configuration: refused at start, and changed while Envoy runs, which reads its listeners from
//! a file then.

use serde_json::{Value, json};

use ::envoy::lds;

use crate::envoy::{Builder, Config, Envoy, Scratch, expect};
use crate::listener::{Listener, bootstrap};

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
    let mut config = Config::from_value(json!({}));
    watch(&scratch, listeners, &mut config);
    extend(config.value_mut());
    Envoy::builder(config)
        .scratch(scratch)
        .args(["--drain-time-s", "1"])
}

/// Has a bootstrap read these listeners from a file.
pub fn watch(scratch: &Scratch, listeners: &[Value], bootstrap: &mut Config) {
    expect(lds::watch(scratch, listeners, bootstrap));
}

/// Puts these listeners in the place of those before. Whether Envoy takes them is told by its statistics
/// `listener_manager.lds.update_success` and `update_rejected`.
pub fn update(envoy: &Envoy, listeners: &[Value]) {
    expect(lds::update(envoy.scratch(), listeners));
}
