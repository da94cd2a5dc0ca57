//! By what name a filter writes to Envoy's log.

use super::host;
use sdk_helpers::filter::Filter;

/// What a log line begins with, so that the filter's name stands before it, once: Envoy begins it
/// with the plugin's name, `root_id` and `vm_id`, of which the last is the filter's as a rule.
pub(super) fn named<F: Filter>() -> String {
    let ids = ["plugin_vm_id", "plugin_root_id", "plugin_name"];
    let mut ids = ids.iter().filter_map(|id| host::property(&[id]).ok());
    let last = ids.find(|id| !id.is_empty());
    match last.as_deref() == Some(F::NAME.as_bytes()) {
        true => String::new(),
        false => [F::NAME, ": "].concat(),
    }
}
