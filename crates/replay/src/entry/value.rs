//! Values as Envoy's `json_format` writes them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

/// A text, borrowed from the line where nothing in it is escaped.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

/// What a line says in one place.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// There is no such field.
    #[default]
    Absent,
    /// The request has nothing of the kind: `null` or `-`.
    Nothing,
    /// The request has it.
    Text(Cow<'a, str>),
}

impl Value<'_> {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            Value::Absent | Value::Nothing => None,
        }
    }

    pub(crate) fn is_absent(&self) -> bool {
        *self == Value::Absent
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        match text.as_ref() {
            "" | "-" => Value::Nothing,
            _ => Value::Text(text),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Any)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Value<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
                Ok(Cow::Borrowed(text).into())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
                Ok(Cow::<str>::Owned(text.to_owned()).into())
            }

            fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
                Ok(Value::Nothing)
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Value<'de>, E> {
                Ok(Value::Text(value.to_string().into()))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Value<'de>, E> {
                Ok(Value::Text(value.to_string().into()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Value<'de>, E> {
                Ok(Value::Text(value.to_string().into()))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Value<'de>, E> {
                Ok(Value::Text(value.to_string().into()))
            }

            // What Envoy never writes there says nothing.
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Value::Absent)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value<'de>, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Value::Absent)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// Headers by their names; anything else in their place says nothing.
pub(crate) struct Headers<'a>(pub(crate) Vec<(Cow<'a, str>, Value<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Headers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Headers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers<'de>, A::Error> {
                let mut headers = Vec::new();
                while let Some(Text(name)) = map.next_key()? {
                    headers.push((name, map.next_value()?));
                }
                Ok(Headers(headers))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

/// What a line says of a token that was verified.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) enum Claimed {
    /// There is no such field, or nothing that could be claims.
    #[default]
    Absent,
    /// There was no such token.
    Nothing,
    /// Its claims.
    Claims(Json),
}

/// Where Envoy's `jwt_authn` keeps claims, as istiod sets it up.
const PAYLOAD: &str = "payload";

impl<'de> Deserialize<'de> for Claimed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(claimed(Json::deserialize(deserializer)?))
    }
}

fn claimed(value: Json) -> Claimed {
    match value {
        Json::Null => Claimed::Nothing,
        Json::String(text) if matches!(text.as_str(), "" | "-") => Claimed::Nothing,
        Json::String(text) => match serde_json::from_str(&text) {
            Ok(Json::Object(claims)) => claimed(Json::Object(claims)),
            _ => Claimed::Absent,
        },
        Json::Object(mut claims) => match claims.get_mut(PAYLOAD).map(Json::take) {
            Some(payload @ Json::Object(_)) if claims.len() == 1 => Claimed::Claims(payload),
            Some(payload) => {
                claims.insert(PAYLOAD.to_owned(), payload);
                Claimed::Claims(Json::Object(claims))
            }
            None => Claimed::Claims(Json::Object(claims)),
        },
        _ => Claimed::Absent,
    }
}
