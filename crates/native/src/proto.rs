//! Small messages that several of Envoy's filters have.

use std::time::Duration;

use crate::node::Node;

/// A share of requests, in percent.
pub(crate) const ALL: f64 = 100.0;

/// Why no runtime changes anything.
const RUNTIME: &str =
    "a wasm filter cannot read Envoy's runtime: the default counts, whatever the runtime says";

/// Reads a RuntimeFractionalPercent.
pub(crate) fn runtime_share(node: &Node<'_>) -> f64 {
    let mut message = node.message();
    message.lose("runtime_key", RUNTIME);
    let share = message.take("default_value").map(|it| share(&it));
    message.end();
    share.unwrap_or(0.0)
}

/// Reads a FractionalPercent.
pub(crate) fn share(node: &Node<'_>) -> f64 {
    let mut message = node.message();
    let numerator = message.take("numerator").map_or(0, |it| it.whole());
    let names = ["HUNDRED", "TEN_THOUSAND", "MILLION"];
    let denominator = message.take("denominator").map(|it| it.one_of(&names));
    message.end();
    let parts = match denominator {
        Some("TEN_THOUSAND") => 100.0,
        Some("MILLION") => 10_000.0,
        _ => 1.0,
    };
    #[allow(clippy::cast_precision_loss, reason = "protobuf has 32 bits for it")]
    let share = numerator as f64 / parts;
    share.min(ALL)
}

/// Reads a duration of protobuf's JSON; none where it is none, or longer than Envoy can count.
pub(crate) fn duration(node: &Node<'_>) -> Option<Duration> {
    let read = sdk_helpers::config::duration(node.text());
    if read.is_err() {
        node.problem("is no duration such as `60s` or `0.250s`");
    }
    read.ok()
}

/// A duration as ours write it: in the largest unit that it is whole in.
pub(crate) fn written(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0 => "0s".to_owned(),
        _ if !millis.is_multiple_of(1_000) => format!("{millis}ms"),
        _ if !millis.is_multiple_of(60_000) => format!("{}s", millis / 1_000),
        _ if !millis.is_multiple_of(3_600_000) => format!("{}m", millis / 60_000),
        _ => format!("{}h", millis / 3_600_000),
    }
}

/// Names of `envoy.type.v3.StatusCode`, of which a refusal can have those from 400.
const STATUSES: [(&str, u64); 40] = [
    ("BadRequest", 400),
    ("Unauthorized", 401),
    ("PaymentRequired", 402),
    ("Forbidden", 403),
    ("NotFound", 404),
    ("MethodNotAllowed", 405),
    ("NotAcceptable", 406),
    ("ProxyAuthenticationRequired", 407),
    ("RequestTimeout", 408),
    ("Conflict", 409),
    ("Gone", 410),
    ("LengthRequired", 411),
    ("PreconditionFailed", 412),
    ("PayloadTooLarge", 413),
    ("URITooLong", 414),
    ("UnsupportedMediaType", 415),
    ("RangeNotSatisfiable", 416),
    ("ExpectationFailed", 417),
    ("MisdirectedRequest", 421),
    ("UnprocessableEntity", 422),
    ("Locked", 423),
    ("FailedDependency", 424),
    ("UpgradeRequired", 426),
    ("PreconditionRequired", 428),
    ("TooManyRequests", 429),
    ("RequestHeaderFieldsTooLarge", 431),
    ("InternalServerError", 500),
    ("NotImplemented", 501),
    ("BadGateway", 502),
    ("ServiceUnavailable", 503),
    ("GatewayTimeout", 504),
    ("HTTPVersionNotSupported", 505),
    ("VariantAlsoNegotiates", 506),
    ("InsufficientStorage", 507),
    ("LoopDetected", 508),
    ("NotExtended", 510),
    ("NetworkAuthenticationRequired", 511),
    ("OK", 200),
    ("NoContent", 204),
    ("Found", 302),
];

/// Reads an HttpStatus, by number or by name.
pub(crate) fn status(node: &Node<'_>) -> u64 {
    let mut message = node.message();
    let code = message.take("code").map_or(0, |code| {
        let named = code.value().as_str();
        let named = named.and_then(|text| STATUSES.iter().find(|(name, _)| *name == text));
        named.map_or_else(|| code.whole(), |(_, status)| *status)
    });
    message.end();
    code
}

/// Reads HeaderValueOptions, as names to values.
pub(crate) fn headers(node: &Node<'_>) -> serde_json::Map<String, serde_json::Value> {
    let mut headers = serde_json::Map::new();
    for option in node.elements() {
        let mut message = option.message();
        let header = message.take("header");
        // What ours do: the header stands in place of one that is there.
        let append = message.take("append").filter(|it| it.value() != false);
        let action = message.take("append_action");
        let action = action.filter(|it| it.text() != "OVERWRITE_IF_EXISTS_OR_ADD");
        for other in append.iter().chain(&action) {
            other.lost(
                "how the header is appended is not carried over",
                "a refusal has it once, in place of one of the filter's own",
            );
        }
        if let Some(empty) = message.take("keep_empty_value").filter(|it| it.flag()) {
            empty.lost(
                "`keep_empty_value` is not carried over",
                "a header without a value is left out",
            );
        }
        message.end();
        let Some(header) = header else {
            option.problem("has no `header`");
            continue;
        };
        let mut message = header.message();
        let name = message.take("key").map(|it| it.text()).unwrap_or_default();
        let value = message
            .take("value")
            .map(|it| it.text())
            .unwrap_or_default();
        message.end();
        let name = name.to_ascii_lowercase();
        if name.is_empty() {
            header.problem("has no `key`");
        } else if value.contains('%') {
            header.lost(
                format!("the header `{name}` is not carried over"),
                "refusals are without it: its value has a format in it, and only Envoy fills that in",
            );
        } else if value.is_empty() {
            header.lost(
                format!("the header `{name}` is not carried over"),
                "refusals are without it, as Envoy's are unless `keep_empty_value` says otherwise",
            );
        } else if headers.contains_key(&name) {
            header.lost(
                format!("a second `{name}` is not carried over"),
                "refusals have the first of them",
            );
        } else {
            headers.insert(name, value.into());
        }
    }
    headers
}
