//! Who vouches for whom.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

use crate::listener::Certificate;

/// A certificate authority, good from 2020 to 2120.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// The names in a certificate; none at all unless told.
#[derive(Debug, Clone, Default)]
pub struct Names {
    alternatives: Vec<SanType>,
    common_name: Option<String>,
}

/// A certificate and its private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// PEM.
    pub certificate: String,
    /// PKCS #8 as PEM.
    pub key: String,
}

impl Authority {
    /// A new one, which nothing else trusts.
    pub fn new(common_name: &str) -> Self {
        let mut params = params();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, key());
        Self(issuer.expect("parameters that make a certificate"))
    }

    /// Its certificate as PEM, for those who are to trust it.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// Issues a certificate for both ends of a connection.
    pub fn issue(&self, names: &Names) -> Issued {
        let mut params = params();
        params.subject_alt_names.clone_from(&names.alternatives);
        if let Some(name) = &names.common_name {
            params
                .distinguished_name
                .push(DnType::CommonName, name.as_str());
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let key = key();
        let certificate = params.signed_by(&key, &self.0);
        Issued {
            certificate: certificate.expect("names that fit a certificate").pem(),
            key: key.serialize_pem(),
        }
    }
}

impl<'a> From<&'a Issued> for Certificate<'a> {
    fn from(issued: &'a Issued) -> Self {
        Certificate {
            chain: &issued.certificate,
            key: &issued.key,
        }
    }
}

impl Names {
    /// No name at all.
    pub fn none() -> Self {
        Self::default()
    }

    /// A SPIFFE identity (X.509-SVID: one URI SAN) such as `cluster.local/ns/default/sa/sleep`.
    pub fn spiffe(principal: &str) -> Self {
        Self::none().uri(&format!("spiffe://{principal}"))
    }

    /// Adds a URI SAN.
    #[must_use]
    pub fn uri(mut self, uri: &str) -> Self {
        let uri = uri.try_into().expect("a URI in ASCII");
        self.alternatives.push(SanType::URI(uri));
        self
    }

    /// Adds a DNS SAN.
    #[must_use]
    pub fn dns(mut self, name: &str) -> Self {
        let name = name.try_into().expect("a DNS name in ASCII");
        self.alternatives.push(SanType::DnsName(name));
        self
    }

    /// Sets the subject to `CN=<name>`.
    #[must_use]
    pub fn common_name(mut self, name: &str) -> Self {
        self.common_name = Some(name.to_owned());
        self
    }
}

fn params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2120, 1, 1);
    params
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key from the system's random numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_issued_is_pem_and_never_the_same_twice() {
        let authority = Authority::new("test");
        let names = Names::spiffe("cluster.local/ns/a/sa/b").dns("b.a");
        let (one, other) = (authority.issue(&names), authority.issue(&names));
        assert!(authority.pem().starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(one.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(one.key.starts_with("-----BEGIN PRIVATE KEY-----"));
        assert_ne!(one, other);
    }
}
