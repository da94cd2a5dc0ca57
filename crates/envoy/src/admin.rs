//! Envoy's admin interface, as far as tests ask it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::http;
use crate::launch::wait;

/// How long one page may take.
const PAGE: Duration = Duration::from_secs(10);
/// How long Envoy may take to hear that it shall end.
const QUIT: Duration = Duration::from_secs(1);

/// The admin interface of a running Envoy.
#[derive(Debug, Clone)]
pub struct Admin {
    addr: SocketAddr,
}

impl Admin {
    pub(super) fn new(addr: SocketAddr) -> Self {
        Self { addr }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Reads a page.
    #[track_caller]
    pub fn get(&self, path: &str) -> String {
        self.page("GET", path)
    }

    /// Does what a page offers, such as `/reset_counters` or `/logging?level=debug`.
    #[track_caller]
    pub fn post(&self, path: &str) -> String {
        self.page("POST", path)
    }

    /// Reads a page that is JSON.
    #[track_caller]
    pub fn json(&self, path: &str) -> Value {
        let text = self.get(path);
        match serde_json::from_str(&text) {
            Ok(value) => value,
            Err(error) => panic!("{path}: {error} in {text}"),
        }
    }

    /// Counters and gauges whose names match a regular expression somewhere, for instance
    /// `^wasmcustom\.`; an empty one matches all.
    #[track_caller]
    pub fn stats(&self, pattern: &str) -> BTreeMap<String, u64> {
        let page = self.json(&format!(
            "/stats?format=json&filter={}",
            percent_encoded(pattern)
        ));
        let stats = page["stats"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let named =
            |stat: &Value| Some((stat["name"].as_str()?.to_owned(), stat["value"].as_u64()?));
        stats.iter().filter_map(named).collect()
    }

    /// A counter or gauge; zero when Envoy does not know it, since many are made on first use.
    #[track_caller]
    pub fn stat(&self, name: &str) -> u64 {
        let pattern = format!("^{}$", escaped(name));
        self.stats(&pattern).get(name).copied().unwrap_or_default()
    }

    /// Waits for a counter or gauge to become what a test expects, and returns it.
    #[track_caller]
    pub fn wait_stat(&self, name: &str, expected: impl Fn(u64) -> bool, deadline: Duration) -> u64 {
        let mut last = 0;
        let reached = wait::until(deadline, || {
            last = self.stat(name);
            expected(last).then_some(last)
        });
        match reached {
            Some(value) => value,
            None => panic!("`{name}` is still {last} after {deadline:?}"),
        }
    }

    /// The metrics as Prometheus reads them.
    pub fn prometheus(&self) -> String {
        self.get("/stats/prometheus")
    }

    /// Bytes Envoy has allocated.
    pub fn memory(&self) -> u64 {
        let memory = self.json("/memory");
        let allocated = memory["allocated"]
            .as_str()
            .and_then(|bytes| bytes.parse().ok());
        allocated.unwrap_or_else(|| panic!("no `allocated` in {memory}"))
    }

    pub(super) fn is_ready(&self) -> bool {
        http::ask(self.addr, "GET", "/ready", PAGE).is_ok_and(|page| page.status == 200)
    }

    pub(super) fn quit(&self) {
        // One that has ended already has done what was asked.
        let _ = http::ask(self.addr, "POST", "/quitquitquit", QUIT);
    }

    pub(super) fn listeners(&self) -> BTreeMap<String, u16> {
        let page = self.json("/listeners?format=json");
        let listeners = page["listener_statuses"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let named = |listener: &Value| {
            let port = listener
                .pointer("/local_address/socket_address/port_value")?
                .as_u64()?;
            Some((
                listener["name"].as_str()?.to_owned(),
                u16::try_from(port).ok()?,
            ))
        };
        listeners.iter().filter_map(named).collect()
    }

    #[track_caller]
    fn page(&self, method: &str, path: &str) -> String {
        match http::ask(self.addr, method, path, PAGE) {
            Ok(page) => {
                assert_eq!(page.status, 200, "{path}: {}", page.text);
                page.text
            }
            Err(problem) => panic!("{path}: {problem}"),
        }
    }
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
