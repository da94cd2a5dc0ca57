//! What a port speaks, as Istio finds it: by `appProtocol`, else by the start of the port's name.

/// What a port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2 without TLS.
    Http2,
    /// gRPC.
    Grpc,
    /// TLS that is passed on by its server name.
    Tls,
    /// Bytes.
    Tcp,
    /// Nobody said; Istio looks at the first bytes.
    Unnamed,
}

impl Protocol {
    /// Of a port of a Service: its `appProtocol` counts before its name.
    /// <https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/>
    #[must_use]
    pub fn of(app_protocol: Option<&str>, name: &str) -> Self {
        match app_protocol {
            // Kubernetes' own words.
            Some("kubernetes.io/h2c") => Protocol::Http2,
            Some("kubernetes.io/ws") => Protocol::Http,
            Some("kubernetes.io/wss") => Protocol::Tls,
            Some(said) => Protocol::parse(said),
            None => Protocol::parse(name.split('-').next().unwrap_or_default()),
        }
    }

    /// Of the `protocol` of a server or of a ServiceEntry's port.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "http" => Protocol::Http,
            "http2" => Protocol::Http2,
            "grpc" | "grpc-web" => Protocol::Grpc,
            "https" | "tls" => Protocol::Tls,
            "tcp" | "mongo" | "mysql" | "redis" | "udp" => Protocol::Tcp,
            _ => Protocol::Unnamed,
        }
    }

    /// Whether requests are routed by what they say: HTTP, or what may turn out to be.
    #[must_use]
    pub fn is_http(self) -> bool {
        !matches!(self, Protocol::Tls | Protocol::Tcp)
    }

    /// Whether it is HTTP/2 from the first byte.
    #[must_use]
    pub fn is_http2(self) -> bool {
        matches!(self, Protocol::Http2 | Protocol::Grpc)
    }
}

#[cfg(test)]
mod tests {
    use super::Protocol;

    #[test]
    fn a_ports_name_says_what_it_speaks_unless_its_app_protocol_does() {
        for (app, name, expected) in [
            (None, "http", Protocol::Http),
            (None, "http-web", Protocol::Http),
            (None, "httpweb", Protocol::Unnamed),
            (None, "grpc-a-b", Protocol::Grpc),
            (None, "https", Protocol::Tls),
            (None, "tcp-redis", Protocol::Tcp),
            (None, "", Protocol::Unnamed),
            (Some("HTTP"), "tcp", Protocol::Http),
            (Some("kubernetes.io/h2c"), "x", Protocol::Http2),
            (Some("example.com/own"), "http", Protocol::Unnamed),
        ] {
            assert_eq!(Protocol::of(app, name), expected, "{app:?} {name}");
        }
    }
}
