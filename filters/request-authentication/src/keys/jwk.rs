//! One JSON Web Key (RFC 7517, RFC 7518 §6, RFC 8037 §2), checked and made ready to verify with.

use sdk_helpers::Timestamp;
use serde_json::{Map, Value};

use super::certificate::Certificate;
use super::key::{Curve, Key, RSA_BITS, bits};
use crate::algorithm::{Algorithm, Hash};
use crate::base64::decode_member;

/// A key and what it says of itself.
#[derive(Debug)]
pub struct Jwk {
    /// `kid`, where it is a text that is not empty.
    pub kid: Option<Box<str>>,
    /// `alg`, where it is a text that is not empty.
    pub alg: Option<Box<str>>,
    /// What verifies.
    pub key: Key,
    /// When the certificate it came in ends, if it came in one.
    pub not_after: Option<Timestamp>,
}

impl Jwk {
    /// Reads one element of `keys`.
    ///
    /// # Errors
    /// Why it cannot be used, in a few words that name the member.
    pub fn read(value: &Value) -> Result<Self, String> {
        let Value::Object(members) = value else {
            return Err("is no mapping".to_owned());
        };
        let text = |name: &str| {
            let text = members.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty())
        };
        let alg = text("alg");
        let mut not_after = None;
        let key = match members.get("kty") {
            Some(Value::String(kty)) => match kty.as_str() {
                kty if is_certificate(members) => {
                    let certificate = certified(members, kty, alg)?;
                    not_after = certificate.not_after;
                    certificate.key
                }
                "RSA" => rsa(members, alg)?,
                "EC" => ec(members, alg)?,
                "OKP" => okp(members)?,
                "oct" => secret(members, alg)?,
                _ => return Err("`kty` is none of `RSA`, `EC`, `OKP`, `oct`".to_owned()),
            },
            Some(_) => return Err("`kty` is no text".to_owned()),
            None => return Err("has no `kty`".to_owned()),
        };
        Ok(Jwk {
            kid: text("kid").map(Into::into),
            alg: alg.map(Into::into),
            key,
            not_after,
        })
    }

    /// Whether an element of `keys` is an RSA key that is too short or too long to be taken here.
    pub fn has_other_size(value: &Value) -> bool {
        let modulus = value.as_object().and_then(|key| number(key, "n").ok());
        let is_rsa = value.get("kty").and_then(Value::as_str) == Some("RSA");
        is_rsa && modulus.is_some_and(|n| !RSA_BITS.contains(&bits(&n)))
    }

    /// A key that only has a certificate and a name.
    pub(super) fn certified(kid: &str, certificate: Certificate) -> Self {
        Jwk {
            kid: Some(kid.into()),
            alg: None,
            key: certificate.key,
            not_after: certificate.not_after,
        }
    }

    /// Whether an element of `keys` holds a secret that has no business in a set of public keys.
    pub fn is_private(value: &Value) -> bool {
        value.get("d").is_some() || value.get("k").is_some()
    }
}

type Members = Map<String, Value>;

fn bytes(members: &Members, name: &str) -> Result<Vec<u8>, String> {
    match members.get(name) {
        Some(Value::String(text)) => {
            decode_member(text).ok_or_else(|| format!("`{name}` is no base64url"))
        }
        Some(_) => Err(format!("`{name}` is no text")),
        None => Err(format!("has no `{name}`")),
    }
}

/// A number without the zeros before it.
fn number(members: &Members, name: &str) -> Result<Vec<u8>, String> {
    let mut number = bytes(members, name)?;
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.drain(..zeros);
    Ok(number)
}

/// Whether the key is nowhere but in its certificate.
fn is_certificate(members: &Members) -> bool {
    let has = |name: &str| members.contains_key(name);
    has("x5c") && !["n", "e", "x", "y", "k"].into_iter().any(has)
}

/// The key in `x5c`, whose first certificate is the one that counts (RFC 7517 §4.7).
fn certified(members: &Members, kty: &str, alg: Option<&str>) -> Result<Certificate, String> {
    let first = members.get("x5c").and_then(|chain| chain.get(0));
    let text = first
        .and_then(Value::as_str)
        .ok_or("`x5c` is no list of texts")?;
    let certificate =
        Certificate::from_base64(text).map_err(|problem| format!("`x5c` is {problem}"))?;
    let key = &certificate.key;
    let same = match key {
        Key::Rsa(_) => kty == "RSA",
        Key::P256 { .. } | Key::P384 { .. } | Key::P521(_) => kty == "EC",
        Key::Ed25519(_) => kty == "OKP",
        Key::Secret(_) => false,
    };
    if !same {
        return Err("`kty` is not that of its certificate".to_owned());
    }
    let fits = |alg| Algorithm::named(alg).is_some_and(|algorithm| key.fits(algorithm));
    if alg.is_some_and(|alg| !fits(alg)) {
        return Err("`alg` is none that the key in its certificate signs with".to_owned());
    }
    Ok(certificate)
}

fn rsa(members: &Members, alg: Option<&str>) -> Result<Key, String> {
    if alg.is_some_and(|alg| !alg.starts_with("RS") && !alg.starts_with("PS")) {
        return Err("`alg` is none that an RSA key signs with".to_owned());
    }
    Key::rsa(&number(members, "n")?, &number(members, "e")?)
}

fn ec(members: &Members, alg: Option<&str>) -> Result<Key, String> {
    let of_alg = match alg {
        None => None,
        Some("ES256") => Some("P-256"),
        Some("ES384") => Some("P-384"),
        Some("ES512") => Some("P-521"),
        Some(_) => return Err("`alg` is none that an EC key signs with".to_owned()),
    };
    let crv = match (members.get("crv"), of_alg) {
        (Some(Value::String(crv)), of_alg) if of_alg.is_none_or(|of_alg| of_alg == crv) => crv,
        (Some(Value::String(_)), _) => return Err("`crv` and `alg` do not agree".to_owned()),
        (Some(_), _) => return Err("`crv` is no text".to_owned()),
        (None, Some(crv)) => crv,
        (None, None) => "P-256",
    };
    let curve = match crv {
        "P-256" => Curve::P256,
        "P-384" => Curve::P384,
        "P-521" => Curve::P521,
        _ => return Err("`crv` is none of `P-256`, `P-384`, `P-521`".to_owned()),
    };
    let size = curve.size();
    // Uncompressed.
    let mut point = vec![4];
    for name in ["x", "y"] {
        let number = number(members, name)?;
        let Some(zeros) = usize::checked_sub(size, number.len()) else {
            return Err(format!("`{name}` is longer than its curve's {size} bytes"));
        };
        point.resize(point.len().saturating_add(zeros), 0);
        point.extend(number);
    }
    Key::ec(curve, &point)
}

fn okp(members: &Members) -> Result<Key, String> {
    if members.get("crv").and_then(Value::as_str) != Some("Ed25519") {
        return Err("`crv` is not `Ed25519`".to_owned());
    }
    Key::ed25519(&bytes(members, "x")?)
}

fn secret(members: &Members, alg: Option<&str>) -> Result<Key, String> {
    let secret = bytes(members, "k")?;
    let least = match alg.and_then(Algorithm::named) {
        Some(Algorithm::Hs(hash)) => hash.size(),
        _ => Hash::Sha256.size(),
    };
    if secret.len() < least {
        return Err(format!(
            "a secret of {} bytes; at least {least}, as long as its hash (RFC 7518 §3.2)",
            secret.len()
        ));
    }
    Ok(Key::Secret(secret))
}
