//! PeerAuthentication.

use super::{Told, numbers, selector};
use crate::spot::Spot;

pub(super) fn check(spec: &Spot<'_>, told: &Told) {
    let selects = spec.at(&["selector", "matchLabels"]);
    let selects = selects.is_some_and(|labels| !labels.fields().is_empty());
    if let Some(ports) = spec.field("portLevelMtls") {
        let all = ports.fields();
        if all.is_empty() {
            told.error(&ports, "has no port; leave it out");
        } else if !selects {
            told.error(&ports, "ports are those of selected workloads: without a `selector` with labels there can be none");
        }
        for (port, mode) in all {
            if !port.parse().is_ok_and(numbers::is_port) {
                told.error(
                    &mode,
                    format!("`{}` is no port: 1 to 65535", port.escape_debug()),
                );
            }
        }
    }
    selector::check(spec.field("selector"), "matchLabels", told);
}
