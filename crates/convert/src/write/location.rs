//! Where a module lies.

use std::str::FromStr;

/// Where a module lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// An image: `oci://registry.example/mesh-filters:0.1.0`.
    Image(String),
    /// A file that Envoy sees.
    File(String),
    /// A server that Envoy, or Istio's agent, fetches it from.
    Server(Server),
}

/// A URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// All of it.
    pub url: String,
    /// Whether it is asked over TLS.
    pub tls: bool,
    /// The host, without brackets where it is an address.
    pub host: String,
    /// The port, or its scheme's.
    pub port: u16,
}

impl Server {
    /// Reads `http://…` or `https://…`; nothing of another scheme, or without a host.
    pub(crate) fn read(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let (tls, port) = match scheme {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => return None,
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, said)) if !said.contains(']') => (host, said.parse().ok()?),
            _ => (authority, port),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty() && !host.contains('@')).then(|| Server {
            url: url.to_owned(),
            tls,
            host: host.to_owned(),
            port,
        })
    }

    /// The name that istiod gives the cluster of such a service.
    pub(crate) fn cluster(&self) -> String {
        format!("outbound|{}||{}", self.port, self.host)
    }
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("oci", rest)) if !rest.is_empty() => Ok(Location::Image(text.to_owned())),
            Some(("file", path)) => Ok(Location::File(path.to_owned())),
            Some(("http" | "https", _)) => match Server::read(text) {
                Some(server) => Ok(Location::Server(server)),
                None => Err(format!(
                    "`{}` has no host that can be asked",
                    text.escape_debug()
                )),
            },
            Some(_) => Err(format!(
                "`{}` is no place of a module; there are `oci://…`, `https://…`, `http://…`, and the path of a file",
                text.escape_debug()
            )),
            None if text.is_empty() => {
                Err("is empty; name a file, or an `oci://…` or `https://…` URL".to_owned())
            }
            None => Ok(Location::File(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_lies_in_an_image_a_file_or_on_a_server() {
        let read = |text: &str| text.parse::<Location>();
        assert_eq!(
            read("oci://a/b:1"),
            Ok(Location::Image("oci://a/b:1".to_owned()))
        );
        assert_eq!(
            read("dist/a.wasm"),
            Ok(Location::File("dist/a.wasm".to_owned()))
        );
        assert_eq!(
            read("file:///a.wasm"),
            Ok(Location::File("/a.wasm".to_owned()))
        );
        let Ok(Location::Server(server)) = read("https://[::1]:8443/a.wasm?x=http://b:1/") else {
            panic!("a server");
        };
        assert_eq!(
            (server.host.as_str(), server.port, server.tls),
            ("::1", 8443, true)
        );
        assert_eq!(server.cluster(), "outbound|8443||::1");
        for (text, port) in [("http://a", 80), ("https://a/b", 443), ("http://a:81/", 81)] {
            assert_eq!(Server::read(text).map(|it| it.port), Some(port), "{text}");
        }
        for wrong in [
            "",
            "ftp://a/b",
            "https://",
            "https://a:b/",
            "http://user@a/",
            "oci://",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
