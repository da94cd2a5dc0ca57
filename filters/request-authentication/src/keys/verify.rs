//! Signatures: by the host where it can, else by the RustCrypto crates compiled into the module.
//!
//! Envoy's `verify_signature` takes RSASSA-PKCS1-v1_5 and ECDSA, and is 10 to 30 times as fast as
//! the same in wasm. It checks nothing but the mathematics, so lengths and kinds are checked here,
//! and both ways answer alike.

use ed25519_compact::Signature as Ed25519Signature;
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::{Pkcs1v15Sign, Pss};
use sdk_helpers::protobuf::{Fields, Message};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::encode::ecdsa_der;
use super::key::{Key, Rsa};
use crate::algorithm::{Algorithm, Hash};

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
