//! What a registry wants to see before it answers: a password, or a token of the service it names.
//!
//! The second is the flow of the distribution project's token specification, which all registries have:
//! the 401 names a `realm`, and that gives a token for a repository and what is to be done with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_auth::parser::ChallengeParser;
use serde_json::Value;
use ureq::http::{HeaderMap, HeaderValue, header};

use super::credentials::Credentials;
use super::error::Operation;

/// What a 401 asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// A name and a password with every request.
    Basic,
    /// A token.
    Bearer {
        /// Where tokens are given.
        realm: String,
        /// For whom, as the realm knows it.
        service: Option<String>,
    },
}

impl Challenge {
    /// The first challenge of an answer that this can meet; a token comes before a password.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
        let texts = values.filter_map(|value| value.to_str().ok());
        let all: Vec<Self> = texts
            .flat_map(|text| ChallengeParser::new(text).map_while(Result::ok))
            .filter_map(|challenge| Self::read(&challenge))
            .collect();
        let bearer = |challenge: &&Self| matches!(challenge, Self::Bearer { .. });
        all.iter().find(bearer).or(all.first()).cloned()
    }

    fn read(challenge: &http_auth::ChallengeRef<'_>) -> Option<Self> {
        let parameter = |name: &str| {
            let mut all = challenge.params.iter();
            let found = all.find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        match challenge.scheme.to_ascii_lowercase().as_str() {
            "basic" => Some(Self::Basic),
            "bearer" => Some(Self::Bearer {
                realm: parameter("realm")?,
                service: parameter("service"),
            }),
            _ => None,
        }
    }
}

/// What is asked of a realm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TokenRequest {
    /// With its query.
    pub(super) url: String,
    /// The header with name and password.
    pub(super) authorization: Option<HeaderValue>,
    /// What is posted; without it, it is a `GET`.
    pub(super) form: Option<String>,
}

impl TokenRequest {
    /// A token for this operation on a repository.
    pub(super) fn new(
        realm: &str,
        service: Option<&str>,
        credentials: &Credentials,
        repository: &str,
        operation: Operation,
    ) -> Self {
        let actions = match operation {
            Operation::Pull => "pull",
            Operation::Push => "pull,push",
        };
        let scope = format!("repository:{repository}:{actions}");
        let mut fields = vec![("scope", scope.as_str())];
        fields.extend(service.map(|service| ("service", service)));
        if let Credentials::Identity(token) = credentials {
            fields.extend([
                ("grant_type", "refresh_token"),
                ("client_id", "mesh-filters"),
                ("refresh_token", token),
            ]);
            return Self {
                url: realm.to_owned(),
                authorization: None,
                form: Some(encode(&fields)),
            };
        }
        let join = if realm.contains('?') { '&' } else { '?' };
        Self {
            url: format!("{realm}{join}{}", encode(&fields)),
            authorization: basic(credentials),
            form: None,
        }
    }
}

/// The header with name and password; none where there are none.
pub(super) fn basic(credentials: &Credentials) -> Option<HeaderValue> {
    let Credentials::Password { user, password } = credentials else {
        return None;
    };
    secret(format!(
        "Basic {}",
        STANDARD.encode(format!("{user}:{password}"))
    ))
}

/// The header with the token of a realm's answer; none where the answer is no such thing.
pub(super) fn bearer(answer: &[u8]) -> Option<HeaderValue> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let text = |name: &str| {
        answer
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let token = text("token").or_else(|| text("access_token"))?;
    secret(format!("Bearer {token}"))
}

fn secret(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `application/x-www-form-urlencoded`.
fn encode(fields: &[(&str, &str)]) -> String {
    let pairs = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenge(values: &[&str]) -> Option<Challenge> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::WWW_AUTHENTICATE, value.parse().unwrap());
        }
        Challenge::of(&headers)
    }

    fn password() -> Credentials {
        Credentials::Password {
            user: "me".to_owned(),
            password: "p".to_owned(),
        }
    }

    #[test]
    fn what_a_401_asks_for_is_read() {
        let hub = r#"Bearer realm="https://auth.example/token",service="r.example",scope="a:pull""#;
        let bearer = Challenge::Bearer {
            realm: "https://auth.example/token".to_owned(),
            service: Some("r.example".to_owned()),
        };
        assert_eq!(challenge(&[hub]), Some(bearer.clone()));
        assert_eq!(challenge(&[r#"Basic realm="r""#]), Some(Challenge::Basic));
        assert_eq!(challenge(&[r#"Basic realm="r""#, hub]), Some(bearer));
        for other in [
            "",
            "Negotiate",
            r#"Bearer service="no realm""#,
            r#"Bearer realm="cut"#,
        ] {
            assert_eq!(challenge(&[other]), None, "{other}");
        }
    }

    #[test]
    fn a_token_is_asked_for_one_repository() {
        let new = |realm, credentials| {
            TokenRequest::new(realm, Some("a b&c"), credentials, "x/y", Operation::Push)
        };
        let asked = new("https://auth.example/token", &Credentials::Anonymous);
        assert_eq!(
            asked.url,
            "https://auth.example/token?scope=repository:x/y:pull,push&service=a%20b%26c"
        );
        assert_eq!((asked.authorization, asked.form), (None, None));
        let password = password();
        let asked = new("https://auth.example/token?a=b", &password);
        assert_eq!(
            asked.url,
            "https://auth.example/token?a=b&scope=repository:x/y:pull,push&service=a%20b%26c"
        );
        assert_eq!(asked.authorization.unwrap(), "Basic bWU6cA==");
        let identity = Credentials::Identity("t=".to_owned());
        let asked = new("https://auth.example/token", &identity);
        assert_eq!(
            (asked.url.as_str(), asked.authorization),
            ("https://auth.example/token", None)
        );
        assert!(
            asked
                .form
                .unwrap()
                .ends_with("&grant_type=refresh_token&client_id=mesh-filters&refresh_token=t%3D")
        );
    }

    #[test]
    fn a_token_is_read_under_both_its_names_and_kept_out_of_debug() {
        let value = bearer(br#"{"token": "t", "access_token": "u"}"#).unwrap();
        assert_eq!(value, "Bearer t");
        assert_eq!(format!("{value:?}"), "Sensitive");
        assert_eq!(bearer(br#"{"access_token": "u"}"#).unwrap(), "Bearer u");
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"token": 1}"#,
            r#"{"token": ""}"#,
            r#"{"token": "a\nb"}"#,
        ] {
            assert_eq!(bearer(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
