//! TLS as a client speaks it.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::Issued;
use super::identity::Identity;

/// Whom a client trusts, what it asks for and what it shows.
#[derive(Debug, Clone)]
pub struct Tls {
    authority: String,
    shown: Option<Issued>,
    server: String,
    identity: Option<String>,
}

impl Tls {
    /// Trusts servers with a certificate for `localhost` of this authority, and shows none.
    pub fn trusting(authority: impl Into<String>) -> Self {
        Self {
            authority: authority.into(),
            shown: None,
            server: "localhost".to_owned(),
            identity: None,
        }
    }

    /// Shows this certificate to servers that ask for one.
    #[must_use]
    pub fn showing(mut self, certificate: &Issued) -> Self {
        self.shown = Some(certificate.clone());
        self
    }

    /// Asks for this server (SNI), which its certificate must name, in place of `localhost`.
    #[must_use]
    pub fn server(mut self, name: &str) -> Self {
        self.server = name.to_owned();
        self
    }

    /// Believes whoever has this identity (SPIFFE, a URI) in place of a name, as workloads of a mesh do.
    #[must_use]
    pub fn identity(mut self, uri: &str) -> Self {
        self.identity = Some(uri.to_owned());
        self
    }

    /// Shakes hands, offering one application protocol.
    pub(crate) async fn connect(
        &self,
        stream: TcpStream,
        protocol: &str,
    ) -> Result<TlsStream<TcpStream>, String> {
        let server = ServerName::try_from(self.server.clone())
            .map_err(|error| format!("`{}`: {error}", self.server))?;
        let connector = TlsConnector::from(Arc::new(self.config(protocol)?));
        let connected = connector.connect(server, stream).await;
        connected.map_err(|error| format!("the TLS handshake: {error}"))
    }

    fn config(&self, protocol: &str) -> Result<ClientConfig, String> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.authority)? {
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let builder = match &self.identity {
            None => builder.with_root_certificates(roots),
            Some(identity) => builder
                .dangerous()
                .with_custom_certificate_verifier(Identity::verifier(roots, identity)?),
        };
        let config = match &self.shown {
            None => Ok(builder.with_no_client_auth()),
            Some(shown) => {
                let key = PrivateKeyDer::from_pem_slice(shown.key.as_bytes())
                    .map_err(|error| format!("a private key: {error}"))?;
                builder.with_client_auth_cert(certificates(&shown.certificate)?, key)
            }
        };
        let mut config = config.map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Ok(config)
    }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    certificates.map_err(|error| format!("a certificate: {error}"))
}
