//! What can go wrong with a registry: what, where, and what to do.

use std::fmt;

use crate::Digest;

/// What is done with a repository, as registries grant it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Reading.
    Pull,
    /// Writing, which includes reading.
    Push,
}

/// Why a registry did not give or take what it was to. No message holds a secret: of an address, what
/// follows `?` is left out, and of credentials there is only whether there were any.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Docker's configuration does not yield credentials.
    Credentials(CredentialsError),
    /// The certificates that are to vouch for the registry cannot be read, or there are none.
    Certificates {
        /// A file, or this machine.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// Nobody answered, or the connection broke.
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the system or the connection says.
        problem: String,
        /// What to do.
        remedy: &'static str,
        /// Whether it may be otherwise in a moment.
        transient: bool,
    },
    /// 401: the registry wants credentials, or others.
    Unauthorized {
        /// The registry, with its port where it has one.
        registry: String,
        /// What was asked for.
        url: String,
        /// Whether Docker's configuration had credentials for it.
        with_credentials: bool,
        /// What the registry says.
        said: String,
    },
    /// 403: whoever it is may not.
    Forbidden {
        /// What was asked for.
        url: String,
        /// What for.
        operation: Operation,
        /// What the registry says.
        said: String,
    },
    /// 404: no such repository, image or blob.
    NotFound {
        /// What was asked for.
        url: String,
        /// What the registry says.
        said: String,
    },
    /// 429: the registry counts requests, and there were too many.
    TooManyRequests {
        /// What was asked for.
        url: String,
        /// `Retry-After` as the registry wrote it: seconds or a date.
        after: Option<String>,
        /// What the registry says.
        said: String,
    },
    /// Any other status that is not the one to be expected.
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: u16,
        /// What the registry says.
        said: String,
    },
    /// Something else than a manifest or an index.
    MediaType {
        /// What was asked for.
        url: String,
        /// What it came as.
        found: String,
    },
    /// More bytes than are read of such a thing.
    TooLarge {
        /// What was asked for.
        url: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// An answer that no registry gives.
    Protocol {
        /// What was asked for.
        url: String,
        /// What is wrong with the answer.
        problem: String,
    },
    /// The image to be pushed is not the one that the reference names.
    OtherDigest {
        /// The digest in the reference.
        expected: Digest,
        /// That of the image.
        found: Digest,
    },
}

/// Why Docker's configuration does not yield credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialsError {
    /// The file that was read.
    pub file: String,
    /// The registry.
    pub registry: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl Error {
    /// Whether another attempt may succeed. Of statuses these are the ones for which Istio's agent tries
    /// again, and 408 and 429.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { transient, .. } => *transient,
            Self::TooManyRequests { .. } => true,
            Self::Status { status, .. } => {
                *status == 408 || (*status >= 500 && !matches!(status, 501 | 505 | 511))
            }
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials(problem) => problem.fmt(f),
            Self::Certificates { place, problem } => write!(f, "{place}: {problem}"),
            Self::Unreachable {
                url,
                problem,
                remedy,
                ..
            } => write!(f, "{url}: {problem}; {remedy}"),
            Self::Unauthorized {
                registry,
                url,
                with_credentials,
                said,
            } => {
                let what = match with_credentials {
                    true => "it refuses the credentials that Docker's configuration has for it",
                    false => "it wants credentials, and Docker's configuration has none for it",
                };
                write!(f, "{url}: 401, {what}: `docker login {registry}`")?;
                Said(said).fmt(f)
            }
            Self::Forbidden {
                url,
                operation,
                said,
            } => {
                let act = match operation {
                    Operation::Pull => "pull from",
                    Operation::Push => "push to",
                };
                write!(
                    f,
                    "{url}: 403, this account may not {act} the repository; have it given that right, \
                     or log in with another"
                )?;
                Said(said).fmt(f)
            }
            Self::NotFound { url, said } => {
                write!(
                    f,
                    "{url}: 404, the registry has no such thing, or not for everybody; look at \
                     repository and tag, and whether it takes credentials"
                )?;
                Said(said).fmt(f)
            }
            Self::TooManyRequests { url, after, said } => {
                write!(f, "{url}: 429, too many requests; wait")?;
                if let Some(after) = after {
                    write!(f, " (Retry-After: {after})")?;
                }
                write!(f, ", or log in for a higher limit")?;
                Said(said).fmt(f)
            }
            Self::Status { url, status, said } => {
                write!(f, "{url}: {status}, {}", remedy(*status, url))?;
                Said(said).fmt(f)
            }
            Self::MediaType { url, found } => write!(
                f,
                "{url}: answered with `{found}`, which is neither a manifest nor an index; see that this \
                 is the address of a registry, and that no tool from before 2017 made the image"
            ),
            Self::TooLarge { url, limit } => write!(
                f,
                "{url}: more than {limit} bytes, which is the most that is read of it"
            ),
            Self::Protocol { url, problem } => write!(f, "{url}: {problem}"),
            Self::OtherDigest { expected, found } => write!(
                f,
                "the reference names {expected}, and the image is {found}; push it to a tag, or build it \
                 anew"
            ),
        }
    }
}

fn remedy(status: u16, url: &str) -> &'static str {
    match status {
        // What a server that speaks TLS answers to one that does not.
        400 if url.starts_with("http://") => {
            "the registry refuses; if it speaks TLS, name the file of its authority (`--ca`)"
        }
        500.. => "the registry has a fault: look at its log, or try later",
        300..400 => "it redirects what cannot be redirected: use the address it redirects to",
        _ => "the registry refuses: see that this is its address and that it takes such images",
    }
}

impl std::error::Error for Error {}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            registry,
            problem,
        } = self;
        write!(f, "{file}: credentials for {registry}: {problem}")
    }
}

impl std::error::Error for CredentialsError {}

impl From<CredentialsError> for Error {
    fn from(problem: CredentialsError) -> Self {
        Self::Credentials(problem)
    }
}

/// What the registry says, where it says something.
struct Said<'a>(&'a str);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            said => write!(f, " (the registry says: {said})"),
        }
    }
}
