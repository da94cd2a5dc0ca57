//! By what name a filter writes to Envoy's log.

use super::host;
use sdk_helpers::chain::Chain;

/// What a log line begins with, so that the name of the module, and that of the filter where it is
/// another, stand before it, once: Envoy begins it with the plugin's name, `root_id` and `vm_id`,
/// of which the last is the module's as a rule.
pub(super) fn named<C: Chain>(filter: &str) -> String {
    let ids = ["plugin_vm_id", "plugin_root_id", "plugin_name"];
    let mut ids = ids.iter().filter_map(|id| host::property(&[id]).ok());
    let last = ids.find(|id| !id.is_empty());
    let mut name = String::new();
    if last.as_deref() != Some(C::NAME.as_bytes()) {
        name.push_str(C::NAME);
        name.push_str(": ");
    }
    if filter != C::NAME {
        name.push_str(filter);
        name.push_str(": ");
    }
    name
}
