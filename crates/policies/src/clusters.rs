//! Envoy's clusters of what policies ask and are in front of, by URLs.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use sdk_helpers::Call;
use serde_json::{Value, json};

/// How long a connection may take.
const CONNECT: &str = "5s";

/// A cluster of one host, by the scheme and the authority of a URL. `trusted` is the file of certificates that this
/// machine trusts.
///
/// # Errors
/// The authority has no port that is one, or there is nobody to trust and the scheme is `https`.
pub fn cluster(
    name: &str,
    scheme: &str,
    authority: &str,
    trusted: Option<&Path>,
) -> Result<Value, String> {
    let is_tls = scheme == "https";
    let (host, port) = host_and_port(authority, if is_tls { 443 } else { 80 })?;
    let is_address = host.parse::<IpAddr>().is_ok();
    let mut cluster = of_host(name, host, port);
    // A name may stand for addresses of both kinds, of which one answers: `localhost` does most of the time.
    match is_address {
        true => put(&mut cluster, "type", "STATIC".into()),
        false => {
            put(&mut cluster, "type", "LOGICAL_DNS".into());
            put(&mut cluster, "dns_lookup_family", "ALL".into());
        }
    }
    if is_tls {
        let socket = tls(host, is_address, trusted)?;
        put(&mut cluster, "transport_socket", socket);
    }
    Ok(cluster)
}

/// The same, speaking the protocol of the client.
#[must_use]
pub fn either_protocol(mut cluster: Value) -> Value {
    let both = json!({"http_protocol_options": {}, "http2_protocol_options": {}});
    let options = json!({
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "use_downstream_protocol_config": both,
    });
    let options = json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options});
    put(&mut cluster, "typed_extension_protocol_options", options);
    cluster
}

/// Those of the calls, each once, and why some cannot be made. A call without one is answered by Envoy as where a mesh
/// does not know the host. `trusted` is as for [`cluster`].
#[must_use]
pub fn of_calls(calls: &[Call], trusted: Option<&Path>) -> (Vec<Value>, Vec<String>) {
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
        match cluster(name, &scheme, &authority, trusted) {
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

fn of_host(name: &str, host: &str, port: u16) -> Value {
    let address = json!({"socket_address": {"address": host, "port_value": port}});
    json!({
        "name": name,
        "connect_timeout": CONNECT,
        "load_assignment": {"cluster_name": name, "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": address}}]},
        ]},
    })
}

/// TLS that trusts whom this machine trusts, and takes no other name.
fn tls(host: &str, is_address: bool, trusted: Option<&Path>) -> Result<Value, String> {
    let trusted = trusted.ok_or(
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
    let kind = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
    put(&mut context, "@type", kind.into());
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
            call("c", "https", "issuer.example"),
        ];
        let (clusters, problems) = of_calls(&calls, None);
        let [problem] = problems.as_slice() else {
            panic!("{problems:?}");
        };
        assert!(
            problem.contains("no file of certificates to trust"),
            "{problem}"
        );
        let (secured, problems) = of_calls(&calls, Some(Path::new("/roots.pem")));
        assert!(problems.is_empty(), "{problems:?}");
        let trusted = "/transport_socket/typed_config/common_tls_context/validation_context/trusted_ca/filename";
        assert_eq!(secured[2].pointer(trusted).unwrap(), "/roots.pem");
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
