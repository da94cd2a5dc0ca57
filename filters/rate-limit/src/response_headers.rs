//! The response headers that tell a client of its limits.
//!
//! Sources: draft-polli-ratelimit-headers-03 for `x-ratelimit-*`, which Envoy calls
//! `DRAFT_VERSION_03`; draft-ietf-httpapi-ratelimit-headers-10 for `RateLimit` and
//! `RateLimit-Policy`; RFC 9110 §10.2.3 for `Retry-After`.

use std::ops::Range;
use std::rc::Rc;

use sdk_helpers::headers::{SharedText, TextPart};
use smallvec::SmallVec;

use crate::config::Tells;

/// What a client is told of a quota, whatever is left of it: `"name";q=100;w=60`. Made when the
/// configuration is loaded, or of what the service answers.
#[derive(Debug, PartialEq, Eq)]
pub struct PolicyText {
    text: SharedText,
    /// Where the name ends, with its quotes.
    name: usize,
    /// Where the number of requests stands.
    requests: Range<usize>,
}

/// What a client is told of one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Its quota.
    pub policy: Rc<PolicyText>,
    /// Requests left.
    pub remaining: u32,
    /// Seconds until all of them are back.
    pub reset: u64,
    /// Whether it is what refused the request.
    pub refused: bool,
    /// On which answers it is told of, and by which headers.
    pub tells: Tells,
}

/// What a client is told of the limits of a request, of which there is mostly one.
pub type Readings = SmallVec<[Reading; 1]>;

impl PolicyText {
    /// Of the limit `name`, which is letters, digits and `._-/~`, so that it needs no escape. A window
    /// is told of where it is whole seconds.
    pub fn new(name: &str, requests: u32, window: Option<u64>) -> Option<Rc<Self>> {
        let mut text = Vec::new();
        text.push(b'"');
        text.extend_from_slice(name.as_bytes());
        text.push(b'"');
        let name = text.len();
        text.extend_from_slice(b";q=");
        let requests = number(&mut text, requests.into());
        if let Some(window) = window {
            text.extend_from_slice(b";w=");
            number(&mut text, window);
        }
        Some(Rc::new(PolicyText {
            text: SharedText::new(&text)?,
            name,
            requests,
        }))
    }
}

/// Where in a text the numbers of a limit stand.
#[derive(Debug, Clone, Default)]
struct Numbers {
    remaining: Range<usize>,
    reset: Range<usize>,
}

/// The informational headers of an answer, a refusal or any other, one after the other: `x-ratelimit-*`
/// for the tightest limit, the other two for all. Of a refused request the tightest is one that refused
/// it, also where a dear request left more there than a cheap one has elsewhere.
///
/// All values are parts of one text, which is written in `buffer`: `"name";r=99;t=1` has in it what
/// `x-ratelimit-remaining` and `-reset` say.
pub fn tell(
    readings: &[Reading],
    refusal: bool,
    buffer: &mut Vec<u8>,
    header: &mut dyn FnMut(&'static str, TextPart),
) {
    buffer.clear();
    let mut tightest: Option<&Reading> = None;
    // Where the numbers of the tightest stand, and what is listed: how many, and which if it is one.
    let (mut numbers, mut listed, mut only) = (None, 0usize, None);
    for reading in readings.iter().filter(|one| one.tells.on(refusal)) {
        let is_tightest = reading.tells.x_ratelimit
            && tightest.is_none_or(|tightest| reading.tightness() < tightest.tightness());
        if is_tightest {
            (tightest, numbers) = (Some(reading), None);
        }
        if reading.tells.ratelimit {
            if listed > 0 {
                buffer.extend_from_slice(b", ");
            }
            let written = reading.write(buffer);
            if is_tightest {
                numbers = Some(written);
            }
            only = Some(&reading.policy.text);
            listed = listed.saturating_add(1);
        }
    }
    let states = 0..buffer.len();
    if listed > 1 {
        only = None;
        let told = readings.iter().filter(|one| one.tells.on(refusal));
        for (index, reading) in told.filter(|one| one.tells.ratelimit).enumerate() {
            if index > 0 {
                buffer.extend_from_slice(b", ");
            }
            buffer.extend_from_slice(&reading.policy.text);
        }
    }
    let policies = states.end..buffer.len();
    if let (Some(tightest), None) = (tightest, &numbers) {
        numbers = Some(Numbers {
            remaining: number(buffer, tightest.remaining.into()),
            reset: number(buffer, tightest.reset),
        });
    }
    // The names are made of what is safe, and the rest is digits.
    let Some(text) = SharedText::new(buffer) else {
        return;
    };
    if let (Some(tightest), Some(numbers)) = (tightest, numbers) {
        let PolicyText {
            text: policy,
            requests,
            ..
        } = &*tightest.policy;
        header("x-ratelimit-limit", policy.part(requests.clone()));
        header("x-ratelimit-remaining", text.part(numbers.remaining));
        header("x-ratelimit-reset", text.part(numbers.reset));
    }
    if !states.is_empty() {
        let policies = only.map_or_else(|| text.part(policies), SharedText::whole);
        header("ratelimit-policy", policies);
        header("ratelimit", text.part(states));
    }
}

impl Reading {
    /// What refused the request comes first, and then what has least left.
    fn tightness(&self) -> (bool, u32) {
        (!self.refused, self.remaining)
    }

    /// Writes what is left, and until when: `"name";r=99;t=1`.
    fn write(&self, text: &mut Vec<u8>) -> Numbers {
        let name = self.policy.text.get(..self.policy.name);
        text.extend_from_slice(name.unwrap_or_default());
        text.extend_from_slice(b";r=");
        let remaining = number(text, self.remaining.into());
        text.extend_from_slice(b";t=");
        Numbers {
            remaining,
            reset: number(text, self.reset),
        }
    }
}

/// The header that says when to come back.
pub const RETRY_AFTER: &str = "retry-after";

/// What it says, never less than a second.
pub fn retry_after(seconds: u64) -> Vec<u8> {
    let mut text = Vec::new();
    number(&mut text, seconds.max(1));
    text
}

/// Writes a number at the end of a text, and says where it stands there.
fn number(text: &mut Vec<u8>, mut number: u64) -> Range<usize> {
    let start = text.len();
    let mut digits = [0; 20];
    let mut free = digits.iter_mut();
    while let Some(digit) = free.next_back() {
        #[allow(clippy::cast_possible_truncation, reason = "below 10")]
        let last = (number % 10) as u8;
        *digit = b'0' | last;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    let first = free.len();
    text.extend_from_slice(digits.get(first..).unwrap_or_default());
    start..text.len()
}

/// Nanoseconds as whole seconds, rounded up: a client that waits so long has waited long enough.
pub fn seconds(nanos: u64) -> u64 {
    nanos.div_ceil(1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TellsOn;

    fn policy(name: &str, window: Option<u64>) -> Rc<PolicyText> {
        PolicyText::new(name, 100, window).unwrap()
    }

    fn reading(name: &str, remaining: u32) -> Reading {
        Reading {
            policy: policy(name, Some(60)),
            remaining,
            reset: 7,
            refused: false,
            tells: Tells {
                on: TellsOn::All,
                x_ratelimit: true,
                ratelimit: true,
            },
        }
    }

    fn text(readings: &[Reading]) -> Vec<String> {
        answer(readings, false)
    }

    fn answer(readings: &[Reading], refusal: bool) -> Vec<String> {
        let mut headers = vec![];
        // What an earlier answer was told is gone.
        let mut buffer = b"earlier".to_vec();
        tell(readings, refusal, &mut buffer, &mut |name, value| {
            headers.push(format!("{name}: {}", std::str::from_utf8(&value).unwrap()));
        });
        headers
    }

    #[test]
    fn the_tightest_limit_is_shown_and_all_are_listed() {
        let short = Reading {
            policy: policy("b", None),
            reset: 0,
            ..reading("b", 3)
        };
        assert_eq!(
            text(&[reading("a", 20), short, reading("c", 3)]),
            [
                "x-ratelimit-limit: 100",
                "x-ratelimit-remaining: 3",
                "x-ratelimit-reset: 0",
                r#"ratelimit-policy: "a";q=100;w=60, "b";q=100, "c";q=100;w=60"#,
                r#"ratelimit: "a";r=20;t=7, "b";r=3;t=0, "c";r=3;t=7"#,
            ]
        );
        assert_eq!(text(&[]), Vec::<String>::new());
    }

    #[test]
    fn what_refused_is_shown_before_what_has_less() {
        let refused = Reading {
            refused: true,
            ..reading("dear", 3)
        };
        let shown = text(&[reading("cheap", 1), refused]);
        assert_eq!(shown[1], "x-ratelimit-remaining: 3");
        assert!(shown[4].starts_with(r#"ratelimit: "cheap";r=1;"#));
    }

    #[test]
    fn a_limit_is_told_of_where_and_as_it_is_to_be() {
        let told = |on, x_ratelimit, ratelimit, name| Reading {
            tells: Tells {
                on,
                x_ratelimit,
                ratelimit,
            },
            ..reading(name, 5)
        };
        let readings = [
            told(TellsOn::None, true, true, "never"),
            told(TellsOn::Refusals, true, true, "refusals"),
            told(TellsOn::All, false, true, "ietf"),
        ];
        assert_eq!(
            answer(&readings, false),
            [
                r#"ratelimit-policy: "ietf";q=100;w=60"#,
                r#"ratelimit: "ietf";r=5;t=7"#
            ]
        );
        assert_eq!(
            answer(&readings, true),
            [
                "x-ratelimit-limit: 100",
                "x-ratelimit-remaining: 5",
                "x-ratelimit-reset: 7",
                r#"ratelimit-policy: "refusals";q=100;w=60, "ietf";q=100;w=60"#,
                r#"ratelimit: "refusals";r=5;t=7, "ietf";r=5;t=7"#
            ]
        );
        let envoys = [told(TellsOn::All, true, false, "envoys")];
        assert_eq!(answer(&envoys, false), answer(&envoys, true));
        assert_eq!(answer(&envoys, false).len(), 3);
    }

    #[test]
    fn numbers_are_written_as_they_are_read() {
        let mut text = b"x".to_vec();
        for one in [
            0,
            7,
            10,
            4_294_967_295,
            10_000_000_000_000_000_000,
            u64::MAX,
        ] {
            let written = number(&mut text, one);
            assert_eq!(text[written], *one.to_string().as_bytes());
        }
    }

    #[test]
    fn nobody_is_told_to_come_back_at_once() {
        assert_eq!(
            (retry_after(0), retry_after(12)),
            (b"1".to_vec(), b"12".to_vec())
        );
        assert_eq!((seconds(0), seconds(1), seconds(2_000_000_001)), (0, 1, 3));
    }
}
