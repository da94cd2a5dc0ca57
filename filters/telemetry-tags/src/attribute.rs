//! Envoy's attributes: their names, kinds, and from when on they can be read.

use sdk_helpers::{Request, Response, World};

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
    /// Bytes that nobody has said are a text.
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
    /// A map, a list, a message, or what is only known when it is read.
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
            Kind::Other => "a map or a list",
        }
    }
}

use Kind::{Bool, Duration, Int, Other, Text, Time, Uint};
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
    ("headers", Other, Begin),
    ("protocol", Text, Begin),
    ("time", Time, Begin),
    ("duration", Duration, End),
    ("size", Int, End),
    ("total_size", Int, End),
];

const RESPONSE: Fields = &[
    ("code", Int, Answered),
    ("code_details", Text, Answered),
    ("headers", Other, Answered),
    ("flags", Int, End),
    ("grpc_status", Int, End),
    ("trailers", Other, End),
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
    ("locality", Other, Answered),
];

const XDS: Fields = &[
    ("cluster_name", Text, Begin),
    ("route_name", Text, Begin),
    ("virtual_host_name", Text, Begin),
    ("filter_chain_name", Text, Begin),
    ("listener_direction", Int, Begin),
    ("cluster_metadata", Other, Begin),
    ("route_metadata", Other, Begin),
    ("virtual_host_metadata", Other, Begin),
    ("listener_metadata", Other, Begin),
    ("node", Other, Begin),
    ("upstream_host_metadata", Other, Answered),
    ("upstream_host_locality_metadata", Other, Answered),
];

/// What stands under each root; nothing where any name may.
const ROOTS: [(&str, Fields); 11] = [
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
    ("plugin_name", &[]),
];

/// Names of old Envoys, with what they are called now.
const RENAMED: [(&str, &str); 8] = [
    ("node", "xds.node"),
    ("listener_direction", "xds.listener_direction"),
    ("listener_metadata", "xds.listener_metadata"),
    ("cluster_name", "xds.cluster_name"),
    ("cluster_metadata", "xds.cluster_metadata"),
    ("route_name", "xds.route_name"),
    ("route_metadata", "xds.route_metadata"),
    ("upstream_host_metadata", "xds.upstream_host_metadata"),
];

/// The kind of the attribute at a path and from when on it can be read.
///
/// # Errors
/// Says what is there instead.
pub fn look_up(path: &[String]) -> Result<(Kind, Phase), String> {
    let root = path.first().map_or("", String::as_str);
    let Some((_, fields)) = ROOTS.iter().find(|(name, _)| *name == root) else {
        if let Some((_, now)) = RENAMED.iter().find(|(old, _)| *old == root) {
            return Err(format!("`{root}` is gone from Envoy; write `{now}`"));
        }
        return Err(format!(
            "`{root}` is no attribute; known are `request`, `response`, `connection`, `source`, \
             `destination`, `upstream`, `xds`, `metadata`, `filter_state`"
        ));
    };
    let depth = path.len();
    if fields.is_empty() {
        return Ok(match (root, depth) {
            ("plugin_name", 1) => (Text, Begin),
            ("filter_state" | "upstream_filter_state", 2) => (Kind::Bytes, Begin),
            _ => (Other, Begin),
        });
    }
    let Some(name) = path.get(1) else {
        return Ok((Other, Begin));
    };
    let Some((_, kind, phase)) = fields.iter().find(|(field, ..)| field == name) else {
        return Err(format!("`{root}.{name}` is no attribute"));
    };
    let is_header = matches!(name.as_str(), "headers" | "trailers") && depth == 3;
    let is_node_leaf = root == "xds"
        && name == "node"
        && matches!(path.get(2).map(String::as_str), Some("id" | "cluster"));
    if *kind != Other && depth > 2 {
        return Err(format!(
            "`{root}.{name}` is {} and has no fields",
            kind.name()
        ));
    }
    Ok((
        if is_header || is_node_leaf {
            Text
        } else {
            *kind
        },
        *phase,
    ))
}

/// Whether an attribute can be read with the request's headers and at the end, but not between.
pub fn is_closed_between(path: &[String]) -> bool {
    path.first().is_some_and(|root| root == "request")
        && !path.get(1).is_some_and(|name| {
            matches!(name.as_str(), "time" | "protocol" | "size" | "total_size")
        })
}

/// A stream as far as it has come.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The request, where its headers can be read now.
    pub request: Option<&'a Request>,
    /// The response, where its headers can be read now.
    pub response: Option<&'a Response>,
    /// Everything else.
    pub world: &'a dyn World,
}

/// One attribute whose value is a text, a number, or true or false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    path: Vec<String>,
    form: Form,
    /// From when on it is there.
    pub phase: Phase,
}

/// How the value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Raw,
    Int,
    Uint,
    Bool,
    Milliseconds,
    Flags,
    /// A header of the request; several values joined by a comma.
    RequestHeader,
    /// A header of the response.
    ResponseHeader,
}

impl Attribute {
    /// The attribute at a path, if a module can write its value as CEL would.
    pub fn plain(path: &[String], kind: Kind, phase: Phase) -> Option<Self> {
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        let form = match (segments.as_slice(), kind) {
            (["request", "headers", _], _) => Form::RequestHeader,
            (["response", "headers", _], _) => Form::ResponseHeader,
            (_, Text | Kind::Bytes) => Form::Raw,
            (_, Int) => Form::Int,
            (_, Uint) => Form::Uint,
            (_, Bool) => Form::Bool,
            (_, Duration | Time | Other) => return None,
        };
        let path = path.to_vec();
        Some(Attribute { path, form, phase })
    }

    /// The attribute of this dotted path, written as `%DURATION%` and `%RESPONSE_FLAGS%` do.
    pub fn logged(path: &str) -> Option<Self> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let (kind, phase) = look_up(&path).ok()?;
        let segments: Vec<&str> = path.iter().map(String::as_str).collect();
        let form = match segments.as_slice() {
            ["request", "duration"] => Form::Milliseconds,
            ["response", "flags"] => Form::Flags,
            _ => return Attribute::plain(&path, kind, phase),
        };
        Some(Attribute { path, form, phase })
    }

    /// Its value as text; `None` where there is none.
    pub fn read(&self, view: &View<'_>) -> Option<Vec<u8>> {
        let name = self.path.get(2).map_or("", String::as_str);
        match self.form {
            Form::RequestHeader => return joined(view.request?.values(name)),
            Form::ResponseHeader => return joined(view.response?.values(name)),
            _ => {}
        }
        let path: Vec<&str> = self.path.iter().map(String::as_str).collect();
        let bytes = view.world.property(&path)?;
        let number = || bytes.as_slice().try_into().ok().map(u64::from_le_bytes);
        let text = match self.form {
            Form::Int => number()?.cast_signed().to_string(),
            Form::Uint => number()?.to_string(),
            Form::Bool => flag(&bytes)?.to_string(),
            Form::Milliseconds => (number()? / 1_000_000).to_string(),
            Form::Flags => crate::flags::short(number()?),
            Form::Raw | Form::RequestHeader | Form::ResponseHeader => return Some(bytes),
        };
        Some(text.into_bytes())
    }
}

fn flag(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [flag] => Some(*flag != 0),
        _ => None,
    }
}

/// The values of a header as CEL sees them.
fn joined<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut all = values.next()?.to_vec();
    for value in values {
        all.push(b',');
        all.extend_from_slice(value);
    }
    Some(all)
}

/// A whole number as Envoy encodes it.
pub fn number(bytes: Option<Vec<u8>>) -> Option<u64> {
    Some(u64::from_le_bytes(bytes?.as_slice().try_into().ok()?))
}
