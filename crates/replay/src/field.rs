//! What policies ask of a request, and the field of the log that says it.

use std::fmt;

/// Something that a condition asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// The method.
    Method,
    /// The path.
    Path,
    /// The authority.
    Authority,
    /// Who the client's certificate says that it is.
    Peer,
    /// The address of the client, `x-forwarded-for` heeded.
    Client,
    /// The address of the other end of the connection.
    Direct,
    /// The address and port that the request came to.
    Local,
    /// The server name of TLS.
    ServerName,
    /// A header, in lower case.
    Header(String),
    /// The claims of a verified token.
    Claims,
    /// What the provider of a CUSTOM policy answered, which no log says.
    Provider(String),
    /// Dynamic metadata of another filter, by the key of `when`, which no log says.
    Metadata(String),
}

impl Field {
    /// What a list of a `source` or an `operation` asks for, in either spelling and with or without `not`.
    pub(crate) fn of_list(name: &str) -> Option<Self> {
        let name = name.replace('_', "").to_ascii_lowercase();
        Some(match name.strip_prefix("not").unwrap_or(&name) {
            "principals" | "serviceaccounts" | "trustdomains" | "namespaces" => Field::Peer,
            "requestprincipals" => Field::Claims,
            "remoteipblocks" => Field::Client,
            "ipblocks" => Field::Direct,
            "hosts" => Field::Authority,
            "methods" => Field::Method,
            "paths" => Field::Path,
            "ports" => Field::Local,
            _ => return None,
        })
    }

    /// What a key of `when` asks for.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        Some(match key {
            "source.ip" => Field::Direct,
            "remote.ip" => Field::Client,
            "destination.ip" | "destination.port" => Field::Local,
            "connection.sni" => Field::ServerName,
            _ if key.starts_with("source.") => Field::Peer,
            _ if key.starts_with("request.auth.") => Field::Claims,
            _ if key.starts_with("experimental.") => Field::Metadata(key.to_owned()),
            _ => {
                let name = key.strip_prefix("request.headers[")?.strip_suffix(']')?;
                match name.to_ascii_lowercase().as_str() {
                    ":method" => Field::Method,
                    ":authority" | "host" => Field::Authority,
                    name => Field::Header(name.to_owned()),
                }
            }
        })
    }
}

/// The field of the log.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Field::Method => "method",
            Field::Path => "path",
            Field::Authority => "authority",
            Field::Peer => "downstream_peer_uri_san",
            Field::Client => "downstream_remote_address",
            Field::Direct => "downstream_direct_remote_address",
            Field::Local => "downstream_local_address",
            Field::ServerName => "requested_server_name",
            Field::Header(name) if name == ":path" => "path",
            Field::Header(name) => return write!(f, "request_headers.{name}"),
            Field::Claims => "claims",
            Field::Provider(name) => return write!(f, "the answer of `{name}`, which no log has"),
            Field::Metadata(key) => return write!(f, "`{key}`, which no log has"),
        })
    }
}
