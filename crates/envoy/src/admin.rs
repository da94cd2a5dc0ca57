//! Envoy's admin interface, as far as it is asked here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::Error;
use crate::client::{Broken, Client, Request, Response};
use crate::launch::wait;

/// How long one page may take.
const PAGE: Duration = Duration::from_secs(10);
/// How long Envoy may take to hear that it shall end.
const QUIT: Duration = Duration::from_secs(1);

/// The admin interface of a running Envoy.
///
/// # Errors
/// Every question ends in [`Error::Admin`] where Envoy does not answer it within ten seconds, or not
/// with what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admin {
    addr: SocketAddr,
}

impl Admin {
    /// The one at this address, whoever started that Envoy.
    pub fn at(addr: SocketAddr) -> Self {
        Self { addr }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Reads a page, by its path and query.
    pub fn get(&self, page: &str) -> Result<String, Error> {
        self.ask("GET", page)
    }

    /// Does what a page offers, such as `/reset_counters` or `/logging?level=debug`.
    pub fn post(&self, page: &str) -> Result<String, Error> {
        self.ask("POST", page)
    }

    /// Reads a page that is JSON.
    pub fn json(&self, page: &str) -> Result<Value, Error> {
        let text = self.get(page)?;
        serde_json::from_str(&text)
            .map_err(|error| Error::admin(page, format_args!("not JSON ({error}): {text}")))
    }

    /// Counters and gauges whose names match a regular expression somewhere, for instance
    /// `^wasmcustom\.`; an empty one matches all.
    pub fn stats(&self, pattern: &str) -> Result<BTreeMap<String, u64>, Error> {
        let pattern = percent_encoded(pattern);
        let page = self.json(&format!("/stats?format=json&filter={pattern}"))?;
        let named = |stat: &Value| {
            let name = stat.get("name")?.as_str()?;
            Some((name.to_owned(), stat.get("value")?.as_u64()?))
        };
        Ok(entries(&page, "stats").iter().filter_map(named).collect())
    }

    /// A counter or gauge; zero when Envoy does not know it, since many are made on first use.
    pub fn stat(&self, name: &str) -> Result<u64, Error> {
        let stats = self.stats(&format!("^{}$", escaped(name)))?;
        Ok(stats.get(name).copied().unwrap_or_default())
    }

    /// Waits for a counter or gauge to become what is expected, and returns it.
    pub fn wait_stat(
        &self,
        name: &str,
        expected: impl Fn(u64) -> bool,
        deadline: Duration,
    ) -> Result<u64, Error> {
        let mut last = 0;
        let reached = wait::until(deadline, || match self.stat(name) {
            Ok(value) => {
                last = value;
                expected(value).then_some(Ok(value))
            }
            Err(error) => Some(Err(error)),
        });
        reached.unwrap_or_else(|| {
            let problem = format_args!("`{name}` is still {last} after {deadline:?}");
            Err(Error::admin("/stats", problem))
        })
    }

    /// The metrics as Prometheus reads them.
    pub fn prometheus(&self) -> Result<String, Error> {
        self.get("/stats/prometheus")
    }

    /// Bytes Envoy has allocated.
    pub fn memory(&self) -> Result<u64, Error> {
        const PAGE: &str = "/memory";
        let memory = self.json(PAGE)?;
        let allocated = memory.get("allocated").and_then(Value::as_str);
        allocated
            .and_then(|bytes| bytes.parse().ok())
            .ok_or_else(|| Error::admin(PAGE, format_args!("no `allocated` in {memory}")))
    }

    /// Whether Envoy takes traffic.
    pub fn is_ready(&self) -> bool {
        self.send("GET", "/ready", PAGE)
            .is_ok_and(|page| page.status == 200)
    }

    /// The addresses of the listeners that are bound, by name.
    pub fn listeners(&self) -> Result<BTreeMap<String, SocketAddr>, Error> {
        let page = self.json("/listeners?format=json")?;
        let named = |listener: &Value| {
            let bound = listener.pointer("/local_address/socket_address")?;
            let ip = bound.get("address")?.as_str()?.parse().ok()?;
            let port = u16::try_from(bound.get("port_value")?.as_u64()?).ok()?;
            let name = listener.get("name")?.as_str()?;
            Some((name.to_owned(), SocketAddr::new(ip, port)))
        };
        let listeners = entries(&page, "listener_statuses");
        Ok(listeners.iter().filter_map(named).collect())
    }

    /// The listeners of a file or a management server that Envoy did not take at the last update, by name, and why.
    pub fn refused(&self) -> Result<BTreeMap<String, String>, Error> {
        let page = self.json("/config_dump?resource=dynamic_listeners")?;
        let named = |listener: &Value| {
            let why = listener.pointer("/error_state/details")?.as_str()?;
            let name = listener.get("name")?.as_str()?;
            Some((name.to_owned(), why.to_owned()))
        };
        let listeners = entries(&page, "configs");
        Ok(listeners.iter().filter_map(named).collect())
    }

    /// Tells Envoy to end.
    pub(crate) fn quit(&self) {
        // One that has ended already has done what was asked.
        let _ = self.send("POST", "/quitquitquit", QUIT);
    }

    fn ask(&self, method: &str, path: &str) -> Result<String, Error> {
        match self.send(method, path, PAGE) {
            Ok(page) if page.status == 200 => Ok(page.text()),
            Ok(page) => {
                let problem = format_args!("status {}: {}", page.status, page.text());
                Err(Error::admin(path, problem))
            }
            Err(problem) => Err(Error::admin(path, problem)),
        }
    }

    fn send(&self, method: &str, path: &str, deadline: Duration) -> Result<Response, Broken> {
        let client = Client::http1(self.addr).deadline(deadline);
        client.send(Request::new(method, path))
    }
}

fn entries<'a>(page: &'a Value, list: &str) -> &'a [Value] {
    let entries = page.get(list).and_then(Value::as_array);
    entries.map(Vec::as_slice).unwrap_or_default()
}

/// A name as a regular expression that matches it alone.
fn escaped(name: &str) -> String {
    let mut pattern = String::new();
    for character in name.chars() {
        if !(character.is_alphanumeric() || character == '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// An admin interface that gives one answer, and what it was asked.
    fn answering(status: &str, body: &str) -> (Admin, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let admin = Admin::at(listener.local_addr().unwrap());
        let answer = format!(
            "HTTP/1.1 {status}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let count = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..count]).into_owned()
        });
        (admin, asked)
    }

    #[test]
    fn stats_are_asked_for_by_a_pattern_and_read_by_name() {
        let body = r#"{"stats": [{"name": "a.b", "value": 3}, {"histograms": {}}]}"#;
        let (admin, asked) = answering("200 OK", body);
        assert_eq!(admin.stat("a.b"), Ok(3));
        let asked = asked.join().unwrap();
        let path = "/stats?format=json&filter=%5Ea%5C.b%24";
        assert!(asked.starts_with(&format!("GET {path} HTTP/1.1\r\n")));
    }

    #[test]
    fn listeners_are_where_they_are_bound() {
        let body = r#"{"listener_statuses": [
            {"name": "http", "local_address": {"socket_address": {"address": "0.0.0.0", "port_value": 80}}},
            {"name": "pipe", "local_address": {"pipe": {"path": "/x"}}}
        ]}"#;
        let (admin, _) = answering("200 OK", body);
        let listeners = admin.listeners().unwrap();
        assert_eq!(
            listeners.into_iter().collect::<Vec<_>>(),
            [("http".to_owned(), SocketAddr::from(([0, 0, 0, 0], 80)))]
        );
    }

    #[test]
    fn a_page_that_is_not_there_is_an_error_that_names_it() {
        let (admin, _) = answering("404 Not Found", "invalid path.");
        let problem = admin.get("/nothing").unwrap_err().to_string();
        let expected = "the admin interface, `/nothing`: status 404: invalid path.";
        assert_eq!(problem, expected);

        let (admin, _) = answering("200 OK", "no JSON");
        let problem = admin.memory().unwrap_err().to_string();
        assert!(problem.contains("`/memory`: not JSON"), "{problem}");

        // The port was free a moment ago, and nobody listens there now.
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
        let admin = Admin::at(gone.unwrap());
        assert!(!admin.is_ready());
        assert!(matches!(admin.get("/ready"), Err(Error::Admin { .. })));
    }
}
