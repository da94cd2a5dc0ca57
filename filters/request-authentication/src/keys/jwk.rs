//! One JSON Web Key (RFC 7517, RFC 7518 §6, RFC 8037 §2), checked and made ready to verify with.

use ed25519_compact::PublicKey as Ed25519;
use p256::ecdsa::VerifyingKey as P256;
use p384::ecdsa::VerifyingKey as P384;
use p521::ecdsa::VerifyingKey as P521;
use rsa::{BoxedUint, RsaPublicKey};
use sdk_helpers::Timestamp;
use serde_json::{Map, Value};

use super::certificate::Certificate;
use super::verify::{self, RSA_BITS};
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

/// What verifies. Its kind alone says what it is good for, whatever a token's header asks.
#[derive(Debug)]
pub enum Key {
    /// RS* and PS*.
    Rsa(Box<Rsa>),
    /// ES256.
    P256 {
        /// For where the host does not verify.
        key: P256,
        /// For where it does.
        spki: Vec<u8>,
    },
    /// ES384.
    P384 {
        /// As above.
        key: P384,
        /// As above.
        spki: Vec<u8>,
    },
    /// ES512.
    P521(Box<P521>),
    /// EdDSA.
    Ed25519(Ed25519),
    /// HS*.
    Secret(Vec<u8>),
}

/// An RSA key in both forms.
#[derive(Debug)]
pub struct Rsa {
    /// For where the host does not verify.
    pub key: RsaPublicKey,
    /// For where it does.
    pub spki: Vec<u8>,
    /// The length of the modulus, and of every signature, in bytes.
    pub size: usize,
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

impl Key {
    /// Whether this kind of key verifies this algorithm. The curve and the hash of ECDSA belong
    /// together (RFC 7518 §3.4), and a secret is no shorter than its hash (§3.2).
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        match (self, algorithm) {
            (Key::Rsa(_), Algorithm::Rs(_) | Algorithm::Ps(_))
            | (Key::P256 { .. }, Algorithm::Es(Hash::Sha256))
            | (Key::P384 { .. }, Algorithm::Es(Hash::Sha384))
            | (Key::P521(_), Algorithm::Es(Hash::Sha512))
            | (Key::Ed25519(_), Algorithm::EdDsa) => true,
            (Key::Secret(secret), Algorithm::Hs(hash)) => secret.len() >= hash.size(),
            _ => false,
        }
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
    rsa_key(&number(members, "n")?, &number(members, "e")?)
}

/// From numbers without zeros before them.
pub(super) fn rsa_key(n: &[u8], e: &[u8]) -> Result<Key, String> {
    let bits = n
        .len()
        .saturating_mul(8)
        .saturating_sub(n.first().map_or(0, |first| first.leading_zeros() as usize));
    if !RSA_BITS.contains(&bits) {
        return Err(format!(
            "an RSA key of {bits} bits; {} to {} can be used",
            RSA_BITS.start(),
            RSA_BITS.end()
        ));
    }
    if e != [3] && e != [1, 0, 1] {
        return Err("`e` is neither 3 nor 65537".to_owned());
    }
    let key = RsaPublicKey::new(
        BoxedUint::from_be_slice_vartime(n),
        BoxedUint::from_be_slice_vartime(e),
    )
    .map_err(|_| "`n` is no modulus of RSA".to_owned())?;
    Ok(Key::Rsa(Box::new(Rsa {
        key,
        spki: verify::rsa_spki(n, e),
        size: n.len(),
    })))
}

/// A curve of ECDSA.
#[derive(Debug, Clone, Copy)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// The bytes of a coordinate.
    fn size(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }
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
    // The uncompressed point of SEC 1 §2.3.3.
    let mut point = vec![4];
    for name in ["x", "y"] {
        let number = number(members, name)?;
        let Some(zeros) = usize::checked_sub(size, number.len()) else {
            return Err(format!("`{name}` is longer than its curve's {size} bytes"));
        };
        point.resize(point.len().saturating_add(zeros), 0);
        point.extend(number);
    }
    ec_key(curve, &point)
}

/// From an uncompressed point.
pub(super) fn ec_key(curve: Curve, point: &[u8]) -> Result<Key, String> {
    let whole = point.len() == curve.size().saturating_mul(2).saturating_add(1);
    let key = match curve {
        _ if !whole => None,
        Curve::P256 => P256::from_sec1_bytes(point).ok().map(|key| Key::P256 {
            key,
            spki: verify::p256_spki(point),
        }),
        Curve::P384 => P384::from_sec1_bytes(point).ok().map(|key| Key::P384 {
            key,
            spki: verify::p384_spki(point),
        }),
        Curve::P521 => P521::from_sec1_bytes(point)
            .ok()
            .map(|key| Key::P521(Box::new(key))),
    };
    key.ok_or_else(|| "`x` and `y` are no point of the curve".to_owned())
}

fn okp(members: &Members) -> Result<Key, String> {
    if members.get("crv").and_then(Value::as_str) != Some("Ed25519") {
        return Err("`crv` is not `Ed25519`".to_owned());
    }
    ed25519_key(&bytes(members, "x")?)
}

pub(super) fn ed25519_key(x: &[u8]) -> Result<Key, String> {
    let x = <[u8; 32]>::try_from(x).map_err(|_| "`x` is not 32 bytes long".to_owned())?;
    Ok(Key::Ed25519(Ed25519::new(x)))
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
