//! Signatures of every algorithm under every kind of key, through the filter as it is loaded.

use crate::mint;
use crate::rig::{Rig, rule};
use serde_json::{Value, json};

const ALL: [(&str, &str); 13] = [
    ("rsa", "RS256"),
    ("rsa", "RS384"),
    ("rsa", "RS512"),
    ("rsa", "PS256"),
    ("rsa", "PS384"),
    ("rsa", "PS512"),
    ("p256", "ES256"),
    ("p384", "ES384"),
    ("p521", "ES512"),
    ("ed25519", "EdDSA"),
    ("secret", "HS256"),
    ("secret", "HS384"),
    ("secret", "HS512"),
];

fn everybody() -> Rig {
    Rig::new(&json!({"jwtRules": [rule(&["rsa", "p256", "p384", "p521", "ed25519", "secret"])]}))
}

fn claims() -> Value {
    json!({"iss": "issuer", "sub": "s"})
}

fn set_of(keys: &[Value]) -> Rig {
    let jwks = json!({ "keys": keys }).to_string();
    Rig::new(&json!({"jwtRules": [{"name": "r", "issuer": "issuer", "jwks": jwks}]}))
}

fn public(kid: &str) -> Value {
    Value::Object(mint::public(kid))
}

#[test]
fn every_algorithm_verifies() {
    let rig = everybody();
    for (key, alg) in ALL {
        let token = mint::token(key, alg, &claims());
        assert_eq!(rig.bearer(&token).reason, "verified:r", "{alg}");
        // Once more from the cache.
        assert_eq!(rig.bearer(&token).reason, "verified:r", "{alg}");
    }
}

#[test]
fn no_signature_is_good_for_another_text() {
    let rig = everybody();
    for (key, alg) in ALL {
        let token = mint::token(key, alg, &claims());
        let (_, signature) = token.rsplit_once('.').unwrap();
        let other = mint::token(key, alg, &json!({"iss": "issuer", "sub": "root"}));
        let (text, _) = other.rsplit_once('.').unwrap();
        let forged = rig.bearer(&format!("{text}.{signature}"));
        assert_eq!(forged.reason, "signature:r", "{alg}");
        assert_eq!(forged.body, "Jwt verification fails", "{alg}");
    }
}

#[test]
fn every_flipped_bit_is_seen() {
    let rig = everybody();
    for (key, alg) in ALL {
        let token = mint::token(key, alg, &claims());
        let (text, signature) = token.rsplit_once('.').unwrap();
        let signature = mint::unurl(signature);
        for at in (0..signature.len()).step_by(signature.len() / 8) {
            let mut forged = signature.clone();
            forged[at] ^= 1 << (at % 8);
            let forged = rig.bearer(&format!("{text}.{}", mint::url(&forged)));
            assert_eq!(forged.reason, "signature:r", "{alg}");
        }
    }
}

#[test]
fn a_signature_has_one_length() {
    let rig = everybody();
    for (key, alg) in ALL {
        let token = mint::token(key, alg, &claims());
        let (text, signature) = token.rsplit_once('.').unwrap();
        let signature = mint::unurl(signature);
        let shorter = &signature[..signature.len() - 1];
        let without_first = &signature[1..];
        let longer = [&signature[..], &[0]].concat();
        let zero_before = [&[0], &signature[..]].concat();
        for wrong in [shorter, without_first, &longer, &zero_before, &[0]] {
            let seen = rig.bearer(&format!("{text}.{}", mint::url(wrong)));
            assert_eq!(seen.reason, "signature:r", "{alg}, {} bytes", wrong.len());
            let wanted = match alg {
                "EdDSA" => "Jwt ED25519 signature is wrong length",
                _ => "Jwt verification fails",
            };
            assert_eq!(seen.body, wanted, "{alg}");
        }
    }
}

/// The header names the algorithm, but the key says what it can be.
#[test]
fn no_key_is_taken_for_one_of_another_kind() {
    for own in ["rsa", "p256", "p384", "p521", "ed25519", "secret"] {
        let rig = set_of(&[public(own)]);
        for (key, alg) in ALL.into_iter().filter(|(key, _)| *key != own) {
            let header = json!({"alg": alg, "kid": own});
            let token = mint::signed(key, &header, &claims());
            assert_eq!(rig.bearer(&token).reason, "no_key:r", "{alg} under {own}");
        }
    }
}

/// The oldest trick: a public key as the secret of an HMAC.
#[test]
fn a_public_key_is_no_secret() {
    let key = mint::public("rsa");
    let rig = set_of(&[public("rsa")]);
    let modulus = mint::unurl(key["n"].as_str().unwrap());
    let whole = Value::Object(key.clone()).to_string();
    for secret in [modulus.as_slice(), whole.as_bytes(), b""] {
        for header in [
            json!({"alg": "HS256", "kid": "rsa"}),
            json!({"alg": "HS256"}),
        ] {
            let text = format!(
                "{}.{}",
                mint::url(header.to_string().as_bytes()),
                mint::url(claims().to_string().as_bytes())
            );
            let signature = mint::mac256(secret, text.as_bytes());
            let seen = rig.bearer(&format!("{text}.{}", mint::url(&signature)));
            assert_eq!(seen.reason, "no_key:r");
        }
    }
}

/// A key that comes with a token is whoever sent it.
#[test]
fn keys_that_come_with_a_token_are_not_looked_at() {
    let rig = set_of(&[public("rsa")]);
    let own = Value::Object(mint::public("rsa-next"));
    for header in [
        json!({"alg": "RS256", "jwk": own, "kid": "rsa"}),
        json!({"alg": "RS256", "jku": "https://evil.example/jwks", "kid": "rsa"}),
        json!({"alg": "RS256", "x5u": "https://evil.example/cert", "x5c": ["MIIB"], "kid": "rsa"}),
    ] {
        let token = mint::signed("rsa-next", &header, &claims());
        assert_eq!(rig.bearer(&token).reason, "signature:r", "{header}");
        let good = mint::signed("rsa", &header, &claims());
        assert_eq!(rig.bearer(&good).reason, "verified:r", "{header}");
    }
}

#[test]
fn unsigned_tokens_are_refused() {
    let rig = everybody();
    for alg in ["none", "None", "nOnE", ""] {
        let header = mint::url(json!({ "alg": alg }).to_string().as_bytes());
        let payload = mint::url(claims().to_string().as_bytes());
        let seen = rig.bearer(&format!("{header}.{payload}.AA"));
        assert_eq!(seen.reason, "algorithm", "{alg}");
        assert_eq!(
            rig.bearer(&format!("{header}.{payload}.")).reason,
            "malformed"
        );
    }
}

/// RFC 7518 §3.4: two numbers between 1 and the order of the curve, side by side.
#[test]
fn ecdsa_signatures_are_two_numbers_in_range() {
    let rig = everybody();
    let orders = [
        (
            "p256",
            "ES256",
            "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        ),
        (
            "p384",
            "ES384",
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        ),
        (
            "p521",
            "ES512",
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
        ),
    ];
    for (key, alg, order) in orders {
        let order: Vec<u8> = (0..order.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&order[at..at + 2], 16).unwrap())
            .collect();
        let token = mint::token(key, alg, &claims());
        let (text, signature) = token.rsplit_once('.').unwrap();
        let signature = mint::unurl(signature);
        let (r, s) = signature.split_at(order.len());
        let zero = vec![0; order.len()];
        let most = vec![0xff; order.len()];
        for wrong in [
            [&zero, s],
            [r, &zero],
            [&zero, &zero],
            [&order, s],
            [r, &order],
            [&most, s],
            [r, &most],
            [s, r],
        ] {
            let seen = rig.bearer(&format!("{text}.{}", mint::url(&wrong.concat())));
            assert_eq!(seen.reason, "signature:r", "{alg}");
        }
        // n - s is a signature as well: RFC 7518 does not forbid it, nor does Envoy.
        let mut high = order.clone();
        let mut borrow = 0i16;
        for at in (0..high.len()).rev() {
            let digit = i16::from(high[at]) - i16::from(s[at]) - borrow;
            borrow = i16::from(digit < 0);
            high[at] = digit.rem_euclid(256) as u8;
        }
        let seen = rig.bearer(&format!("{text}.{}", mint::url(&[r, &high].concat())));
        assert_eq!(seen.reason, "verified:r", "{alg}");
    }
}

/// As other protocols write them.
#[test]
fn ecdsa_signatures_in_der_are_refused() {
    let rig = everybody();
    let token = mint::token("p256", "ES256", &claims());
    let (text, signature) = token.rsplit_once('.').unwrap();
    let signature = mint::unurl(signature);
    let mut der = vec![0x30, 0];
    for number in signature.chunks(32) {
        der.extend([0x02, 33, 0]);
        der.extend(number);
    }
    der[1] = (der.len() - 2) as u8;
    let seen = rig.bearer(&format!("{text}.{}", mint::url(&der)));
    assert_eq!(seen.reason, "signature:r");
}

/// S and S + L are the same to the equation, and not to RFC 8032 §5.1.7.
#[test]
fn an_eddsa_signature_has_one_spelling() {
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let rig = everybody();
    let token = mint::token("ed25519", "EdDSA", &claims());
    let (text, signature) = token.rsplit_once('.').unwrap();
    let mut signature = mint::unurl(signature);
    let mut carry = 0u16;
    for (byte, add) in signature[32..].iter_mut().zip(L) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(carry, 0);
    let seen = rig.bearer(&format!("{text}.{}", mint::url(&signature)));
    assert_eq!(seen.reason, "signature:r");
    // The neutral point as R, and nothing as S.
    let mut nothing = vec![0; 64];
    nothing[0] = 1;
    let seen = rig.bearer(&format!("{text}.{}", mint::url(&nothing)));
    assert_eq!(seen.reason, "signature:r");
}

#[test]
fn an_rsa_signature_is_below_its_modulus() {
    let rig = everybody();
    for alg in ["RS256", "PS256"] {
        let token = mint::token("rsa", alg, &claims());
        let (text, _) = token.rsplit_once('.').unwrap();
        let modulus = mint::unurl(mint::public("rsa")["n"].as_str().unwrap());
        let mut small = vec![0; 256];
        let zero = small.clone();
        small[255] = 1;
        for wrong in [&modulus, &vec![0xff; 256], &zero, &small] {
            let seen = rig.bearer(&format!("{text}.{}", mint::url(wrong)));
            assert_eq!(seen.reason, "signature:r", "{alg}");
        }
    }
}

#[test]
fn other_moduli_and_exponents_verify_too() {
    let rig = set_of(&[public("rsa-e3"), public("rsa-4096")]);
    for key in ["rsa-e3", "rsa-4096"] {
        for alg in ["RS256", "PS512"] {
            let token = mint::token(key, alg, &claims());
            assert_eq!(rig.bearer(&token).reason, "verified:r", "{key} {alg}");
        }
    }
}

/// Zeros before a number are no part of it (RFC 7518 §2), padding is no part of base64url (§2 of RFC
/// 7515), and both are met.
#[test]
fn keys_in_other_spellings_are_the_same_keys() {
    let mut key = mint::public("rsa");
    let n = [&[0], mint::unurl(key["n"].as_str().unwrap()).as_slice()].concat();
    key.insert("n".to_owned(), format!("{}=", mint::url(&n)).into());
    if n.len() % 3 == 1 {
        key.insert("n".to_owned(), format!("{}==", mint::url(&n)).into());
    } else if n.len() % 3 == 0 {
        key.insert("n".to_owned(), mint::url(&n).into());
    }
    key.insert("e".to_owned(), "AAEAAQ==".into());
    key.insert("use".to_owned(), "enc".into());
    key.insert("kid".to_owned(), 7.into());
    let rig = set_of(&[Value::Object(key)]);
    let token = mint::token("rsa", "RS256", &claims());
    assert_eq!(rig.bearer(&token).reason, "verified:r");
}

#[test]
fn a_kid_and_an_alg_choose_the_key() {
    let mut named = mint::public("rsa");
    named.insert("alg".to_owned(), "RS256".into());
    let mut anonymous = mint::public("rsa-next");
    anonymous.remove("kid");
    let rig = set_of(&[Value::Object(named), Value::Object(anonymous)]);
    let seen = |key: &str, header: Value| {
        let seen = rig.bearer(&mint::signed(key, &header, &claims()));
        (seen.reason, seen.body)
    };
    let mismatch = "Jwks doesn't have key to match kid or alg from Jwt".to_owned();
    let fails = "Jwt verification fails".to_owned();
    let fine = || ("verified:r".to_owned(), String::new());
    assert_eq!(seen("rsa", json!({"alg": "RS256"})), fine());
    assert_eq!(seen("rsa-next", json!({"alg": "RS256"})), fine());
    assert_eq!(
        seen("rsa-next", json!({"alg": "RS256", "kid": "unheard"})),
        fine()
    );
    // The first may sign RS256 alone.
    assert_eq!(
        seen("rsa", json!({"alg": "RS384"})),
        ("signature:r".to_owned(), fails.clone())
    );
    assert_eq!(
        seen("p256", json!({"alg": "ES256"})),
        ("no_key:r".to_owned(), fails.clone())
    );

    let rig = set_of(&[Value::Object({
        let mut key = mint::public("rsa");
        key.insert("alg".to_owned(), "RS256".into());
        key
    })]);
    let seen = |key: &str, header: Value| {
        let seen = rig.bearer(&mint::signed(key, &header, &claims()));
        (seen.reason, seen.body)
    };
    assert_eq!(
        seen("rsa", json!({"alg": "RS256", "kid": "unheard"})),
        ("unknown_kid:r".to_owned(), mismatch.clone())
    );
    assert_eq!(
        seen("rsa", json!({"alg": "RS512", "kid": "rsa"})),
        ("no_key:r".to_owned(), mismatch)
    );
}

/// A short secret hashes as well as a long one, and is guessed sooner.
#[test]
fn a_secret_is_as_long_as_its_hash() {
    let key = json!({"kty": "oct", "k": mint::url(&[7; 32])});
    let rig = set_of(&[key]);
    let text = |alg: &str| {
        format!(
            "{}.{}",
            mint::url(json!({ "alg": alg }).to_string().as_bytes()),
            mint::url(claims().to_string().as_bytes())
        )
    };
    let text256 = text("HS256");
    let signature = mint::mac256(&[7; 32], text256.as_bytes());
    assert_eq!(
        rig.bearer(&format!("{text256}.{}", mint::url(&signature)))
            .reason,
        "verified:r"
    );
    let seen = rig.bearer(&format!("{}.{}", text("HS512"), mint::url(&[0; 64])));
    assert_eq!(seen.reason, "no_key:r");
}

/// The host is asked for what it can do, with what Envoy's function takes, and believed.
#[test]
fn the_host_verifies_where_it_can() {
    let rig = everybody();
    let asked = rig.host_verifies(|argument| {
        let valid = argument.windows(6).any(|window| window == b"sha256");
        Some(if valid {
            vec![8, 1]
        } else {
            vec![0x12, 1, b'x']
        })
    });
    for (key, alg) in ALL {
        let reason = rig.bearer(&mint::token(key, alg, &claims())).reason;
        let wanted = match alg {
            "RS384" | "RS512" | "ES384" => "signature:r",
            _ => "verified:r",
        };
        assert_eq!(reason, wanted, "{alg}");
    }
    let by_host = ["RS256", "RS384", "RS512", "ES256", "ES384"];
    assert_eq!(asked.borrow().len(), by_host.len());
    // Lengths and ranges are checked before anybody is asked.
    let token = mint::token("p256", "ES256", &claims());
    let (text, _) = token.rsplit_once('.').unwrap();
    let _ = rig.bearer(&format!("{text}.{}", mint::url(&[0; 64])));
    let _ = rig.bearer(&format!("{text}.{}", mint::url(&[1; 65])));
    assert_eq!(asked.borrow().len(), by_host.len());
}
