//! The few things that are written as DER (X.690): keys and signatures for the host's `verify_signature`.

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
pub(super) fn ecdsa_der(signature: &[u8]) -> Vec<u8> {
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
