//! What a condition asks of a request, and what the request has of it.

use sdk_helpers::Request;
use sdk_helpers::claims::{self, Claims};

use crate::secrets::Secrets;
use crate::world::Stream;

/// What a condition asks of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Path,
    Method,
    Host,
    Port,
    /// Who its certificate says it is.
    Peer,
    DirectIp,
    ClientIp,
    /// Issuer and subject of its token.
    RequestPrincipal,
    /// By name, in lower case.
    Header(String),
    /// By path.
    Claim(Vec<String>),
    /// What no line says.
    Other,
}

impl Asked {
    /// By the name of a field of `source` or `operation`, `not` before it or not.
    pub(super) fn of_field(field: &str) -> Self {
        let plain = field.strip_prefix("not").unwrap_or(field);
        match plain.to_ascii_lowercase().as_str() {
            "paths" => Asked::Path,
            "methods" => Asked::Method,
            "hosts" => Asked::Host,
            "ports" => Asked::Port,
            "principals" | "namespaces" | "serviceaccounts" | "trustdomains" => Asked::Peer,
            "ipblocks" => Asked::DirectIp,
            "remoteipblocks" => Asked::ClientIp,
            "requestprincipals" => Asked::RequestPrincipal,
            _ => Asked::Other,
        }
    }

    /// By the `key` of an entry of `when`.
    pub(super) fn of_key(key: &str) -> Self {
        let header = key.strip_prefix("request.headers[");
        if let Some(name) = header.and_then(|rest| rest.strip_suffix(']')) {
            return Asked::Header(name.to_ascii_lowercase());
        }
        if let Some(claim) = key.strip_prefix("request.auth.claims") {
            return claims::path(claim).map_or(Asked::Other, Asked::Claim);
        }
        let claim = |name: &str| Asked::Claim(vec![name.to_owned()]);
        match key {
            "source.ip" => Asked::DirectIp,
            "remote.ip" => Asked::ClientIp,
            "destination.port" => Asked::Port,
            "request.auth.principal" => Asked::RequestPrincipal,
            "request.auth.audiences" => claim("aud"),
            "request.auth.presenter" => claim("azp"),
            key if key.starts_with("source.") => Asked::Peer,
            _ => Asked::Other,
        }
    }

    /// What the request has of it, as it may be shown; none where it has nothing of the kind.
    pub(super) fn seen(
        &self,
        request: &Request,
        stream: &Stream,
        claims: Option<&Claims>,
        secrets: &Secrets,
    ) -> Option<String> {
        let text = |bytes: &[u8]| Some(secrets.bytes(bytes).into_owned());
        match self {
            Asked::Path => text(request.path()),
            Asked::Method => text(request.method()),
            Asked::Host => text(request.authority()),
            Asked::Port => Some(stream.port.to_string()),
            Asked::Peer => stream.peer.clone(),
            Asked::DirectIp => Some(stream.direct?.to_string()),
            Asked::ClientIp => Some(stream.client?.to_string()),
            Asked::RequestPrincipal => {
                let of = |name: &str| claims?.at(&[name.to_owned()])?.as_str();
                Some([of("iss")?, "/", of("sub")?].concat())
            }
            Asked::Header(name) => {
                let values = request.values(name);
                let values = values.map(|value| secrets.header(name, value));
                let values: Vec<_> = values.collect();
                (!values.is_empty()).then(|| values.join(", "))
            }
            Asked::Claim(path) => text(&claims?.text(path)?),
            Asked::Other => None,
        }
    }
}
