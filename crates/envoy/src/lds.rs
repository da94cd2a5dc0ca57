//! Listeners that Envoy reads from a file, again whenever it changes: LDS with a `path_config_source`. One that Envoy
//! refuses keeps none of the others away, and an earlier one of its name in force.

use serde_json::{Value, json};

use crate::{Config, Error, Scratch, resources};

const FILE: &str = "lds.json";

/// Has a bootstrap read these listeners from a file of the folder, and know itself, which Envoy asks for then.
///
/// # Errors
/// The file cannot be written.
pub fn watch(scratch: &Scratch, listeners: &[Value], bootstrap: &mut Config) -> Result<(), Error> {
    update(scratch, listeners)?;
    let mut more = json!({
        "node": {"id": "local", "cluster": "local"},
        "dynamic_resources": {"lds_config": resources::source(&scratch.path().join(FILE))},
    });
    if let (Some(bootstrap), Some(more)) =
        (bootstrap.value_mut().as_object_mut(), more.as_object_mut())
    {
        bootstrap.append(more);
    }
    Ok(())
}

/// Puts these listeners in the place of those before. Whether Envoy takes them is told by its statistics
/// `listener_manager.lds.update_success` and `update_rejected`, and by [`Admin::refused`](crate::Admin::refused).
///
/// # Errors
/// The file cannot be written.
pub fn update(scratch: &Scratch, listeners: &[Value]) -> Result<(), Error> {
    let listeners = listeners.iter().cloned();
    let text = resources::file("envoy.config.listener.v3.Listener", listeners);
    scratch.write(FILE, &text).map(drop)
}
