//! The calls that a workload makes for a request.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response};

use crate::answer::{Called, Outcome};
use crate::effect::LONGEST;
use crate::pool::explain;
use crate::state::State;
use crate::{Call, Workload};

/// Through whom a request came, in the order in which they called.
const CALLED_BY: HeaderName = HeaderName::from_static("x-called-by");

/// Headers that a workload hands on: those of traces, which nobody else can join, and who asks, as the services of
/// Istio's example do it.
const HANDED_ON: [&str; 22] = [
    "authorization",
    "b3",
    "baggage",
    "cookie",
    "end-user",
    "grpc-trace-bin",
    "jwt",
    "sw8",
    "traceparent",
    "tracestate",
    "user-agent",
    "x-b3-flags",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-spanid",
    "x-b3-traceid",
    "x-client-trace-id",
    "x-cloud-trace-context",
    "x-datadog-parent-id",
    "x-datadog-sampling-priority",
    "x-datadog-trace-id",
    "x-request-id",
];

/// Longer answers are not shown in another: with each service on the way they would grow.
const MOST_BYTES: usize = 256 << 10;
/// So much is shown of an answer that is no JSON.
const MOST_TEXT: usize = 500;
/// A call may take a little longer than any workload keeps it waiting.
const DEADLINE: Duration = LONGEST.saturating_add(Duration::from_secs(30));
/// Through so many services a request goes at most.
const MOST_HOPS: usize = 32;

/// Calls whom the workload calls, one after the other.
///
/// # Errors
/// The request has been here before, or has come far enough.
pub(crate) async fn all(
    state: &State,
    workload: &Workload,
    headers: &HeaderMap,
) -> Result<Vec<Called>, String> {
    if workload.calls.is_empty() {
        return Ok(Vec::new());
    }
    let handed_on = handed_on(workload, headers)?;
    let mut called = Vec::with_capacity(workload.calls.len());
    for call in &workload.calls {
        called.push(one(state, call, &handed_on).await);
    }
    Ok(called)
}

fn handed_on(workload: &Workload, headers: &HeaderMap) -> Result<HeaderMap, String> {
    let own = [&workload.name, ".", &workload.namespace].concat();
    let before = headers.get(CALLED_BY).map(HeaderValue::to_str);
    let before = before.and_then(Result::ok).unwrap_or_default();
    let hops = || before.split(',').map(str::trim);
    let chain = match before {
        "" => own,
        before if hops().any(|hop| hop == own) => {
            return Err(format!(
                "the calls go in a circle ({before}, {own}), so nobody is called again"
            ));
        }
        _ if hops().count() >= MOST_HOPS => {
            return Err(format!(
                "the request came through {MOST_HOPS} services, so nobody else is called"
            ));
        }
        before => [before, ", ", &own].concat(),
    };
    let mut all = HeaderMap::new();
    for name in HANDED_ON.map(HeaderName::from_static) {
        for value in headers.get_all(&name) {
            all.append(&name, value.clone());
        }
    }
    let chain = HeaderValue::try_from(chain);
    all.insert(CALLED_BY, chain.map_err(|error| error.to_string())?);
    Ok(all)
}

async fn one(state: &State, call: &Call, headers: &HeaderMap) -> Called {
    let started = Instant::now();
    let exchange = tokio::time::timeout(DEADLINE, exchange(state, call, headers));
    let (status, outcome) = match exchange.await {
        Ok(Ok((status, outcome))) => (Some(status), outcome),
        Ok(Err(problem)) => (None, Outcome::Problem(problem)),
        Err(_) => {
            let problem = format!("no answer within {DEADLINE:?}");
            (None, Outcome::Problem(problem))
        }
    };
    let seconds = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    Called {
        service: call.service.clone(),
        status,
        seconds,
        outcome,
    }
}

async fn exchange(
    state: &State,
    call: &Call,
    headers: &HeaderMap,
) -> Result<(u16, Outcome), String> {
    let Call {
        service,
        path,
        address,
    } = call;
    let refuse = |error: &dyn std::fmt::Display| format!("`{service}{path}`: {error}");
    let mut request = Request::get(path.as_str())
        .body(Empty::new())
        .map_err(|error| refuse(&error))?;
    *request.headers_mut() = headers.clone();
    let host = HeaderValue::try_from(service.as_str()).map_err(|error| refuse(&error))?;
    request.headers_mut().insert(HOST, host);
    let (response, used) = state.pool.send(*address, request).await?;
    let status = response.status().as_u16();
    let Some(body) = read(response).await? else {
        let problem = format!("the answer is longer than {MOST_BYTES} bytes");
        return Ok((status, Outcome::Problem(problem)));
    };
    state.pool.give_back(used);
    Ok((status, outcome(&body)))
}

/// The body, unless it is too long.
async fn read(response: Response<Incoming>) -> Result<Option<Vec<u8>>, String> {
    let mut body = response.into_body();
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| explain(&error))?;
        all.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
        if all.len() > MOST_BYTES {
            return Ok(None);
        }
    }
    Ok(Some(all))
}

fn outcome(body: &[u8]) -> Outcome {
    if let Ok(answer) = serde_json::from_slice(body) {
        return Outcome::Answer(answer);
    }
    let text = String::from_utf8_lossy(body.get(..MOST_TEXT).unwrap_or(body));
    Outcome::Text(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        let parsed = all
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        parsed.collect()
    }

    #[test]
    fn who_asks_and_its_trace_are_handed_on() {
        let came = headers(&[
            ("traceparent", "00-1-2-01"),
            ("end-user", "jason"),
            ("x-fail", "status=503"),
            ("x-forwarded-client-cert", "URI=a"),
            ("content-length", "3"),
        ]);
        let went = handed_on(&Workload::named("reviews-v1"), &came).unwrap();
        let expected = headers(&[
            ("traceparent", "00-1-2-01"),
            ("end-user", "jason"),
            ("x-called-by", "reviews-v1.default"),
        ]);
        assert_eq!(went, expected);
    }

    #[test]
    fn a_circle_ends() {
        let workload = Workload::named("a");
        let came = headers(&[("x-called-by", "b.default, a.default")]);
        let problem = handed_on(&workload, &came).unwrap_err();
        assert!(
            problem.contains("in a circle (b.default, a.default, a.default)"),
            "{problem}"
        );
        let far = vec!["b.default"; MOST_HOPS].join(",");
        assert!(handed_on(&workload, &headers(&[("x-called-by", &far)])).is_err());
        let other = headers(&[("x-called-by", "a.other")]);
        let went = handed_on(&workload, &other).unwrap();
        assert_eq!(went["x-called-by"], "a.other, a.default");
    }

    #[test]
    fn an_answer_is_json_or_the_beginning_of_a_text() {
        assert_eq!(
            outcome(b"{\"a\":1}"),
            Outcome::Answer(serde_json::json!({"a": 1}))
        );
        assert_eq!(
            outcome(b"no healthy upstream\n"),
            Outcome::Text("no healthy upstream".to_owned())
        );
        assert_eq!(outcome(b""), Outcome::Text(String::new()));
        let deep = "[".repeat(100_000);
        assert_eq!(
            outcome(deep.as_bytes()),
            Outcome::Text("[".repeat(MOST_TEXT))
        );
    }
}
