//! The clusters that a configuration asks: where keys of tokens lie, and services of CUSTOM policies.

use serde_json::Value;

use super::location::Server;
use super::module::flow;
use crate::read::Configuration;

/// A cluster of an Envoy by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cluster {
    /// As the configuration names it.
    pub(super) name: String,
    /// Host and port, where the configuration says them.
    pub(super) address: Option<(String, u16)>,
    /// Whether it is asked over TLS.
    pub(super) tls: bool,
    /// Whether it speaks HTTP/2 alone.
    pub(super) http2: bool,
}

/// Those that configurations ask, each once.
pub(super) fn asked(configurations: &[Configuration]) -> Vec<Cluster> {
    let mut all: Vec<Cluster> = Vec::new();
    for it in configurations {
        see(&it.tree, &mut |value| {
            if let Some(cluster) = keys(value)
                .or_else(|| service(value))
                .or_else(|| limits(value))
                && !all.iter().any(|known| known.name == cluster.name)
            {
                all.push(cluster);
            }
        });
    }
    all
}

fn see(value: &Value, look: &mut dyn FnMut(&Value)) {
    look(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| see(item, look)),
        Value::Object(fields) => fields.values().for_each(|field| see(field, look)),
        _ => {}
    }
}

/// A field in either of protobuf's spellings.
fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    let field = value
        .get(name)
        .or_else(|| value.get(sdk_helpers::config::snake(name)));
    field?.as_str()
}

/// Where a rule fetches its keys.
fn keys(rule: &Value) -> Option<Cluster> {
    let issuer = text(rule, "issuer").filter(|_| rule.get("jwks").is_none());
    let said = text(rule, "jwksUri");
    // An issuer stands in other objects too; a rule of tokens without a URL has its keys found by it.
    let url = said.or(issuer)?;
    let server = Server::read(url);
    let name = text(rule, "jwksCluster").map(str::to_owned);
    let name = name.or_else(|| server.as_ref().map(Server::cluster))?;
    Some(Cluster {
        name,
        tls: server.as_ref().is_some_and(|it| it.tls),
        address: server.map(|it| (it.host, it.port)),
        http2: false,
    })
}

/// The service of a provider of CUSTOM policies.
fn service(provider: &Value) -> Option<Cluster> {
    let http = ["envoyExtAuthzHttp", "envoyExtAuthzGrpc"].into_iter();
    let (kind, service) = http
        .filter_map(|kind| {
            let field = provider
                .get(kind)
                .or_else(|| provider.get(sdk_helpers::config::snake(kind)));
            Some((kind, field?))
        })
        .next()?;
    let host = text(service, "service")
        .map(|service| service.rsplit('/').next().unwrap_or(service).to_owned());
    let port = service
        .get("port")
        .and_then(Value::as_u64)
        .and_then(|port| u16::try_from(port).ok());
    let address = host.zip(port);
    let name = text(service, "cluster").map(str::to_owned);
    let name = name.or_else(|| {
        address
            .as_ref()
            .map(|(host, port)| format!("outbound|{port}||{host}"))
    })?;
    Some(Cluster {
        name,
        address,
        tls: false,
        http2: kind == "envoyExtAuthzGrpc",
    })
}

/// The service of limits that are counted for all proxies.
fn limits(global: &Value) -> Option<Cluster> {
    text(global, "domain")?;
    let name = text(global, "cluster")?.to_owned();
    let parts: Vec<&str> = name.split('|').collect();
    let address = match parts[..] {
        ["outbound", port, _, host] => port.parse().ok().map(|port| (host.to_owned(), port)),
        _ => None,
    };
    Some(Cluster {
        name,
        address,
        tls: false,
        http2: true,
    })
}

impl Cluster {
    /// It as an entry of `clusters`.
    pub(super) fn lines(&self) -> String {
        let mut text = format!("  - name: {}\n", flow(&self.name));
        if self.address.is_none() {
            text.push_str("    # Where it is, nothing says: put in host and port.\n");
        }
        let (host, port) = self
            .address
            .clone()
            .unwrap_or_else(|| ("127.0.0.1".to_owned(), 8081));
        text.push_str("    type: STRICT_DNS\n    connect_timeout: 5s\n");
        if self.http2 {
            text.push_str(
                "    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        \"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
",
            );
        }
        if self.tls {
            text.push_str(&format!(
                "    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: {host}
        common_tls_context:
          validation_context:
            # The authorities that this system trusts; the file is elsewhere on some.
            trusted_ca: {{filename: /etc/ssl/certs/ca-certificates.crt}}
            match_typed_subject_alt_names:
            - {{san_type: DNS, matcher: {{exact: {host}}}}}
",
                host = flow(&host)
            ));
        }
        text.push_str(&format!(
            "    load_assignment:
      cluster_name: {}
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: {}, port_value: {port}}}}}}}
",
            flow(&self.name),
            flow(&host)
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_configuration_asks_is_found() {
        let filter = catalog::find("mesh-filters").unwrap();
        let tree = json!({
            "requestAuthentication": {"jwtRules": [
                {"issuer": "https://a.example/", "jwksUri": "https://keys.example:8443/k"},
                {"issuer": "https://b.example"},
                {"issuer": "c", "jwks": "{}"},
                {"issuer": "d", "jwks_uri": "http://d.example/", "jwks_cluster": "mine"},
            ]},
            "authorizationPolicy": {"extensionProviders": [
                {"name": "x", "envoyExtAuthzGrpc": {"service": "ns/authz.example", "port": 9000}},
                {"name": "y", "envoyExtAuthzHttp": {"cluster": "other"}},
            ]},
            "rateLimit": {"limits": [], "global": {"domain": "d", "cluster": "outbound|8081||limits.example"}},
        });
        let found = asked(&[Configuration { filter, tree }]);
        let mut shown: Vec<String> = found
            .iter()
            .map(|it| format!("{} {:?} {} {}", it.name, it.address, it.tls, it.http2))
            .collect();
        shown.sort();
        assert_eq!(
            shown,
            [
                "mine Some((\"d.example\", 80)) false false",
                "other None false false",
                "outbound|443||b.example Some((\"b.example\", 443)) true false",
                "outbound|8081||limits.example Some((\"limits.example\", 8081)) false true",
                "outbound|8443||keys.example Some((\"keys.example\", 8443)) true false",
                "outbound|9000||authz.example Some((\"authz.example\", 9000)) false true",
            ]
        );
    }
}
