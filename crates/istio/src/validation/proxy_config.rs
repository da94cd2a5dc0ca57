//! ProxyConfig.

use super::{Told, numbers, selector};
use crate::spot::Spot;

pub(super) fn check(spec: &Spot<'_>, told: &Told) {
    selector::check(spec.field("selector"), "matchLabels", told);
    numbers::not_negative(spec, &["concurrency"], told);
}
