//! What verifies a signature, whatever it was read from, and what makes a key too weak or too dear.

use std::ops::RangeInclusive;

use ed25519_compact::PublicKey as Ed25519;
use p256::ecdsa::VerifyingKey as P256;
use p384::ecdsa::VerifyingKey as P384;
use p521::ecdsa::VerifyingKey as P521;
use rsa::{BoxedUint, RsaPublicKey};

use super::encode;
use crate::algorithm::{Algorithm, Hash};

/// Moduli in bits: below 2048 a key is too weak (RFC 7518 §3.3), above 8192 each forged token would
/// cost too much.
pub(super) const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

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

/// The length of a number without zero bytes before it.
pub(super) fn bits(n: &[u8]) -> usize {
    let zeros = n.first().map_or(0, |first| first.leading_zeros() as usize);
    n.len().saturating_mul(8).saturating_sub(zeros)
}

impl Key {
    /// An RSA key, from numbers without zeros before them.
    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, String> {
        let bits = bits(n);
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
            spki: encode::rsa_spki(n, e),
            size: n.len(),
        })))
    }

    /// A key of ECDSA, from an uncompressed point (SEC 1 §2.3.3).
    pub(super) fn ec(curve: Curve, point: &[u8]) -> Result<Self, String> {
        let whole = point.len() == curve.size().saturating_mul(2).saturating_add(1);
        let key = match curve {
            _ if !whole => None,
            Curve::P256 => P256::from_sec1_bytes(point).ok().map(|key| Key::P256 {
                key,
                spki: encode::p256_spki(point),
            }),
            Curve::P384 => P384::from_sec1_bytes(point).ok().map(|key| Key::P384 {
                key,
                spki: encode::p384_spki(point),
            }),
            Curve::P521 => P521::from_sec1_bytes(point)
                .ok()
                .map(|key| Key::P521(Box::new(key))),
        };
        key.ok_or_else(|| "`x` and `y` are no point of the curve".to_owned())
    }

    /// A key of EdDSA (RFC 8037 §2).
    pub(super) fn ed25519(x: &[u8]) -> Result<Self, String> {
        let x = <[u8; 32]>::try_from(x).map_err(|_| "`x` is not 32 bytes long".to_owned())?;
        Ok(Key::Ed25519(Ed25519::new(x)))
    }

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

/// A curve of ECDSA.
#[derive(Debug, Clone, Copy)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// The bytes of a coordinate.
    pub(super) fn size(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }
}
