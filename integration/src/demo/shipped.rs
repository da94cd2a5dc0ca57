//! A file of `envoy-configs/`, given to Envoy as its author wrote it.
//!
//! Envoy reads YAML in a way of its own: in a `Struct`, `10.0` becomes text and `10` a number. A
//! file that people are to run must not be read by anybody else on its way to Envoy.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use regex_lite::{Captures, NoExpand, Regex};
use serde_json::Value;

use crate::envoy::{Builder, Config, Envoy, repository};

/// What the admin interface is called beside listeners.
const ADMIN: &str = "admin";

/// A configuration as text.
#[derive(Debug, Clone)]
pub struct Shipped {
    path: String,
    text: String,
}

impl Shipped {
    /// Reads a file by its path from the root of the repository.
    #[track_caller]
    pub fn read(path: &str) -> Self {
        let file = repository().join(path);
        let text =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Self {
            path: path.to_owned(),
            text,
        }
    }

    /// Every YAML file of a folder and the folders in it, by its path from the root of the
    /// repository.
    #[track_caller]
    pub fn all(folder: &str) -> Vec<Self> {
        let mut paths = Vec::new();
        collect(&repository().join(folder), &mut paths);
        paths.sort();
        assert!(!paths.is_empty(), "{folder} has no YAML files");
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// Its path from the root of the repository.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What it says.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A text with what its comments call `NAME=value` in place of `$NAME`.
    pub(super) fn filled(&self, text: &str) -> String {
        let comment = self.text.lines().map_while(|line| line.strip_prefix('#'));
        let assigned = comment.filter_map(|line| line.trim().split_once('='));
        assigned
            .filter(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase()))
            .fold(text.to_owned(), |text, (name, value)| {
                text.replace(&format!("${name}"), value)
            })
    }

    /// Where a running Envoy listens in place of a port that this file documents.
    #[track_caller]
    pub fn addr(&self, envoy: &Envoy, port: u16) -> SocketAddr {
        let ports = self.ports();
        let Some((name, _)) = ports.iter().find(|(_, documented)| **documented == port) else {
            panic!("{}: nothing listens on {port}", self.path);
        };
        match name.as_str() {
            ADMIN => envoy.admin().addr(),
            listener => envoy.addr(listener),
        }
    }

    /// The ports it documents, by the name of the listener.
    pub(super) fn ports(&self) -> BTreeMap<String, u16> {
        let config =
            Config::from_yaml(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.path));
        let value = config.value();
        let listeners = value["static_resources"]["listeners"].as_array();
        let named =
            |listener: &Value| Some((listener["name"].as_str()?.to_owned(), port(listener)?));
        let mut ports: BTreeMap<_, _> = listeners.into_iter().flatten().filter_map(named).collect();
        ports.extend(port(&value["admin"]).map(|port| (ADMIN.to_owned(), port)));
        ports
    }

    /// The same file with a free port in place of every documented one.
    #[must_use]
    pub fn any_ports(mut self) -> Self {
        for port in self.ports().values() {
            self = self.port(*port, 0);
        }
        self
    }

    /// The same file with a service behind it, put in as its comments tell a reader to: a route in
    /// place of the direct response, and the cluster at the end.
    #[must_use]
    #[track_caller]
    pub fn service(mut self, addr: SocketAddr) -> Self {
        self.replace(r"(?m)^( +)direct_response: .*$", |found| {
            format!("{}route: {{cluster: my_service}}", &found[1])
        });
        self.replace(r"(?m)^  # clusters:\n(  # .*\n)+", |found| {
            found[0].replace("  # ", "  ")
        });
        self.port(8080, addr.port())
    }

    /// The same file with one text of it, which must be there, in place of another.
    #[must_use]
    #[track_caller]
    pub fn with(mut self, from: &str, to: &str) -> Self {
        assert!(self.text.contains(from), "{}: no `{from}`", self.path);
        self.text = self.text.replace(from, to);
        self
    }

    /// The same file with a server of the test's in place of one it expects on a port of this machine.
    #[must_use]
    pub fn endpoint(self, port: u16, addr: SocketAddr) -> Self {
        self.port(port, addr.port())
    }

    /// An Envoy to be that reads this text, with its access logs written at once.
    pub fn envoy(&self) -> Builder {
        Envoy::from_text(&self.text).args(["--file-flush-interval-msec", "20"])
    }

    fn port(mut self, from: u16, to: u16) -> Self {
        let pattern = Regex::new(&format!(r"port_value: {from}\b")).expect("a pattern");
        let port = format!("port_value: {to}");
        self.text = pattern
            .replace_all(&self.text, NoExpand(&port))
            .into_owned();
        self
    }

    #[track_caller]
    fn replace(&mut self, pattern: &str, with: impl Fn(&Captures<'_>) -> String) {
        let pattern = Regex::new(pattern).expect("a pattern");
        let count = pattern.find_iter(&self.text).count();
        assert_eq!(count, 1, "{}: `{}`", self.path, pattern.as_str());
        self.text = pattern.replace(&self.text, with).into_owned();
    }
}

fn port(at: &Value) -> Option<u16> {
    let port = at.pointer("/address/socket_address/port_value")?;
    u16::try_from(port.as_u64()?).ok()
}

fn collect(folder: &Path, paths: &mut Vec<String>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.expect("an entry of a folder").path()) {
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|kind| kind == "yaml") {
            let short = path.strip_prefix(repository()).expect("a file of ours");
            paths.push(short.display().to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# curl -i localhost:100
admin: {address: {socket_address: {address: 127.0.0.1, port_value: 99}}}
static_resources:
  listeners:
  - name: http
    address: {socket_address: {address: 127.0.0.1, port_value: 100}}
    routes:
    - direct_response: {status: 200}
      direct_response: {status: 200}
  # clusters:
  # - name: my_service
  #   endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 8080}}}
";

    fn shipped() -> Shipped {
        Shipped {
            path: "test.yaml".to_owned(),
            text: FILE.replace("    - direct_response", "    - name"),
        }
    }

    #[test]
    fn ports_are_found_and_replaced() {
        let ports = [(ADMIN.to_owned(), 99), ("http".to_owned(), 100)];
        assert_eq!(shipped().ports(), ports.into());
        let free = shipped().any_ports();
        assert_eq!(free.ports().into_values().collect::<Vec<_>>(), [0, 0]);
        assert!(free.text().contains("port_value: 8080"));
        assert!(free.text().contains("localhost:100\n"));
    }

    #[test]
    fn a_variable_of_the_comment_is_filled_in() {
        let mut file = shipped();
        file.text.insert_str(0, "#   TOKEN=a.b==\n");
        assert_eq!(file.filled("Bearer $TOKEN."), "Bearer a.b==.");
        assert_eq!(file.filled("$OTHER"), "$OTHER");
    }

    #[test]
    fn a_service_is_put_in() {
        let text = shipped().service(([127, 0, 0, 1], 4711).into()).text;
        let config = Config::from_yaml(&text).unwrap();
        let resources = &config.value()["static_resources"];
        let route = &resources["listeners"][0]["routes"][0]["route"];
        assert_eq!(route["cluster"], "my_service");
        let cluster = &resources["clusters"][0];
        assert_eq!(cluster["name"], "my_service");
        assert_eq!(port(&cluster["endpoint"]), Some(4711));
    }
}
