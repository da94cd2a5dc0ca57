//! What a file writes as text and a case has as a value.

use std::collections::BTreeMap;
use std::time::Duration;

use sdk_helpers::{Timestamp, config};
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;

/// A duration as configurations write it.
pub(crate) fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    read(from, config::duration)
}

/// A time as configurations write it.
pub(crate) fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    read(from, config::timestamp)
}

fn read<'de, D: Deserializer<'de>, T>(
    from: D,
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error> {
    let written: Option<String> = Option::deserialize(from)?;
    let value = written.map(|text| parse(&text)).transpose();
    value.map_err(Error::custom)
}

/// Attributes by path, text or numbers, as Envoy encodes them.
pub(crate) fn attributes<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<Vec<String>, Vec<u8>>, D::Error> {
    let written: BTreeMap<String, Value> = BTreeMap::deserialize(from)?;
    let attributes = written.into_iter().map(|(path, value)| {
        let bytes = encoded(&value).ok_or_else(|| {
            let problem = format!("`{path}`: `{value}` is neither text nor a whole number");
            Error::custom(problem)
        })?;
        Ok((path.split('/').map(str::to_owned).collect(), bytes))
    });
    attributes.collect()
}

fn encoded(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Number(number) => Some(number.as_i64()?.to_le_bytes().to_vec()),
        _ => None,
    }
}

/// The bytes of a text in which `\xff` stands for one.
pub(crate) fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        let two = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = two.then(|| u8::from_str_radix(digits, 16).ok()).flatten();
        bytes.push(byte.ok_or_else(|| format!("`\\x{digits}` in `{text}` is no byte"))?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_byte_can_be_written() {
        assert_eq!(unescaped(r"a\xffb\x00").unwrap(), b"a\xffb\x00");
        assert_eq!(unescaped("").unwrap(), b"");
        for text in [r"\x", r"\xf", r"\xfg", r"\x+f", r"\xä"] {
            assert!(
                unescaped(text).unwrap_err().ends_with("is no byte"),
                "{text}"
            );
        }
    }
}
