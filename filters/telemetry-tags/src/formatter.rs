//! Formats as Envoy's access log has them, as far as a module can follow: `%REQ(x-user)%@%PROTOCOL%`.

use crate::attribute::{Attribute, NAMED, Phase, View};

/// A checked format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    pieces: Vec<Piece>,
    /// From when on it can be written.
    pub phase: Phase,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value {
        /// The first that is there.
        any: Vec<Attribute>,
        /// At most so many bytes.
        longest: usize,
    },
}

/// Envoy's operators without arguments, and the attribute each is.
const OPERATORS: [(&str, &str); 18] = [
    ("PROTOCOL", "request.protocol"),
    ("DURATION", "request.duration"),
    ("RESPONSE_CODE", "response.code"),
    ("RESPONSE_CODE_DETAILS", "response.code_details"),
    ("RESPONSE_FLAGS", "response.flags"),
    ("ROUTE_NAME", "xds.route_name"),
    ("UPSTREAM_CLUSTER", "xds.cluster_name"),
    ("UPSTREAM_HOST", "upstream.address"),
    ("UPSTREAM_LOCAL_ADDRESS", "upstream.local_address"),
    ("DOWNSTREAM_REMOTE_ADDRESS", "source.address"),
    ("DOWNSTREAM_LOCAL_ADDRESS", "destination.address"),
    ("REQUESTED_SERVER_NAME", "connection.requested_server_name"),
    ("DOWNSTREAM_TLS_VERSION", "connection.tls_version"),
    (
        "DOWNSTREAM_PEER_URI_SAN",
        "connection.uri_san_peer_certificate",
    ),
    (
        "DOWNSTREAM_LOCAL_URI_SAN",
        "connection.uri_san_local_certificate",
    ),
    (
        "DOWNSTREAM_PEER_SUBJECT",
        "connection.subject_peer_certificate",
    ),
    ("CONNECTION_ID", "connection.id"),
    ("GRPC_STATUS_NUMBER", "response.grpc_status"),
];

/// What an expression writes for an operator, of whatever length.
pub(crate) fn attribute_of(operator: &str) -> Option<String> {
    let (name, argument, _) = split(operator)?;
    let header = |root: &str, argument: &str| {
        let name = argument.split('?').next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        let named = NAMED.iter().find(|(_, header)| *header == name);
        match named.filter(|(named, _)| root == "request" && *named != "id") {
            Some((named, _)) => format!("request.{named}"),
            None => format!("{root}.headers['{name}']"),
        }
    };
    match (name, argument) {
        ("REQ", Some(argument)) => Some(header("request", argument)),
        ("RESP", Some(argument)) => Some(header("response", argument)),
        (name, None) => {
            let mut known = OPERATORS.iter();
            let (_, path) = known.find(|(known, _)| *known == name)?;
            Some((*path).to_owned())
        }
        _ => None,
    }
}

impl Format {
    /// Reads a format.
    ///
    /// # Errors
    /// Says which operator is not known.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('%') {
            plain.push_str(before);
            if let Some(behind) = behind.strip_prefix('%') {
                plain.push('%');
                rest = behind;
                continue;
            }
            let Some((operator, behind)) = behind.split_once('%') else {
                return Err(format!(
                    "`%{behind}` has no end; write `%%` for a percent sign"
                ));
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(value(operator)?);
            rest = behind;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        let phases = pieces.iter().flat_map(Piece::attributes);
        let mut closed = false;
        let phase = phases.fold(Phase::Request, |latest, one| {
            closed |= one.is_closed_between();
            latest.max(one.phase)
        });
        // The request's headers cannot be read between its own callback and the end.
        let mixed = closed && phase == Phase::Response;
        let phase = if mixed { Phase::End } else { phase };
        Ok(Format { pieces, phase })
    }

    /// How many looks at the headers of the request it takes.
    pub fn headers(&self) -> usize {
        self.attributes().map(Attribute::headers).sum()
    }

    /// Whether a part of it may be there later where it is not now.
    pub fn comes_late(&self) -> bool {
        self.attributes().any(Attribute::comes_late)
    }

    fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.pieces.iter().flat_map(Piece::attributes)
    }

    /// What it comes to; `None` if nothing of it is there. A part that is missing beside others is
    /// nothing, as Envoy has it in a span.
    pub fn write(&self, view: &View<'_>) -> Option<Vec<u8>> {
        let mut all = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => all.extend_from_slice(text.as_bytes()),
                Piece::Value { any, longest } => {
                    match any.iter().find_map(|attribute| attribute.read(view)) {
                        Some(value) => all.extend(value.iter().take(*longest)),
                        None if self.pieces.len() == 1 => return None,
                        None => {}
                    }
                }
            }
        }
        Some(all)
    }
}

impl Piece {
    fn attributes(&self) -> &[Attribute] {
        match self {
            Piece::Text(_) => &[],
            Piece::Value { any, .. } => any,
        }
    }
}

fn value(operator: &str) -> Result<Piece, String> {
    let refuse = || {
        format!(
            "`%{operator}%` is no operator a module can follow; known are `%REQ(name?other):length%`, \
             `%RESP(…)%`, `%FILTER_STATE(key:PLAIN)%` and {}",
            OPERATORS.map(|(name, _)| format!("`%{name}%`")).join(", ")
        )
    };
    let (name, argument, longest) = split(operator).ok_or_else(refuse)?;
    let headers = |of_request: bool, names: &str| {
        let names = names.splitn(2, '?');
        names
            .map(|name| Attribute::header(of_request, name))
            .collect()
    };
    let any: Option<Vec<Attribute>> = match (name, argument) {
        ("REQ", Some(names)) => Some(headers(true, names)),
        ("RESP", Some(names)) => Some(headers(false, names)),
        ("FILTER_STATE", Some(key)) => {
            let key = key.strip_suffix(":PLAIN").ok_or_else(refuse)?;
            let path = ["filter_state", key].map(str::to_owned);
            Attribute::plain(&path, crate::attribute::Kind::Bytes, Phase::Request)
                .map(|attribute| vec![attribute])
        }
        (name, None) => OPERATORS
            .iter()
            .find(|(known, _)| *known == name)
            .and_then(|(_, path)| Attribute::logged(path))
            .map(|attribute| vec![attribute]),
        _ => None,
    };
    let any = any.ok_or_else(refuse)?;
    Ok(Piece::Value { any, longest })
}

/// `NAME(argument):length`.
fn split(operator: &str) -> Option<(&str, Option<&str>, usize)> {
    let Some((name, rest)) = operator.split_once('(') else {
        return Some((operator, None, usize::MAX));
    };
    let (argument, behind) = rest.rsplit_once(')')?;
    let longest = match behind.strip_prefix(':') {
        Some(length) => length.parse().ok()?,
        None if behind.is_empty() => usize::MAX,
        None => return None,
    };
    let filled = !argument.is_empty() && argument.split('?').all(|name| !name.is_empty());
    filled.then_some((name, Some(argument), longest))
}
