//! The echo: what a client must be able to see of what its upstream saw.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Answer, Recorded};

/// Answers 200 with what arrived, as JSON: `method`, `path`, `protocol`, `authority`, `headers` and
/// `trailers` as pairs, `body`. Bytes from 0x80 become the code points U+0080 to U+00FF, except in
/// the body, where those that are not UTF-8 are replaced.
///
/// A gRPC request gets its messages back, with `grpc-status: 0` in the trailers.
///
/// Request headers steer the answer: `x-echo-status: 503`, `x-echo-header: name=value` and
/// `x-echo-trailer: name=value` (each may repeat), `x-echo-delay-ms: 50`.
pub fn echo(request: &Recorded) -> Answer {
    let mut answer = if request.is_grpc() {
        Answer::grpc_body(request.body.clone())
    } else {
        Answer::json(&json!({
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "authority": request.authority,
            "headers": pairs(&request.headers),
            "body": String::from_utf8_lossy(&request.body),
            "trailers": pairs(&request.trailers),
        }))
    };
    if let Some(status) = number(request, "x-echo-status") {
        answer.status = u16::try_from(status).expect("`x-echo-status` to be a status");
    }
    if let Some(delay) = number(request, "x-echo-delay-ms") {
        answer.after = Duration::from_millis(delay);
    }
    answer.headers.extend(assignments(request, "x-echo-header"));
    answer
        .trailers
        .extend(assignments(request, "x-echo-trailer"));
    answer
}

fn pairs(fields: &[(String, Vec<u8>)]) -> Value {
    let latin = |value: &[u8]| value.iter().copied().map(char::from).collect::<String>();
    fields
        .iter()
        .map(|(name, value)| json!([name, latin(value)]))
        .collect()
}

fn number(request: &Recorded, name: &str) -> Option<u64> {
    let value = request.header(name)?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("`{name}: {value}` is not a number")),
    )
}

fn assignments(request: &Recorded, name: &str) -> Vec<(String, Vec<u8>)> {
    let assign = |value: &[u8]| {
        let equals = value
            .iter()
            .position(|byte| *byte == b'=')
            .unwrap_or_else(|| panic!("`{name}` wants name=value"));
        (
            String::from_utf8_lossy(&value[..equals]).into_owned(),
            value[equals + 1..].to_vec(),
        )
    };
    request.values(name).into_iter().map(assign).collect()
}
