//! Istio's HTTP connection manager, without policies.

use serde_json::{Value, json};

/// Whose requests a listener takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// For the workload, from others.
    Inbound,
    /// From the workload, for others.
    Outbound,
    /// From outside of the mesh.
    Gateway,
}

/// `routes` is `route_config` or `rds`, as a field of its own.
pub(crate) fn manager(prefix: &str, routes: Value, side: Side) -> Value {
    let forward = (side != Side::Inbound).then(|| {
        plain(
            "envoy.filters.http.dynamic_forward_proxy",
            "envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig",
        )
    });
    let forward = forward.map(|mut filter| {
        if let Some(Value::Object(fields)) = filter.get_mut("typed_config") {
            fields.insert("dns_cache_config".to_owned(), crate::dns_cache());
        }
        filter
    });
    let cors = plain(
        "envoy.filters.http.cors",
        "envoy.extensions.filters.http.cors.v3.Cors",
    );
    let router = plain(
        "envoy.filters.http.router",
        "envoy.extensions.filters.http.router.v3.Router",
    );
    let filters = [cors].into_iter().chain(forward).chain([router]);
    let filters: Vec<Value> = filters.collect();
    let (forwarding, details) = match side {
        Side::Inbound => (
            "APPEND_FORWARD",
            json!({"subject": true, "dns": true, "uri": true}),
        ),
        Side::Outbound => ("SANITIZE", json!({})),
        Side::Gateway => (
            "SANITIZE_SET",
            json!({"subject": true, "cert": true, "dns": true, "uri": true}),
        ),
    };
    let mut configuration = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": prefix,
        "use_remote_address": side == Side::Gateway,
        "forward_client_cert_details": forwarding,
        "set_current_client_cert_details": details,
        "normalize_path": true,
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        // A stream may be silent for as long as it likes; a route's timeout is all that ends it.
        "stream_idle_timeout": "0s",
        "http_filters": filters,
    });
    if let (Value::Object(fields), Value::Object(routes)) = (&mut configuration, routes) {
        fields.extend(routes);
        // What a workload calls is answered by `envoy`: istiod says its name on the other sides alone.
        if side != Side::Outbound {
            fields.insert("server_name".to_owned(), json!("istio-envoy"));
            fields.insert("proxy_100_continue".to_owned(), json!(true));
        }
    }
    json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": configuration})
}

/// A filter with the defaults of its type.
pub(crate) fn plain(name: &str, type_name: &str) -> Value {
    json!({
        "name": name,
        "typed_config": {"@type": format!("type.googleapis.com/{type_name}")},
    })
}
