//! `requests`, `per` and `burst`, wherever they stand.

use std::num::NonZeroU32;
use std::time::Duration;

use sdk_helpers::config::duration;
use sdk_helpers::{At, Problems};

use super::wire::QuotaWire;
use super::{Override, Quota};
use crate::gcra::Gcra;

/// Envoy's units by their length in seconds (`envoy.type.v3.RateLimitUnit`). Months and years are
/// 30 and 365 days there.
const UNITS: [(u64, u8); 7] = [
    (1, 1),
    (60, 2),
    (3_600, 3),
    (86_400, 4),
    (604_800, 7),
    (2_592_000, 5),
    (31_536_000, 6),
];

impl QuotaWire {
    /// For a limit that this proxy counts.
    pub(super) fn local(self, at: &At<'_>, problems: &Problems) -> Option<Quota> {
        let (requests, per) = self.rate(at, problems);
        let burst = self.burst.map(|burst| {
            let at = at.field("burst");
            let burst = NonZeroU32::new(burst);
            if burst.is_none() {
                problems.error(&at, "0 tokens would never let a request pass; at least 1");
            }
            burst
        });
        let (requests, per) = (requests?, per?);
        let gcra = Gcra::new(requests, per, burst.unwrap_or(Some(requests))?)
            .map_err(|problem| problems.error(&at.field("requests"), problem))
            .ok()?;
        Some(Quota {
            gcra,
            requests: requests.get(),
            per,
        })
    }

    /// For a limit that the service counts: nothing at all, or what it is told.
    pub(super) fn service(self, at: &At<'_>, problems: &Problems) -> Option<Override> {
        if self.burst.is_some() {
            problems.error(
                &at.field("burst"),
                "the service counts in windows and knows no burst; remove it",
            );
        }
        if self.requests.is_none() && self.per.is_none() {
            return None;
        }
        let (requests, per) = self.rate(at, problems);
        let (requests, per) = (requests?, per?);
        let unit = UNITS
            .iter()
            .find(|(seconds, _)| per == Duration::from_secs(*seconds));
        if unit.is_none() {
            problems.error(
                &at.field("per"),
                "the service counts per `1s`, `1m`, `1h`, `24h`, `168h`, `720h` or `8760h` only",
            );
        }
        Some(Override {
            requests: requests.get(),
            unit: unit?.1,
        })
    }

    fn rate(&self, at: &At<'_>, problems: &Problems) -> (Option<NonZeroU32>, Option<Duration>) {
        let requests = match self.requests.map(NonZeroU32::new) {
            Some(Some(requests)) => Some(requests),
            Some(None) => {
                problems.error(
                    &at.field("requests"),
                    "0 would refuse every request; at least 1",
                );
                None
            }
            None => {
                problems.error(
                    &at.field("requests"),
                    "is missing: how many requests may pass in the time of `per`",
                );
                None
            }
        };
        let field = at.field("per");
        let per = match self.per.as_deref() {
            None => {
                problems.error(
                    &field,
                    "is missing: the time in which `requests` may pass, such as `1m`",
                );
                None
            }
            Some(text) => match duration(text) {
                Err(problem) => {
                    problems.error(&field, problem);
                    None
                }
                Ok(per) if per < Duration::from_millis(1) => {
                    problems.error(&field, format!("`{text}` is too short; at least `1ms`"));
                    None
                }
                Ok(per) => Some(per),
            },
        };
        (requests, per)
    }
}
