//! What comes of a verified token, made once and kept with it: the claims for later filters and the
//! headers for the upstream.

use std::rc::Rc;

use sdk_helpers::HeaderEdit;
use sdk_helpers::claims::Claims;
use serde_json::{Map, Number, Value};

use crate::base64;
use crate::config::ClaimHeader;

/// All that a verified token leads to.
#[derive(Debug)]
pub struct Verified {
    /// Its claims.
    pub claims: Rc<Claims>,
    /// Headers to add, in order.
    pub headers: Vec<HeaderEdit>,
    /// Whether a claim was left out because no header can carry it.
    pub unsafe_claim: bool,
}

impl Verified {
    /// From the payload of a token, as text and read.
    pub fn new(
        payload: &[u8],
        mut claims: Map<String, Value>,
        payload_header: Option<&String>,
        claim_headers: &[ClaimHeader],
        space_delimited: &[String],
    ) -> Self {
        let mut headers = Vec::new();
        let mut unsafe_claim = false;
        if let Some(name) = payload_header {
            headers.push(HeaderEdit::Add(name.clone().into(), payload.to_vec()));
        }
        for wanted in claim_headers {
            let Some(value) = at(&claims, &wanted.claim).and_then(header_value) else {
                continue;
            };
            if value.iter().all(|byte| is_legal(*byte)) {
                headers.push(HeaderEdit::Add(wanted.header.clone().into(), value));
            } else {
                unsafe_claim = true;
            }
        }
        for name in space_delimited {
            if let Some(value) = claims.get_mut(name) {
                split(value);
            }
        }
        Verified {
            claims: Rc::new(Claims::new(Value::Object(claims))),
            headers,
            unsafe_claim,
        }
    }
}

fn at<'a>(claims: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(claims.get(first)?, |value, name| value.get(name))
}

/// As Envoy writes a claim into a header.
fn header_value(claim: &Value) -> Option<Vec<u8>> {
    match claim {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Bool(flag) => Some(flag.to_string().into_bytes()),
        Value::Number(number) => Some(number_text(number).into_bytes()),
        Value::Array(_) | Value::Object(_) => Some(base64::encode(claim.to_string().as_bytes())),
    }
}

/// Digits for a whole number that is not negative, six decimals for any other.
fn number_text(number: &Number) -> String {
    /// 2^64.
    const END: f64 = 18_446_744_073_709_551_616.0;
    let value = number.as_f64().unwrap_or_default();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole and in range by the condition"
    )]
    match number.as_u64() {
        Some(whole) => whole.to_string(),
        None if (0.0..END).contains(&value) && value.fract() == 0.0 => (value as u64).to_string(),
        None => format!("{value:.6}"),
    }
}

/// What Envoy lets into a header: it answers 503 to the rest.
fn is_legal(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// Turns a text of words into their list. A text without any stays a text.
fn split(value: &mut Value) {
    if let Value::String(text) = value {
        let words: Vec<Value> = text
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(Value::from)
            .collect();
        if !words.is_empty() {
            *value = Value::Array(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(tree: Value) -> Map<String, Value> {
        let Value::Object(claims) = tree else {
            panic!("claims are a mapping")
        };
        claims
    }

    fn header_of(claim: Value) -> Option<String> {
        header_value(&claim).map(|value| String::from_utf8(value).unwrap())
    }

    #[test]
    fn a_claim_becomes_a_header_as_in_envoy() {
        for (claim, header) in [
            (json!("x y"), Some("x y")),
            (json!(""), None),
            (json!(null), None),
            (json!(true), Some("true")),
            (json!(false), Some("false")),
            (json!(0), Some("0")),
            (json!(42), Some("42")),
            (
                json!(18_446_744_073_709_551_615_u64),
                Some("18446744073709551615"),
            ),
            (json!(-1), Some("-1.000000")),
            (json!(1.5), Some("1.500000")),
            (json!(["a", 1]), Some("WyJhIiwxXQ==")),
            (json!({"a": {"b": null}}), Some("eyJhIjp7ImIiOm51bGx9fQ==")),
        ] {
            assert_eq!(header_of(claim.clone()).as_deref(), header, "{claim}");
        }
    }

    #[test]
    fn headers_come_in_the_order_of_the_configuration() {
        let to = |header: &str, claim: &[&str]| ClaimHeader {
            header: header.to_owned(),
            claim: claim.iter().map(|name| (*name).to_owned()).collect(),
        };
        let verified = Verified::new(
            b"cGF5bG9hZA",
            claims(
                json!({"sub": "jason", "a": {"b": "c"}, "a.b": "d", "evil": "a\r\nx: y", "del": "\u{7f}"}),
            ),
            Some(&"x-payload".to_owned()),
            &[
                to("x-nested", &["a", "b"]),
                to("x-sub", &["sub"]),
                to("x-dotted", &["a.b"]),
                to("x-none", &["a", "c"]),
                to("x-evil", &["evil"]),
                to("x-del", &["del"]),
            ],
            &[],
        );
        let add = |name: &str, value: &str| HeaderEdit::Add(name.to_owned().into(), value.into());
        assert_eq!(
            verified.headers,
            [
                add("x-payload", "cGF5bG9hZA"),
                add("x-nested", "c"),
                add("x-sub", "jason"),
                add("x-dotted", "d"),
            ]
        );
        assert!(verified.unsafe_claim);
    }

    #[test]
    fn words_become_a_list_for_later_filters_and_not_in_headers() {
        let scope = ClaimHeader {
            header: "x-scope".to_owned(),
            claim: vec!["scope".to_owned()],
        };
        let names = ["scope", "blank", "n", "absent"].map(str::to_owned);
        let verified = Verified::new(
            b"",
            claims(json!({"scope": " read  write ", "blank": " ", "n": 1, "other": "a b"})),
            None,
            &[scope],
            &names,
        );
        assert_eq!(
            serde_json::from_slice::<Value>(verified.claims.json()).unwrap(),
            json!({"scope": ["read", "write"], "blank": " ", "n": 1, "other": "a b"})
        );
        assert_eq!(
            verified.headers,
            [HeaderEdit::Add("x-scope".into(), b" read  write ".to_vec())]
        );
    }
}
