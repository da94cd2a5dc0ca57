//! The response headers that tell a client of its limits.
//!
//! Sources: draft-polli-ratelimit-headers-03 for `x-ratelimit-*`, which Envoy calls
//! `DRAFT_VERSION_03`; draft-ietf-httpapi-ratelimit-headers-10 for `RateLimit` and
//! `RateLimit-Policy`; RFC 9110 §10.2.3 for `Retry-After`.

use std::borrow::Cow;

use crate::config::Tells;

/// Name and value.
pub type Header = (Cow<'static, str>, Vec<u8>);

/// What a client is told of one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Its name: letters, digits and `._-/~`, so that it needs no escape.
    pub name: String,
    /// Requests in the time of the window.
    pub requests: u32,
    /// The window in seconds, where it is whole ones.
    pub window: Option<u64>,
    /// Requests left.
    pub remaining: u32,
    /// Seconds until all of them are back.
    pub reset: u64,
    /// Whether it is what refused the request.
    pub refused: bool,
    /// On which answers it is told of, and by which headers.
    pub tells: Tells,
}

/// The informational headers of an answer, a refusal or any other: `x-ratelimit-*` for the tightest
/// limit, the other two for all. Of a refused request the tightest is one that refused it, also where
/// a dear request left more there than a cheap one has elsewhere.
pub fn limits(readings: &[Reading], refusal: bool) -> Vec<Header> {
    let mut headers = Vec::new();
    let told = || readings.iter().filter(|one| one.tells.on(refusal));
    let tightest = told()
        .filter(|one| one.tells.x_ratelimit)
        .min_by_key(|one| (!one.refused, one.remaining));
    if let Some(tightest) = tightest {
        headers.extend([
            ("x-ratelimit-limit".into(), number(tightest.requests.into())),
            (
                "x-ratelimit-remaining".into(),
                number(tightest.remaining.into()),
            ),
            ("x-ratelimit-reset".into(), number(tightest.reset)),
        ]);
    }
    let (mut policies, mut states) = (String::new(), String::new());
    for reading in told().filter(|one| one.tells.ratelimit) {
        for list in [&mut policies, &mut states] {
            if !list.is_empty() {
                list.push_str(", ");
            }
            list.push('"');
            list.push_str(&reading.name);
            list.push('"');
        }
        parameter(&mut policies, ";q=", reading.requests.into());
        if let Some(window) = reading.window {
            parameter(&mut policies, ";w=", window);
        }
        parameter(&mut states, ";r=", reading.remaining.into());
        parameter(&mut states, ";t=", reading.reset);
    }
    if !policies.is_empty() {
        headers.extend([
            ("ratelimit-policy".into(), policies.into_bytes()),
            ("ratelimit".into(), states.into_bytes()),
        ]);
    }
    headers
}

/// The header that says when to come back.
pub const RETRY_AFTER: &str = "retry-after";

/// It, never less than a second.
pub fn retry_after(seconds: u64) -> Header {
    (RETRY_AFTER.into(), number(seconds.max(1)))
}

/// Our headers and those that others add to the same response. A header that they name is theirs
/// alone: a client can do nothing with two times to come back, or two numbers of what is left.
pub fn merge(ours: impl IntoIterator<Item = Header>, theirs: Vec<Header>) -> Vec<Header> {
    let named = |name: &str| theirs.iter().any(|(known, _)| known == name);
    let mut headers: Vec<Header> = ours.into_iter().filter(|(name, _)| !named(name)).collect();
    headers.extend(theirs);
    headers
}

/// Nanoseconds as whole seconds, rounded up: a client that waits so long has waited long enough.
pub fn seconds(nanos: u64) -> u64 {
    nanos.div_ceil(1_000_000_000)
}

fn number(number: u64) -> Vec<u8> {
    number.to_string().into_bytes()
}

fn parameter(list: &mut String, name: &str, number: u64) {
    list.push_str(name);
    list.push_str(&number.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TellsOn;

    fn reading(name: &str, remaining: u32) -> Reading {
        Reading {
            name: name.to_owned(),
            requests: 100,
            window: Some(60),
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
        limits(readings, refusal)
            .into_iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_tightest_limit_is_shown_and_all_are_listed() {
        let short = Reading {
            window: None,
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
    fn a_header_that_others_name_is_theirs_alone() {
        let pair = |name: &'static str, value: &str| (name.into(), value.as_bytes().to_vec());
        let theirs = vec![pair("b", "theirs"), pair("c", "1"), pair("c", "2")];
        assert_eq!(
            merge([pair("a", "ours"), pair("b", "ours")], theirs.clone()),
            [vec![pair("a", "ours")], theirs].concat()
        );
    }

    #[test]
    fn nobody_is_told_to_come_back_at_once() {
        assert_eq!(retry_after(0), ("retry-after".into(), b"1".to_vec()));
        assert_eq!((seconds(0), seconds(1), seconds(2_000_000_001)), (0, 1, 3));
    }
}
