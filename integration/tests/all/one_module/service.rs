//! The service that CUSTOM policies ask: a header of the request says what it answers.

use std::time::Duration;

use integration::listener::Listener;
use integration::upstream::{Answer, Recorded};
use serde_json::{Value, json};

use crate::one_module::tokens;

/// Its cluster.
pub(crate) const CLUSTER: &str = "authz";
/// The header that says what it answers.
pub(crate) const ASKED: &str = "x-authz";
/// What it may be asked for, by and large to allow.
pub(crate) const ANSWERS: [&str; 9] = [
    "allow", "allow", "edit", "edit", "login", "login", "deny", "redirect", "broken",
];

const IN_CHECK: [&str; 2] = [ASKED, "cookie"];
const UPSTREAM_ON_ALLOW: [&str; 3] = ["authorization", "x-custom", "x-plan"];
const DOWNSTREAM_ON_ALLOW: [&str; 1] = ["x-down"];
const DOWNSTREAM_ON_DENY: [&str; 2] = ["x-why", "set-cookie"];

/// What it answers.
pub(crate) fn answer(request: &Recorded) -> Answer {
    match request.header(ASKED).unwrap_or_default() {
        "edit" => Answer::status(200)
            .header("x-custom", "edited")
            .header("x-plan", "gold")
            .header("x-down", "told"),
        "login" => Answer::status(200)
            .header("authorization", format!("Bearer {}", tokens::of_login()))
            .header("x-custom", "login"),
        "deny" => Answer::status(403).header("x-why", "no").body("not you"),
        "redirect" => Answer::status(302)
            .header("location", "/login")
            .header("set-cookie", "session=new"),
        "broken" => Answer::status(503),
        "slow" => Answer::status(200).after(Duration::from_millis(100)),
        _ => Answer::status(200).header("x-custom", "asked"),
    }
}

/// The provider that asks it.
pub(crate) fn provider() -> Value {
    json!({"name": "authz", "envoyExtAuthzHttp": {
        "cluster": CLUSTER,
        "timeout": "10s",
        "includeRequestHeadersInCheck": IN_CHECK,
        "headersToUpstreamOnAllow": UPSTREAM_ON_ALLOW,
        "headersToDownstreamOnAllow": DOWNSTREAM_ON_ALLOW,
        "headersToDownstreamOnDeny": DOWNSTREAM_ON_DENY,
    }})
}

/// Envoy's own filter that asks it about every request.
pub(crate) fn native(listener: Listener) -> Listener {
    let exact = |names: &[&str]| {
        let patterns = names
            .iter()
            .map(|name| json!({"exact": name, "ignore_case": true}));
        json!({"patterns": patterns.collect::<Vec<_>>()})
    };
    listener.filter(
        "envoy.filters.http.ext_authz",
        "ext_authz.v3.ExtAuthz",
        json!({
            "transport_api_version": "V3",
            "http_service": {
                "server_uri": {"uri": "http://authz", "cluster": CLUSTER, "timeout": "10s"},
                "authorization_request": {},
                "authorization_response": {
                    "allowed_upstream_headers": exact(&UPSTREAM_ON_ALLOW),
                    "allowed_client_headers": exact(&DOWNSTREAM_ON_DENY),
                    "allowed_client_headers_on_success": exact(&DOWNSTREAM_ON_ALLOW),
                },
            },
            "allowed_headers": exact(&IN_CHECK),
        }),
    )
}
