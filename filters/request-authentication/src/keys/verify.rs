//! Signatures: by the host where it can, else by the RustCrypto crates compiled into the module.
//!
//! Envoy's `verify_signature` takes RSASSA-PKCS1-v1_5 and ECDSA, and is 10 to 30 times as fast as
//! the same in wasm. It checks nothing but the mathematics, so lengths and kinds are checked here,
//! and both ways answer alike.

use std::ops::RangeInclusive;

use ed25519_compact::Signature as Ed25519Signature;
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::{Pkcs1v15Sign, Pss};
use sdk_helpers::protobuf::{Fields, Message};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::jwk::{Key, Rsa};
use crate::algorithm::{Algorithm, Hash};

/// Moduli in bits: below 2048 a key is too weak (RFC 7518 §3.3), above 8192 each forged token would
/// cost too much.
pub(super) const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// A function of the host by name.
pub type HostFunction<'a> = dyn Fn(&str, &[u8]) -> Option<Vec<u8>> + 'a;

/// Whether `signature` is that of `text` under `key`.
pub fn verify(
    key: &Key,
    algorithm: Algorithm,
    text: &[u8],
    signature: &[u8],
    host: &HostFunction<'_>,
) -> bool {
    match (key, algorithm) {
        (Key::Rsa(rsa), Algorithm::Rs(hash)) => {
            signature.len() == rsa.size
                && by_host(host, hash, &rsa.spki, signature, text)
                    .unwrap_or_else(|| pkcs1(rsa, hash, text, signature))
        }
        (Key::Rsa(rsa), Algorithm::Ps(hash)) => {
            signature.len() == rsa.size && pss(rsa, hash, text, signature)
        }
        (Key::P256 { key, spki }, Algorithm::Es(Hash::Sha256)) => {
            let Ok(parts) = p256::ecdsa::Signature::from_slice(signature) else {
                return false;
            };
            by_host(host, Hash::Sha256, spki, &ecdsa_der(signature), text)
                .unwrap_or_else(|| key.verify_prehash(&Sha256::digest(text), &parts).is_ok())
        }
        (Key::P384 { key, spki }, Algorithm::Es(Hash::Sha384)) => {
            let Ok(parts) = p384::ecdsa::Signature::from_slice(signature) else {
                return false;
            };
            by_host(host, Hash::Sha384, spki, &ecdsa_der(signature), text)
                .unwrap_or_else(|| key.verify_prehash(&Sha384::digest(text), &parts).is_ok())
        }
        (Key::P521(key), Algorithm::Es(Hash::Sha512)) => {
            p521::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|parts| key.verify_prehash(&Sha512::digest(text), &parts).is_ok())
        }
        (Key::Ed25519(key), Algorithm::EdDsa) => Ed25519Signature::from_slice(signature)
            .is_ok_and(|signature| key.verify(text, &signature).is_ok()),
        (Key::Secret(secret), Algorithm::Hs(hash)) => mac(secret, hash, text, signature),
        _ => false,
    }
}

fn pkcs1(rsa: &Rsa, hash: Hash, text: &[u8], signature: &[u8]) -> bool {
    let scheme = match hash {
        Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
        Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
        Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
    };
    rsa.key
        .verify(scheme, &digest(hash, text), signature)
        .is_ok()
}

/// With the salt's length RFC 7518 §3.5 demands.
fn pss(rsa: &Rsa, hash: Hash, text: &[u8], signature: &[u8]) -> bool {
    let digest = digest(hash, text);
    let salt = hash.size();
    let key = &rsa.key;
    match hash {
        Hash::Sha256 => key.verify(Pss::<Sha256>::new_with_salt(salt), &digest, signature),
        Hash::Sha384 => key.verify(Pss::<Sha384>::new_with_salt(salt), &digest, signature),
        Hash::Sha512 => key.verify(Pss::<Sha512>::new_with_salt(salt), &digest, signature),
    }
    .is_ok()
}

fn digest(hash: Hash, text: &[u8]) -> Vec<u8> {
    match hash {
        Hash::Sha256 => Sha256::digest(text).to_vec(),
        Hash::Sha384 => Sha384::digest(text).to_vec(),
        Hash::Sha512 => Sha512::digest(text).to_vec(),
    }
}

/// In constant time, so that no answer's delay tells how much of a forged one is right.
fn mac(secret: &[u8], hash: Hash, text: &[u8], signature: &[u8]) -> bool {
    match hash {
        Hash::Sha256 => Hmac::<Sha256>::new_from_slice(secret)
            .is_ok_and(|mac| mac.chain_update(text).verify_slice(signature).is_ok()),
        Hash::Sha384 => Hmac::<Sha384>::new_from_slice(secret)
            .is_ok_and(|mac| mac.chain_update(text).verify_slice(signature).is_ok()),
        Hash::Sha512 => Hmac::<Sha512>::new_from_slice(secret)
            .is_ok_and(|mac| mac.chain_update(text).verify_slice(signature).is_ok()),
    }
}

/// Asks the host; `None` where it has no such function.
///
/// The argument is a protobuf of four fields (hash, key as SPKI DER, signature, text), the answer
/// one whose first field says yes.
fn by_host(
    host: &HostFunction<'_>,
    hash: Hash,
    spki: &[u8],
    signature: &[u8],
    text: &[u8],
) -> Option<bool> {
    let question = Message::new()
        .bytes(1, hash.name())
        .bytes(2, spki)
        .bytes(3, signature)
        .bytes(4, text);
    let answer = host("verify_signature", &question.into_bytes())?;
    let yes = Fields::of(&answer)
        .next()
        .flatten()
        .is_some_and(|(field, value)| field == 1 && value.number() == Some(1));
    Some(yes)
}

/// `SubjectPublicKeyInfo` of an RSA key (RFC 8017 appendix A.1), from numbers without zeros before
/// them.
pub(super) fn rsa_spki(n: &[u8], e: &[u8]) -> Vec<u8> {
    const RSA_ENCRYPTION: &[u8] = &[
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
    ];
    let key = tagged(0x30, &[integer(n), integer(e)].concat());
    spki(RSA_ENCRYPTION, &key)
}

/// `SubjectPublicKeyInfo` of a P-256 key (RFC 5480), from its uncompressed point.
pub(super) fn p256_spki(point: &[u8]) -> Vec<u8> {
    const ID_EC_PUBLIC_KEY_P256: &[u8] = &[
        0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
        0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
    ];
    spki(ID_EC_PUBLIC_KEY_P256, point)
}

/// `SubjectPublicKeyInfo` of a P-384 key (RFC 5480), from its uncompressed point.
pub(super) fn p384_spki(point: &[u8]) -> Vec<u8> {
    const ID_EC_PUBLIC_KEY_P384: &[u8] = &[
        0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
        0x04, 0x00, 0x22,
    ];
    spki(ID_EC_PUBLIC_KEY_P384, point)
}

fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let bits = tagged(0x03, &[&[0], key].concat());
    tagged(0x30, &[algorithm, &bits].concat())
}

/// `ECDSA-Sig-Value` (RFC 3279 §2.2.3) of the two halves JOSE puts side by side.
fn ecdsa_der(signature: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let trimmed = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        integer(number.get(zeros..).unwrap_or_default())
    };
    tagged(0x30, &[trimmed(r), trimmed(s)].concat())
}

/// A positive INTEGER of DER.
fn integer(number: &[u8]) -> Vec<u8> {
    if number.first().is_none_or(|first| *first >= 0x80) {
        return tagged(0x02, &[&[0], number].concat());
    }
    tagged(0x02, number)
}

/// A value of DER with its tag and length.
fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    match value.len() {
        short @ 0..0x80 => der.push(short as u8),
        one @ 0x80..0x100 => der.extend([0x81, one as u8]),
        // The longest modulus has 1 KiB.
        two => der.extend([0x82, (two >> 8) as u8, two as u8]),
    }
    der.extend_from_slice(value);
    der
}
