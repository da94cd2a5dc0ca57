//! What a registry answers: read up to a limit, and taken for what it is.

use std::io::Read;

use serde_json::Value;
use ureq::Body;
use ureq::http::{HeaderMap, HeaderName, Response, header};

use super::error::{Error, Operation};
use super::http::unreachable;
use super::options::Event;
use crate::Digest;

/// More than this of an error's text is not read, in bytes.
const SAID: u64 = 16 << 10;
/// More than this of it is not shown, in letters.
const SHOWN: usize = 200;
/// How much is read at a time, in bytes.
const STEP: usize = 64 << 10;

/// The head of an answer, and its body still to be read.
pub(super) struct Answer<'a> {
    url: String,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    body: Body,
    progress: &'a dyn Fn(Event<'_>),
}

/// Who asked, for the sentence of a refusal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) registry: &'a str,
    pub(super) operation: Operation,
    pub(super) with_credentials: bool,
}

impl<'a> Answer<'a> {
    pub(super) fn new(
        url: &str,
        response: Response<Body>,
        progress: &'a dyn Fn(Event<'_>),
    ) -> Self {
        let (head, body) = response.into_parts();
        Self {
            url: without_query(url),
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            progress,
        }
    }

    /// A header's text, where it is there and is text.
    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Itself if its status is this one, else what that means.
    pub(super) fn expect(self, status: u16, asker: Asker<'_>) -> Result<Self, Error> {
        match self.status == status {
            true => Ok(self),
            false => Err(self.refusal(asker)),
        }
    }

    /// An answer that no registry gives.
    pub(super) fn protocol(&self, problem: impl Into<String>) -> Error {
        Error::Protocol {
            url: self.url.clone(),
            problem: problem.into(),
        }
    }

    /// Something else than what it was asked for.
    pub(super) fn media_type(&self, found: &str) -> Error {
        Error::MediaType {
            url: self.url.clone(),
            found: shown(found),
        }
    }

    /// The body, if it has no more than `limit` bytes; of a blob, it is told how much has come.
    pub(super) fn bytes(self, limit: u64, blob: Option<Digest>) -> Result<Vec<u8>, Error> {
        let Self {
            url,
            body,
            progress,
            ..
        } = self;
        let total = body.content_length();
        let too_large = || Error::TooLarge {
            url: url.clone(),
            limit,
        };
        if total.is_some_and(|total| total > limit) {
            return Err(too_large());
        }
        let mut reader = body.into_reader();
        let mut bytes = Vec::new();
        let mut step = vec![0; STEP];
        loop {
            let count = reader.read(&mut step);
            let count = count.map_err(|problem| unreachable(&url, &problem.into()))?;
            let Some(read) = step.get(..count).filter(|read| !read.is_empty()) else {
                break;
            };
            if bytes.len() as u64 + count as u64 > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(read);
            if let Some(blob) = blob {
                let done = bytes.len() as u64;
                progress(Event::Transferred { blob, done, total });
            }
        }
        match total {
            Some(total) if total != bytes.len() as u64 => Err(unreachable(
                &url,
                &std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into(),
            )),
            _ => Ok(bytes),
        }
    }

    /// What an answer means that is not the one to be expected.
    pub(super) fn refusal(self, asker: Asker<'_>) -> Error {
        let after = self.header(header::RETRY_AFTER).map(shown);
        let kind = self.header(header::CONTENT_TYPE).unwrap_or_default();
        let plain = kind.starts_with("text/plain");
        let Self {
            url, status, body, ..
        } = self;
        let mut text = Vec::new();
        // A refusal stays one, whether or not the rest of its text arrives.
        let _ = body.into_reader().take(SAID).read_to_end(&mut text);
        let said = said(&text, plain);
        match status {
            401 => Error::Unauthorized {
                registry: asker.registry.to_owned(),
                url,
                with_credentials: asker.with_credentials,
                said,
            },
            403 => Error::Forbidden {
                url,
                operation: asker.operation,
                said,
            },
            404 => Error::NotFound { url, said },
            429 => Error::TooManyRequests { url, after, said },
            _ => Error::Status { url, status, said },
        }
    }
}

/// An address without its query, which may hold secrets: signatures, states of uploads.
pub(super) fn without_query(url: &str) -> String {
    let (address, _) = url.split_once('?').unwrap_or((url, ""));
    shown(address)
}

/// The message in an error as the distribution specification has them, or a plain text's; nothing where it
/// is neither.
fn said(text: &[u8], plain: bool) -> String {
    let Ok(error) = serde_json::from_slice::<Value>(text) else {
        let text = String::from_utf8_lossy(text);
        return match plain {
            true => shown(&text),
            false => String::new(),
        };
    };
    let of = |pointer: &str| error.pointer(pointer).and_then(Value::as_str);
    let message = of("/errors/0/message").or_else(|| of("/errors/0/code"));
    message
        .or_else(|| of("/details"))
        .map_or_else(String::new, shown)
}

/// A text of somebody else's, fit for a terminal.
fn shown(text: &str) -> String {
    let printable = text.chars().map(|letter| match letter.is_control() {
        true => ' ',
        false => letter,
    });
    printable.take(SHOWN).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_says_is_one_short_line() {
        let error = |text: &str| said(text.as_bytes(), false);
        assert_eq!(
            error(r#"{"errors": [{"code": "DENIED", "message": "not\nyours"}]}"#),
            "not yours"
        );
        assert_eq!(error(r#"{"errors": [{"code": "DENIED"}]}"#), "DENIED");
        assert_eq!(error(r#"{"details": "no such user"}"#), "no such user");
        for nothing in ["", "<html>", "[]", r#"{"errors": [{"message": 1}]}"#] {
            assert_eq!(error(nothing), "", "{nothing}");
        }
        let plain = "Client sent an HTTP request to an HTTPS server.\n";
        assert_eq!(said(plain.as_bytes(), true), plain.trim());
        let long = format!(r#"{{"errors": [{{"message": "{}"}}]}}"#, "ü".repeat(500));
        assert_eq!(error(&long).chars().count(), SHOWN);
    }

    #[test]
    fn a_query_is_not_shown() {
        assert_eq!(
            without_query("https://r.example/v2/?sig=secret"),
            "https://r.example/v2/"
        );
        assert_eq!(
            without_query("https://r.example/v2/"),
            "https://r.example/v2/"
        );
    }
}
