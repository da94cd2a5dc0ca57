//! When and how often a route tries again.

use super::{Told, numbers};
use crate::spot::Spot;

/// When Envoy tries again, beside statuses: those of `x-envoy-retry-on` and of `x-envoy-retry-grpc-on`.
const RETRY_ON: [&str; 16] = [
    "5xx",
    "gateway-error",
    "reset",
    "reset-before-request",
    "connect-failure",
    "retriable-4xx",
    "refused-stream",
    "retriable-status-codes",
    "retriable-headers",
    "envoy-ratelimited",
    "http3-post-connect-failure",
    "cancelled",
    "deadline-exceeded",
    "internal",
    "resource-exhausted",
    "unavailable",
];

pub(super) fn check(retries: &Spot<'_>, told: &Told) {
    numbers::not_negative(retries, &["attempts"], told);
    let set = ["perTryTimeout", "retryOn", "retryRemoteLocalities"];
    let mut set = set.into_iter().filter_map(|name| retries.field(name));
    let set = set.find(|field| field.value() != "");
    if let Some(field) = set.filter(|_| retries.number("attempts").unwrap_or_default() == 0) {
        told.error(
            &field,
            "changes nothing: `attempts` is 0, or not said, which is no retry",
        );
    }
    numbers::durations(retries, &["perTryTimeout", "backoff"], told);
    let Some(on) = retries.field("retryOn") else {
        return;
    };
    let text = retries.text("retryOn");
    for word in text.split(',').filter(|_| !text.is_empty()) {
        let is_status = word.parse().is_ok_and(is_status);
        if !is_status && !RETRY_ON.contains(&word) {
            let problem = match word.trim() != word {
                true => format!(
                    "`{}` has white space around it; separate with commas alone",
                    word.escape_debug()
                ),
                false => sdk_helpers::config::none_of(word, &RETRY_ON),
            };
            told.error(&on, problem);
        }
    }
}

/// Whether it is a status that Go's `net/http` has words for, which is what istiod asks.
fn is_status(code: u16) -> bool {
    matches!(code,
        100..=103 | 200..=208 | 226 | 300..=305 | 307 | 308 | 400..=418 | 421..=426 | 428 | 429 | 431 | 451
        | 500..=508 | 510 | 511)
}
