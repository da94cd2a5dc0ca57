//! What was expected, beside what was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::engine::Outcome;
use crate::expected::Expected;

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What: a field of [`Expected`], with the name of a header or tag behind a dot.
    pub of: String,
    /// As it should be; nothing where it should not be.
    pub expected: Option<String>,
    /// As it is; nothing where it is not.
    pub seen: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_nothing = |value: &Option<String>| value.clone().unwrap_or("nothing".to_owned());
        write!(
            f,
            "{}: expected {}, saw {}",
            self.of,
            or_nothing(&self.expected),
            or_nothing(&self.seen)
        )
    }
}

/// Everything that is not as expected, where a delay may be longer by `grain`.
pub fn compare(expected: &Expected, seen: &Outcome, grain: Duration) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut differ = |of: &str, expected: Option<String>, seen: Option<String>| {
        if expected != seen {
            all.push(Difference {
                of: of.to_owned(),
                expected,
                seen,
            });
        }
    };
    differ("reason", text(&expected.reason), text(&seen.reason));
    for (name, wanted, got) in pairs(&expected.reasons, &seen.reasons) {
        differ(&format!("reasons.{name}"), quoted(wanted), quoted(got));
    }
    differ("status", number(expected.status), number(seen.status));
    let (wanted, got) = (expected.grpc_status, seen.grpc_status);
    differ("grpcStatus", number(wanted), number(got));
    differ("body", text(&expected.body), text(&seen.body));
    if !in_time(expected.delay, seen.delay, grain) {
        let duration = |delay: Option<Duration>| delay.map(|delay| format!("{delay:?}"));
        differ("delay", duration(expected.delay), duration(seen.delay));
    }
    for (name, value) in &expected.headers {
        let of = format!("headers.{name}");
        differ(&of, text(value), quoted(seen.headers.get(name)));
    }
    for (name, wanted, got) in pairs(&expected.tags, &seen.tags) {
        differ(&format!("tags.{name}"), quoted(wanted), quoted(got));
    }
    if let Some(details) = &seen.details {
        // The last reason is the one that answered. Which it is to be is asked above.
        let last = reason_of(details, seen).and_then(|reason| reason.rsplit(',').next());
        let end = last.map(|last| format!("{{{last}}}"));
        if !end.as_ref().is_some_and(|end| details.ends_with(end)) {
            differ("details", end, quoted(Some(details)));
        }
    }
    all
}

/// What was seen of the filter that the details are of.
fn reason_of<'a>(details: &str, seen: &'a Outcome) -> Option<&'a str> {
    let (filter, _) = details.strip_prefix("mesh_filters.")?.split_once('{')?;
    let of_it = seen.reasons.get(filter);
    of_it.or(seen.reason.as_ref()).map(String::as_str)
}

/// Every name that either has, with what each has by it.
fn pairs<'a>(
    expected: &'a BTreeMap<String, String>,
    seen: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = (&'a String, Option<&'a String>, Option<&'a String>)> {
    let names: BTreeSet<&String> = expected.keys().chain(seen.keys()).collect();
    let names = names.into_iter();
    names.map(|name| (name, expected.get(name), seen.get(name)))
}

/// Never shorter, and longer only by the grain.
fn in_time(expected: Option<Duration>, seen: Option<Duration>, grain: Duration) -> bool {
    match (expected, seen) {
        (None, None) => true,
        (Some(least), Some(held)) => (least..=least.saturating_add(grain)).contains(&held),
        _ => false,
    }
}

fn text(value: &Option<String>) -> Option<String> {
    quoted(value.as_ref())
}

fn quoted(value: Option<&String>) -> Option<String> {
    value.map(|value| format!("`{value}`"))
}

fn number(value: Option<impl fmt::Display>) -> Option<String> {
    value.map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(expected: &Expected, seen: &Outcome) -> Vec<String> {
        let all = compare(expected, seen, Duration::from_millis(1));
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_left_out_is_expected_not_to_be() {
        let seen = Outcome {
            reason: Some("abort:a".to_owned()),
            status: Some(503),
            tags: [("a".to_owned(), "1".to_owned())].into(),
            ..Outcome::default()
        };
        assert_eq!(
            differences(&Expected::default(), &seen),
            [
                "reason: expected nothing, saw `abort:a`",
                "status: expected nothing, saw 503",
                "tags.a: expected nothing, saw `1`",
            ]
        );
    }

    #[test]
    fn of_headers_only_those_count_that_are_named() {
        let expected = Expected {
            headers: [
                ("a".to_owned(), Some("1".to_owned())),
                ("b".to_owned(), None),
            ]
            .into(),
            ..Expected::default()
        };
        let headers = [("b", "2"), ("c", "3")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let seen = Outcome {
            headers: headers.into(),
            ..Outcome::default()
        };
        assert_eq!(
            differences(&expected, &seen),
            [
                "headers.a: expected `1`, saw nothing",
                "headers.b: expected nothing, saw `2`",
            ]
        );
    }

    #[test]
    fn a_delay_is_never_shorter_and_longer_only_by_the_grain() {
        let held = |millis| Outcome {
            delay: Some(Duration::from_millis(millis)),
            ..Outcome::default()
        };
        let expected = Expected {
            delay: Some(Duration::from_millis(10)),
            ..Expected::default()
        };
        assert_eq!(differences(&expected, &held(10)), [""; 0]);
        assert_eq!(differences(&expected, &held(11)), [""; 0]);
        for millis in [9, 12] {
            assert_eq!(
                differences(&expected, &held(millis)),
                [format!("delay: expected 10ms, saw {millis}ms")]
            );
        }
        assert_eq!(
            differences(&expected, &Outcome::default()),
            ["delay: expected 10ms, saw nothing"]
        );
    }

    #[test]
    fn details_end_with_the_reason_that_answered() {
        let expected = Expected {
            reason: Some("delay:a,abort:b".to_owned()),
            ..Expected::default()
        };
        let seen = |details: &str| Outcome {
            reason: expected.reason.clone(),
            details: Some(details.to_owned()),
            ..Outcome::default()
        };
        assert_eq!(
            differences(&expected, &seen("mesh_filters.x{abort:b}")),
            [""; 0]
        );
        assert_eq!(
            differences(&expected, &seen("mesh_filters.x{delay:a}")),
            ["details: expected {abort:b}, saw `mesh_filters.x{delay:a}`"]
        );
    }

    #[test]
    fn of_several_filters_each_has_its_reason() {
        let reasons = |all: &[(&str, &str)]| {
            let all = all.iter();
            all.map(|(filter, reason)| ((*filter).to_owned(), (*reason).to_owned()))
                .collect()
        };
        let expected = Expected {
            reasons: reasons(&[("a", "allowed:x"), ("b", "limited:y")]),
            ..Expected::default()
        };
        let seen = |details: &str| Outcome {
            reasons: reasons(&[("b", "limited:y"), ("c", "valid")]),
            details: Some(details.to_owned()),
            ..Outcome::default()
        };
        let others = [
            "reasons.a: expected `allowed:x`, saw nothing",
            "reasons.c: expected nothing, saw `valid`",
        ];
        assert_eq!(
            differences(&expected, &seen("mesh_filters.b{limited:y}")),
            others
        );
        assert_eq!(
            differences(&expected, &seen("mesh_filters.a{limited:y}")),
            [
                others[0],
                others[1],
                "details: expected nothing, saw `mesh_filters.a{limited:y}`",
            ]
        );
    }
}
