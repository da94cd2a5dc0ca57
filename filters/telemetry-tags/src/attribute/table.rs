//! Envoy's attributes: their names, kinds, and from when on they can be read.

/// From when on a value is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// With the request's headers.
    Request,
    /// With the response's headers.
    Response,
    /// At the end of the stream.
    End,
}

/// What kind of value an expression or an attribute is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// Bytes that may be a text or not.
    Bytes,
    /// A signed whole number.
    Int,
    /// An unsigned whole number, which CEL compares with no signed one.
    Uint,
    /// True or false.
    Bool,
    /// A length of time.
    Duration,
    /// A point in time.
    Time,
    /// A map, a list or a message.
    Map,
    /// Nothing, written out.
    Null,
    /// What is only known when it is read.
    Other,
}

impl Kind {
    /// What a user calls it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "a text",
            Kind::Bytes => "bytes",
            Kind::Int => "a number",
            Kind::Uint => "an unsigned number",
            Kind::Bool => "true or false",
            Kind::Duration => "a duration",
            Kind::Time => "a time",
            Kind::Map => "a map or a list",
            Kind::Null => "`null`",
            Kind::Other => "what may be anything",
        }
    }
}

use Kind::{Bool, Bytes, Duration, Int, Map, Other, Text, Time, Uint};
use Phase::{End, Request as Begin, Response as Answered};

/// What stands under a root, in Envoy 1.40.
type Fields = &'static [(&'static str, Kind, Phase)];

const REQUEST: Fields = &[
    ("path", Text, Begin),
    ("url_path", Text, Begin),
    ("host", Text, Begin),
    ("scheme", Text, Begin),
    ("method", Text, Begin),
    ("referer", Text, Begin),
    ("useragent", Text, Begin),
    ("id", Text, Begin),
    ("query", Text, Begin),
    ("headers", Map, Begin),
    ("protocol", Text, Begin),
    ("time", Time, Begin),
    ("duration", Duration, End),
    ("size", Int, End),
    ("total_size", Int, End),
];

const RESPONSE: Fields = &[
    ("code", Int, Answered),
    ("code_details", Text, Answered),
    ("headers", Map, Answered),
    ("flags", Int, End),
    ("grpc_status", Int, End),
    ("trailers", Map, End),
    ("size", Int, End),
    ("total_size", Int, End),
    ("backend_latency", Duration, End),
];

const ADDRESS: Fields = &[("address", Text, Begin), ("port", Int, Begin)];

const CONNECTION: Fields = &[
    ("id", Uint, Begin),
    ("mtls", Bool, Begin),
    ("requested_server_name", Text, Begin),
    ("tls_version", Text, Begin),
    ("subject_local_certificate", Text, Begin),
    ("subject_peer_certificate", Text, Begin),
    ("dns_san_local_certificate", Text, Begin),
    ("dns_san_peer_certificate", Text, Begin),
    ("uri_san_local_certificate", Text, Begin),
    ("uri_san_peer_certificate", Text, Begin),
    ("sha256_peer_certificate_digest", Text, Begin),
    ("transport_failure_reason", Text, End),
    ("termination_details", Text, End),
];

const UPSTREAM: Fields = &[
    ("address", Text, Answered),
    ("port", Int, Answered),
    ("local_address", Text, Answered),
    ("num_endpoints", Uint, Answered),
    ("request_attempt_count", Uint, Answered),
    ("tls_version", Text, Answered),
    ("subject_local_certificate", Text, Answered),
    ("subject_peer_certificate", Text, Answered),
    ("dns_san_local_certificate", Text, Answered),
    ("dns_san_peer_certificate", Text, Answered),
    ("uri_san_local_certificate", Text, Answered),
    ("uri_san_peer_certificate", Text, Answered),
    ("sha256_peer_certificate_digest", Text, Answered),
    ("transport_failure_reason", Text, End),
    ("cx_pool_ready_duration", Duration, End),
    ("locality", Map, Answered),
];

const XDS: Fields = &[
    ("cluster_name", Text, Begin),
    ("route_name", Text, Begin),
    ("virtual_host_name", Text, Begin),
    ("filter_chain_name", Text, Begin),
    ("listener_direction", Int, Begin),
    ("cluster_metadata", Map, Begin),
    ("route_metadata", Map, Begin),
    ("virtual_host_metadata", Map, Begin),
    ("listener_metadata", Map, Begin),
    ("node", Map, Begin),
    ("upstream_host_metadata", Map, Answered),
    ("upstream_host_locality_metadata", Map, Answered),
];

/// Attributes that are a name alone, of the module itself and of the connection.
const BARE: [(&str, Kind); 4] = [
    ("plugin_name", Text),
    ("plugin_root_id", Text),
    ("plugin_vm_id", Text),
    ("connection_id", Uint),
];

/// What stands under each root; nothing where any name may.
const ROOTS: [(&str, Fields); 10] = [
    ("request", REQUEST),
    ("response", RESPONSE),
    ("source", ADDRESS),
    ("destination", ADDRESS),
    ("connection", CONNECTION),
    ("upstream", UPSTREAM),
    ("xds", XDS),
    ("metadata", &[]),
    ("filter_state", &[]),
    ("upstream_filter_state", &[]),
];

/// Names of old Envoys, with what they are called now.
const RENAMED: [(&str, &str); 10] = [
    ("node", "xds.node"),
    ("listener_direction", "xds.listener_direction"),
    ("listener_metadata", "xds.listener_metadata"),
    ("cluster_name", "xds.cluster_name"),
    ("cluster_metadata", "xds.cluster_metadata"),
    ("route_name", "xds.route_name"),
    ("route_metadata", "xds.route_metadata"),
    ("upstream_host_metadata", "xds.upstream_host_metadata"),
    ("downstream_peer", "filter_state.downstream_peer"),
    ("upstream_peer", "filter_state.upstream_peer"),
];

/// The kind of the attribute at a path and from when on it can be read.
///
/// # Errors
/// Says what is there instead.
pub fn look_up(path: &[String]) -> Result<(Kind, Phase), String> {
    let root = path.first().map_or("", String::as_str);
    if let Some((_, kind)) = BARE.iter().find(|(name, _)| *name == root) {
        return match path.len() {
            1 => Ok((*kind, Begin)),
            _ => Err(format!("`{root}` is {} and has no fields", kind.name())),
        };
    }
    let Some((_, fields)) = ROOTS.iter().find(|(name, _)| *name == root) else {
        return if path.len() == 1 && !is_renamed(root) {
            // Envoy looks a name of nothing else up among what modules left in filter state.
            Ok((Bytes, Begin))
        } else {
            Err(no_root(root))
        };
    };
    let depth = path.len();
    if depth == 1 {
        return Ok((Map, Begin));
    }
    if fields.is_empty() {
        let is_key = root.ends_with("filter_state") && depth == 2;
        return Ok((if is_key { Bytes } else { Other }, Begin));
    }
    let name = path.get(1).map_or("", String::as_str);
    let Some((_, kind, phase)) = fields.iter().find(|(field, ..)| *field == name) else {
        return Err(format!("`{root}.{name}` is no attribute"));
    };
    let has_texts = matches!(name, "headers" | "trailers");
    let leaf = match depth {
        2 => *kind,
        3 if has_texts => Text,
        3 if name == "node"
            && path
                .get(2)
                .is_some_and(|leaf| leaf == "id" || leaf == "cluster") =>
        {
            Text
        }
        _ => Other,
    };
    if depth > 2 && *kind != Map || depth > 3 && has_texts {
        let parent = path.get(..depth.saturating_sub(1)).unwrap_or_default();
        let what = if has_texts { Text } else { *kind };
        let parent = parent.join(".");
        return Err(format!("`{parent}` is {} and has no fields", what.name()));
    }
    Ok((leaf, *phase))
}

fn is_renamed(root: &str) -> bool {
    RENAMED.iter().any(|(old, _)| *old == root)
}

fn no_root(root: &str) -> String {
    match RENAMED.iter().find(|(old, _)| *old == root) {
        Some((_, now)) => format!("`{root}` is gone from Envoy; write `{now}`"),
        None => format!(
            "`{root}` is no attribute; known are `request`, `response`, `connection`, `source`, \
             `destination`, `upstream`, `xds`, `metadata`, `filter_state`"
        ),
    }
}

/// Whether a path is just a name that is no attribute of Envoy's.
pub fn is_foreign(path: &[String]) -> bool {
    let [name] = path else { return false };
    !ROOTS.iter().any(|(root, _)| root == name) && !BARE.iter().any(|(bare, _)| bare == name)
}

/// Whether an attribute can be read with the request's headers and at the end, but not between.
pub fn is_closed_between(path: &[String]) -> bool {
    path.first().is_some_and(|root| root == "request")
        && !path.get(1).is_some_and(|name| {
            matches!(name.as_str(), "time" | "protocol" | "size" | "total_size")
        })
}

/// Whether the attribute may be there only after it could first be read: other filters write it, at
/// any time.
pub fn comes_late(path: &[String]) -> bool {
    let root = path.first().map(String::as_str);
    is_foreign(path)
        || matches!(
            root,
            Some("filter_state" | "upstream_filter_state" | "metadata")
        )
}
