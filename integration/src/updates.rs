//! An Envoy that reads its listeners from a file, so that a test changes them while Envoy runs.

use serde_json::{Value, json};

use crate::envoy::{Builder, Config, Envoy, Scratch};

const FILE: &str = "lds.json";

/// An Envoy with these listeners; `extend` changes the rest of its bootstrap. Connections of a listener
/// that was replaced end within a second.
pub fn builder(listeners: &[Value], extend: impl FnOnce(&mut Value)) -> Builder {
    let scratch = Scratch::new().expect("a folder");
    let mut bootstrap = json!({});
    watch(&scratch, listeners, &mut bootstrap);
    extend(&mut bootstrap);
    Envoy::builder(Config::from_value(bootstrap))
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
