//! A request as a line of JSON has it.

mod faults;

use std::net::IpAddr;

use sdk_helpers::{Roll, Timestamp, config};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A request, and the world it meets.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    /// The method; `GET` where it is left out.
    pub method: Option<String>,
    /// `http://host[:port]/path?query`, taken byte for byte. It must be there.
    pub url: String,
    /// Headers in order; nothing is added to them.
    pub headers: HeaderList,
    /// The one URI SAN of the client's certificate; none is plaintext.
    pub peer: Option<String>,
    /// Claims that count as verified.
    pub claims: Option<Value>,
    /// A token, sent as `authorization: Bearer …`, to be verified.
    pub jwt: Option<String>,
    /// The address of the direct peer, and of the client.
    pub from_ip: Option<String>,
    /// The port that the request comes to, in place of the URL's.
    pub port: Option<u16>,
    /// When, as RFC 3339.
    pub at: Option<String>,
    /// The throw of the dice, 0 to 100.
    pub roll: Option<f64>,
}

/// Headers in the order they are written in.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeaderList(pub Vec<(String, Values)>);

/// One value, or several of a repeated header.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Sent once.
    One(String),
    /// Sent once each.
    Several(Vec<String>),
}

impl Values {
    /// Each of them.
    #[must_use]
    pub fn all(&self) -> &[String] {
        match self {
            Values::One(value) => std::slice::from_ref(value),
            Values::Several(values) => values,
        }
    }
}

// By hand: what serde derives for either of two keeps a copy of everything until it knows which.
impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrList;

        impl<'de> Visitor<'de> for TextOrList {
            type Value = Values;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("text, or a list of texts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Values, E> {
                Ok(Values::One(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Values, E> {
                Ok(Values::One(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = list.next_element()? {
                    values.push(value);
                }
                Ok(Values::Several(values))
            }
        }

        deserializer.deserialize_any(TextOrList)
    }
}

impl<'de> Deserialize<'de> for HeaderList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = HeaderList;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a mapping of headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HeaderList, A::Error> {
                let mut headers = Vec::new();
                while let Some(header) = map.next_entry()? {
                    headers.push(header);
                }
                Ok(HeaderList(headers))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it, by the name of the field. Nothing of the line is quoted: it may hold a token.
    pub fn parse(text: &str) -> Result<Self, String> {
        // What the parser says quotes what it read, so what is wrong is looked for anew.
        serde_json::from_str(text).map_err(|error| faults::of(text, &error))
    }
}

/// A time as a line or an option writes it.
///
/// # Errors
/// What a time looks like.
pub fn time(text: &str) -> Result<Timestamp, String> {
    config::timestamp(text)
        .map_err(|_| "is no time such as `2026-11-21T10:00:00Z`, as RFC 3339 writes it".to_owned())
}

/// The throw of the dice: a percentage of it or more is hit, which is below it or the same.
///
/// # Errors
/// What a roll looks like.
pub fn roll(percent: f64) -> Result<Roll, String> {
    if !(0.0..=100.0).contains(&percent) {
        return Err("is no roll between 0 and 100".to_owned());
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and a million"
    )]
    let millionths = (percent * f64::from(Roll::SIDES) / 100.0).round() as u64;
    Ok(Roll::new(millionths.min(u64::from(Roll::SIDES) - 1)))
}

/// An address as a line or an option writes it.
///
/// # Errors
/// What an address looks like.
pub fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| "is no address such as `203.0.113.7` or `2001:db8::1`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_field_is_read() {
        let text = r#"{"method":"POST","url":"http://a/","headers":{"x-b":"1","x-a":["2","3"]},
            "peer":"spiffe://a","claims":{"sub":"a"},"jwt":"t","fromIp":"::1","port":81,
            "at":"2026-11-21T10:00:00Z","roll":2.5}"#;
        let line = Line::parse(text).unwrap();
        let expected = Line {
            method: Some("POST".into()),
            url: "http://a/".into(),
            headers: HeaderList(vec![
                ("x-b".into(), Values::One("1".into())),
                ("x-a".into(), Values::Several(vec!["2".into(), "3".into()])),
            ]),
            peer: Some("spiffe://a".into()),
            claims: Some(json!({"sub": "a"})),
            jwt: Some("t".into()),
            from_ip: Some("::1".into()),
            port: Some(81),
            at: Some("2026-11-21T10:00:00Z".into()),
            roll: Some(2.5),
        };
        assert_eq!(line, expected);
    }

    #[test]
    fn what_is_wrong_is_told_by_field_and_never_quoted() {
        for (text, problem) in [
            (
                r#"{"url":"http://a/","jwt":"secret""#,
                "is no JSON: it ends early",
            ),
            (r#"{"url":secret}"#, "is no JSON, at character 8"),
            (
                r#""secret""#,
                "is no mapping such as `{\"url\": \"http://shop.example/\"}`",
            ),
            (r#"{"url":["secret"]}"#, "`url` must be text"),
            (r#"{"jwt":{"secret":1}}"#, "`jwt` must be text"),
            (
                r#"{"headers":{"x-a":{"secret":1}}}"#,
                "`headers`: a value must be text, or a list of texts",
            ),
            (r#"{"headers":["secret"]}"#, "`headers` must be a mapping"),
            (
                r#"{"port":"secret"}"#,
                "`port` must be a whole number between 0 and 65535",
            ),
            (r#"{"roll":"secret"}"#, "`roll` must be a number"),
            (
                r#"{"secret":1}"#,
                "has a field that no request has; there are `method`, `url`, `headers`, `peer`, `claims`, `jwt`, `fromIp`, `port`, `at`, `roll`",
            ),
            (r#"{"url":"http://a/","url":"secret"}"#, "has a field twice"),
        ] {
            assert_eq!(Line::parse(text).unwrap_err(), problem, "{text}");
        }
    }

    #[test]
    fn a_roll_is_a_share_of_a_million() {
        let value = |percent: f64| roll(percent).map(Roll::value);
        assert_eq!(value(0.0), Ok(0));
        assert_eq!(value(2.5), Ok(25_000));
        // A hundred is not below any percentage.
        assert_eq!(value(100.0), Ok(999_999));
        for percent in [-1.0, 100.1, f64::NAN] {
            assert!(value(percent).is_err(), "{percent}");
        }
    }
}
