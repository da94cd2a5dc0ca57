//! Ports, percentages and durations.

use std::time::Duration;

use sdk_helpers::config::duration;

use super::Told;
use crate::spot::Spot;

/// A number of a port; of one that is absent nothing is said.
pub(super) fn port(spot: &Spot<'_>, name: &str, told: &Told) {
    if let Some(port) = spot.field(name) {
        port_here(&port, told);
    }
}

/// A number of a port.
pub(super) fn port_here(port: &Spot<'_>, told: &Told) {
    if !port.value().as_i64().is_some_and(is_port) {
        told.error(port, format!("`{}` is no port: 1 to 65535", port.value()));
    }
}

/// Whether it can be the number of a port.
pub(super) fn is_port(number: i64) -> bool {
    (1..=65535).contains(&number)
}

/// A share in percent, whole or not.
pub(super) fn percent(spot: &Spot<'_>, told: &Told) {
    let number = spot.value().as_f64().unwrap_or_default();
    if !(0.0..=100.0).contains(&number) {
        told.error(
            spot,
            format!("`{}` is no percentage: 0 to 100", spot.value()),
        );
    }
}

/// A number that is not below zero.
pub(super) fn not_negative(spot: &Spot<'_>, names: &[&str], told: &Told) {
    for field in names.iter().filter_map(|name| spot.field(name)) {
        if field.value().as_f64().is_some_and(|number| number < 0.0) {
            told.error(&field, "is less than 0");
        }
    }
}

/// Durations that are there: at least a millisecond, and whole ones.
pub(super) fn durations(spot: &Spot<'_>, names: &[&str], told: &Told) {
    for field in names.iter().filter_map(|name| spot.field(name)) {
        time(&field, told);
    }
}

/// A duration: at least a millisecond, and whole ones.
pub(super) fn time(spot: &Spot<'_>, told: &Told) -> Option<Duration> {
    let text = spot.value().as_str().unwrap_or_default();
    let read = match duration(text) {
        Ok(read) => read,
        Err(problem) => {
            told.error(spot, problem);
            return None;
        }
    };
    if read < Duration::from_millis(1) {
        told.error(spot, format!("`{text}` is less than `1ms`"));
    } else if !read.as_nanos().is_multiple_of(1_000_000) {
        told.error(spot, format!("`{text}` is no whole number of milliseconds"));
    }
    Some(read)
}
