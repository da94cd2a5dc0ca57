//! The Secrets that a proxy uses, as files below its folder. Whoever runs a mesh writes them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::certificates::Certificates;
use crate::listeners::ServerFiles;
use crate::model::Model;
use crate::model::secret::Secret;
use crate::model::server_tls::{Clients, ServerTls, Source};

/// A file with a certificate or a key in it. Nobody but its owner may read it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// Its name, below the folder of the proxy. Other bytes have another name, so that Envoy reads them.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretFile({})", self.name)
    }
}

/// The Secrets of the namespace where a proxy runs.
pub(crate) struct Secrets<'a> {
    model: &'a Model,
    namespace: &'a str,
    folder: &'a Path,
    used: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl<'a> Secrets<'a> {
    pub(crate) fn new(model: &'a Model, namespace: &'a str, folder: &'a Path) -> Self {
        Secrets {
            model,
            namespace,
            folder,
            used: RefCell::default(),
        }
    }

    /// The files of a server, or what there is none of.
    pub(crate) fn server(
        &self,
        tls: &ServerTls,
        own: &Certificates,
    ) -> Result<ServerFiles, String> {
        let name = match &tls.source {
            Source::Mesh => {
                return Ok(ServerFiles {
                    chain: own.chain.clone(),
                    key: own.key.clone(),
                    roots: Some(own.roots.clone()),
                });
            }
            Source::Files { chain, key, roots } => {
                return Ok(ServerFiles {
                    chain: chain.into(),
                    key: key.into(),
                    roots: roots.as_ref().map(PathBuf::from),
                });
            }
            Source::Secret(name) => name,
        };
        let missing = |what: &str| format!("Secret {}/{name} {what}", self.namespace);
        let secret = self.find(name).ok_or_else(|| self.elsewhere(name))?;
        let (Some(chain), Some(key)) = (&secret.chain, &secret.key) else {
            return Err(missing("has no tls.crt and tls.key"));
        };
        let roots = match tls.clients {
            Clients::Anybody => None,
            _ => Some(self.roots(secret).ok_or_else(|| {
                missing("has no ca.crt, by which clients are known, and no second Secret has, NAME-cacert")
            })?),
        };
        let of = (chain, &roots);
        Ok(ServerFiles {
            chain: self.file(name, "chain", of, chain),
            key: self.file(name, "key", of, key),
            roots: roots.map(|roots| self.file(name, "roots", of, roots)),
        })
    }

    /// The files of a client: roots, and a certificate with its key where it has one.
    pub(crate) fn client(&self, name: &str) -> Option<ClientFiles> {
        let secret = self.find(name)?;
        let roots = self.roots(secret);
        let of = (&secret.chain, &roots);
        let file = |kind: &str, bytes: &Vec<u8>| self.file(name, kind, of, bytes);
        let pair = secret.chain.as_ref().zip(secret.key.as_ref());
        Some(ClientFiles {
            roots: roots.map(|roots| file("roots", roots)),
            pair: pair.map(|(chain, key)| (file("chain", chain), file("key", key))),
        })
    }

    /// Those that were asked for.
    pub(crate) fn files(self) -> Vec<SecretFile> {
        let used = self.used.into_inner().into_iter();
        used.map(|(name, bytes)| SecretFile { name, bytes })
            .collect()
    }

    fn find(&self, name: &str) -> Option<&'a Secret> {
        let mut all = self.model.secrets.iter();
        all.find(|one| one.name == name && one.namespace == self.namespace)
    }

    fn elsewhere(&self, name: &str) -> String {
        let mut all = self.model.secrets.iter();
        let namespace = self.namespace;
        match all.find(|one| one.name == name) {
            Some(other) => format!(
                "Secret {name} is in namespace {}, and the gateway looks where it runs, in {namespace}",
                other.namespace
            ),
            None => format!("there is no Secret {namespace}/{name}"),
        }
    }

    /// Those of the Secret, or of the one that has its roots alone.
    fn roots(&self, secret: &'a Secret) -> Option<&'a Vec<u8>> {
        let apart = || {
            self.find(&format!("{}-cacert", secret.name))?
                .roots
                .as_ref()
        };
        secret.roots.as_ref().or_else(apart)
    }

    fn file(&self, name: &str, kind: &str, of: impl Hash, bytes: &[u8]) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        of.hash(&mut hasher);
        // No name of an object leads out of the folder.
        let plain = |c: char| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' => c,
            _ => '_',
        };
        let safe: String = name.chars().map(plain).collect();
        let file = format!("secret-{safe}-{:016x}.{kind}.pem", hasher.finish());
        let path = self.folder.join(&file);
        self.used.borrow_mut().insert(file, bytes.to_vec());
        path
    }
}

/// The files of a client.
pub(crate) struct ClientFiles {
    pub(crate) roots: Option<PathBuf>,
    pub(crate) pair: Option<(PathBuf, PathBuf)>,
}
