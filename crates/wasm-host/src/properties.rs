//! Properties: what a path reads in which phase, and what a module's own writes become.
//!
//! A test may set any path; whether a module can read it at a given moment is not up to the test.
//! Paths that follow from the stream itself (its headers, its reply) need not be set at all.

use super::exchange::{Exchange, Origin};
use super::state::State;
use super::status::Status;

/// Top-level names that are wrappers: with nothing behind them they have no byte form.
const WRAPPERS: &[&[u8]] = &[
    b"request",
    b"response",
    b"connection",
    b"upstream",
    b"source",
    b"destination",
    b"xds",
    b"filter_state",
    b"upstream_filter_state",
];

/// Top-level names that Envoy knows; any other is a property that some module has set.
const KNOWN: &[&[u8]] = &[
    b"metadata",
    b"connection_id",
    b"plugin_name",
    b"plugin_root_id",
    b"plugin_vm_id",
];

/// The path as the ABI writes it.
pub(crate) fn path(parts: &[&str]) -> Vec<u8> {
    parts.join("\0").into_bytes()
}

impl State {
    pub(crate) fn property(&mut self, path: &[u8]) -> Result<Vec<u8>, Status> {
        let path = path.strip_suffix(b"\0").unwrap_or(path);
        let parts: Vec<_> = path.split(|byte| *byte == 0).collect();
        let now = self.shared.time();
        if path.is_empty() {
            return Err(Status::SerializationFailure);
        }
        let of_host = self.properties.get(path).cloned();
        let vm_id = self.vm_id.clone();
        let Some(exchange) = self.exchange() else {
            let of_plugin = parts
                .first()
                .is_some_and(|part| part.starts_with(b"plugin_"));
            let readable = of_plugin || path.starts_with(b"xds\0node");
            let value = of_host.or_else(|| plugin(&parts, &vm_id));
            return value.filter(|_| readable).ok_or(Status::NotFound);
        };
        if let [b"filter_state", key] = parts[..] {
            let value = exchange.filter_state.get(key);
            return value.map(|(v, _)| v.clone()).ok_or(Status::NotFound);
        }
        let set = exchange.properties.get(path).cloned().or(of_host);
        if parts.len() == 1 && set.is_none() {
            if WRAPPERS.contains(&path) {
                return Err(Status::SerializationFailure);
            }
            if !KNOWN.contains(&path) {
                return exchange.module_property(path).ok_or(Status::NotFound);
            }
        }
        if !exchange.readable(&parts) {
            let empty = matches!(parts[..], [b"request" | b"response", b"headers"]);
            return empty.then(|| vec![0; 4]).ok_or(Status::NotFound);
        }
        if set.is_none() && path == b"xds\0upstream_host_metadata" {
            // A host without metadata: a null, which has no byte form either.
            return Err(Status::SerializationFailure);
        }
        let value = set.or_else(|| exchange.derived(&parts, now));
        let value = value.or_else(|| plugin(&parts, &vm_id));
        value.ok_or(Status::NotFound)
    }

    /// Whatever the path, a write becomes filter state under `wasm.` and that path.
    pub(crate) fn set_property(&mut self, path: &[u8], value: Vec<u8>) -> Result<(), Status> {
        let exchange = self.exchange().ok_or(Status::NotFound)?;
        let key = [b"wasm.", path].concat();
        exchange.filter_state.insert(key, (value, Origin::Module));
        Ok(())
    }
}

impl Exchange {
    fn module_property(&self, name: &[u8]) -> Option<Vec<u8>> {
        let (value, origin) = self.filter_state.get(&[b"wasm.", name].concat())?;
        (*origin == Origin::Module).then(|| value.clone())
    }

    /// Whether Envoy has what the path names, in this phase.
    fn readable(&self, parts: &[&[u8]]) -> bool {
        match parts {
            [
                b"request",
                b"time" | b"protocol" | b"size" | b"total_size",
                ..,
            ]
            | [
                b"response",
                b"flags" | b"size" | b"total_size" | b"code_details",
                ..,
            ] => true,
            [b"request", b"duration", ..] => self.ending,
            [b"request", ..] => self.request.headers_open || self.logging,
            [b"response", b"headers", ..] => self.response.headers_open || self.logging,
            [b"response", b"backend_latency", ..] => self.response.passed,
            [b"response", ..] => self.response.arrived || self.ending,
            [b"upstream", ..] | [b"xds", b"upstream_host_metadata", ..] => self.request.passed,
            _ => true,
        }
    }

    /// What follows from the stream itself.
    fn derived(&self, parts: &[&[u8]], now: u64) -> Option<Vec<u8>> {
        match parts {
            [b"request", rest @ ..] => self.of_request(rest, now),
            [b"response", rest @ ..] => self.of_response(rest),
            [b"connection", b"mtls"] => Some(vec![0]),
            _ => None,
        }
    }

    fn of_request(&self, parts: &[&[u8]], now: u64) -> Option<Vec<u8>> {
        let headers = &self.request.headers;
        let header = |name: &str| headers.first(name).map(<[u8]>::to_vec);
        let target = headers.first(":path");
        let mut halves = target?.splitn(2, |byte| *byte == b'?');
        let (before, query) = (halves.next(), halves.next());
        match parts {
            [b"path"] => header(":path"),
            [b"url_path"] => before.map(<[u8]>::to_vec),
            [b"query"] => Some(query.unwrap_or_default().to_vec()),
            [b"host"] => header(":authority"),
            [b"scheme"] => header(":scheme"),
            [b"method"] => header(":method"),
            [b"referer"] => header("referer"),
            [b"useragent"] => header("user-agent"),
            [b"id"] => header("x-request-id"),
            [b"headers"] => Some(headers.encode()),
            [b"headers", name] => headers.joined(name),
            [b"protocol"] => Some(b"HTTP/1.1".to_vec()),
            [b"time"] => Some(self.started.to_le_bytes().to_vec()),
            [b"duration"] => Some(now.saturating_sub(self.started).to_le_bytes().to_vec()),
            [b"size"] => Some(self.request_size().to_le_bytes().to_vec()),
            [b"total_size"] => {
                let total = self.request.received + headers.size() as u64;
                Some(total.to_le_bytes().to_vec())
            }
            _ => None,
        }
    }

    /// Where the headers can be read, the size is what they announce.
    fn request_size(&self) -> u64 {
        let announced = self.request.headers.text("content-length");
        let headers = self.request.headers_open || self.logging;
        let announced = announced.filter(|_| headers);
        let announced = announced.and_then(|text| text.parse().ok());
        announced.unwrap_or(self.request.received)
    }

    fn of_response(&self, parts: &[&[u8]]) -> Option<Vec<u8>> {
        let side = &self.response;
        match parts {
            [b"code"] => {
                let code: i64 = side.headers.text(":status")?.parse().ok()?;
                Some(code.to_le_bytes().to_vec())
            }
            [b"code_details"] => {
                let upstream = (side.arrived && self.reply.is_none()).then_some("via_upstream");
                let details = self.details.as_deref().or(upstream)?;
                Some(details.as_bytes().to_vec())
            }
            [b"flags"] => Some(self.flags.to_le_bytes().to_vec()),
            [b"size"] => Some(side.received.to_le_bytes().to_vec()),
            [b"total_size"] => {
                let total = side.received + side.headers.size() as u64;
                Some(total.to_le_bytes().to_vec())
            }
            [b"headers"] => Some(side.headers.encode()),
            [b"headers", name] => side.headers.joined(name),
            _ => None,
        }
    }
}

fn plugin(parts: &[&[u8]], vm_id: &str) -> Option<Vec<u8>> {
    match parts {
        [b"plugin_vm_id"] => Some(vm_id.as_bytes().to_vec()),
        [b"plugin_name" | b"plugin_root_id"] => Some(Vec::new()),
        _ => None,
    }
}
