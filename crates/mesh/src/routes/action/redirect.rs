//! Where a client is sent instead.

use serde_json::{Value, json};

use super::put;

/// Envoy's `RedirectAction`; none for a status that Istio refuses.
pub(super) fn redirect(said: &Value, called: u16, is_tls: bool) -> Option<Value> {
    let text = |name: &str| {
        said.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let mut out = json!({});
    if let Some(authority) = text("authority") {
        put(&mut out, "host_redirect", json!(authority));
    }
    match (text("prefixRewrite"), text("uri")) {
        (Some(prefix), _) => put(&mut out, "prefix_rewrite", json!(prefix)),
        (None, Some(uri)) => put(&mut out, "path_redirect", json!(uri)),
        (None, None) => {}
    }
    if let Some(scheme) = text("scheme") {
        put(&mut out, "scheme_redirect", json!(scheme));
    }
    let port = match text("derivePort") {
        Some("FROM_REQUEST_PORT") => Some(u64::from(called)),
        _ => said.get("port").and_then(Value::as_u64),
    };
    let scheme = text("scheme").unwrap_or(if is_tls { "https" } else { "http" });
    // What a scheme has anyway is not written.
    let usual = |port: u64| matches!((port, scheme), (80, "http") | (443, "https"));
    if let Some(port) = port.filter(|port| *port != 0 && !usual(*port)) {
        put(&mut out, "port_redirect", json!(port));
    }
    let code = match said
        .get("redirectCode")
        .and_then(Value::as_u64)
        .unwrap_or(301)
    {
        0 | 301 => "MOVED_PERMANENTLY",
        302 => "FOUND",
        303 => "SEE_OTHER",
        307 => "TEMPORARY_REDIRECT",
        308 => "PERMANENT_REDIRECT",
        // Istio refuses it.
        _ => return None,
    };
    put(&mut out, "response_code", json!(code));
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_says_no_port_that_its_scheme_has() {
        for (said, called, is_tls, expected) in [
            (
                json!({"uri": "/a"}),
                80,
                false,
                json!({"path_redirect": "/a", "response_code": "MOVED_PERMANENTLY"}),
            ),
            (
                json!({"authority": "a", "port": 443, "scheme": "https", "redirectCode": 307}),
                80,
                false,
                json!({"host_redirect": "a", "scheme_redirect": "https", "response_code": "TEMPORARY_REDIRECT"}),
            ),
            (
                json!({"derivePort": "FROM_REQUEST_PORT"}),
                8443,
                true,
                json!({"port_redirect": 8443, "response_code": "MOVED_PERMANENTLY"}),
            ),
        ] {
            assert_eq!(redirect(&said, called, is_tls), Some(expected), "{said}");
        }
    }
}
