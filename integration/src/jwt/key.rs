//! Keys that sign.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use ed25519_compact::{KeyPair, Seed};
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Sign, Pss, RsaPrivateKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::algorithm::Hash;
use super::{Algorithm, base64url, compact};

/// A key that signs, and its public half as a JWK.
#[derive(Debug, Clone)]
pub struct Key {
    algorithm: Algorithm,
    kid: String,
    secret: Secret,
}

#[derive(Clone)]
enum Secret {
    Octets(Vec<u8>),
    Rsa(Arc<RsaPrivateKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    Ed25519(KeyPair),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl Key {
    /// The key of this name: the same name is the same key, in every run.
    pub fn new(algorithm: Algorithm, kid: &str) -> Self {
        Self::of_size(algorithm, kid, 2048)
    }

    /// The same, where RSA keys have this many bits.
    pub fn of_size(algorithm: Algorithm, kid: &str, bits: usize) -> Self {
        let seed = |purpose: &str| Sha512::digest(format!("{purpose} {kid}"));
        let secret = match algorithm {
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                Secret::Octets(seed("HMAC").to_vec())
            }
            Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512
            | Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512 => Secret::Rsa(rsa_key(kid, bits)),
            Algorithm::Es256 => Secret::P256(
                p256::ecdsa::SigningKey::from_slice(&seed("P-256")[..32]).expect("a scalar"),
            ),
            Algorithm::Es384 => Secret::P384(
                p384::ecdsa::SigningKey::from_slice(&seed("P-384")[..48]).expect("a scalar"),
            ),
            Algorithm::Es512 => {
                // 521 bits; a hash of 512 leaves the highest at zero.
                let scalar = [&[0, 0], &seed("P-521")[..]].concat();
                Secret::P521(p521::ecdsa::SigningKey::from_slice(&scalar).expect("a scalar"))
            }
            Algorithm::EdDsa => {
                let seed = Seed::from_slice(&seed("Ed25519")[..32]).expect("32 bytes");
                Secret::Ed25519(KeyPair::from_seed(seed))
            }
        };
        Self {
            algorithm,
            kid: kid.to_owned(),
            secret,
        }
    }

    /// A secret for HMAC that somebody chose.
    pub fn octets(algorithm: Algorithm, kid: &str, secret: &[u8]) -> Self {
        Self {
            algorithm,
            kid: kid.to_owned(),
            secret: Secret::Octets(secret.to_vec()),
        }
    }

    /// What it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What verifies its signatures, with `kid` and `alg`.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.material();
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.algorithm.name());
        jwk
    }

    /// What verifies its signatures, and nothing else.
    pub fn material(&self) -> Value {
        let point = |bytes: &[u8], crv: &str| {
            // 0x04, x, y.
            let (x, y) = bytes[1..].split_at(bytes.len() / 2);
            json!({"kty": "EC", "crv": crv, "x": base64url(x), "y": base64url(y)})
        };
        match &self.secret {
            Secret::Octets(secret) => json!({"kty": "oct", "k": base64url(secret)}),
            Secret::Rsa(key) => json!({
                "kty": "RSA",
                "n": base64url(key.n_bytes()),
                "e": base64url(key.e_bytes()),
            }),
            Secret::P256(key) => {
                point(key.verifying_key().to_sec1_point(false).as_bytes(), "P-256")
            }
            Secret::P384(key) => {
                point(key.verifying_key().to_sec1_point(false).as_bytes(), "P-384")
            }
            Secret::P521(key) => {
                point(key.verifying_key().to_sec1_point(false).as_bytes(), "P-521")
            }
            Secret::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": base64url(*pair.pk)})
            }
        }
    }

    pub(super) fn rsa(&self) -> Option<&RsaPrivateKey> {
        match &self.secret {
            Secret::Rsa(key) => Some(key),
            _ => None,
        }
    }

    /// The header of a good token.
    pub fn header(&self) -> Value {
        json!({"alg": self.algorithm.name(), "kid": self.kid, "typ": "JWT"})
    }

    /// A good token with these claims.
    pub fn token(&self, claims: &Value) -> String {
        self.token_of(self.header().to_string(), claims.to_string())
    }

    /// A token with this header and payload, whatever they are, and a good signature.
    pub fn token_of(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        let message = [base64url(&header), base64url(&payload)].join(".");
        compact(header, payload, self.sign(message.as_bytes()))
    }

    /// Adds a good signature to text that may not even be base64.
    pub fn token_of_text(&self, message: &str) -> String {
        format!("{message}.{}", base64url(self.sign(message.as_bytes())))
    }

    /// The signature of a message.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sign_as(self.algorithm, message)
    }

    /// The signature of a message by another algorithm that this key is good for.
    pub fn sign_as(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let hash = algorithm.hash();
        let digest = match hash {
            Hash::Sha256 => Sha256::digest(message).to_vec(),
            Hash::Sha384 => Sha384::digest(message).to_vec(),
            Hash::Sha512 => Sha512::digest(message).to_vec(),
        };
        match &self.secret {
            Secret::Octets(secret) => authenticate(hash, secret, message),
            Secret::Rsa(key) if algorithm.name().starts_with("PS") => {
                // The salt need not be random for a signature to be good.
                let mut salt = ChaCha20Rng::from_seed(Sha256::digest(message).into());
                match hash {
                    Hash::Sha256 => key.sign_with_rng(&mut salt, Pss::<Sha256>::new(), &digest),
                    Hash::Sha384 => key.sign_with_rng(&mut salt, Pss::<Sha384>::new(), &digest),
                    Hash::Sha512 => key.sign_with_rng(&mut salt, Pss::<Sha512>::new(), &digest),
                }
                .expect("a signature")
            }
            Secret::Rsa(key) => {
                let scheme = match hash {
                    Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                key.sign(scheme, &digest).expect("a signature")
            }
            Secret::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign_prehash(&digest).expect("ECDSA");
                signature.to_bytes().to_vec()
            }
            Secret::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign_prehash(&digest).expect("ECDSA");
                signature.to_bytes().to_vec()
            }
            Secret::P521(key) => {
                let signature: p521::ecdsa::Signature = key.sign_prehash(&digest).expect("ECDSA");
                signature.to_bytes().to_vec()
            }
            Secret::Ed25519(pair) => pair.sk.sign(message, None).to_vec(),
        }
    }
}

/// A set of these keys' public halves, as an issuer publishes it.
pub fn jwks<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Value {
    let keys: Vec<Value> = keys.into_iter().map(Key::jwk).collect();
    json!({ "keys": keys })
}

fn authenticate(hash: Hash, secret: &[u8], message: &[u8]) -> Vec<u8> {
    macro_rules! with {
        ($hash:ty) => {{
            let mut mac = Hmac::<$hash>::new_from_slice(secret).expect("any length will do");
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        }};
    }
    match hash {
        Hash::Sha256 => with!(Sha256),
        Hash::Sha384 => with!(Sha384),
        Hash::Sha512 => with!(Sha512),
    }
}

/// Primes take a while to find, so each name is looked for once.
fn rsa_key(kid: &str, bits: usize) -> Arc<RsaPrivateKey> {
    type Found = HashMap<(String, usize), Arc<RsaPrivateKey>>;
    static KEYS: LazyLock<Mutex<Found>> = LazyLock::new(Mutex::default);
    let mut keys = KEYS.lock().expect("keys nobody panicked with");
    let key = keys.entry((kid.to_owned(), bits)).or_insert_with(|| {
        let seed = Sha256::digest(format!("RSA-{bits} {kid}"));
        let mut random = ChaCha20Rng::from_seed(seed.into());
        Arc::new(RsaPrivateKey::new(&mut random, bits).expect("two primes"))
    });
    Arc::clone(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_key() {
        let claims = json!({"sub": "a"});
        for algorithm in [Algorithm::Hs384, Algorithm::Es512, Algorithm::EdDsa] {
            let key = Key::new(algorithm, "a");
            assert_eq!(key.token(&claims), Key::new(algorithm, "a").token(&claims));
            assert_ne!(key.jwk(), Key::new(algorithm, "b").jwk());
        }
    }

    /// RFC 7515 A.1, whose signature only depends on the key and the message.
    #[test]
    fn hmac_is_the_rfcs() {
        let key = Key::octets(
            Algorithm::Hs256,
            "",
            &super::super::decode_base64url(
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
            ),
        );
        let token = key.token_of_text(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
             eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        );
        assert!(token.ends_with(".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
    }
}
