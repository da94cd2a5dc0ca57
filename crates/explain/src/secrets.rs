//! What is echoed of a request, without what must not be read over a shoulder or in a log.

mod names;

use std::borrow::Cow;
use std::rc::Rc;

use serde_json::Value;

use names::Names;

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "***";

/// A shorter value is no secret that could be told in other text.
const SHORTEST: usize = 6;

/// Where tokens are in requests, and those of one request.
#[derive(Debug, Default, Clone)]
pub(crate) struct Secrets {
    names: Rc<Names>,
    /// Secrets of the request, wherever they turn up again.
    values: Vec<String>,
}

impl Secrets {
    /// Finds in a configuration from where tokens are taken, and where their payloads go.
    pub(crate) fn of_policies(tree: &Value) -> Self {
        Secrets {
            names: Rc::new(Names::of_policies(tree)),
            values: Vec::new(),
        }
    }

    /// The same with the secrets of a request.
    pub(crate) fn of_request<'a>(
        &self,
        jwt: Option<&str>,
        headers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Self {
        let mut secrets = self.clone();
        secrets.values.extend(jwt.map(str::to_owned));
        for (name, value) in headers {
            let name = lossy(name);
            match name.as_ref() {
                ":path" => secrets.parameters(&lossy(value)),
                "cookie" => {
                    let value = lossy(value);
                    let pairs = value.split(';').filter_map(|pair| pair.split_once('='));
                    secrets
                        .values
                        .extend(pairs.map(|(_, value)| value.trim().to_owned()));
                }
                name if self.names.is_secret(name) => {
                    let value = lossy(value);
                    let credentials = value.split_once(' ').map_or(&*value, |(_, rest)| rest);
                    secrets.values.push(credentials.trim().to_owned());
                }
                _ => {}
            }
        }
        if !secrets.values.is_empty() {
            secrets.values.retain(|value| value.len() >= SHORTEST);
            secrets
                .values
                .sort_by_key(|value| std::cmp::Reverse(value.len()));
        }
        secrets
    }

    fn parameters(&mut self, path: &str) {
        let (_, query) = path.split_once('?').unwrap_or_default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            if self.names.is_secret(name) || is_token_like(value) {
                self.values.push(value.to_owned());
            }
        }
    }

    /// The value of a header, as it may be shown.
    pub(crate) fn header<'t>(&self, name: &str, value: &'t [u8]) -> Cow<'t, str> {
        let text = lossy(value);
        match name {
            "cookie" => self.shown(pairs(&text, ';').into()),
            "set-cookie" => {
                let name = text.split_once('=').map_or("", |(name, _)| name);
                [name, "=", MASK].concat().into()
            }
            "authorization" | "proxy-authorization" => scheme(&text).into(),
            "www-authenticate" => self.shown(text),
            ":authority" if text.contains('@') => {
                let host = text.rsplit_once('@').map_or("", |(_, host)| host);
                [MASK, "@", host].concat().into()
            }
            name if !name.starts_with(':') && self.names.is_secret(name) => MASK.into(),
            _ => self.shown(text),
        }
    }

    /// Any bytes, as they may be shown.
    pub(crate) fn bytes<'t>(&self, bytes: &'t [u8]) -> Cow<'t, str> {
        self.shown(lossy(bytes))
    }

    /// Any text, as it may be shown.
    pub(crate) fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.shown(Cow::Borrowed(text))
    }

    fn shown<'t>(&self, mut shown: Cow<'t, str>) -> Cow<'t, str> {
        if self.values.is_empty() && is_plain(shown.as_bytes()) {
            return shown;
        }
        for secret in &self.values {
            if shown.contains(secret.as_str()) {
                shown = Cow::Owned(shown.replace(secret.as_str(), MASK));
            }
        }
        if shown.contains('@') && shown.contains("://") {
            shown = Cow::Owned(without_users(&shown));
        }
        if shown.contains('?') {
            shown = Cow::Owned(without_queries(&shown));
        }
        if shown.contains("eyJ") {
            shown = Cow::Owned(without_tokens(&shown));
        }
        for scheme in ["Bearer ", "Basic "] {
            if let Some((before, credentials)) = shown.split_once(scheme)
                && !credentials.contains('"')
                && !credentials.is_empty()
            {
                shown = Cow::Owned([before, scheme, MASK].concat());
            }
        }
        shown
    }
}

/// Bytes as text. Nearly all are, and that is seen faster than what is none is replaced.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Whether a text has nothing in it that a query, a token or credentials begin with, as most have: seen at once.
fn is_plain(mut text: &[u8]) -> bool {
    while let [first, after @ ..] = text {
        match first {
            b'?' | b'@' => return false,
            b'e' if after.starts_with(b"yJ") => return false,
            b'B' if after.starts_with(b"earer ") || after.starts_with(b"asic ") => return false,
            _ => text = after,
        }
    }
    true
}

/// Credentials without all but their scheme.
fn scheme(text: &str) -> String {
    match text.split_once(' ') {
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            [scheme, " ", MASK].concat()
        }
        _ => MASK.to_owned(),
    }
}

/// Pairs of names and values, without the values.
fn pairs(text: &str, between: char) -> String {
    let shown = text.split(between).map(|pair| match pair.split_once('=') {
        Some((name, _)) => [name, "=", MASK].concat(),
        None => MASK.to_owned(),
    });
    shown.collect::<Vec<_>>().join(&between.to_string())
}

/// A URL, or a text with several in it, without users and passwords.
fn without_users(text: &str) -> String {
    let mut parts = text.split("://");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(['/', '?', '#', '"', ' ', '<', '>']);
        let (authority, path) = part
            .split_at_checked(end.unwrap_or(part.len()))
            .unwrap_or((part, ""));
        shown.push_str("://");
        match authority.rsplit_once('@') {
            Some((_, host)) => shown.extend([MASK, "@", host]),
            None => shown.push_str(authority),
        }
        shown.push_str(path);
    }
    shown
}

/// A URL, or a text with several in it, without what their queries say.
fn without_queries(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('?') {
        let end = after.find(['"', ' ', '<', '>']).unwrap_or(after.len());
        let (query, behind) = after.split_at_checked(end).unwrap_or((after, ""));
        shown.extend([before, "?", &without_values(query)]);
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

/// A query, and the fragment behind it, without what they say.
fn without_values(query: &str) -> String {
    let (query, fragment) = query.split_once('#').unwrap_or((query, ""));
    let query = match query {
        "" => String::new(),
        query => pairs(query, '&'),
    };
    let fragment = match fragment {
        "" => "",
        _ => "#***",
    };
    [&query, fragment].concat()
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b'.')
}

/// How long a part of a token is at least, as far as we look for one.
const LONG: usize = 16;

fn is_token_like(text: &str) -> bool {
    text.len() >= LONG && text.bytes().all(is_base64url)
}

/// A text without any JSON in base64, as tokens are and their parts.
fn without_tokens(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("eyJ") {
        shown.push_str(before);
        let length = after.bytes().take_while(|byte| is_base64url(*byte)).count();
        let (run, behind) = after.split_at_checked(length).unwrap_or((after, ""));
        if length >= LONG {
            shown.push_str(MASK);
        } else {
            shown.push_str("eyJ");
            shown.push_str(run);
        }
        rest = behind;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";

    fn secrets(jwt: Option<&str>, headers: &[(&str, &str)]) -> Secrets {
        let policies = json!({"resources": [{"spec": {"jwtRules": [{
            "fromHeaders": [{"name": "X-Pass"}], "fromParams": ["ticket"], "outputPayloadToHeader": "x-who",
        }]}}]});
        let headers = headers
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        Secrets::of_policies(&policies).of_request(jwt, headers)
    }

    #[test]
    fn a_secret_is_shown_nowhere() {
        let secrets = secrets(
            Some("opaque-token"),
            &[
                ("cookie", "sid=0123456789"),
                ("authorization", "Basic dXNlcjpwYXNz"),
            ],
        );
        let long = format!("/a/{JWT}/b");
        for (name, value, shown) in [
            ("authorization", "Bearer opaque", "Bearer ***"),
            ("authorization", "opaque", "***"),
            ("cookie", "a=1; b=2; c", "a=***; b=***;***"),
            ("set-cookie", "sid=1; Path=/", "sid=***"),
            ("x-pass", "anything", "***"),
            ("x-who", "anything", "***"),
            ("x-api-key", "anything", "***"),
            ("x-copy", "it is opaque-token here", "it is *** here"),
            ("x-copy", "0123456789", "***"),
            ("x-copy", "of dXNlcjpwYXNz", "of ***"),
            ("x-copy", "Bearer other", "Bearer ***"),
            (
                ":path",
                "/a?b=1&c&ticket=2#d",
                "/a?b=***&***&ticket=***#***",
            ),
            (":path", &long, "/a/***/b"),
            ("x-payload", "eyJzdWIiOiJhbm9ueW1vdXMifQ", "***"),
            (
                "www-authenticate",
                "Bearer realm=\"http://a/p?t=1\", error=\"invalid_token\"",
                "Bearer realm=\"http://a/p?t=***\", error=\"invalid_token\"",
            ),
            ("x-plan", "gold", "gold"),
            (
                "referer",
                "see http://me:pass@a/b@c?d=1, or https://u@b/?e=2 f",
                "see http://***@a/b@c?d=*** or https://***@b/?e=*** f",
            ),
            ("x-mail", "me@example.com", "me@example.com"),
            (":authority", "me:pass@a", "***@a"),
        ] {
            assert_eq!(
                secrets.header(name, value.as_bytes()),
                shown,
                "{name}: {value}"
            );
        }
    }

    #[test]
    fn what_is_sent_in_a_query_is_known_elsewhere() {
        let secrets = secrets(
            None,
            &[(":path", "/a?ticket=abcdefg&x=short&y=0123456789abcdef")],
        );
        assert_eq!(
            secrets.text("abcdefg short 0123456789abcdef"),
            "*** short ***"
        );
    }
}
