//! The key in an X.509 certificate (RFC 5280 §4.1), as some issuers publish theirs: as `x5c`, or a
//! mapping of names to PEM. Who signed the certificate is not asked, nor what it may be used for:
//! the server of the key set vouches for it, as for any other key.

use sdk_helpers::Timestamp;
use sdk_helpers::config::timestamp;

use super::der::{Der, tag};
use super::key::{Curve, Key};
use crate::base64;

/// How a certificate in PEM begins.
pub(super) const PEM: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";

/// A certificate, as far as anybody here wants to know.
#[derive(Debug)]
pub struct Certificate {
    /// What verifies.
    pub key: Key,
    /// When it ends; none where that cannot be read, for it changes nothing.
    pub not_after: Option<Timestamp>,
}

impl Certificate {
    /// Reads the text of one element of `x5c`: base64 of DER (RFC 7517 §4.7).
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn from_base64(text: &str) -> Result<Self, String> {
        let der = base64::decode_standard(text.as_bytes());
        Self::from_der(&der.ok_or("a certificate that is no base64")?)
    }

    /// Reads PEM (RFC 7468). Of several certificates, the first.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn from_pem(text: &str) -> Result<Self, String> {
        let body = text
            .split_once(PEM)
            .and_then(|(_, rest)| rest.split_once(PEM_END))
            .map(|(body, _)| body);
        Self::from_base64(body.ok_or("a certificate in PEM without its end")?)
    }

    /// Reads DER.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn from_der(der: &[u8]) -> Result<Self, String> {
        let (mut validity, key) = parts(der).ok_or("a certificate that cannot be read")?;
        Ok(Certificate {
            key: public_key(key)?,
            not_after: validity
                .any()
                .and_then(|_| validity.any())
                .and_then(|(kind, text)| time(kind, text)),
        })
    }
}

/// Its validity, and its `SubjectPublicKeyInfo`.
fn parts(der: &[u8]) -> Option<(Der<'_>, Der<'_>)> {
    let mut outer = Der(der);
    let mut certificate = outer.sequence().filter(|_| outer.is_empty())?;
    let mut tbs = certificate.sequence()?;
    let mut version = tbs;
    if version.value(tag::CONTEXT_0).is_some() {
        tbs = version;
    }
    let _serial = tbs.value(tag::INTEGER)?;
    let _signature = tbs.sequence()?;
    let _issuer = tbs.sequence()?;
    let validity = tbs.sequence()?;
    let _subject = tbs.sequence()?;
    Some((validity, tbs.sequence()?))
}

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

fn public_key(info: Der<'_>) -> Result<Key, String> {
    let PublicKey { kind, curve, bits } =
        PublicKey::read(info).ok_or("a certificate whose key cannot be read")?;
    match (kind, curve) {
        (RSA, _) => {
            let mut numbers = Der(bits).sequence();
            let mut number = || numbers.as_mut().and_then(Der::number);
            match (number(), number()) {
                (Some(n), Some(e)) => Key::rsa(n, e),
                _ => Err("a certificate whose RSA key cannot be read".to_owned()),
            }
        }
        (EC, Some(P256)) => Key::ec(Curve::P256, bits),
        (EC, Some(P384)) => Key::ec(Curve::P384, bits),
        (EC, Some(P521)) => Key::ec(Curve::P521, bits),
        (ED25519, _) => Key::ed25519(bits),
        _ => Err(
            "a certificate whose key is none of RSA, P-256, P-384, P-521 and Ed25519".to_owned(),
        ),
    }
}

/// A `SubjectPublicKeyInfo`, as it stands there.
struct PublicKey<'a> {
    kind: &'a [u8],
    curve: Option<&'a [u8]>,
    bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    fn read(mut info: Der<'a>) -> Option<Self> {
        let mut algorithm = info.sequence()?;
        Some(PublicKey {
            kind: algorithm.value(tag::OBJECT_IDENTIFIER)?,
            curve: algorithm.value(tag::OBJECT_IDENTIFIER),
            bits: info.bits()?,
        })
    }
}

/// `YYMMDDhhmmssZ` until 2049, `YYYYMMDDhhmmssZ` from then on (RFC 5280 §4.1.2.5).
fn time(kind: u8, text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    let (century, text) = match kind {
        tag::UTC_TIME if text < "50" => ("20", text),
        tag::UTC_TIME => ("19", text),
        tag::GENERALIZED_TIME => text.split_at_checked(2)?,
        _ => return None,
    };
    let mut rest = text;
    let mut two = || {
        let (digits, after) = rest.split_at_checked(2)?;
        rest = after;
        Some(digits)
    };
    let (year, month, day) = (two()?, two()?, two()?);
    let (hour, minute, second) = (two()?, two()?, two()?);
    timestamp(&format!(
        "{century}{year}-{month}-{day}T{hour}:{minute}:{second}Z"
    ))
    .ok()
    .filter(|_| rest == "Z")
}

#[cfg(test)]
mod tests;
