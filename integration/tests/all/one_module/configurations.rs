//! Configurations nobody wrote: each filter's, made so that what one filter changes is what later ones
//! look at.

mod faults;
mod limits;
mod policies;
mod rules;
mod tags;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::one_module::pick::once_in;

/// The tags that any of them has, for the access log and spans.
pub(crate) use tags::TAGS;

/// How much a configuration may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What Envoy's own filters can do too.
    Native,
    /// Everything.
    Any,
}

/// The configuration with this number. Names of limits are its own, since buckets belong to names.
pub(crate) fn configuration(dice: &mut Rng, number: usize, kind: Kind) -> Value {
    let all = [
        ("requestAuthentication", rules::configuration(dice, kind)),
        ("authorizationPolicy", policies::configuration(dice, kind)),
        ("rateLimit", limits::configuration(dice, number, kind)),
        ("faultInjection", faults::configuration(dice, kind)),
        ("telemetryTags", tags::configuration(dice)),
    ];
    let mut config = json!({});
    for (field, own) in all {
        if !once_in(dice, 6) {
            config[field] = own;
        }
    }
    config
}
