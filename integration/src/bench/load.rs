//! The load: wrk, one thread, connections kept alive, and figures read from a line of our own.
//!
//! wrk's summary is for people and rounds; the script that tells it what to send also makes it
//! print what it counted, and the smallest latency, which the summary leaves out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use super::scenario::headers;
use crate::envoy::Scratch;
use crate::service::{program, tool};
use ::envoy::raise_open_files;
use cases::Sent;

/// How our line begins among wrk's.
const MARK: &str = "figures ";

/// What wrk counted. Times are in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Figures {
    /// Answers.
    pub requests: u64,
    /// How long it took, in microseconds.
    pub duration: u64,
    /// The shortest latency.
    pub min: u64,
    /// The latency half of the requests did not exceed.
    pub p50: u64,
    /// The latency nine in ten did not exceed.
    pub p90: u64,
    /// The latency 99 in a hundred did not exceed.
    pub p99: u64,
    /// The longest latency.
    pub max: u64,
    /// Answers with a status above 399.
    pub refused: u64,
    /// Connections that failed, broke off, or took too long.
    pub broken: u64,
}

/// The program.
#[derive(Debug)]
pub struct Wrk(PathBuf);

impl Wrk {
    /// The one on `PATH`, installed if that takes no more than `apt-get`.
    ///
    /// # Errors
    /// Says what to install.
    pub fn find() -> Result<Self, String> {
        tool("wrk", "wrk").map(Self)
    }

    /// Sends these requests in turn, over this many connections, for this many seconds.
    pub(super) fn run(
        &self,
        addr: SocketAddr,
        requests: &[Sent],
        connections: u32,
        seconds: u32,
    ) -> Result<Figures, String> {
        raise_open_files();
        let scratch = Scratch::new().map_err(|error| error.to_string())?;
        let script = scratch.write("load.lua", &script(requests));
        let script = script.map_err(|error| error.to_string())?;
        let said = program::run(
            Command::new(&self.0)
                .args(["--threads", "1", "--timeout", "10s"])
                .arg(format!("--connections={connections}"))
                .arg(format!("--duration={seconds}s"))
                .arg("--script")
                .arg(script)
                .arg(format!("http://{addr}/")),
        )
        .map_err(|error| error.to_string())?;
        figures(&said)
    }
}

fn figures(said: &str) -> Result<Figures, String> {
    let line = said.lines().find_map(|line| line.strip_prefix(MARK));
    let line = line.ok_or_else(|| format!("wrk said nothing of use: {said}"))?;
    serde_json::from_str(line).map_err(|error| format!("wrk said `{line}`: {error}"))
}

/// Requests go to Lua as the bytes that are sent, so that a header may be repeated.
fn script(requests: &[Sent]) -> String {
    let raw: Vec<String> = requests.iter().map(|one| quoted(&bytes(one))).collect();
    format!(
        r#"local requests = {{ {} }}
local last = 0

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{MARK}{{"requests":%d,"duration":%d,"min":%d,"p50":%d,"p90":%d,"p99":%d,"max":%d,"refused":%d,"broken":%d}}\n',
    summary.requests, summary.duration, latency.min, latency:percentile(50),
    latency:percentile(90), latency:percentile(99), latency.max, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
"#,
        raw.join(", ")
    )
}

fn bytes(request: &Sent) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\n", request.method, request.path);
    text += &format!("host: {}\r\n", request.authority);
    for (name, value) in headers(request) {
        text += &format!("{name}: {value}\r\n");
    }
    (text + "\r\n").into_bytes()
}

/// A Lua string of any bytes.
fn quoted(bytes: &[u8]) -> String {
    let escaped = bytes.iter().map(|byte| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(*byte)),
        b' '..=b'~' => char::from(*byte).to_string(),
        other => format!("\\{other:03}"),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = r#"Running 1s test @ http://127.0.0.1:10000/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   478.15us  361.17us   7.82ms   88.19%
    Req/Sec    35.44k     2.92k   39.68k    70.00%
  35300 requests in 1.00s, 2.93MB read
Requests/sec:  35277.83
Transfer/sec:      2.93MB
figures {"requests":35300,"duration":1000628,"min":31,"p50":391,"p90":880,"p99":1804,"max":7823,"refused":2,"broken":0}
"#;

    #[test]
    fn figures_are_found_among_what_wrk_says() {
        let seen = figures(SAID).unwrap();
        assert_eq!((seen.requests, seen.duration), (35_300, 1_000_628));
        assert_eq!((seen.min, seen.p50, seen.p90), (31, 391, 880));
        assert_eq!((seen.p99, seen.max), (1_804, 7_823));
        assert_eq!((seen.refused, seen.broken), (2, 0));
    }

    #[test]
    fn output_without_figures_is_quoted() {
        let error = figures("unable to connect").unwrap_err();
        assert!(error.contains("unable to connect"), "{error}");
        assert!(figures("figures {\"requests\":1}").is_err());
    }

    #[test]
    fn a_request_is_sent_as_written() {
        let request: Sent = serde_json::from_value(serde_json::json!({
            "path": "/a?b=\"c\"", "headers": {"accept": ["text/html", "*/*"], "x-path": "a\\b"},
        }))
        .unwrap();
        let expected = "GET /a?b=\"c\" HTTP/1.1\r\nhost: app.example\r\naccept: text/html\r\n\
                        accept: */*\r\nx-path: a\\b\r\n\r\n";
        assert_eq!(bytes(&request), expected.as_bytes());
        let lua = script(&[request]);
        assert!(
            lua.contains(r#""GET /a?b=\"c\" HTTP/1.1\013\010host"#),
            "{lua}"
        );
        assert!(lua.contains(r"x-path: a\\b\013\010\013\010"), "{lua}");
    }
}
