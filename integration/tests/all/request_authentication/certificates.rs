//! Keys in certificates that another program made, beside Envoy's own filter.

use integration::client::{Client, Request};
use integration::envoy::Envoy;
use integration::jwt::{Algorithm, Behaviour, Issuer, Key, decode_base64url};
use integration::listener::bootstrap;
use rcgen::{
    CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PublicKeyData, SignatureAlgorithm,
    date_time_ymd,
};
use request_authentication::keys::certificate::Certificate;
use request_authentication::keys::jwk::Jwk;
use request_authentication::keys::key::Key as VerifyingKey;
use serde_json::{Map, Value, json};

use crate::request_authentication::differential::good_claims;
use crate::request_authentication::pairs::Pairs;
use crate::request_authentication::rules::{A, Place, Setup};
use crate::request_authentication::{FILTER, SOON, ours};

/// The public half of a key of the tests, as rcgen wants it.
struct Public {
    bytes: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
}

impl PublicKeyData for Public {
    fn der_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

/// A value of DER that is less than 64 KiB long.
fn tagged(tag: u8, value: &[u8]) -> Vec<u8> {
    let size = u16::try_from(value.len()).unwrap().to_be_bytes();
    let header = match value.len() {
        0..0x80 => vec![tag, size[1]],
        0x80..0x100 => vec![tag, 0x81, size[1]],
        _ => vec![tag, 0x82, size[0], size[1]],
    };
    [header, value.to_vec()].concat()
}

impl Public {
    fn of(key: &Key) -> Self {
        let material = key.material();
        let part = |name: &str| decode_base64url(material[name].as_str().unwrap());
        let point = || [vec![4], part("x"), part("y")].concat();
        let (bytes, algorithm) = match key.algorithm().name() {
            "ES256" => (point(), &rcgen::PKCS_ECDSA_P256_SHA256),
            "ES384" => (point(), &rcgen::PKCS_ECDSA_P384_SHA384),
            "EdDSA" => (part("x"), &rcgen::PKCS_ED25519),
            _ => {
                let number = |name| tagged(2, &[vec![0], part(name)].concat());
                // Its first byte is below 0x80, and needs no zero.
                let numbers = [number("n"), tagged(2, &part("e"))].concat();
                (tagged(0x30, &numbers), &rcgen::PKCS_RSA_SHA256)
            }
        };
        Public { bytes, algorithm }
    }
}

/// A certificate for a key, as PEM, good until this year.
fn certificate(key: &Key, until: i32) -> String {
    let mut params = CertificateParams::new(vec!["keys.example".to_owned()]).unwrap();
    params.is_ca = IsCa::ExplicitNoCa;
    params.not_before = date_time_ymd(1999, 1, 1);
    params.not_after = date_time_ymd(until, 12, 31);
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "Grüße, \u{1f511}");
    name.push(DnType::OrganizationName, "o".repeat(60));
    let signer =
        CertifiedIssuer::self_signed(CertificateParams::default(), KeyPair::generate().unwrap());
    let made = params.signed_by(&Public::of(key), &signer.unwrap());
    made.unwrap().pem()
}

fn key(algorithm: Algorithm) -> Key {
    Key::new(algorithm, algorithm.name())
}

/// A mapping of names to certificates for these keys.
fn mapping(keys: &[Key], until: i32) -> Value {
    let named = keys
        .iter()
        .map(|key| (key.kid().to_owned(), json!(certificate(key, until))));
    Value::Object(named.collect::<Map<_, _>>())
}

fn bearer(token: &str) -> Request {
    Request::get("/catalogue").header("authorization", format!("Bearer {token}"))
}

#[test]
fn a_key_is_the_same_in_its_certificate_and_in_a_list() {
    let spki = |key: &VerifyingKey| match key {
        VerifyingKey::Rsa(rsa) => rsa.spki.clone(),
        VerifyingKey::P256 { spki, .. } | VerifyingKey::P384 { spki, .. } => spki.clone(),
        VerifyingKey::Ed25519(key) => key.to_vec(),
        other => panic!("{other:?}"),
    };
    for algorithm in [
        Algorithm::Rs256,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::EdDsa,
    ] {
        for kid in 0..8 {
            let key = Key::new(algorithm, &format!("{kid}"));
            for (until, seconds) in [
                (2009, 1_262_217_600),
                (2049, 2_524_521_600),
                (2050, 2_556_057_600),
            ] {
                let read = Certificate::from_pem(&certificate(&key, until)).unwrap();
                let listed = Jwk::read(&key.material()).unwrap().key;
                assert_eq!(spki(&read.key), spki(&listed));
                let end = read.not_after.unwrap().as_nanos() / 1_000_000_000;
                assert_eq!(end, seconds, "{until}");
            }
            if algorithm == Algorithm::Rs256 {
                break;
            }
        }
    }
}

/// RSA is what Envoy reads of a mapping of certificates: there the two answer alike, whether they are
/// in time or not.
#[test]
fn a_mapping_of_rsa_certificates_is_read_as_by_envoy() {
    for until in [2009, 2100] {
        let (one, two) = (
            Key::new(Algorithm::Rs256, "one"),
            Key::new(Algorithm::Rs256, "two"),
        );
        let text = mapping(&[one.clone(), two.clone()], until).to_string();
        let pairs = Pairs::start(vec![Setup {
            name: "certificates",
            rules: json!([{"issuer": A, "jwks": text}]),
            places: Vec::<Place>::new(),
        }]);
        let claims = good_claims().to_string();
        let headers = [
            json!({"alg": "RS256", "kid": "one"}),
            json!({"alg": "RS256", "kid": "two"}),
            json!({"alg": "RS256", "kid": "three"}),
            json!({"alg": "RS256"}),
            json!({"alg": "RS512", "kid": "one"}),
            json!({"alg": "PS256", "kid": "one"}),
            json!({"alg": "ES256", "kid": "one"}),
            json!({"alg": "HS256", "kid": "one"}),
        ];
        let mut taken = 0;
        for header in headers {
            for signer in [&one, &two] {
                let named = header["alg"].as_str().unwrap();
                let algorithm = Algorithm::ALL
                    .into_iter()
                    .find(|known| known.name() == named);
                let algorithm = algorithm
                    .filter(|known| known.name().ends_with("S256") || known.name() == "RS512");
                let signer = match algorithm {
                    Some(algorithm) if named.starts_with(['R', 'P']) => {
                        Key::new(algorithm, signer.kid())
                    }
                    _ => signer.clone(),
                };
                let token = signer.token_of(header.to_string(), claims.as_str());
                let pair = pairs.ask_first(bearer(&token));
                assert_eq!(pair.ours, pair.theirs, "{header} by {}", signer.kid());
                taken += usize::from(pair.theirs.status == 200);
            }
        }
        assert_eq!(taken, 6);
    }
}

/// What Envoy does not read: other keys than RSA in a mapping, and `x5c`.
#[test]
fn certificates_are_fetched_and_an_old_one_is_told() {
    let algorithms = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];
    let keys = algorithms.map(key);
    let issuer = Issuer::start([]);
    issuer.publish(mapping(&keys, 2009));
    let rule = json!({
        "name": "fetched", "issuer": A, "jwksUri": issuer.jwks_uri(), "jwksCluster": "issuer",
        "cacheDuration": "1s",
    });
    let listener = ours(&json!([rule]));
    let envoy = Envoy::builder(bootstrap([listener], [issuer.cluster("issuer")]))
        .workers(2)
        .start();
    let taken = |key: &Key| {
        let request = bearer(&key.token(&good_claims()));
        Client::http1(envoy.addr("ours")).send(request).status == 200
    };
    assert!(keys.iter().all(taken));
    let told = format!(
        "{FILTER}: jwks_fetched:fetched: {} through cluster `issuer`: ES256 and 2 more: the \
         certificate has expired; its key counts on",
        issuer.jwks_uri()
    );
    envoy.wait_log(&told, SOON);

    let listed = |key: &Key| {
        let pem = certificate(key, 2100);
        let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        json!({"kty": key.material()["kty"], "kid": key.kid(), "x5c": [der]})
    };
    let other = Key::new(Algorithm::Es256, "other");
    issuer.publish(json!({"keys": [listed(&other), listed(&keys[0])]}));
    let changed = || (taken(&other) && taken(&keys[0]) && !taken(&keys[1])).then_some(());
    assert!(integration::service::wait::until(SOON, changed).is_some());

    // PEM where JSON is expected is named.
    let pem = certificate(&other, 2100).into_bytes();
    issuer.behave(Behaviour::Body(pem));
    envoy.wait_log(
        "through cluster `issuer`: an answer that is PEM, not JSON",
        SOON,
    );
    assert!(taken(&other));
}
