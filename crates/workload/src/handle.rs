//! A request and its answer.

use std::fmt;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};

use crate::answer::Answer;
use crate::body::Sent;
use crate::caller::caller;
use crate::effect::Effect;
use crate::state::State;
use crate::{call, seen};

/// That there is to be no answer.
#[derive(Debug)]
pub(crate) struct Reset;

impl fmt::Display for Reset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a reset was asked for")
    }
}

impl std::error::Error for Reset {}

/// Where a replica is told how to answer from now on.
const FAIL: &str = "/fail";
/// How one request is to be answered, whatever its path.
const ASKED: HeaderName = HeaderName::from_static("x-fail");
/// Whom a sidecar vouches for.
const CLIENT: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

/// Why a request was not read to its end.
struct Unread {
    status: StatusCode,
    problem: String,
}

pub(crate) async fn answer(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Sent>, Reset> {
    let (head, body) = request.into_parts();
    let told = (head.uri.path() == FAIL).then(|| tell(&state, &head));
    if let Some(response) = told.flatten() {
        return Ok(response);
    }
    let requests = state.count();
    let (body_bytes, unread) = match read(&state, body).await {
        Ok(bytes) => (bytes, None),
        Err(unread) => (0, Some(unread)),
    };
    let (effect, mut problem) = match (&unread, asked(&head)) {
        (Some(unread), _) => (refusing(unread.status), Some(unread.problem.clone())),
        (None, Some(Ok(effect))) => (effect, None),
        (None, Some(Err(problem))) => (refusing(StatusCode::BAD_REQUEST), Some(problem)),
        (None, None) => (state.standing(), None),
    };
    if !effect.delay.is_zero() {
        tokio::time::sleep(effect.delay).await;
    }
    if effect.reset {
        return Err(Reset);
    }
    let workload = state.workload();
    let called = match effect.status {
        None if effect.drip.is_none() => call::all(&state, &workload, &head.headers).await,
        _ => Ok(Vec::new()),
    };
    let called = called.unwrap_or_else(|circle| {
        problem = Some(circle);
        Vec::new()
    });
    let vouched = head.headers.get_all(CLIENT).iter().next_back();
    let vouched = vouched.and_then(|value| value.to_str().ok());
    let answer = Answer {
        name: &workload.name,
        version: &workload.version,
        namespace: &workload.namespace,
        address: workload.address.to_string(),
        identity: workload.identity.as_deref(),
        // Without a sidecar anybody may write this header.
        caller: workload.identity.as_ref().and(vouched).and_then(caller),
        requests,
        problem,
        method: head.method.as_str(),
        authority: authority(&head),
        path: head.uri.path_and_query().map_or("", |path| path.as_str()),
        headers: seen::headers(&head.headers),
        body_bytes,
        called,
    };
    Ok(respond(answer, effect, unread.is_some()))
}

fn refusing(status: StatusCode) -> Effect {
    Effect {
        status: Some(status),
        ..Effect::default()
    }
}

/// What the request asks for itself, by its header or by its path.
fn asked(head: &Parts) -> Option<Result<Effect, String>> {
    match head.headers.get(ASKED) {
        Some(value) => {
            let text = String::from_utf8_lossy(value.as_bytes());
            Some(Effect::parse(&text))
        }
        None => Effect::of_path(head.uri.path(), head.uri.query().unwrap_or_default()),
    }
}

/// Does what a request to [`FAIL`] says, where it says anything.
fn tell(state: &State, head: &Parts) -> Option<Response<Sent>> {
    let effect = match head.method {
        Method::PUT | Method::POST => Effect::parse(head.uri.query().unwrap_or_default()).map(Some),
        Method::DELETE => Ok(None),
        _ => return None,
    };
    let (status, text) = match effect {
        Ok(Some(effect)) if effect == Effect::default() => (
            StatusCode::BAD_REQUEST,
            "say how, as in `?status=503` or `?delay=2s&times=3`\n".to_owned(),
        ),
        Ok(effect) => {
            let text = match effect {
                Some(_) => "requests are answered so from now on\n",
                None => "requests are answered as ever\n",
            };
            state.misbehave(effect);
            (StatusCode::OK, text.to_owned())
        }
        Err(problem) => (StatusCode::BAD_REQUEST, [&problem, "\n"].concat()),
    };
    let mut response = Response::new(Sent::whole(text));
    *response.status_mut() = status;
    Some(response)
}

/// Reads a body and lets it go: how many bytes it had.
async fn read(state: &State, mut body: Incoming) -> Result<u64, Unread> {
    let most = state.limits.body_bytes;
    let reading = async {
        let mut bytes = 0_u64;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Unread {
                status: StatusCode::BAD_REQUEST,
                problem: error.to_string(),
            })?;
            let more = frame.data_ref().map_or(0, Bytes::len);
            bytes = bytes.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
            if bytes > most {
                return Err(Unread {
                    status: StatusCode::PAYLOAD_TOO_LARGE,
                    problem: format!("the body is longer than {most} bytes"),
                });
            }
        }
        Ok(bytes)
    };
    let deadline = state.limits.body;
    let read = tokio::time::timeout(deadline, reading).await;
    read.unwrap_or_else(|_| {
        Err(Unread {
            status: StatusCode::REQUEST_TIMEOUT,
            problem: format!("the body did not come within {deadline:?}"),
        })
    })
}

fn authority(head: &Parts) -> String {
    let host = || {
        let host = head.headers.get(HOST);
        host.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned())
    };
    let authority = head.uri.authority().map(ToString::to_string);
    authority.or_else(host).unwrap_or_default()
}

/// `last`: nothing more can be read from this connection.
fn respond(answer: Answer<'_>, effect: Effect, last: bool) -> Response<Sent> {
    let (kind, body) = match effect.drip {
        Some(drip) => ("text/plain", Sent::dripping(drip)),
        None => ("application/json", Sent::whole(answer.text())),
    };
    let mut response = Response::new(body);
    *response.status_mut() = effect.status.unwrap_or_default();
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    for (index, (name, value)) in effect.headers.iter().enumerate() {
        // A name replaces what the answer would have had, and may come several times.
        let again = effect
            .headers
            .iter()
            .take(index)
            .any(|(known, _)| known == name);
        match again {
            true => headers.append(name, value.clone()),
            false => headers.insert(name, value.clone()).is_some(),
        };
    }
    if last {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
