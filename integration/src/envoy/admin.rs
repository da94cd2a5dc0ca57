//! Envoy's admin interface, as far as tests ask it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Broken, Client, Response};
use crate::service::wait;

/// The admin interface of a running Envoy.
#[derive(Debug, Clone)]
pub struct Admin {
    addr: SocketAddr,
    client: Client,
}

impl Admin {
    pub(super) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            client: Client::http1(addr).deadline(Duration::from_secs(10)),
        }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Reads a page.
    #[track_caller]
    pub fn get(&self, path: &str) -> String {
        expect_success(path, &self.client.get(path).send())
    }

    /// Does what a page offers, such as `/reset_counters` or `/logging?level=debug`.
    #[track_caller]
    pub fn post(&self, path: &str) -> String {
        expect_success(path, &self.client.post(path, "").send())
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
        self.client
            .get("/ready")
            .try_send()
            .is_ok_and(|response| response.status == 200)
    }

    pub(super) fn quit(&self) {
        let client = self.client.clone().deadline(Duration::from_secs(1));
        // One that has ended already has done what was asked.
        let _: Result<Response, Broken> = client.post("/quitquitquit", "").try_send();
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
}

#[track_caller]
fn expect_success(path: &str, response: &Response) -> String {
    assert_eq!(response.status, 200, "{path}: {}", response.text());
    response.text()
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
