//! A token's text, read: RFC 7515 §7.1 and RFC 7519 §7.2, in the order of Envoy's `jwt_verify_lib`.
//!
//! What is cheap is asked first, and nothing is believed yet.

use sdk_helpers::config::json;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::audience;
use crate::base64::{decode, decode_padded};
use crate::rejection::{Rejection, TextClaim, TimeClaim};

/// Which tokens are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The bytes of the longest one that is looked at.
    pub longest: usize,
    /// Whether its parts may be padded.
    pub padded: bool,
}

/// A token that is well formed, and not yet verified.
#[derive(Debug)]
pub struct Token<'a> {
    /// `alg` as it stands there.
    pub alg: String,
    /// What it means.
    pub algorithm: Algorithm,
    /// `kid`, where it is not empty.
    pub kid: Option<String>,
    /// The payload.
    pub claims: Map<String, Value>,
    /// Seconds since the epoch; 0 where there is none.
    pub not_before: u64,
    /// Seconds since the epoch; 0 where there is none, which is for ever.
    pub expires: u64,
    /// What is signed.
    pub signed: &'a [u8],
    /// The payload as it stands there.
    pub payload: &'a [u8],
    /// The signature.
    pub signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn read(text: &'a [u8], shape: Shape) -> Result<Self, Rejection> {
        let decode = if shape.padded { decode_padded } else { decode };
        if text.len() > shape.longest {
            return Err(Rejection::TooLong);
        }
        let mut parts = text.split(|byte| *byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Rejection::Form);
        };
        if header.is_empty() || payload.is_empty() || signature.is_empty() {
            return Err(Rejection::Form);
        }
        let signed = text
            .get(..header.len().saturating_add(payload.len()).saturating_add(1))
            .unwrap_or_default();
        let (alg, algorithm, kid) = read_header(decode(header))?;
        let claims = mapping(
            decode(payload),
            Rejection::PayloadBase64,
            Rejection::PayloadJson,
        )?;
        check_text(&claims, "iss", TextClaim::Iss)?;
        check_text(&claims, "sub", TextClaim::Sub)?;
        let _issued_at = time(&claims, "iat", TimeClaim::Iat)?;
        let not_before = time(&claims, "nbf", TimeClaim::Nbf)?;
        let expires = time(&claims, "exp", TimeClaim::Exp)?;
        check_text(&claims, "jti", TextClaim::Jti)?;
        check_audiences(&claims)?;
        let signature = decode(signature).ok_or(Rejection::SignatureBase64)?;
        Ok(Token {
            alg,
            algorithm,
            kid,
            claims,
            not_before,
            expires,
            signed,
            payload,
            signature,
        })
    }

    /// `iss`; empty where there is none.
    pub fn issuer(&self) -> &str {
        self.claims
            .get("iss")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Whether `aud` has one of these, which are normalized.
    pub fn is_for(&self, audiences: &[String]) -> bool {
        let allowed = |audience: &str| {
            let audience = audience::normalized(audience);
            audiences.iter().any(|allowed| allowed == audience)
        };
        match self.claims.get("aud") {
            Some(Value::String(audience)) => allowed(audience),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(allowed),
            _ => false,
        }
    }
}

/// Whether a token counts at `now`, all in seconds since the epoch.
///
/// # Errors
/// Too early, or too late.
pub fn check_times(
    not_before: u64,
    expires: u64,
    now: u64,
    clock_skew: u64,
) -> Result<(), Rejection> {
    if now.saturating_add(clock_skew) < not_before {
        return Err(Rejection::NotYetValid);
    }
    if expires != 0 && now > expires.saturating_add(clock_skew) {
        return Err(Rejection::Expired);
    }
    Ok(())
}

fn read_header(bytes: Option<Vec<u8>>) -> Result<(String, Algorithm, Option<String>), Rejection> {
    let mut header = mapping(bytes, Rejection::HeaderBase64, Rejection::HeaderJson)?;
    let Some(Value::String(alg)) = header.remove("alg") else {
        return Err(Rejection::AlgMissing);
    };
    let algorithm = Algorithm::named(&alg).ok_or(Rejection::AlgUnknown)?;
    let kid = match header.remove("kid") {
        None => None,
        Some(Value::String(kid)) => Some(kid).filter(|kid| !kid.is_empty()),
        Some(_) => return Err(Rejection::Kid),
    };
    // RFC 7515 §4.1.11: who does not understand what it names must refuse the token, and here
    // nothing it could name is understood. Envoy does not look.
    if header.contains_key("crit") {
        return Err(Rejection::Critical);
    }
    Ok((alg, algorithm, kid))
}

fn mapping(
    bytes: Option<Vec<u8>>,
    base64: Rejection,
    no_json: Rejection,
) -> Result<Map<String, Value>, Rejection> {
    match json(&bytes.ok_or(base64)?) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(no_json),
    }
}

fn check_text(claims: &Map<String, Value>, name: &str, claim: TextClaim) -> Result<(), Rejection> {
    match claims.get(name) {
        None | Some(Value::String(_)) => Ok(()),
        Some(_) => Err(Rejection::Text(claim)),
    }
}

/// A NumericDate; Envoy takes it for a double and cuts off the fraction.
fn time(claims: &Map<String, Value>, name: &str, claim: TimeClaim) -> Result<u64, Rejection> {
    /// 2^64, the first that is too large.
    const END: f64 = 18_446_744_073_709_551_616.0;
    let seconds = match claims.get(name) {
        None => return Ok(0),
        Some(Value::Number(number)) => number.as_f64().unwrap_or(f64::INFINITY),
        Some(_) => return Err(Rejection::Time(claim)),
    };
    if !(0.0..END).contains(&seconds) {
        return Err(Rejection::TimeRange(claim));
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "just checked to fit"
    )]
    Ok(seconds as u64)
}

fn check_audiences(claims: &Map<String, Value>) -> Result<(), Rejection> {
    match claims.get("aud") {
        None | Some(Value::String(_)) => Ok(()),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => Ok(()),
        Some(_) => Err(Rejection::AudienceType),
    }
}

#[cfg(test)]
mod tests;
