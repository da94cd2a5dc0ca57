//! Protocols of ports.

/// What istiod knows the traffic of a port by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http,
    Http2,
    Grpc,
    GrpcWeb,
    HttpProxy,
    Https,
    Tls,
    /// `TCP`, and what is told apart on top of it: `MONGO`, `REDIS`, `MYSQL`.
    Tcp,
    Udp,
}

/// How they are written, in capitals or not.
const NAMES: [(&str, Protocol); 12] = [
    ("HTTP", Protocol::Http),
    ("HTTP2", Protocol::Http2),
    ("GRPC", Protocol::Grpc),
    ("GRPC-WEB", Protocol::GrpcWeb),
    ("HTTP_PROXY", Protocol::HttpProxy),
    ("HTTPS", Protocol::Https),
    ("TLS", Protocol::Tls),
    ("TCP", Protocol::Tcp),
    ("UDP", Protocol::Udp),
    ("MONGO", Protocol::Tcp),
    ("REDIS", Protocol::Tcp),
    ("MYSQL", Protocol::Tcp),
];

impl Protocol {
    /// Reads its name.
    pub(super) fn of(text: &str) -> Option<Protocol> {
        let mut names = NAMES.iter();
        let (_, protocol) = names.find(|(name, _)| name.eq_ignore_ascii_case(text))?;
        Some(*protocol)
    }

    /// Whether requests can be seen in it.
    pub(super) fn is_http(self) -> bool {
        use Protocol::{Grpc, GrpcWeb, Http, Http2, HttpProxy};
        matches!(self, Http | Http2 | Grpc | GrpcWeb | HttpProxy)
    }

    /// Whether it begins with a handshake of TLS.
    pub(super) fn is_tls(self) -> bool {
        matches!(self, Protocol::Https | Protocol::Tls)
    }
}

/// A protocol that may be left out, to be found out from what is sent.
pub(super) fn known_or_empty(text: &str) -> Result<(), String> {
    match text.is_empty() || Protocol::of(text).is_some() {
        true => Ok(()),
        false => Err(refused(text)),
    }
}

/// That a protocol is none.
pub(super) fn refused(text: &str) -> String {
    let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    sdk_helpers::config::none_of(text, &names)
}
