//! A service that speaks gRPC: the `CheckResponse` of `envoy.service.auth.v3`, and what it means.

use std::borrow::Cow;

use sdk_helpers::config::is_token;
use sdk_helpers::headers::is_safe_value;
use sdk_helpers::{Body, HeaderEdit, Request};

use super::response::{Changes, Denied, Header, Response, Then};
use super::{FORBIDDEN, Fault, Judgement, Refusal, answerable, check, query};

/// What a response means for a request. One that cannot be read is none, as for Envoy. With
/// `on_error` a client is answered where the service cannot tell and names no status.
pub(super) fn judge(message: &[u8], request: &Request, on_error: u16) -> Result<Judgement, Fault> {
    let mut response = Response::default();
    if response.merge(message).is_err() {
        return Err(Fault::Unavailable(None));
    }
    match (response.code, response.then) {
        (0, Then::Ok) => response.changes.judge(request),
        (0, _) => Ok(Judgement::Allow {
            request: vec![],
            response: vec![],
        }),
        (_, Then::Error) => Err(Fault::Unavailable(Some(
            response.denied.refusal(on_error, true),
        ))),
        // A refusal that is missing means the same as an empty one.
        _ => Ok(Judgement::Deny(response.denied.refusal(FORBIDDEN, false))),
    }
}

impl Denied<'_> {
    /// A header that would end its line is left out: the request is refused with it or without. Those
    /// to append Envoy leaves out of a refusal, though not out of an error.
    fn refusal(&self, unsaid: u16, appended: bool) -> Refusal {
        Refusal {
            status: match self.status {
                0 => unsaid,
                status => u16::try_from(status).map_or(FORBIDDEN, answerable),
            },
            headers: self
                .headers
                .iter()
                .filter(|header| header.is_safe() && (appended || header.append != Some(true)))
                .map(|header| (header.name(), header.value.into()))
                .collect(),
            body: Body::from(self.body.to_owned()),
        }
    }
}

impl Changes<'_> {
    fn judge(&self, request: &Request) -> Result<Judgement, Fault> {
        let query = self.query_set.iter();
        let safe = self.headers.iter().all(Header::may_be_written)
            && self.response_headers.iter().all(Header::is_safe)
            && query
                .into_iter()
                .all(|(name, value)| query::is_safe(name) && query::is_safe(value));
        if !safe {
            return Err(Fault::Unusable);
        }
        Ok(Judgement::Allow {
            request: self.request_edits(request),
            response: self
                .response_headers
                .iter()
                .filter_map(Header::on_response)
                .collect(),
        })
    }

    /// Envoy sets first, then appends, then removes, then turns to the query.
    fn request_edits(&self, request: &Request) -> Vec<HeaderEdit> {
        let mut edits = Vec::new();
        for header in &self.headers {
            if header.append != Some(true) {
                edits.push(HeaderEdit::Set(header.name(), header.value.into()));
            }
        }
        for header in &self.headers {
            if header.append == Some(true) {
                append(&mut edits, header, request);
            }
        }
        let removed = self
            .removed
            .iter()
            .filter(|name| check::may_be_removed(name));
        edits.extend(removed.map(|name| HeaderEdit::Remove(name.to_ascii_lowercase().into())));
        if !self.query_set.is_empty() || !self.query_removed.is_empty() {
            let set = edits.iter().rev().find_map(|edit| match edit {
                HeaderEdit::Set(name, path) if name == ":path" => Some(path.as_slice()),
                _ => None,
            });
            let path = set.unwrap_or_else(|| request.path_and_query());
            let path = query::changed(path, &self.query_set, &self.query_removed);
            edits.push(HeaderEdit::Set(":path".into(), path));
        }
        edits
    }
}

/// Puts a value behind the first one there is, in the same line; a header that is not there stays
/// away.
fn append(edits: &mut Vec<HeaderEdit>, header: &Header<'_>, request: &Request) {
    let name = header.name();
    let set = edits
        .iter()
        .rposition(|edit| matches!(edit, HeaderEdit::Set(known, _) if *known == name));
    if let Some(HeaderEdit::Set(_, value)) = set.and_then(|place| edits.get_mut(place)) {
        join(value, header);
        return;
    }
    let mut values = request.values(&name).map(<[u8]>::to_vec);
    let Some(mut first) = values.next() else {
        return;
    };
    let others: Vec<_> = values.collect();
    join(&mut first, header);
    edits.push(HeaderEdit::Set(name.clone(), first));
    edits.extend(
        others
            .into_iter()
            .map(|value| HeaderEdit::Add(name.clone(), value)),
    );
}

fn join(value: &mut Vec<u8>, header: &Header<'_>) {
    if !value.is_empty() && !header.value.is_empty() {
        let cookie = header.name.eq_ignore_ascii_case("cookie");
        value.extend_from_slice(if cookie { b"; " } else { b"," });
    }
    value.extend_from_slice(header.value.as_bytes());
}

impl Header<'_> {
    fn name(&self) -> Cow<'static, str> {
        Cow::Owned(self.name.to_ascii_lowercase())
    }

    /// Whether it can stand in a message without ending its line.
    fn is_safe(&self) -> bool {
        is_token(self.name) && is_safe_value(self.value.as_bytes())
    }

    /// Whether a service may write it into a request: what routes it, too, but only whole.
    fn may_be_written(&self) -> bool {
        match self.name {
            ":path" | ":authority" | ":method" | ":scheme" => {
                self.append != Some(true) && !self.value.is_empty() && query_safe(self.value)
            }
            _ => self.is_safe(),
        }
    }

    /// None where the action is one that Envoy does not know, and passes over.
    fn on_response(&self) -> Option<HeaderEdit> {
        let (name, value) = (self.name(), self.value.into());
        match (self.append, self.action) {
            (Some(true), _) | (None, 0) => Some(HeaderEdit::Add(name, value)),
            (Some(false), _) | (None, 2) => Some(HeaderEdit::Set(name, value)),
            (None, 1) => Some(HeaderEdit::Supply(name, value)),
            (None, 3) => Some(HeaderEdit::Overwrite(name, value)),
            (None, _) => None,
        }
    }
}

fn query_safe(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests;
