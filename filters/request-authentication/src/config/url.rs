//! The URL of a key set, as far as fetching through an Envoy cluster needs it.

use std::fmt;

/// `http` or `https`, a host, a port and a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Host and port as the URL has them: `:authority`.
    pub authority: String,
    /// The host alone.
    pub host: String,
    /// The port, or its scheme's.
    pub port: u16,
    /// The path with its query; `/` at least.
    pub path: String,
}

/// Istio's limit.
const LONGEST: usize = 2048;

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it. Nothing is quoted that may be a secret: no password, no query.
    pub fn read(text: &str) -> Result<Self, String> {
        let quoted = quoted(text);
        if text.len() > LONGEST {
            return Err(format!("is longer than {LONGEST} bytes"));
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(format!(
                "{quoted} is no URL such as `https://issuer.example/jwks.json`"
            ));
        };
        let (scheme, standard) = match scheme {
            "http" => ("http", 80),
            "https" => ("https", 443),
            _ => {
                return Err(format!(
                    "URI scheme {} is not supported; use `https` or `http`",
                    self::quoted(scheme)
                ));
            }
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.contains('@') {
            return Err(
                "has a user or a password before its host; neither would be sent, and both would \
                 stand wherever the configuration does: take them out"
                    .to_owned(),
            );
        }
        let (host, port) = match split_port(authority) {
            Some((host, "")) => (host, Some(standard)),
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port != 0)),
            None => (authority, Some(standard)),
        };
        let Some(port) = port else {
            return Err(format!("{quoted} has no port between 1 and 65535"));
        };
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let fine = match bracketed {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.chars().all(legal),
        };
        if !fine {
            return Err(format!("{quoted} has no host that can be asked"));
        }
        let path = path.split('#').next().unwrap_or_default();
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "{quoted} has a path with white space or other than ASCII; percent-encode it"
            ));
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Url {
            scheme,
            authority: authority.trim_end_matches(':').to_owned(),
            host: host.to_owned(),
            port,
            path: format!("{slash}{path}"),
        })
    }

    /// The cluster that Istio makes for the host.
    pub fn cluster(&self) -> String {
        format!("outbound|{}||{}", self.port, self.host)
    }
}

impl fmt::Display for Url {
    /// Without the query, which may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.split('?').next().unwrap_or_default();
        write!(f, "{}://{}{path}", self.scheme, self.authority)
    }
}

/// What of a text that should be a URL may be shown: not its query, and nothing at all where it may
/// have a password.
pub(super) fn quoted(text: &str) -> String {
    if text.contains('@') {
        return "`…`".to_owned();
    }
    let shown = text.split(['?', '#']).next().unwrap_or_default();
    format!("`{}`", shown.escape_debug())
}

/// Splits at the colon of the port, not at one of an IPv6 address.
fn split_port(authority: &str) -> Option<(&str, &str)> {
    authority
        .rsplit_once(':')
        .filter(|(_, port)| !port.contains(']'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_url_names_a_cluster_as_istio_does() {
        for (text, authority, cluster, path) in [
            (
                "https://issuer.example/jwks.json",
                "issuer.example",
                "outbound|443||issuer.example",
                "/jwks.json",
            ),
            (
                "http://keys.default.svc.cluster.local:8000/a?b=c#d",
                "keys.default.svc.cluster.local:8000",
                "outbound|8000||keys.default.svc.cluster.local",
                "/a?b=c",
            ),
            ("https://a", "a", "outbound|443||a", "/"),
            ("https://a:?x", "a", "outbound|443||a", "/?x"),
            ("http://[::1]:81/", "[::1]:81", "outbound|81||[::1]", "/"),
            ("http://[::1]", "[::1]", "outbound|80||[::1]", "/"),
        ] {
            let url = Url::read(text).expect(text);
            assert_eq!(
                (
                    url.authority.as_str(),
                    url.cluster().as_str(),
                    url.path.as_str()
                ),
                (authority, cluster, path)
            );
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        for text in [
            "",
            "issuer.example/jwks",
            "file:///etc/jwks",
            "ftp://a/",
            "https://",
            "https:///a",
            "https://a b/",
            "https://a/b c",
            "https://user@a/",
            "https://a:0/",
            "https://a:65536/",
            "https://a:x/",
            "https://[::g]/",
            "https://é/",
        ] {
            assert!(Url::read(text).is_err(), "{text}");
        }
        assert!(Url::read(&format!("https://a/{}", "x".repeat(2048))).is_err());
    }

    #[test]
    fn no_secret_of_a_url_is_shown() {
        for text in [
            "https://user:s3cret@a.example/jwks",
            "https://s3cret@a.example",
            "https://user:s3/cret@a.example:x/jwks",
            "user:s3cret@a.example/jwks",
            "ftp://user:s3cret@a.example/jwks",
            "https://a.example:0/jwks?key=s3cret",
            "https://a b/jwks?key=s3cret",
            "https://a/b c?key=s3cret",
            "a.example/jwks?key=s3cret#s3cret",
            "s3cret@x://a.example/",
        ] {
            let problem = Url::read(text).expect_err(text);
            assert!(!problem.contains("s3"), "{problem}");
        }
        let url = Url::read("https://a.example:81/b/@c?key=s3cret#s3cret").expect("a URL");
        assert_eq!(url.to_string(), "https://a.example:81/b/@c");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(https?://)?.{0,30}") {
            let _ = Url::read(&text);
        }
    }
}
