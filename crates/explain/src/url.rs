//! A URL as a client gives it, taken apart byte for byte.

/// A URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The host, and the port if one is written: `:authority` as it is sent.
    pub authority: &'a str,
    /// The path with its query and fragment, as they are written; a query or nothing at all where there is no
    /// path.
    pub rest: &'a str,
    /// The port that is written, else 80 or 443.
    pub port: u16,
}

impl<'a> Url<'a> {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// What is wrong with it. The URL is not quoted: it may hold a secret.
    pub fn parse(text: &'a str) -> Result<Self, &'static str> {
        const SCHEME: &str = "must begin with `http://` or `https://`";
        let (scheme, rest) = text.split_once("://").ok_or(SCHEME)?;
        let (scheme, default) = match scheme {
            _ if scheme.eq_ignore_ascii_case("http") => ("http", 80),
            _ if scheme.eq_ignore_ascii_case("https") => ("https", 443),
            _ => return Err(SCHEME),
        };
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err("holds a blank or a control character; escape it");
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at_checked(end).ok_or(SCHEME)?;
        if authority.contains('@') {
            return Err("holds a user's name; send `authorization` in its place");
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The colons of an address of version 6 stand between brackets.
            Some((host, port)) if !port.ends_with(']') => {
                let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
                let number = port.parse().ok().filter(|_| digits);
                let number = number.ok_or("has a port that is no number between 0 and 65535")?;
                (host, number)
            }
            _ => (authority, default),
        };
        if host.is_empty() {
            return Err("has no host");
        }
        Ok(Url {
            scheme,
            authority,
            rest,
            port,
        })
    }

    /// `:path` as it is sent.
    #[must_use]
    pub fn path(&self) -> Vec<u8> {
        let slash = match self.rest.starts_with('/') {
            true => "",
            false => "/",
        };
        [slash, self.rest].concat().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_byte_for_byte() {
        for (text, scheme, authority, path, port) in [
            ("http://Shop.example", "http", "Shop.example", "/", 80),
            ("HTTPS://a/B/../c?d#e", "https", "a", "/B/../c?d#e", 443),
            ("http://a:8080?x=1", "http", "a:8080", "/?x=1", 8080),
            ("http://[::1]/", "http", "[::1]", "/", 80),
            ("http://[::1]:81//", "http", "[::1]:81", "//", 81),
        ] {
            let url = Url::parse(text).unwrap();
            assert_eq!(
                (url.scheme, url.authority, url.port),
                (scheme, authority, port)
            );
            assert_eq!(url.path(), path.as_bytes(), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_not_quoted() {
        for text in [
            "/path",
            "ftp://secret",
            "http://",
            "http://a:x",
            "http://a:70000",
            "http://a/ b",
            "http://:80/",
            "http://secret@a/",
        ] {
            let problem = Url::parse(text).unwrap_err();
            assert!(!problem.contains("secret"), "{text}: {problem}");
        }
    }
}
