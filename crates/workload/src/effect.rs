//! What a request asks a workload to do beside answering.

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use sdk_helpers::config::duration;

/// The longest that a request is kept waiting, before its answer or in its body.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);
/// The most bytes that drip.
const MOST_BYTES: u32 = 1 << 20;
/// Names that say how a message ends, which are not for others to set.
const FRAMING: [&str; 4] = [
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
];

/// How an answer is to be; an ordinary one by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    /// In place of 200, and of any call.
    pub(crate) status: Option<StatusCode>,
    /// How long before it begins.
    pub(crate) delay: Duration,
    /// A body of this kind in place of the answer.
    pub(crate) drip: Option<Drip>,
    /// Further headers.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// That there is none.
    pub(crate) reset: bool,
    /// For how many requests; for all where it does not say.
    pub(crate) times: Option<u64>,
}

/// A body that comes a byte at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drip {
    pub(crate) bytes: u32,
    /// From the first byte to the end.
    pub(crate) over: Duration,
}

impl Effect {
    /// What a path asks for, if it is one of those that do.
    pub(crate) fn of_path(path: &str, query: &str) -> Option<Result<Self, String>> {
        let ask = |name: &str, value: &str| {
            let mut effect = Effect::default();
            effect.set(name, value).map(|()| effect)
        };
        let mut parts = path.split('/').skip(1);
        Some(match (parts.next()?, parts.next(), parts.next()) {
            ("status", Some(status), None) => ask("status", status),
            ("delay", Some(delay), None) => ask("delay", delay),
            ("drip", None, None) => Self::parse(query).map(|effect| Effect {
                drip: Some(effect.drip.unwrap_or_default()),
                ..effect
            }),
            ("reset", None, None) => ask("reset", ""),
            ("response-headers", None, None) => Self::of_headers(query),
            _ => return None,
        })
    }

    /// `status=503&delay=2s`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut effect = Effect::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            effect.set(name.trim(), value.trim())?;
        }
        Ok(effect)
    }

    fn of_headers(query: &str) -> Result<Self, String> {
        let mut effect = Effect::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            effect.headers.push(header(&name, &value)?);
        }
        Ok(effect)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "status" => self.status = Some(status(value)?),
            "delay" => self.delay = bounded(value)?,
            "bytes" => self.drip.get_or_insert_default().bytes = bytes(value)?,
            "over" => self.drip.get_or_insert_default().over = bounded(value)?,
            "header" => {
                let pair = value.split_once(':');
                let (name, value) = pair.ok_or("`header` takes NAME:VALUE")?;
                self.headers.push(header(name.trim(), value.trim())?);
            }
            "reset" => self.reset = true,
            "times" => {
                let times = value.parse();
                self.times = Some(times.map_err(|_| "`times` takes a whole number")?);
            }
            _ => {
                return Err(format!(
                    "`{}` is not known; known are `status`, `delay`, `bytes`, `over`, `header`, `reset` and `times`",
                    name.escape_debug()
                ));
            }
        }
        Ok(())
    }
}

impl Default for Drip {
    fn default() -> Self {
        Drip {
            bytes: 10,
            over: Duration::from_secs(2),
        }
    }
}

fn status(text: &str) -> Result<StatusCode, String> {
    let status = text.parse().ok().filter(|code| (200..600).contains(code));
    status
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or_else(|| format!("`{}` is no status from 200 to 599", text.escape_debug()))
}

/// A duration as Istio's YAML has it; a bare number is one of seconds, as httpbin has it.
fn bounded(text: &str) -> Result<Duration, String> {
    let asked = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => duration(text)?,
    };
    match asked <= LONGEST {
        true => Ok(asked),
        false => Err(format!("{asked:?} is more than {LONGEST:?}")),
    }
}

fn bytes(text: &str) -> Result<u32, String> {
    let bytes = text.parse().ok().filter(|bytes| *bytes <= MOST_BYTES);
    bytes.ok_or_else(|| format!("`bytes` takes a number up to {MOST_BYTES}"))
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let refuse = |why: &str| format!("`{}: {}` {why}", name.escape_debug(), value.escape_debug());
    let parsed = HeaderName::try_from(name).ok();
    let parsed = parsed.zip(HeaderValue::try_from(value).ok());
    let (parsed, value) = parsed.ok_or_else(|| refuse("is no header"))?;
    match FRAMING.contains(&parsed.as_str()) {
        true => Err(refuse("is for the server to set")),
        false => Ok((parsed, value)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> Option<Result<Effect, String>> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        Effect::of_path(path, query)
    }

    #[test]
    fn paths_ask() {
        let effect = |text| path(text).unwrap().unwrap();
        assert_eq!(effect("/status/503").status.unwrap().as_u16(), 503);
        assert_eq!(effect("/delay/250ms").delay, Duration::from_millis(250));
        assert_eq!(effect("/delay/5").delay, Duration::from_secs(5));
        assert_eq!(effect("/drip").drip, Some(Drip::default()));
        let drip = Drip {
            bytes: 3,
            over: Duration::from_secs(1),
        };
        assert_eq!(effect("/drip?bytes=3&over=1s").drip, Some(drip));
        assert!(effect("/reset").reset);
        let headers = effect("/response-headers?x-a=1%202&x-a=3").headers;
        let values: Vec<_> = headers.iter().map(|(_, value)| value).collect();
        assert_eq!(values, ["1 2", "3"]);
        for ordinary in [
            "/",
            "",
            "*",
            "/status",
            "/status/503/x",
            "/reviews/0",
            "/drip/",
        ] {
            assert_eq!(path(ordinary), None, "{ordinary}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_with_a_reason() {
        let cases = [
            ("/status/100", "200 to 599"),
            ("/status/600", "200 to 599"),
            ("/status/", "200 to 599"),
            ("/delay/61s", "more than 60s"),
            ("/delay/-1s", "not a duration"),
            ("/delay/99999999999999999999", "not a duration"),
            ("/drip?bytes=9999999", "up to 1048576"),
            ("/drip?what=1", "`what` is not known"),
            ("/response-headers?content-length=1", "for the server"),
            ("/response-headers?a%0a=1", "is no header"),
        ];
        for (text, expected) in cases {
            let problem = path(text).unwrap().unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }

    #[test]
    fn several_at_once() {
        let effect = Effect::parse("status=503& delay=1s&header=retry-after: 2&times=4").unwrap();
        assert_eq!(effect.status.unwrap().as_u16(), 503);
        assert_eq!(effect.delay, Duration::from_secs(1));
        assert_eq!(effect.headers.len(), 1);
        assert_eq!(effect.times, Some(4));
        assert_eq!(Effect::parse(""), Ok(Effect::default()));
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = path(&format!("/drip?{text}"));
            let _ = path(&format!("/{text}"));
            if let Ok(effect) = Effect::parse(&text) {
                prop_assert!(effect.delay <= LONGEST);
            }
        }
    }
}
