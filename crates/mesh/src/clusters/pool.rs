//! `connectionPool` and `outlierDetection`: how much a service is given, and who is left out for a while.

use serde_json::{Map, Value, json};

use super::Caller;
use crate::model::protocol::Protocol;
use crate::routes::duration;

/// Without a word, Istio sets no limits: Envoy's own are 1,024 of each and 3 retries.
pub(crate) fn apply(
    out: &mut Map<String, Value>,
    said: Option<&Value>,
    protocol: Protocol,
    caller: Caller,
) {
    let part = |name: &str| said.and_then(|said| said.get(name));
    let (tcp, http) = (part("tcp"), part("http"));
    let number = |of: Option<&Value>, name: &str| {
        let number = of.and_then(|of| of.get(name)).and_then(Value::as_u64);
        number.filter(|number| *number > 0)
    };
    let time = |of: Option<&Value>, name: &str| {
        of.and_then(|of| of.get(name))
            .and_then(Value::as_str)
            .and_then(duration)
    };
    let limit = |number: Option<u64>| json!(number.unwrap_or(u64::from(u32::MAX)));
    let thresholds = json!({
        "max_connections": limit(number(tcp, "maxConnections")),
        "max_pending_requests": limit(number(http, "http1MaxPendingRequests")),
        "max_requests": limit(number(http, "http2MaxRequests")),
        "max_retries": limit(number(http, "maxRetries")),
    });
    out.insert(
        "circuit_breakers".to_owned(),
        json!({"thresholds": [thresholds]}),
    );
    if let Some(timeout) = time(tcp, "connectTimeout") {
        out.insert("connect_timeout".to_owned(), json!(timeout));
    }
    let mut common = Map::new();
    let idle = time(http, "idleTimeout").or_else(|| time(tcp, "idleTimeout"));
    for (name, value) in [
        ("idle_timeout", idle.map(Value::from)),
        (
            "max_requests_per_connection",
            number(http, "maxRequestsPerConnection").map(Value::from),
        ),
        (
            "max_connection_duration",
            time(tcp, "maxConnectionDuration").map(Value::from),
        ),
    ] {
        if let Some(value) = value {
            common.insert(name.to_owned(), value);
        }
    }
    let word = |name: &str| http.and_then(|http| http.get(name)).and_then(Value::as_str);
    let as_client = http
        .and_then(|http| http.get("useClientProtocol"))
        .and_then(Value::as_bool);
    let http2 = protocol.is_http2() || word("h2UpgradePolicy") == Some("UPGRADE");
    // Where nobody said what a port speaks, a sidecar passes on what its client does. A gateway does not: whoever
    // calls it from outside may agree on HTTP/2 with it, and the workload may know nothing of that.
    let unnamed = caller == Caller::Sidecar && protocol == Protocol::Unnamed && !http2;
    let mut options = Map::new();
    match (as_client == Some(true) || unnamed, http2) {
        (true, _) => {
            let both = json!({"http_protocol_options": {}, "http2_protocol_options": {}});
            options.insert("use_downstream_protocol_config".to_owned(), both);
        }
        (_, true) => {
            let streams = number(http, "maxConcurrentStreams");
            let settings = match streams {
                Some(streams) => json!({"max_concurrent_streams": streams}),
                None => json!({}),
            };
            options.insert(
                "explicit_http_config".to_owned(),
                json!({"http2_protocol_options": settings}),
            );
        }
        (_, false) => {
            options.insert(
                "explicit_http_config".to_owned(),
                json!({"http_protocol_options": {}}),
            );
        }
    }
    if !common.is_empty() {
        options.insert(
            "common_http_protocol_options".to_owned(),
            Value::Object(common),
        );
    }
    options.insert(
        "@type".to_owned(),
        json!("type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"),
    );
    out.insert(
        "typed_extension_protocol_options".to_owned(),
        json!({HTTP_OPTIONS: options}),
    );
}

/// The key of a cluster's HTTP options.
pub(crate) const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// Whether a cluster speaks HTTP/2, whatever its clients do.
pub(crate) fn is_http2(cluster: &Map<String, Value>) -> bool {
    let options = cluster.get("typed_extension_protocol_options");
    let http = options.and_then(|options| options.get(HTTP_OPTIONS));
    http.is_some_and(|http| {
        http.pointer("/explicit_http_config/http2_protocol_options")
            .is_some()
    })
}

/// Without a word nobody is left out.
pub(crate) fn outliers(out: &mut Map<String, Value>, said: Option<&Value>) {
    let Some(said) = said else {
        return;
    };
    let number = |name: &str| said.get(name).and_then(Value::as_u64);
    let mut detection = Map::new();
    let mut set = |name: &str, value: Value| detection.insert(name.to_owned(), value);
    // Shares of success are not asked for, as istiod has it.
    set("enforcing_success_rate", json!(0));
    for (field, count, enforcing) in [
        (
            "consecutive5xxErrors",
            "consecutive_5xx",
            "enforcing_consecutive_5xx",
        ),
        (
            "consecutiveGatewayErrors",
            "consecutive_gateway_failure",
            "enforcing_consecutive_gateway_failure",
        ),
    ] {
        if let Some(errors) = number(field) {
            set(count, json!(errors));
            set(enforcing, json!(if errors > 0 { 100 } else { 0 }));
        }
    }
    for (field, name) in [
        ("interval", "interval"),
        ("baseEjectionTime", "base_ejection_time"),
    ] {
        if let Some(time) = said.get(field).and_then(Value::as_str).and_then(duration) {
            set(name, json!(time));
        }
    }
    if let Some(percent) = number("maxEjectionPercent").filter(|percent| *percent > 0) {
        set("max_ejection_percent", json!(percent));
    }
    if said
        .get("splitExternalLocalOriginErrors")
        .and_then(Value::as_bool)
        == Some(true)
    {
        set("split_external_local_origin_errors", json!(true));
        set("enforcing_local_origin_success_rate", json!(0));
        if let Some(errors) = number("consecutiveLocalOriginFailures").filter(|errors| *errors > 0)
        {
            set("consecutive_local_origin_failure", json!(errors));
            set("enforcing_consecutive_local_origin_failure", json!(100));
        }
    }
    out.insert("outlier_detection".to_owned(), Value::Object(detection));
    // Envoy asks those that were left out as well once half of them are; Istio does so only where a share is given.
    let healthy = number("minHealthPercent").unwrap_or(0);
    out.insert(
        "common_lb_config".to_owned(),
        json!({"healthy_panic_threshold": {"value": healthy}}),
    );
}
