//! What the proxies of a mesh wrote: lines of their access logs, and what their Envoys warn of.

use crate::plain;

/// Longer lines are cut.
const WIDTH: usize = 2000;

/// What every Envoy of a mesh warns of, and nobody has to do anything about.
const KNOWN: [&str; 2] = [
    // Nobody calls these but their own user.
    "no configured limit to the number of allowed active",
    // The newer field does not do it: an Envoy passes over the timeout beside it.
    "deprecated option 'envoy.config.route.v3.RouteAction.max_grpc_timeout'",
];

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When it was written, as text whose order is that of time; empty where it does not say.
    pub time: String,
    /// What it is.
    pub kind: Kind,
    /// All of it, as it may be shown on a terminal.
    pub text: String,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of a request.
    Access,
    /// What Envoy says in passing.
    Ordinary,
    /// What Envoy warns of.
    Warning,
    /// What Envoy could not do.
    Error,
}

impl Kind {
    /// Whether it is shown where not everything is asked for.
    #[must_use]
    pub fn is_told(self) -> bool {
        self != Kind::Ordinary
    }

    /// `access`, `ordinary`, `warning` or `error`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Access => "access",
            Kind::Ordinary => "ordinary",
            Kind::Warning => "warning",
            Kind::Error => "error",
        }
    }
}

impl Line {
    /// Reads a line of an access log, or of what an Envoy says of itself.
    #[must_use]
    pub fn read(line: &str, is_access_log: bool) -> Self {
        let kind = match is_access_log {
            true => Kind::Access,
            false => envoys(line),
        };
        Line {
            time: time(line).unwrap_or_default(),
            kind,
            text: plain(line, WIDTH),
        }
    }
}

/// `[2026-11-30 10:00:00.123][7][warning][config] …`; where that is not how it begins, it belongs to the line before, or
/// is what a listener logs on standard output.
fn envoys(line: &str) -> Kind {
    let mut parts = line.split(['[', ']']).filter(|part| !part.is_empty());
    match parts.nth(2) {
        _ if line.starts_with('{') => Kind::Access,
        Some("warning") if KNOWN.iter().any(|known| line.contains(known)) => Kind::Ordinary,
        Some("warning" | "warn") => Kind::Warning,
        Some("error" | "critical") => Kind::Error,
        _ if line.starts_with('[') && line.contains("] \"") => Kind::Access,
        _ => Kind::Ordinary,
    }
}

/// The first time of a line, as `2026-11-30T10:00:00.123`.
fn time(line: &str) -> Option<String> {
    let places = line.match_indices("20").map(|(at, _)| at);
    places.take(20).find_map(|at| {
        let stamp = line.get(at..)?;
        let seconds = stamp.get(..19)?;
        let is_stamp = seconds.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            10 => byte == b'T' || byte == b' ',
            13 | 16 => byte == b':',
            _ => byte.is_ascii_digit(),
        });
        let fraction = stamp.get(19..23).filter(|rest| {
            let digits = rest.strip_prefix('.');
            digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        });
        let whole = [
            seconds.replacen(' ', "T", 1).as_str(),
            fraction.unwrap_or(".000"),
        ]
        .concat();
        is_stamp.then_some(whole)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_known_by_how_they_begin() {
        let cases = [
            (
                "[2026-11-30 10:00:00.123][7][warning][config] [source/a.cc:1] refused",
                Kind::Warning,
                "2026-11-30T10:00:00.123",
            ),
            (
                "[2026-11-30 10:00:00.123][7][info][main] [source/a.cc:1] starting",
                Kind::Ordinary,
                "2026-11-30T10:00:00.123",
            ),
            (
                "[2026-11-30 10:00:00.123][7][critical][main] no",
                Kind::Error,
                "2026-11-30T10:00:00.123",
            ),
            (
                "[2026-11-30T10:00:01.5Z] \"GET / HTTP/1.1\" 200 - via_upstream",
                Kind::Access,
                "2026-11-30T10:00:01.000",
            ),
            (
                "{\"path\": \"/20\", \"start_time\": \"2026-11-30T10:00:02.250Z\"}",
                Kind::Access,
                "2026-11-30T10:00:02.250",
            ),
            ("  at 0x7f in somewhere", Kind::Ordinary, ""),
            (
                "[2026-11-30 10:00:00.123][7][warning][main] [source/a.cc:1] There is no configured limit to the number of allowed active downstream connections.",
                Kind::Ordinary,
                "2026-11-30T10:00:00.123",
            ),
            ("", Kind::Ordinary, ""),
            ("[20", Kind::Ordinary, ""),
            ("2026-11-30Ü10:00:00", Kind::Ordinary, ""),
        ];
        for (line, kind, time) in cases {
            let read = Line::read(line, false);
            assert_eq!((read.kind, read.time.as_str()), (kind, time), "{line}");
        }
        assert_eq!(Line::read("anything", true).kind, Kind::Access);
    }

    #[test]
    fn what_a_client_sent_is_obeyed_by_no_terminal() {
        let line = Line::read("[x] \"GET /\x1b]0;a\x07 HTTP/1.1\"", true);
        assert_eq!(line.text, "[x] \"GET / ]0;a  HTTP/1.1\"");
    }
}
