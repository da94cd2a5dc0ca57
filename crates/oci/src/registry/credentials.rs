//! Who somebody is for a registry, out of Docker's own configuration.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};

use super::error::CredentialsError;

/// Nobody's configuration is larger, in bytes.
const LIMIT: u64 = 1 << 20;

/// What is shown to a registry.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Nothing.
    Anonymous,
    /// A name and a password.
    Password { user: String, password: String },
    /// What a registry's token service gives tokens for, in place of a password (OAuth 2's refresh
    /// token).
    Identity(String),
}

/// The folder in which Docker keeps its configuration: `$DOCKER_CONFIG`, else `~/.docker`.
#[must_use]
pub fn docker_folder() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let home = || Some(PathBuf::from(set("HOME")?).join(".docker"));
    set("DOCKER_CONFIG").map(PathBuf::from).or_else(home)
}

impl Credentials {
    /// What the `config.json` of this folder has for a registry, itself or through a credential helper;
    /// anonymous where there is no such file, or nothing in it.
    pub(super) fn find(folder: &Path, registry: &str) -> Result<Self, CredentialsError> {
        let path = folder.join("config.json");
        let wrong = |problem: String| CredentialsError {
            file: path.display().to_string(),
            registry: registry.to_owned(),
            problem,
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(problem) if problem.kind() == ErrorKind::NotFound => return Ok(Self::Anonymous),
            Err(problem) => return Err(wrong(problem.to_string())),
        };
        match get_credential_from_reader(file.take(LIMIT), registry) {
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                Ok(Self::Password { user, password })
            }
            Ok(DockerCredential::IdentityToken(token)) => Ok(Self::Identity(token)),
            Err(problem) if is_nothing(&problem) => Ok(Self::Anonymous),
            Err(problem) => Err(wrong(explain(&problem))),
        }
    }

    /// Whether there is something to show.
    pub(super) fn are_there(&self) -> bool {
        *self != Self::Anonymous
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Password { .. } => "Password",
            Self::Identity(_) => "Identity",
        })
    }
}

/// Helpers say that they have nothing as they say everything else, by failing; this is the sentence of
/// all of them.
fn is_nothing(problem: &CredentialRetrievalError) -> bool {
    match problem {
        CredentialRetrievalError::NoCredentialConfigured => true,
        CredentialRetrievalError::HelperFailure { stdout, stderr, .. } => {
            let said = |text: &String| text.contains("credentials not found");
            said(stdout) || said(stderr)
        }
        _ => false,
    }
}

/// What a helper wrote is not repeated: it may be a secret.
fn explain(problem: &CredentialRetrievalError) -> String {
    match problem {
        CredentialRetrievalError::HelperFailure { helper, .. } => {
            format!("the helper `{helper}` failed; run `{helper} get`, which reads the registry's name")
        }
        CredentialRetrievalError::HelperCommunicationError => {
            "their helper cannot be run; install it (`docker-credential-` and the name in `credHelpers` or \
             `credsStore`) in a folder of PATH, or take it out of the file"
                .to_owned()
        }
        CredentialRetrievalError::MalformedHelperResponse => {
            "their helper answered with something else than credentials; bring it up to date".to_owned()
        }
        CredentialRetrievalError::ConfigReadError => {
            "the file is no configuration of Docker's in JSON; mend it, or log in anew".to_owned()
        }
        CredentialRetrievalError::CredentialDecodingError => {
            "`auth` is not `user:password` in base64; log in anew".to_owned()
        }
        CredentialRetrievalError::CredentialMismatchError => {
            "`auth` and `username` with `password` differ; log in anew".to_owned()
        }
        other => format!("{other}; log in anew"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What a configuration of this text says about a registry.
    fn find(text: &str, registry: &str) -> Result<Credentials, CredentialsError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), text).unwrap();
        Credentials::find(folder.path(), registry)
    }

    fn me() -> Credentials {
        Credentials::Password {
            user: "me".to_owned(),
            password: "p:w".to_owned(),
        }
    }

    #[test]
    fn what_docker_login_wrote_is_found() {
        // `me:p:w`
        let config = r#"{"auths": {
            "r.example:5000": {"auth": "bWU6cDp3"},
            "https://index.docker.io/v1/": {"auth": "bWU6cDp3"}
        }}"#;
        assert_eq!(find(config, "r.example:5000"), Ok(me()));
        assert_eq!(find(config, "https://index.docker.io/v1/"), Ok(me()));
        assert_eq!(find(config, "r.example"), Ok(Credentials::Anonymous));
        let token = r#"{"auths": {"r.example": {"identitytoken": "t"}}}"#;
        assert_eq!(
            find(token, "r.example"),
            Ok(Credentials::Identity("t".to_owned()))
        );
    }

    #[test]
    fn without_a_configuration_one_is_nobody() {
        let nowhere = Path::new("/no/such/folder");
        assert_eq!(
            Credentials::find(nowhere, "r.example"),
            Ok(Credentials::Anonymous)
        );
        assert_eq!(find("{}", "r.example"), Ok(Credentials::Anonymous));
    }

    #[test]
    fn what_is_wrong_with_it_is_said_without_a_secret() {
        let problem = |config: &str| find(config, "r.example").unwrap_err().to_string();
        assert!(problem("[").contains("no configuration of Docker's"));
        let hidden = problem(r#"{"auths": {"r.example": {"auth": "c2VjcmV0"}}}"#);
        assert!(
            hidden.contains("credentials for r.example: `auth` is not"),
            "{hidden}"
        );
        assert!(
            !hidden.contains("c2VjcmV0") && !hidden.contains("secret"),
            "{hidden}"
        );
        let helper = problem(r#"{"credHelpers": {"r.example": "no-such-helper"}}"#);
        assert!(helper.contains("cannot be run; install it"), "{helper}");
        assert_eq!(format!("{:?}", me()), "Password");
    }
}
