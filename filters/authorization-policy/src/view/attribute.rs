//! What conditions ask for.

/// What a condition asks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Attribute {
    /// `:path` up to its query or fragment.
    Path,
    /// `:method`.
    Method,
    /// `:authority`, port included.
    Host,
    /// A header, by its name in lower case.
    Header(Box<str>),
    /// The port the request came to, after any redirection.
    DestinationPort,
    /// The address the request came to.
    DestinationIp,
    /// The client's address, `x-forwarded-for` heeded as Envoy is told to.
    RemoteIp,
    /// The server name the client asked TLS for.
    Sni,
    /// The peer's identities: URI SANs, DNS SANs, subject.
    Peer,
    /// The address of the other end of the connection.
    SourceIp,
    /// A verified token's issuer and subject.
    Token,
    /// A verified claim, by its path.
    Claim(Box<[String]>),
    /// A key of dynamic metadata.
    Metadata {
        /// The filter that wrote it.
        namespace: Box<str>,
        /// The key.
        key: Box<str>,
    },
}

impl Attribute {
    /// What it costs to ask, as a rank.
    pub fn cost(&self) -> u8 {
        match self {
            Attribute::Path => 0,
            Attribute::Method | Attribute::Host | Attribute::Header(_) => 1,
            Attribute::DestinationPort
            | Attribute::DestinationIp
            | Attribute::RemoteIp
            | Attribute::Sni => 2,
            Attribute::Peer => 3,
            Attribute::SourceIp => 4,
            Attribute::Token | Attribute::Claim(_) => 5,
            Attribute::Metadata { .. } => 6,
        }
    }

    /// Whether it says what a request asks for.
    pub fn is_target(&self) -> bool {
        matches!(self, Attribute::Path | Attribute::Host | Attribute::Method)
    }

    /// Whether asking for it takes the whole header map.
    pub fn takes_header_map(&self) -> bool {
        match self {
            Attribute::Method | Attribute::Host => true,
            Attribute::Header(name) => name.starts_with(':') || &**name == "host",
            _ => false,
        }
    }
}
