//! Secrets: what a server proves its name with, and whom it believes. What they hold is never shown.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::field::Field;
use crate::model::{name_of, namespace_of};

/// A Secret with certificates, `kubernetes.io/tls` or one that has the same fields.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub namespace: String,
    /// `tls.crt` or `cert`, PEM.
    pub chain: Option<Vec<u8>>,
    /// `tls.key` or `key`, PEM.
    pub key: Option<Vec<u8>>,
    /// `ca.crt` or `cacert`, PEM.
    pub roots: Option<Vec<u8>>,
    /// Where it stands in the files.
    pub place: String,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}/{})", self.namespace, self.name)
    }
}

/// What a field has in it.
#[derive(Clone, Copy)]
enum Kind {
    Certificates,
    Key,
}

/// Reads a `Secret`. What it has of no certificates is nobody's business here.
pub(crate) fn read(root: &Field<'_>) -> Option<Secret> {
    let part = |names: [&str; 2], kind: Kind| {
        let mut found = names.iter().filter_map(|name| field(root, name));
        let (field, bytes) = found.next()?;
        match bytes.map(|bytes| problem(&bytes, kind).map_or(Ok(bytes), Err)) {
            Ok(Ok(bytes)) => Some(bytes),
            Ok(Err(problem)) | Err(problem) => {
                field.say(problem, "it is as if the field were not there");
                None
            }
        }
    };
    Some(Secret {
        chain: part(["tls.crt", "cert"], Kind::Certificates),
        key: part(["tls.key", "key"], Kind::Key),
        roots: part(["ca.crt", "cacert"], Kind::Certificates),
        name: name_of(root)?,
        namespace: namespace_of(root),
        place: root.place(),
    })
}

/// A field of `stringData`, which counts first as in Kubernetes, or of `data`.
fn field<'a>(root: &Field<'a>, name: &str) -> Option<(Field<'a>, Result<Vec<u8>, String>)> {
    if let Some(field) = root.at(&["stringData", name]) {
        let bytes = field.text().unwrap_or_default().as_bytes().to_vec();
        return Some((field, Ok(bytes)));
    }
    let field = root.at(&["data", name])?;
    let text = field.text().unwrap_or_default();
    // A block of YAML has line breaks in it.
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(text);
    let bytes = bytes.map_err(|_| format!("{name} is no base64; `base64 -w0 FILE` writes it"));
    Some((field, bytes))
}

/// Why it is not what it should be, without a word of what it is.
fn problem(bytes: &[u8], kind: Kind) -> Option<String> {
    match kind {
        Kind::Certificates => {
            let mut all = CertificateDer::pem_slice_iter(bytes).peekable();
            let good = all.peek().is_some() && all.all(|one| one.is_ok());
            (!good).then(|| "it is no certificate in PEM".to_owned())
        }
        Kind::Key => PrivateKeyDer::from_pem_slice(bytes)
            .is_err()
            .then(|| "it is no private key in PEM".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use documents::Document;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";

    fn read(data: &str) -> (Option<Secret>, Vec<String>) {
        let text = format!("kind: Secret\nmetadata: {{name: a}}\n{data}");
        let documents = Document::read_text("a.yaml", &text).unwrap();
        let (mut model, said) = Model::read(&documents);
        let said = said.iter().map(ToString::to_string).collect();
        (model.secrets.pop(), said)
    }

    #[test]
    fn certificates_are_read_from_either_map() {
        let data = format!(
            "data: {{tls.crt: {}, tls.key: {}}}\nstringData: {{ca.crt: {CERTIFICATE:?}}}\n",
            STANDARD.encode(CERTIFICATE),
            STANDARD.encode(KEY),
        );
        let (secret, said) = read(&data);
        let secret = secret.unwrap();
        assert_eq!(secret.chain.as_deref(), Some(CERTIFICATE.as_bytes()));
        assert_eq!(secret.key.as_deref(), Some(KEY.as_bytes()));
        assert_eq!(secret.roots.as_deref(), Some(CERTIFICATE.as_bytes()));
        assert_eq!(said, [""; 0]);
        assert_eq!(format!("{secret:?}"), "Secret(default/a)");
    }

    #[test]
    fn what_is_no_certificate_is_said_without_its_words() {
        let data = format!(
            "data: {{tls.crt: '?', tls.key: {}}}",
            STANDARD.encode("hush")
        );
        let (secret, said) = read(&data);
        assert_eq!(secret.unwrap().key, None);
        assert_eq!(
            said,
            [
                "a.yaml:3:17: tls.crt is no base64; `base64 -w0 FILE` writes it: it is as if the field were not there",
                "a.yaml:3:31: it is no private key in PEM: it is as if the field were not there",
            ]
        );
        // One good certificate does not make up for a bad one.
        let two = format!("{CERTIFICATE}-----BEGIN CERTIFICATE-----\n?\n");
        let (secret, said) = read(&format!("stringData: {{cert: {two:?}}}"));
        assert_eq!((secret.unwrap().chain, said.len()), (None, 1));
    }
}
