//! Durations and times as Istio's YAML writes them.

use std::time::Duration;

use crate::world::Timestamp;

/// Reads a duration as Istio does, which is Go's `time.ParseDuration`: `5s`, `1.5h`, `1m30s`,
/// `250ms`. No sign: nothing here can be negative.
///
/// # Errors
/// Says what a duration looks like.
pub fn duration(text: &str) -> Result<Duration, String> {
    let refuse = || match meant(text) {
        Some(meant) => format!("`{text}` is not a duration; write `{meant}`"),
        None => format!("`{text}` is not a duration such as `250ms`, `5s` or `1m30s`"),
    };
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut total: u128 = 0;
    let mut rest = text;
    if rest.is_empty() {
        return Err(refuse());
    }
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (whole, tail) = rest.split_at(digits);
        let (fraction, tail) = match tail.strip_prefix('.') {
            Some(tail) => tail.split_at(
                tail.find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(tail.len()),
            ),
            None => ("", tail),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(refuse());
        }
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let unit: u128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return Err(refuse()),
        };
        let mut part = if whole.is_empty() {
            0
        } else {
            whole
                .parse::<u128>()
                .ok()
                .and_then(|whole| whole.checked_mul(unit))
                .ok_or_else(refuse)?
        };
        let mut scale = unit;
        for digit in fraction.bytes() {
            scale /= 10;
            part = part.saturating_add(scale.saturating_mul(u128::from(digit.wrapping_sub(b'0'))));
        }
        total = total.checked_add(part).ok_or_else(refuse)?;
        rest = tail;
    }
    // Go counts nanoseconds in 63 bits: 292 years.
    u64::try_from(total)
        .ok()
        .filter(|nanos| *nanos <= i64::MAX as u64)
        .map(Duration::from_nanos)
        .ok_or_else(refuse)
}

/// The duration that was surely meant by a number of seconds, or by a unit in other words.
#[cold]
fn meant(text: &str) -> Option<String> {
    let text = text.trim();
    let digits = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let (number, unit) = text.split_at(text.len().saturating_sub(digits.len()));
    let unit = unit.trim().to_ascii_lowercase();
    let (hours, unit) = match unit.as_str() {
        "" if number.is_empty() => return None,
        "" | "s" | "sec" | "secs" | "second" | "seconds" => (1, "s"),
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => (1, "ms"),
        "m" | "min" | "mins" | "minute" | "minutes" => (1, "m"),
        "h" | "hr" | "hrs" | "hour" | "hours" => (1, "h"),
        "d" | "day" | "days" => (24, "h"),
        "w" | "week" | "weeks" => (168, "h"),
        "month" => (720, "h"),
        "y" | "year" => (8_760, "h"),
        _ => return None,
    };
    let number = match (number, hours) {
        ("", hours) => hours.to_string(),
        (number, 1) => number.to_owned(),
        (number, hours) => number.parse::<u32>().ok()?.checked_mul(hours)?.to_string(),
    };
    let meant = [number.as_str(), unit].concat();
    // Not a word about what would be refused again.
    (meant != text && duration(&meant).is_ok()).then_some(meant)
}

/// Reads a time as RFC 3339 writes it: `2027-01-01T00:00:00Z`, with `+01:00` in place of `Z` and
/// fractions of a second where wanted.
///
/// # Errors
/// Says what such a time looks like, or which part is out of range.
pub fn timestamp(text: &str) -> Result<Timestamp, String> {
    parse_timestamp(text).ok_or_else(|| {
        format!("`{text}` is not a time such as `2027-01-01T00:00:00Z` (RFC 3339, 1970 or later)")
    })
}

fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| digits.parse().ok())?
    };
    let is = |at: usize, any: &str| {
        text.get(at..at.checked_add(1)?)
            .filter(|c| any.contains(*c))
    };
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    is(4, "-").and(is(7, "-")).and(is(10, "Tt"))?;
    is(13, ":").and(is(16, ":"))?;
    let mut rest = text.get(19..)?;
    let mut nanos: i64 = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.find(|c: char| !c.is_ascii_digit())?;
        let (fraction, tail) = fraction.split_at(digits);
        if fraction.is_empty() {
            return None;
        }
        let mut scale = 1_000_000_000;
        for digit in fraction.bytes() {
            scale /= 10;
            nanos += scale * i64::from(digit.wrapping_sub(b'0'));
        }
        rest = tail;
    }
    let offset = match rest {
        "Z" | "z" => 0,
        _ => {
            let sign = match rest.get(..1)? {
                "+" => 1,
                "-" => -1,
                _ => return None,
            };
            let (hours, minutes) = rest.get(1..)?.split_once(':')?;
            let two = |text: &str, most: i64| {
                (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit()))
                    .then(|| text.parse::<i64>().ok())
                    .flatten()
                    .filter(|n| *n <= most)
            };
            sign * (two(hours, 23)? * 3600 + two(minutes, 59)? * 60)
        }
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    // A leap second is legal in RFC 3339 and is the next second to a Unix clock.
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_epoch(year, month, day);
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    let nanos = seconds.checked_mul(1_000_000_000)?.checked_add(nanos)?;
    u64::try_from(nanos).ok().map(Timestamp::from_nanos)
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar, counted from March so that the leap
/// day is the last of its year.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    days + (153 * from_march + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_gos() {
        for (text, nanos) in [
            ("5s", 5_000_000_000),
            ("250ms", 250_000_000),
            ("1m30s", 90_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("5.s", 5_000_000_000),
            ("1us", 1_000),
            ("1µs", 1_000),
            ("0.0000000019s", 1),
            ("0", 0),
            ("9223372036854775807ns", i64::MAX as u64),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "+5s",
            "5 s",
            "5sec",
            ".s",
            "5s5",
            "1d",
            "9223372036854775808ns",
            "1e3s",
            "99999999999999999999999999999999999999999h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_meant_is_told() {
        for (text, meant) in [
            ("60", "60s"),
            ("0.5", "0.5s"),
            ("5 s", "5s"),
            ("5sec", "5s"),
            ("60S", "60s"),
            ("MINUTE", "1m"),
            ("hour", "1h"),
            ("1d", "24h"),
            ("2 weeks", "336h"),
            ("10 minutes", "10m"),
        ] {
            let problem = format!("`{text}` is not a duration; write `{meant}`");
            assert_eq!(duration(text), Err(problem), "{text}");
            assert!(duration(meant).is_ok());
        }
        for text in [
            "soon",
            "",
            "-5",
            "1.5d",
            "99999999999999999999",
            "1..5",
            "999999999w",
        ] {
            let problem = duration(text).expect_err("no duration");
            assert!(problem.contains("such as"), "{problem}");
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2027-01-01T00:00:00Z", 1_798_761_600),
            ("2024-02-29T12:00:00z", 1_709_208_000),
            ("2000-03-01T00:00:00+01:00", 951_865_200),
            ("2026-11-21T10:00:00.999-02:30", 1_795_264_200),
        ] {
            let read = timestamp(text).map(|time| time.as_nanos() / 1_000_000_000);
            assert_eq!(read, Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2027-01-01",
            "2027-01-01T00:00:00",
            "2027-02-29T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-01-01T24:00:00Z",
            "2027-01-01 00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2027-01-01T00:00:00.Z",
            "2027-01-01T00:00:00+1:00",
            "2027-01-01T00:00:00Zx",
            "２027-01-01T00:00:00Z",
        ] {
            assert!(timestamp(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = (duration(&text), timestamp(&text));
        }

        #[test]
        fn whole_milliseconds_come_back(ms in 0u64..10_000_000_000) {
            prop_assert_eq!(duration(&format!("{ms}ms")), Ok(Duration::from_millis(ms)));
        }

        #[test]
        fn days_follow_each_other(day in 0i64..80_000) {
            // Walk the calendar by brute force from one known day.
            let (mut y, mut m, mut d) = (1970i64, 1i64, 1i64);
            let mut n = 0;
            while n < day {
                let leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
                let len = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][(m - 1) as usize];
                let step = (len - d + 1).min(day - n);
                n += step;
                d += step;
                if d > len { d = 1; m += 1; if m > 12 { m = 1; y += 1; } }
            }
            prop_assert_eq!(days_since_epoch(y, m, d), day);
        }
    }
}
