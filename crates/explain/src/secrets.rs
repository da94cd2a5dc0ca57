//! What is echoed of a request, without what must not be read over a shoulder or in a log.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

/// What stands in the place of a secret.
pub(crate) const MASK: &str = "***";

/// A part of a name that says that its value is secret.
const SECRET_NAMES: [&str; 10] = [
    "authorization",
    "token",
    "secret",
    "password",
    "passwd",
    "jwt",
    "api-key",
    "apikey",
    "assertion",
    "session",
];

/// A shorter value is no secret that could be told in other text.
const SHORTEST: usize = 6;

/// Where tokens are in requests, and those of one request.
#[derive(Debug, Default, Clone)]
pub(crate) struct Secrets {
    /// Headers and parameters from which the policies take tokens.
    places: Rc<BTreeSet<String>>,
    /// Secrets of the request, wherever they turn up again.
    values: Vec<String>,
}

impl Secrets {
    /// Finds in a configuration from where tokens are taken, and where their payloads go.
    pub(crate) fn of_policies(tree: &Value) -> Self {
        let mut places = BTreeSet::new();
        visit(tree, &mut places);
        Secrets {
            places: Rc::new(places),
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
            let name = String::from_utf8_lossy(name);
            let value = String::from_utf8_lossy(value);
            match name.as_ref() {
                ":path" => secrets.parameters(&value),
                "cookie" => {
                    let pairs = value.split(';').filter_map(|pair| pair.split_once('='));
                    secrets
                        .values
                        .extend(pairs.map(|(_, value)| value.trim().to_owned()));
                }
                name if self.is_secret(name) => {
                    let credentials = value.split_once(' ').map_or(&*value, |(_, rest)| rest);
                    secrets.values.push(credentials.trim().to_owned());
                }
                _ => {}
            }
        }
        secrets.values.retain(|value| value.len() >= SHORTEST);
        secrets
            .values
            .sort_by_key(|value| std::cmp::Reverse(value.len()));
        secrets
    }

    fn parameters(&mut self, path: &str) {
        let (_, query) = path.split_once('?').unwrap_or_default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            if self.is_secret(name) || is_token_like(value) {
                self.values.push(value.to_owned());
            }
        }
    }

    fn is_secret(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.places.contains(&name) || SECRET_NAMES.iter().any(|part| name.contains(part))
    }

    /// The value of a header, as it may be shown.
    pub(crate) fn header(&self, name: &str, value: &[u8]) -> String {
        let text = String::from_utf8_lossy(value);
        match name {
            "cookie" => self.text(&pairs(&text, ';')),
            "set-cookie" => {
                let name = text.split_once('=').map_or("", |(name, _)| name);
                [name, "=", MASK].concat()
            }
            "authorization" | "proxy-authorization" => scheme(&text),
            "www-authenticate" => self.text(&text),
            name if !name.starts_with(':') && self.is_secret(name) => MASK.to_owned(),
            _ => self.text(&text),
        }
    }

    /// Any text, as it may be shown.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut shown: Cow<'_, str> = Cow::Borrowed(text);
        for secret in &self.values {
            if shown.contains(secret.as_str()) {
                shown = Cow::Owned(shown.replace(secret.as_str(), MASK));
            }
        }
        if shown.contains('?') {
            shown = Cow::Owned(without_query(&shown));
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
        shown.into_owned()
    }
}

/// Adds the places that a configuration names.
fn visit(tree: &Value, places: &mut BTreeSet<String>) {
    match tree {
        Value::Array(list) => list.iter().for_each(|value| visit(value, places)),
        Value::Object(map) => {
            for (name, value) in map {
                match name.as_str() {
                    "fromHeaders" | "from_headers" => {
                        let entries = value.as_array().into_iter().flatten();
                        entries
                            .filter_map(|entry| entry.get("name"))
                            .for_each(|name| add_names(name, places));
                    }
                    "fromParams"
                    | "from_params"
                    | "fromCookies"
                    | "from_cookies"
                    | "outputPayloadToHeader"
                    | "output_payload_to_header" => {
                        add_names(value, places);
                    }
                    _ => visit(value, places),
                }
            }
        }
        _ => {}
    }
}

fn add_names(value: &Value, places: &mut BTreeSet<String>) {
    match value {
        Value::String(name) => {
            places.insert(name.to_ascii_lowercase());
        }
        Value::Array(list) => list.iter().for_each(|value| add_names(value, places)),
        _ => {}
    }
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

/// A URL, or a text with one in it, without what its query says.
fn without_query(text: &str) -> String {
    let Some((before, rest)) = text.split_once('?') else {
        return text.to_owned();
    };
    let end = rest.find(['"', ' ', '<', '>']).unwrap_or(rest.len());
    let (query, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let (query, fragment) = query.split_once('#').unwrap_or((query, ""));
    let query = match query {
        "" => String::new(),
        query => pairs(query, '&'),
    };
    let fragment = match fragment {
        "" => "",
        _ => "#***",
    };
    [before, "?", &query, fragment, after].concat()
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
