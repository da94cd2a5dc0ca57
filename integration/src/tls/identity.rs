//! Whom a workload of a mesh believes: not a name, but an identity, which is a URI in the certificate.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};

/// Certificates of an authority that name this identity.
#[derive(Debug)]
pub(super) struct Identity {
    chain: Arc<WebPkiServerVerifier>,
    uri: String,
}

impl Identity {
    pub(super) fn verifier(roots: RootCertStore, uri: &str) -> Result<Arc<Self>, String> {
        let provider = Arc::new(default_provider());
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        Ok(Arc::new(Self {
            chain: chain.map_err(|error| error.to_string())?,
            uri: uri.to_owned(),
        }))
    }

    /// Whether the certificate has the URI, by its bytes: as long as a name with this tag (RFC 5280 §4.2.1.6) says.
    fn names(&self, certificate: &[u8]) -> bool {
        let length = u8::try_from(self.uri.len()).expect("an identity of less than 256 bytes");
        let prefix: &[u8] = match length {
            0..=127 => &[0x86, length],
            _ => &[0x86, 0x81, length],
        };
        let named = [prefix, self.uri.as_bytes()].concat();
        certificate.windows(named.len()).any(|part| part == named)
    }
}

impl ServerCertVerifier for Identity {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self
            .chain
            .verify_server_cert(certificate, above, server, ocsp, now);
        match verified {
            // The name comes last, when all else is in order.
            Ok(_)
            | Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => match self.names(certificate) {
                true => Ok(ServerCertVerified::assertion()),
                false => {
                    let problem = format!("the server is not {}", self.uri);
                    Err(
                        CertificateError::Other(OtherError(Arc::new(std::io::Error::other(
                            problem,
                        ))))
                        .into(),
                    )
                }
            },
            Err(error) => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain
            .verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain
            .verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
