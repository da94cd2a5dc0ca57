//! Tokens signed with fixed keys that are good for nothing else: `keys.json` holds their private
//! parts. The same words always give the same token.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a panic is how a test fails"
)]
#![allow(dead_code, reason = "each of those who share it uses its part")]

use ed25519_compact::{KeyPair, Seed};
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::ecdsa::signature::Signer as _;
use rsa::pss::SigningKey as PssKey;
use rsa::signature::RandomizedSigner as _;
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPrivateKey};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};

const KEYS: &str = include_str!("keys.json");

/// A token with this payload, signed by the key of this name. The header has `alg`, and the key's
/// name as `kid`.
pub(crate) fn token(kid: &str, alg: &str, payload: &Value) -> String {
    signed(kid, &json!({"alg": alg, "kid": kid}), payload)
}

/// A token with this header and payload, signed as the header's `alg` says.
pub(crate) fn signed(kid: &str, header: &Value, payload: &Value) -> String {
    let text = format!(
        "{}.{}",
        url(header.to_string().as_bytes()),
        url(payload.to_string().as_bytes())
    );
    let alg = header["alg"].as_str().expect("an `alg`");
    format!("{text}.{}", url(&sign(kid, alg, text.as_bytes())))
}

/// The signature of a text.
pub(crate) fn sign(kid: &str, alg: &str, text: &[u8]) -> Vec<u8> {
    let key = private(kid);
    let part = |name: &str| unurl(key[name].as_str().expect("a part of a key"));
    match alg {
        "RS256" => pkcs1(&key, Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(text)),
        "RS384" => pkcs1(&key, Pkcs1v15Sign::new::<Sha384>(), &Sha384::digest(text)),
        "RS512" => pkcs1(&key, Pkcs1v15Sign::new::<Sha512>(), &Sha512::digest(text)),
        "PS256" => pss::<Sha256>(&key, text),
        "PS384" => pss::<Sha384>(&key, text),
        "PS512" => pss::<Sha512>(&key, text),
        "ES256" => {
            let key = p256::ecdsa::SigningKey::from_slice(&part("d")).expect("a P-256 key");
            let signature: p256::ecdsa::Signature = key.sign(text);
            signature.to_bytes().to_vec()
        }
        "ES384" => {
            let key = p384::ecdsa::SigningKey::from_slice(&part("d")).expect("a P-384 key");
            let signature: p384::ecdsa::Signature = key.sign(text);
            signature.to_bytes().to_vec()
        }
        "ES512" => {
            let key = p521::ecdsa::SigningKey::from_slice(&part("d")).expect("a P-521 key");
            let signature: p521::ecdsa::Signature = key.sign(text);
            signature.to_bytes().to_vec()
        }
        "EdDSA" => {
            let seed = Seed::from_slice(&part("d")).expect("an Ed25519 seed");
            KeyPair::from_seed(seed).sk.sign(text, None).to_vec()
        }
        "HS256" => mac256(&part("k"), text),
        "HS384" => Hmac::<Sha384>::new_from_slice(&part("k"))
            .expect("any secret")
            .chain_update(text)
            .finalize()
            .into_bytes()
            .to_vec(),
        "HS512" => Hmac::<Sha512>::new_from_slice(&part("k"))
            .expect("any secret")
            .chain_update(text)
            .finalize()
            .into_bytes()
            .to_vec(),
        other => panic!("nobody signs with `{other}`"),
    }
}

/// HMAC-SHA-256 under any secret.
pub(crate) fn mac256(secret: &[u8], text: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(secret)
        .expect("any secret")
        .chain_update(text)
        .finalize()
        .into_bytes()
        .to_vec()
}

/// The public half of a key; of a secret, all of it.
pub(crate) fn public(kid: &str) -> Map<String, Value> {
    let Value::Object(mut key) = private(kid) else {
        panic!("`{kid}` is no mapping")
    };
    for name in ["d", "p", "q"] {
        key.remove(name);
    }
    key
}

/// A key set of the public halves of these keys.
pub(crate) fn jwks(kids: &[&str]) -> String {
    let keys: Vec<_> = kids.iter().map(|kid| Value::Object(public(kid))).collect();
    json!({ "keys": keys }).to_string()
}

/// Certificates for these keys, in PEM under their names.
pub(crate) fn certificates(kids: &[&str]) -> Value {
    let all: Map<String, Value> = serde_json::from_str(include_str!("certificates.json"))
        .expect("the certificates of the tests");
    let named = kids
        .iter()
        .map(|kid| ((*kid).to_owned(), all[*kid].clone()));
    Value::Object(named.collect())
}

/// Unpadded base64url.
pub(crate) fn url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..=chunk.len() {
            text.push(LETTERS[(word >> (18 - 6 * place) & 63) as usize] as char);
        }
    }
    text
}

/// The bytes of unpadded base64url.
pub(crate) fn unurl(text: &str) -> Vec<u8> {
    let digit = |letter: u8| match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        other => panic!("`{}` is no letter of base64url", other as char),
    };
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0u32, 0);
    for letter in text.bytes() {
        word = word << 6 | u32::from(digit(letter));
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    bytes
}

fn private(kid: &str) -> Value {
    let set: Value = serde_json::from_str(KEYS).expect("the keys of the tests");
    let keys = set["keys"].as_array().expect("a list of keys");
    keys.iter()
        .find(|key| key["kid"] == kid)
        .unwrap_or_else(|| panic!("no key `{kid}`"))
        .clone()
}

fn rsa_key(key: &Value) -> RsaPrivateKey {
    let part = |name: &str| {
        BoxedUint::from_be_slice_vartime(&unurl(key[name].as_str().expect("a part of a key")))
    };
    RsaPrivateKey::from_components(part("n"), part("e"), part("d"), vec![part("p"), part("q")])
        .expect("an RSA key")
}

fn pkcs1(key: &Value, scheme: Pkcs1v15Sign, digest: &[u8]) -> Vec<u8> {
    rsa_key(key).sign(scheme, digest).expect("a signature")
}

fn pss<D>(key: &Value, text: &[u8]) -> Vec<u8>
where
    D: sha2::Digest + sha2::digest::FixedOutputReset,
{
    use rsa::signature::SignatureEncoding as _;
    PssKey::<D>::new(rsa_key(key))
        .sign_with_rng(&mut Counted(0), text)
        .to_vec()
}

/// The same numbers each time: what salts and blinds a test is nobody's secret.
struct Counted(u64);

impl rsa::rand_core::TryRng for Counted {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        Ok((self.0 ^ self.0 >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in bytes.chunks_mut(8) {
            let number = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
        Ok(())
    }
}

impl rsa::rand_core::TryCryptoRng for Counted {}
