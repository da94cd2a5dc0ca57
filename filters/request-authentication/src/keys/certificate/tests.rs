use super::*;
use crate::keys::jwk::Jwk;
use proptest::prelude::*;
use serde_json::Value;

/// Certificates of the keys that tests sign with, by name.
fn pem(kid: &str) -> String {
    let all: Value =
        serde_json::from_str(include_str!("../../../tests/mint/certificates.json")).unwrap();
    all[kid].as_str().expect(kid).to_owned()
}

fn der(kid: &str) -> Vec<u8> {
    let pem = pem(kid);
    let lines: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::decode_standard(lines.as_bytes()).unwrap()
}

/// The same key as its issuer would list it.
fn listed(kid: &str) -> Key {
    let all: Value = serde_json::from_str(include_str!("../../../tests/mint/keys.json")).unwrap();
    let keys = all["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == kid).expect(kid);
    Jwk::read(key).unwrap().key
}

/// A key as far as it can be compared.
fn shown(key: &Key) -> String {
    match key {
        Key::Rsa(rsa) => format!("rsa {:?} {}", rsa.spki, rsa.size),
        Key::P256 { spki, .. } => format!("p256 {spki:?}"),
        Key::P384 { spki, .. } => format!("p384 {spki:?}"),
        Key::P521(key) => format!("p521 {key:?}"),
        Key::Ed25519(key) => format!("ed25519 {key:?}"),
        Key::Secret(_) => panic!("no certificate holds a secret"),
    }
}

#[test]
fn the_key_in_a_certificate_is_the_one_that_is_listed() {
    for (kid, ends) in [
        ("rsa", "2049-06-07T08:09:10Z"),
        ("rsa-next", "2015-06-07T08:09:10Z"),
        ("rsa-4096", "2060-06-07T08:09:10Z"),
        ("p256", "2049-06-07T08:09:10Z"),
        ("p384", "2049-06-07T08:09:10Z"),
        ("p521", "2049-06-07T08:09:10Z"),
        ("ed25519", "2049-06-07T08:09:10Z"),
    ] {
        let pem = pem(kid);
        let spellings = [
            pem.clone(),
            pem.trim().to_owned(),
            pem.replace('\n', "\r\n"),
            pem.replace('\n', ""),
            format!("{pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ];
        for text in spellings {
            let certificate = Certificate::from_pem(&text).expect(kid);
            assert_eq!(shown(&certificate.key), shown(&listed(kid)), "{kid}");
            assert_eq!(certificate.not_after, timestamp(ends).ok(), "{kid}");
        }
    }
}

#[test]
fn what_cannot_be_used_says_why() {
    let weak = Certificate::from_pem(&pem("rsa-1024")).unwrap_err();
    assert_eq!(weak, "an RSA key of 1024 bits; 2048 to 8192 can be used");
    for (text, problem) in [
        ("-----BEGIN CERTIFICATE-----\nAAAA", "without its end"),
        (
            "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----",
            "that is no base64",
        ),
        (
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
            "that cannot be read",
        ),
    ] {
        let error = Certificate::from_pem(text).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }
}

fn tagged(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let size = u8::try_from(value.len()).unwrap();
    let header: &[u8] = match size {
        0..0x80 => &[tag, size],
        _ => &[tag, 0x81, size],
    };
    [header, &value].concat()
}

/// A certificate with no more in it than is looked at.
fn bare(version: &[u8], ends: &[u8], kind: &[u8], curve: &[u8], key: &[u8]) -> Vec<u8> {
    let none = tagged(0x30, &[]);
    let kind = tagged(0x30, &[&tagged(0x06, &[kind]), curve]);
    let info = tagged(0x30, &[&kind, &tagged(0x03, &[&[0], key])]);
    let validity = tagged(0x30, &[&tagged(0x17, &[b"140102030405Z"]), ends]);
    let parts: [&[u8]; 7] = [version, &[2, 1, 1], &none, &none, &validity, &none, &info];
    tagged(0x30, &[&tagged(0x30, &parts)])
}

#[test]
fn old_versions_other_kinds_and_odd_times() {
    let ends = |text: &[u8]| tagged(0x17, &[text]);
    let year = ends(b"490607080910Z");
    let ed25519 = |version: &[u8], end: &[u8]| {
        Certificate::from_der(&bare(version, end, ED25519, &[], &[7; 32]))
    };
    // Version 1 has no place for it.
    assert!(ed25519(&[], &year).is_ok());
    assert!(ed25519(&[0xa0, 3, 2, 1, 2], &year).is_ok());
    // What is no time of the standard's is not believed, and changes nothing else.
    for end in [
        &b"490607080910"[..],
        b"490607080910+0100",
        b"491307080910Z",
        b"4906070809Z",
        b"\xff\xff",
        b"",
    ] {
        assert_eq!(ed25519(&[], &ends(end)).unwrap().not_after, None, "{end:?}");
    }
    assert_eq!(ed25519(&[], &[]).unwrap().not_after, None);
    let unusable = |kind: &[u8], curve: &[u8], key: &[u8]| {
        Certificate::from_der(&bare(&[], &year, kind, curve, key)).unwrap_err()
    };
    let secp256k1 = tagged(0x06, &[&[0x2b, 0x81, 0x04, 0x00, 0x0a]]);
    let p256 = tagged(0x06, &[P256]);
    for (kind, curve, key, problem) in [
        (EC, secp256k1.as_slice(), &[4; 65][..], "none of RSA, P-256"),
        (EC, &[], &[4; 65], "none of RSA, P-256"),
        (EC, &p256, &[4; 65], "no point of the curve"),
        // A point that is written short is one that Envoy's function does not take.
        (EC, &p256, &[2; 33], "no point of the curve"),
        (ED25519, &[], &[7; 31], "not 32 bytes long"),
        (
            RSA,
            &[],
            &[0x30, 3, 2, 1, 5],
            "whose RSA key cannot be read",
        ),
        (&[0x2b], &[], &[], "none of RSA, P-256"),
    ] {
        let error = unusable(kind, curve, key);
        assert!(error.contains(problem), "{error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Certificate::from_der(&bytes);
        let _ = Certificate::from_pem(&String::from_utf8_lossy(&bytes));
    }

    /// What is read of a broken certificate is a key like any other, or nothing.
    #[test]
    fn no_broken_certificate_panics(
        kid in prop::sample::select(vec!["rsa", "p256", "p384", "ed25519"]),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = der(kid);
        let place = at.index(bytes.len());
        bytes[place] = byte;
        if cut {
            bytes.truncate(end.index(bytes.len()));
            prop_assert!(Certificate::from_der(&bytes).is_err());
        }
        let _ = Certificate::from_der(&bytes);
    }
}
