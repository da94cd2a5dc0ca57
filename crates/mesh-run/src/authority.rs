//! The mesh's certificate authority, made for one run: nothing else trusts it, and its key is never written.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use sdk_helpers::Timestamp;
use time::{Duration, OffsetDateTime};

use crate::Error;

/// How long certificates are good: nothing renews them, so longer than anybody leaves a mesh running.
pub const LIFETIME_DAYS: i64 = 365;
/// How long before now they are good, for clocks that are a little behind.
const BEFORE: Duration = Duration::hours(1);

/// An authority with a key of ECDSA P-256.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    begins: OffsetDateTime,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// PEM.
    pub chain: String,
    /// PKCS #8 as PEM.
    pub key: String,
}

impl Authority {
    /// One whose certificates are good from now on, for [`LIFETIME_DAYS`].
    ///
    /// # Errors
    /// The system has no random numbers, or a time that no certificate has.
    pub fn new(trust_domain: &str, now: Timestamp) -> Result<Self, Error> {
        let seconds = i64::try_from(now.as_nanos() / 1_000_000_000).map_err(failed)?;
        let begins = OffsetDateTime::from_unix_timestamp(seconds).map_err(failed)? - BEFORE;
        let mut params = params(begins);
        // As istiod's own root names itself.
        let organization = format!("mesh-filters {trust_domain}");
        params
            .distinguished_name
            .push(DnType::OrganizationName, organization);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(failed)?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(failed)?;
        Ok(Self { issuer, begins })
    }

    /// Its certificate, PEM.
    #[must_use]
    pub fn roots(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for both ends of a connection, whose one name is a SPIFFE identity.
    ///
    /// # Errors
    /// The identity is not ASCII.
    pub fn issue(&self, identity: &str) -> Result<Issued, Error> {
        let mut params = params(self.begins);
        let uri = identity.try_into().map_err(failed)?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::ServerAuth,
        ];
        let key = KeyPair::generate().map_err(failed)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Issued {
            chain: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn params(begins: OffsetDateTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = begins;
    params.not_after = begins + BEFORE + Duration::days(LIFETIME_DAYS);
    params
}

fn failed(problem: impl std::fmt::Display) -> Error {
    Error::Envoy(format!("a certificate of the mesh: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_certificate_is_another() {
        let now = Timestamp::default().saturating_add(std::time::Duration::from_secs(1 << 30));
        let authority = Authority::new("cluster.local", now).unwrap();
        let issue = || authority.issue("spiffe://cluster.local/ns/a/sa/b").unwrap();
        let (one, other) = (issue(), issue());
        assert!(authority.roots().starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(one.chain.starts_with("-----BEGIN CERTIFICATE-----"));
        assert!(one.key.starts_with("-----BEGIN PRIVATE KEY-----"));
        assert_ne!(one, other);
        assert!(authority.issue("spiffe://ä").is_err());
    }
}
