//! Envoy's clusters of what policies ask and are in front of, by URLs.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use envoy::listener::{self, typed};
use sdk_helpers::Call;
use serde_json::{Value, json};

/// How long a connection may take.
const CONNECT: &str = "5s";

/// A cluster of one host, by the scheme and the authority of a URL.
pub(super) fn cluster(name: &str, scheme: &str, authority: &str) -> Result<Value, String> {
    let is_tls = scheme == "https";
    let (host, port) = host_and_port(authority, if is_tls { 443 } else { 80 })?;
    let address = host.parse::<IpAddr>();
    let mut cluster = match address {
        Ok(ip) => listener::cluster(name, SocketAddr::new(ip, port), false),
        Err(_) => by_name(name, host, port),
    };
    put(&mut cluster, "connect_timeout", CONNECT.into());
    if is_tls {
        put(
            &mut cluster,
            "transport_socket",
            tls(host, address.is_ok())?,
        );
    }
    Ok(cluster)
}

/// The same, speaking the protocol of the client.
pub(super) fn either_protocol(mut cluster: Value) -> Value {
    let both = json!({"http_protocol_options": {}, "http2_protocol_options": {}});
    let options = typed(
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        json!({"use_downstream_protocol_config": both}),
    );
    let options = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options});
    put(&mut cluster, "typed_extension_protocol_options", options);
    cluster
}

/// Those of the calls, each once, and why some cannot be made. A call without one is answered by Envoy as where a mesh
/// does not know the host.
pub(super) fn of_calls(calls: &[Call]) -> (Vec<Value>, Vec<String>) {
    let mut clusters = BTreeMap::new();
    let mut problems = Vec::new();
    for call in calls {
        let Call::Http {
            cluster: name,
            headers,
            ..
        } = call
        else {
            continue;
        };
        let header = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        let scheme = header(":scheme").unwrap_or_default();
        let authority = header(":authority").unwrap_or_default();
        match cluster(name, &scheme, &authority) {
            Ok(cluster) => {
                clusters.insert(name.clone(), cluster);
            }
            Err(problem) => problems.push(format!(
                "keys of {scheme}://{authority} are not fetched: {problem}"
            )),
        }
    }
    (clusters.into_values().collect(), problems)
}

fn host_and_port(authority: &str, default: u16) -> Result<(&str, u16), String> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let port = port
                .parse()
                .map_err(|_| "it has no port between 0 and 65535".to_owned())?;
            (host, port)
        }
        _ => (authority, default),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    Ok((bare.unwrap_or(host), port))
}

/// A name may stand for addresses of both kinds, of which one answers: `localhost` does most of the time.
fn by_name(name: &str, host: &str, port: u16) -> Value {
    let address = json!({"socket_address": {"address": host, "port_value": port}});
    json!({
        "name": name,
        "type": "LOGICAL_DNS",
        "dns_lookup_family": "ALL",
        "load_assignment": {"cluster_name": name, "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": address}}]},
        ]},
    })
}

/// TLS that trusts whom this machine trusts, and takes no other name.
fn tls(host: &str, is_address: bool) -> Result<Value, String> {
    let trusted = openssl_probe::probe().cert_file.ok_or(
        "this machine has no file of certificates to trust; SSL_CERT_FILE names one, and `--jwks` gives keys without",
    )?;
    let kind = if is_address { "IP_ADDRESS" } else { "DNS" };
    let mut context = json!({"common_tls_context": {
        "validation_context": {
            "trusted_ca": {"filename": trusted.display().to_string()},
            "match_typed_subject_alt_names": [{"san_type": kind, "matcher": {"exact": host}}],
        },
    }});
    if !is_address {
        put(&mut context, "sni", host.into());
    }
    let context = typed(
        "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        context,
    );
    Ok(json!({"name": "envoy.transport_sockets.tls", "typed_config": context}))
}

fn put(message: &mut Value, field: &str, value: Value) {
    if let Some(fields) = message.as_object_mut() {
        fields.insert(field.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_call_has_its_cluster() {
        let call = |cluster: &str, scheme: &str, authority: &str| Call::Http {
            cluster: cluster.to_owned(),
            headers: vec![
                (":scheme".to_owned(), scheme.into()),
                (":authority".to_owned(), authority.into()),
            ],
            body: Vec::new(),
            timeout: Duration::from_secs(5),
        };
        let calls = [
            call("a", "http", "issuer.example:8080"),
            call("b", "http", "[::1]:81"),
            call("a", "http", "issuer.example:8080"),
        ];
        let (clusters, problems) = of_calls(&calls);
        assert!(problems.is_empty(), "{problems:?}");
        let endpoint =
            "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
        let seen: Vec<_> = clusters
            .iter()
            .map(|cluster| (&cluster["type"], cluster.pointer(endpoint).unwrap()))
            .collect();
        assert_eq!(
            seen,
            [
                (
                    &json!("LOGICAL_DNS"),
                    &json!({"address": "issuer.example", "port_value": 8080})
                ),
                (
                    &json!("STATIC"),
                    &json!({"address": "::1", "port_value": 81})
                ),
            ]
        );
    }
}
