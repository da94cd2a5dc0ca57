//! `tls` of a DestinationRule: how a client speaks to a service. Without a word, mutual TLS where a sidecar answers and
//! plaintext elsewhere.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::{Surroundings, pool};
use crate::certificates::Certificates;
use crate::secrets::ClientFiles;

/// Who may answer.
pub(crate) struct Who {
    /// The identities of workloads.
    pub(crate) identities: Vec<String>,
    /// What the certificates of those outside are for.
    pub(crate) names: Vec<String>,
}

pub(crate) fn apply(
    out: &mut Map<String, Value>,
    said: Option<&Value>,
    server_name: &str,
    who: &Who,
    around: Surroundings<'_>,
) {
    let text = |name: &str| {
        let text = said.and_then(|said| said.get(name)).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    let names = said
        .and_then(|said| said.get("subjectAltNames"))
        .and_then(Value::as_array);
    let names: Vec<String> = names
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let sni = text("sni");
    // A ServiceEntry's own names count where its rule has none.
    let by_rule = !names.is_empty();
    let names = match (by_rule, text("mode")) {
        (false, Some("SIMPLE" | "MUTUAL")) => who.names.clone(),
        _ => names,
    };
    let identities = [who.identities.as_slice(), &who.names].concat();
    let identities = identities.as_slice();
    let certificates = around.certificates;
    let http2 = pool::is_http2(out);
    match text("mode") {
        Some("DISABLE") => {}
        None => {
            let socket = mutual(certificates, server_name, identities, http2);
            out.insert(
                "transport_socket_matches".to_owned(),
                json!([
                    {"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transport_socket": socket},
                    {"name": "tlsMode-disabled", "match": {}, "transport_socket": {
                        "name": "envoy.transport_sockets.raw_buffer",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
                        },
                    }},
                ]),
            );
        }
        Some("ISTIO_MUTUAL") => {
            let taken = match names.is_empty() {
                true => identities,
                false => &names,
            };
            let socket = mutual(certificates, sni.unwrap_or(server_name), taken, http2);
            out.insert("transport_socket".to_owned(), socket);
        }
        Some(_) => {
            let files = text("credentialName").and_then(|name| around.secrets.client(name));
            let socket = simple(said, files, sni, &names, http2);
            out.insert("transport_socket".to_owned(), socket);
            if sni.is_none() {
                auto_server_name(out, !by_rule && !is_unchecked(said));
            }
        }
    }
}

/// The client's own certificate, and whose are taken.
fn mutual(
    certificates: &Certificates,
    server_name: &str,
    identities: &[String],
    http2: bool,
) -> Value {
    let mut validation = json!({"trusted_ca": {"filename": certificates.roots}});
    if let (false, Value::Object(fields)) = (identities.is_empty(), &mut validation) {
        fields.insert(
            "match_typed_subject_alt_names".to_owned(),
            exact_names(identities),
        );
    }
    tls(json!({
        "sni": server_name,
        "common_tls_context": {
            "alpn_protocols": if http2 { json!(["istio", "h2"]) } else { json!(["istio"]) },
            "tls_params": tls_params(),
            "tls_certificates": [certificates.pair()],
            "validation_context": validation,
        },
    }))
}

/// TLS as outside services speak it: SIMPLE, or MUTUAL with files of one's own or of a Secret.
fn simple(
    said: Option<&Value>,
    secret: Option<ClientFiles>,
    sni: Option<&str>,
    names: &[String],
    http2: bool,
) -> Value {
    let file = |name: &str| {
        let text = said.and_then(|said| said.get(name)).and_then(Value::as_str);
        text.map(PathBuf::from)
    };
    let (roots, pair) = match secret {
        Some(ClientFiles { roots, pair }) => (roots, pair),
        None => (
            file("caCertificates"),
            file("clientCertificate").zip(file("privateKey")),
        ),
    };
    let mut context = Map::new();
    context.insert("tls_params".to_owned(), tls_params());
    if http2 {
        context.insert("alpn_protocols".to_owned(), json!(["h2"]));
    }
    if !is_unchecked(said) {
        let roots = roots.unwrap_or_else(|| "/etc/ssl/certs/ca-certificates.crt".into());
        let mut validation = json!({"trusted_ca": {"filename": roots}});
        if let (false, Value::Object(fields)) = (names.is_empty(), &mut validation) {
            fields.insert(
                "match_typed_subject_alt_names".to_owned(),
                exact_names(names),
            );
        }
        context.insert("validation_context".to_owned(), validation);
    }
    if let Some((chain, key)) = pair {
        let pair =
            json!({"certificate_chain": {"filename": chain}, "private_key": {"filename": key}});
        context.insert("tls_certificates".to_owned(), json!([pair]));
    }
    let mut out = json!({"common_tls_context": context});
    if let (Some(sni), Value::Object(fields)) = (sni, &mut out) {
        fields.insert("sni".to_owned(), json!(sni));
    }
    tls(out)
}

/// Whether anybody is believed.
fn is_unchecked(said: Option<&Value>) -> bool {
    let field = said.and_then(|said| said.get("insecureSkipVerify"));
    field.and_then(Value::as_bool) == Some(true)
}

/// The server name is the authority that was called, and, where nobody said which names are taken, so is the name of
/// the certificate.
fn auto_server_name(out: &mut Map<String, Value>, validates: bool) {
    let options = out
        .get_mut("typed_extension_protocol_options")
        .and_then(|all| all.get_mut(pool::HTTP_OPTIONS));
    if let Some(Value::Object(options)) = options {
        let upstream = json!({"auto_sni": true, "auto_san_validation": validates});
        options.insert("upstream_http_protocol_options".to_owned(), upstream);
    }
}

/// TLS 1.3 where the other side knows it: left alone, Envoy as a client stops at 1.2.
pub(crate) fn tls_params() -> Value {
    json!({"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"})
}

/// Identities are URIs, and whatever else a certificate may be for is a host.
fn exact_names(names: &[String]) -> Value {
    let all = names.iter().map(|name| {
        let kind = if name.contains("://") { "URI" } else { "DNS" };
        json!({"san_type": kind, "matcher": {"exact": name}})
    });
    Value::Array(all.collect())
}

fn tls(mut context: Value) -> Value {
    if let Value::Object(fields) = &mut context {
        let kind =
            "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";
        fields.insert("@type".to_owned(), json!(kind));
    }
    json!({"name": "envoy.transport_sockets.tls", "typed_config": context})
}
