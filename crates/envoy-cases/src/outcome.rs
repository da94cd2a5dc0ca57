//! What came of a request, by its answer and its line in the access log.

use cases::{EngineError, OURS, Outcome, TAG};
use envoy::client::Response;
use serde_json::Value;

/// In the case of a configuration of `filter`.
///
/// # Errors
/// Envoy answered otherwise than the filters or the route would.
pub(crate) fn of(filter: &str, response: &Response, line: &Value) -> Result<Outcome, EngineError> {
    let text = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut seen = Outcome::default();
    for of in catalog::filters() {
        let name = of.name();
        let Some(reason) = text(&[OURS, name].concat()) else {
            continue;
        };
        // Held if it says so; how long it took is then how long it was held, and never less.
        if reason.starts_with("delay") {
            seen.delay = Some(response.elapsed);
        }
        seen.note(filter, name, reason);
    }
    for (field, value) in line.as_object().into_iter().flatten() {
        if let (Some(name), Some(value)) = (field.strip_prefix(TAG), value.as_str()) {
            seen.tags.insert(name.to_owned(), value.to_owned());
        }
    }
    for (name, value) in &response.headers {
        let value = String::from_utf8_lossy(value).into_owned();
        seen.headers.entry(name.clone()).or_insert(value);
    }
    let details = text("details").unwrap_or_default();
    if details.starts_with("mesh_filters.") {
        seen.status = Some(response.status);
        seen.grpc_status = response.grpc_status();
        seen.body = Some(match response.grpc_message() {
            Some(message) => message.to_owned(),
            None => response.text(),
        });
        seen.details = Some(details);
    } else if response.status != 200 {
        return Err(EngineError(format!(
            "Envoy itself answered {}, `{details}`: {}",
            response.status,
            response.text()
        )));
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn answer(status: u16) -> Response {
        let header = |value: &str| ("x-a".to_owned(), value.as_bytes().to_vec());
        Response {
            status,
            headers: vec![header("1"), header("2")],
            body: b"no".to_vec(),
            trailers: Vec::new(),
            elapsed: Duration::from_millis(7),
        }
    }

    #[test]
    fn an_answer_of_a_filter_is_told_with_its_reason() {
        let line = json!({
            "details": "mesh_filters.rate-limit{limited:a}",
            "wasm.mesh_filters.rate-limit": "limited:a",
            "wasm.mesh_filters.fault-injection": "delay:b",
            "wasm.mesh_filters.telemetry-tags": null,
            "wasm.mesh_filters.tag.user": "me",
        });
        let seen = of("rate-limit", &answer(429), &line).unwrap();
        assert_eq!(seen.reason.as_deref(), Some("limited:a"));
        assert_eq!(seen.reasons["fault-injection"], "delay:b");
        assert_eq!((seen.status, seen.body.as_deref()), (Some(429), Some("no")));
        assert_eq!(seen.delay, Some(Duration::from_millis(7)));
        assert_eq!((seen.headers["x-a"].as_str(), seen.tags.len()), ("1", 1));
    }

    #[test]
    fn an_answer_of_the_route_is_none_and_one_of_envoys_own_is_a_problem() {
        let line = json!({"details": "direct_response"});
        let seen = of("rate-limit", &answer(200), &line).unwrap();
        assert_eq!((seen.status, seen.body), (None, None));
        let problem = of("rate-limit", &answer(400), &line).unwrap_err();
        let wanted = "Envoy itself answered 400, `direct_response`: no";
        assert_eq!(problem.to_string(), wanted);
    }
}
