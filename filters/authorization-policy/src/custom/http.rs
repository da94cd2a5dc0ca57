//! A service that speaks HTTP: it gets the request again, without its body, and its status decides.

use std::borrow::Cow;

use sdk_helpers::decision::USER_AGENT;
use sdk_helpers::{Body, HeaderEdit, Headers, Request};

use super::names::HeaderNames;
use super::template::Template;
use super::{Fault, Judgement, Refusal, answerable, check};

/// Which headers go where.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Http {
    /// Stands before the path.
    pub path_prefix: String,
    /// Headers of the request that the service sees besides host, method, path and `authorization`.
    pub include: HeaderNames,
    /// Headers that it gets besides, in the order of their names, in lower case.
    pub additional: Vec<(String, Template)>,
    /// Headers of its answer that the upstream gets.
    pub to_upstream_on_allow: HeaderNames,
    /// Headers of its answer that the client gets with the upstream's answer.
    pub to_downstream_on_allow: HeaderNames,
    /// Headers of its answer that the client gets with a refusal; if none are named, all of them.
    pub to_downstream_on_deny: HeaderNames,
}

/// What Envoy sends whatever the configuration says.
const ALWAYS: [&str; 4] = [":authority", ":method", ":path", "authorization"];

/// What a client gets with a refusal beside the headers that are named. `content-length` is among
/// them in Envoy, and is the host's to set.
const ALWAYS_ON_DENY: [&str; 2] = ["location", "www-authenticate"];

/// In a service's answer: names of headers that the upstream shall not get, separated by commas.
const TO_REMOVE: &str = "x-envoy-auth-headers-to-remove";

impl Http {
    /// The headers of the check request.
    pub(super) fn check(&self, request: &Request) -> Vec<(String, Vec<u8>)> {
        let joined = check::joined_headers(request, |name| {
            name != "content-length" && (ALWAYS.contains(&name) || self.include.contains(name))
        });
        let joined = joined.into_iter();
        let mut headers: Vec<_> = joined
            .map(|(name, value)| (name, value.into_bytes()))
            .collect();
        headers.push(("content-length".to_owned(), b"0".to_vec()));
        if let Some((_, path)) = headers.iter_mut().find(|(name, _)| name == ":path") {
            path.splice(..0, self.path_prefix.bytes());
        }
        for (name, template) in &self.additional {
            let value = template.fill(request);
            if value.is_empty() {
                continue;
            }
            match headers.iter_mut().find(|(sent, _)| sent == name) {
                Some((_, sent)) => *sent = value,
                None => headers.push((name.clone(), value)),
            }
        }
        // Envoy sends none; of the client's only what the configuration says is passed on.
        if !headers.iter().any(|(name, _)| name == "user-agent") {
            headers.push(("user-agent".to_owned(), USER_AGENT.into()));
        }
        headers
    }

    /// 200 is yes, 5xx and no status are no answer, and everything else is no.
    pub(super) fn judge(&self, headers: &Headers, body: &[u8]) -> Result<Judgement, Fault> {
        let status = headers
            .first(":status")
            .and_then(|status| std::str::from_utf8(status).ok())
            .and_then(|status| status.parse::<u16>().ok());
        match status {
            Some(200) => Ok(self.allow(headers)),
            None | Some(500..=599) => Err(Fault::Unavailable(None)),
            Some(status) => Ok(Judgement::Deny(Refusal {
                status: answerable(status),
                headers: self.refusal_headers(headers),
                body: Body::from(body.to_vec()),
            })),
        }
    }

    fn allow(&self, headers: &Headers) -> Judgement {
        let (mut request, mut response) = (Vec::new(), Vec::new());
        let mut removed = Vec::new();
        for (name, value) in plain(headers) {
            if name == TO_REMOVE {
                for name in value.split(|byte| *byte == b',') {
                    let name = check::text(name.trim_ascii()).to_ascii_lowercase();
                    if check::may_be_removed(&name) {
                        removed.push(HeaderEdit::Remove(name.into()));
                    }
                }
                continue;
            }
            // Of a header that comes twice the last stays, as each replaces the one before.
            if self.to_upstream_on_allow.contains(name) {
                request.push(HeaderEdit::Set(name.to_owned().into(), value.to_vec()));
            }
            if self.to_downstream_on_allow.contains(name) {
                response.push(HeaderEdit::Add(name.to_owned().into(), value.to_vec()));
            }
        }
        request.extend(removed);
        Judgement::Allow { request, response }
    }

    fn refusal_headers(&self, headers: &Headers) -> Vec<(Cow<'static, str>, Vec<u8>)> {
        plain(headers)
            .filter(|(name, _)| match *name {
                "content-length" | "host" | TO_REMOVE => false,
                name => {
                    self.to_downstream_on_deny.is_empty()
                        || ALWAYS_ON_DENY.contains(&name)
                        || self.to_downstream_on_deny.contains(name)
                }
            })
            .map(|(name, value)| (Cow::Owned(name.to_owned()), value.to_vec()))
            .collect()
    }
}

/// The headers that are no pseudo headers.
fn plain(headers: &Headers) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().filter_map(|(name, value)| {
        let name = std::str::from_utf8(name).ok()?;
        (!name.starts_with(':')).then_some((name, value))
    })
}

#[cfg(test)]
mod tests;
