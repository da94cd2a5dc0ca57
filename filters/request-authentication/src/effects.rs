//! What a verdict does to a request, as values.

use std::rc::Rc;

use sdk_helpers::{Decision, Edits, HeaderEdit, LocalReply, OutcomeId, Record, Request};

use crate::config::ErrorBody;
use crate::locations::{TokenPlace, without_params};
use crate::policy::{Accepted, Policy};
use crate::rejection::Rejection;

/// Envoy cuts the path of a challenge there.
const LONGEST_PATH: usize = 256;

/// On, without what a client may not have written.
pub(crate) fn pass(policy: &Policy, request: &Request, outcome: OutcomeId) -> Decision {
    let mut edits = Vec::new();
    sanitize(policy, request, &mut edits);
    Decision::Continue(Edits {
        request: edits,
        record: Record::of(outcome),
        ..Edits::default()
    })
}

/// On, with the claims for those who come after.
pub(crate) fn accept(policy: &Policy, request: &Request, accepted: &Accepted<'_>) -> Decision {
    let headers = accepted.tokens.iter().map(|token| token.headers.len());
    let mut edits = Vec::with_capacity(accepted.strip.len().saturating_add(headers.sum()));
    strip_headers(&accepted.strip, &mut edits);
    sanitize(policy, request, &mut edits);
    let mut record = Record::of(accepted.outcome);
    if accepted.tokens.iter().any(|token| token.unsafe_claim) {
        record.add(accepted.unsafe_claim);
    }
    for token in &accepted.tokens {
        edits.extend(token.headers.iter().cloned());
    }
    // The first token that was found is the one verified last.
    if let Some(token) = accepted.tokens.last() {
        record.claims = Some(Rc::clone(&token.claims));
    }
    strip_params(&accepted.strip, request, &mut edits);
    Decision::Continue(Edits {
        request: edits,
        record,
        ..Edits::default()
    })
}

/// Envoy's answer, or the configuration's.
pub(crate) fn refuse(
    policy: &Policy,
    request: &Request,
    rejection: Rejection,
    outcome: OutcomeId,
) -> Decision {
    let mut headers = vec![("www-authenticate".into(), challenge(request, rejection))];
    let body = match policy.error_body() {
        // What a gRPC client gets is a message, not a document.
        Some(body) if !request.is_grpc() => {
            headers.push((
                "content-type".into(),
                body.content_type.clone().into_bytes(),
            ));
            filled(body, rejection, policy.reason(outcome)).into()
        }
        _ => rejection.message().into(),
    };
    Decision::Reply(LocalReply {
        status: rejection.status(),
        grpc_status: None,
        body,
        headers,
        record: Record::of(outcome),
    })
}

fn sanitize(policy: &Policy, request: &Request, edits: &mut Vec<HeaderEdit>) {
    for name in policy.outputs() {
        if request.headers().first(name).is_some() {
            edits.push(HeaderEdit::Remove(name.clone().into()));
        }
    }
}

/// Before what is added, in case a claim goes where the token was.
fn strip_headers(places: &[TokenPlace<'_>], edits: &mut Vec<HeaderEdit>) {
    for (index, place) in places.iter().enumerate().rev() {
        if let TokenPlace::Header(name) = place
            && !places.iter().take(index).any(|before| before == place)
        {
            edits.push(HeaderEdit::Remove((*name).clone()));
        }
    }
}

fn strip_params(places: &[TokenPlace<'_>], request: &Request, edits: &mut Vec<HeaderEdit>) {
    let params: Vec<&str> = places
        .iter()
        .filter_map(|place| match place {
            TokenPlace::Param(name) => Some(*name),
            TokenPlace::Header(_) | TokenPlace::Cookie => None,
        })
        .collect();
    if !params.is_empty() {
        let path = without_params(request.path_and_query(), &params);
        edits.push(HeaderEdit::Set(":path".into(), path));
    }
}

/// RFC 6750 §3, in Envoy's words: a request without a token is told of no error.
fn challenge(request: &Request, rejection: Rejection) -> Vec<u8> {
    let header = |name| request.headers().first(name);
    let path = header("x-envoy-original-path").unwrap_or(request.path_and_query());
    let error: &[u8] = match rejection {
        Rejection::Missing => b"\"",
        _ => b"\", error=\"invalid_token\"",
    };
    [
        b"Bearer realm=\"",
        header(":scheme").unwrap_or_default(),
        b"://",
        request.authority(),
        path.get(..LONGEST_PATH).unwrap_or(path),
        error,
    ]
    .concat()
}

/// Nothing that is filled in comes from the request, and none of it needs an escape in JSON.
fn filled(body: &ErrorBody, rejection: Rejection, reason: &str) -> String {
    body.text
        .replace("%STATUS%", &rejection.status().to_string())
        .replace("%REASON%", reason)
        .replace("%MESSAGE%", rejection.message())
}
