//! Signatures that are nearly right: the kinds that verifiers have been known to take.

use num_bigint::BigUint;
use rsa::BoxedUint;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use sha2::{Digest, Sha256};

use super::{Algorithm, Key};

/// A signature of the message, right or not.
#[derive(Debug, Clone)]
pub struct Signature {
    /// What is the matter with it.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether a verifier should take it.
    pub good: bool,
}

/// The order of each curve's group: big-endian for ECDSA (SEC 2), little-endian for Ed25519
/// (RFC 8032 §5.1).
const P256: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P384: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf\
                    581a0db248b0a77aecec196accc52973";
const P521: &str = "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
                    fa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409";
const ED25519: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
/// `DigestInfo` of SHA-256 up to the digest (RFC 8017 §9.2).
const SHA256_INFO: &str = "3031300d060960864801650304020105000420";
/// The same without the NULL that belongs after the identifier.
const SHA256_INFO_NO_NULL: &str = "302f300b0609608648016503040201 0420";

/// Every kind there is for this key.
pub fn signatures(key: &Key, message: &[u8]) -> Vec<Signature> {
    let good = key.sign(message);
    let mut all = vec![
        Signature::good("right", good.clone()),
        Signature::bad("empty", Vec::new()),
        Signature::bad("of another message", key.sign(b"another")),
        Signature::bad("a byte short", good[..good.len() - 1].to_vec()),
        Signature::bad("half", good[..good.len() / 2].to_vec()),
        Signature::bad("a zero longer", [&good[..], &[0]].concat()),
        Signature::bad("a zero before", [&[0], &good[..]].concat()),
        Signature::bad("twice", [&good[..], &good[..]].concat()),
        Signature::bad("zeros", vec![0; good.len()]),
        Signature::bad("ones", vec![0xff; good.len()]),
    ];
    for (name, bit) in [("first bit", 0), ("last bit", good.len() * 8 - 1)] {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 0x80 >> (bit % 8);
        all.push(Signature::bad(name, flipped));
    }
    match key.algorithm() {
        Algorithm::Es256 => all.extend(ecdsa(&good, &hex(P256))),
        Algorithm::Es384 => all.extend(ecdsa(&good, &hex(P384))),
        Algorithm::Es512 => all.extend(ecdsa(&good, &hex(P521))),
        Algorithm::EdDsa => all.push(malleable_ed25519(&good)),
        Algorithm::Rs256 => all.extend(pkcs1(key, message)),
        _ => {}
    }
    all
}

impl Signature {
    fn good(name: &'static str, bytes: Vec<u8>) -> Self {
        Self {
            name,
            bytes,
            good: true,
        }
    }

    fn bad(name: &'static str, bytes: Vec<u8>) -> Self {
        Self {
            name,
            bytes,
            good: false,
        }
    }
}

fn ecdsa(good: &[u8], order: &[u8]) -> Vec<Signature> {
    let (r, s) = good.split_at(good.len() / 2);
    let zero = vec![0; r.len()];
    let mut one = zero.clone();
    *one.last_mut().expect("a number of some bytes") = 1;
    let raw = |r: &[u8], s: &[u8]| [r, s].concat();
    let minus_s = BigUint::from_bytes_be(order) - BigUint::from_bytes_be(s);
    vec![
        // As good as the other by ECDSA's own rules; JWS asks for no choice between them.
        Signature::good("minus s", raw(r, &padded(&minus_s, s.len()))),
        Signature::bad("r is zero", raw(&zero, s)),
        Signature::bad("s is zero", raw(r, &zero)),
        Signature::bad("r is the order", raw(order, s)),
        Signature::bad("s is the order", raw(r, order)),
        Signature::bad("r and s are one", raw(&one, &one)),
        Signature::bad("r and s swapped", raw(s, r)),
        Signature::bad("DER", der(r, s)),
    ]
}

/// The form that X.509 and TLS use.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let start = number.iter().take_while(|byte| **byte == 0).count();
        let mut digits = number[start..].to_vec();
        if digits.first().is_none_or(|byte| *byte >= 0x80) {
            digits.insert(0, 0);
        }
        [&[2, length(&digits)], &digits[..]].concat()
    };
    let both = [integer(r), integer(s)].concat();
    match both.len() {
        0..128 => [&[0x30, length(&both)], &both[..]].concat(),
        _ => [&[0x30, 0x81, length(&both)], &both[..]].concat(),
    }
}

fn length(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).expect("a short number")
}

/// The same S, once around the group (RFC 8032 §5.1.7 wants it refused).
fn malleable_ed25519(good: &[u8]) -> Signature {
    let (r, s) = good.split_at(32);
    let sum = BigUint::from_bytes_le(s) + BigUint::from_bytes_le(&hex(ED25519));
    let mut bytes = sum.to_bytes_le();
    bytes.resize(32, 0);
    Signature::bad("S plus the order", [r, &bytes].concat())
}

/// Blocks that a sloppy parser of the padding takes for right.
fn pkcs1(key: &Key, message: &[u8]) -> Vec<Signature> {
    let digest = Sha256::digest(message).to_vec();
    let size = key.rsa().map_or(0, PublicKeyParts::size);
    let block = |end: &[u8]| {
        let filler = vec![0xff; size - 3 - end.len()];
        [&[0, 1], &filler[..], &[0], end].concat()
    };
    let info = [hex(SHA256_INFO), digest.clone()].concat();
    let raw = |block: Vec<u8>| power(key, &block);
    let mut garbage = [&[0, 1][..], &[0xff; 8], &[0], &info].concat();
    garbage.resize(size, 0);
    let mut type_two = block(&info);
    type_two[1] = 2;
    let mut short = block(&info);
    short[10] = 0xfe;
    vec![
        Signature::good("made by hand", raw(block(&info))),
        Signature::bad("garbage after a short padding", raw(garbage)),
        Signature::bad("block type 2", raw(type_two)),
        Signature::bad("padding with another byte", raw(short)),
        Signature::bad("digest without its identifier", raw(block(&digest))),
        Signature::bad(
            "identifier without NULL",
            raw(block(&[hex(SHA256_INFO_NO_NULL), digest].concat())),
        ),
        Signature::bad("PSS", key.sign_as(Algorithm::Ps256, message)),
        Signature::bad("by SHA-512", key.sign_as(Algorithm::Rs512, message)),
        Signature::bad("signature plus modulus", plus_modulus(key, message)),
    ]
}

/// What only the holder of the key can do with a number.
fn power(key: &Key, block: &[u8]) -> Vec<u8> {
    let key = key.rsa().expect("an RSA key");
    let power = BigUint::from_bytes_be(block).modpow(&number(key.d()), &number(key.n()));
    padded(&power, key.size())
}

fn plus_modulus(key: &Key, message: &[u8]) -> Vec<u8> {
    let n = number(key.rsa().expect("an RSA key").n());
    (BigUint::from_bytes_be(&key.sign(message)) + n).to_bytes_be()
}

fn number(of_rsa: &BoxedUint) -> BigUint {
    BigUint::from_bytes_be(&of_rsa.to_be_bytes())
}

fn padded(number: &BigUint, length: usize) -> Vec<u8> {
    let digits = number.to_bytes_be();
    [vec![0; length - digits.len()], digits].concat()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    let byte = |pair: &[u32]| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits");
    digits.chunks_exact(2).map(byte).collect()
}
