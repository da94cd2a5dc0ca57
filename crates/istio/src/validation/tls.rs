//! TLS of a client (DestinationRule) and of a server (Gateway, Sidecar).

use std::collections::BTreeSet;

use super::Told;
use crate::cipher_suites::{CIPHER_SUITES, TRIPLE_DES};
use crate::spot::Spot;

/// What names certificates in files.
const CLIENT_FILES: [&str; 4] = ["clientCertificate", "caCertificates", "privateKey", "caCrl"];
const SERVER_CERTIFICATES: [&str; 7] = [
    "caCrl",
    "serverCertificate",
    "privateKey",
    "caCertificates",
    "tlsCertificates",
    "credentialName",
    "credentialNames",
];
/// What Istio's own certificates leave nothing to say of.
const NOT_OF_ISTIO: [&str; 6] = [
    "serverCertificate",
    "privateKey",
    "caCertificates",
    "tlsCertificates",
    "credentialName",
    "credentialNames",
];
/// Whether a field says anything: text that is not empty, or a list that is not.
fn has(tls: &Spot<'_>, name: &str) -> bool {
    !tls.text(name).is_empty() || !tls.list(name).is_empty()
}

/// What a client does.
pub(super) fn client(tls: &Spot<'_>, namespace: &str, told: &Told) {
    let mode = tls.text("mode");
    let credential = tls.text("credentialName");
    if let Some(name) = credential.strip_prefix("configmap://") {
        let is_own = match name.split_once('/') {
            Some((of, name)) => of == namespace && !name.is_empty(),
            None => false,
        };
        if !is_own {
            let path = tls.path_of("credentialName");
            told.at(path, format!("a ConfigMap is named by `configmap://{namespace}/NAME`, of the namespace of the object itself"));
        }
    }
    if tls.is_true("insecureSkipVerify") {
        let of_mode: &[&str] = match mode {
            "SIMPLE" => &["caCertificates", "credentialName"],
            "MUTUAL" => &["caCertificates"],
            _ => &[],
        };
        let names = tls.field("subjectAltNames").filter(|_| !of_mode.is_empty());
        let given = of_mode
            .iter()
            .filter(|name| has(tls, name))
            .map(|name| tls.path_of(name));
        for path in given.chain(names.map(|names| names.path().to_owned())) {
            told.at(path, "is of no use with `insecureSkipVerify: true`, which verifies nothing; remove one of them");
        }
    }
    if ["SIMPLE", "MUTUAL"].contains(&mode) && !credential.is_empty() {
        for name in CLIENT_FILES.iter().filter(|name| has(tls, name)) {
            told.at(
                tls.path_of(name),
                "stands beside `credentialName`, which brings certificates of its own",
            );
        }
        return;
    }
    if mode == "MUTUAL" {
        for name in ["clientCertificate", "privateKey"] {
            if !has(tls, name) {
                told.at(tls.path_of(name), "is missing: mode MUTUAL wants a certificate and its key, or a `credentialName`");
            }
        }
    }
}

/// What a server does.
pub(super) fn server(tls: &Spot<'_>, told: &Told) {
    // What is meant where nothing is said.
    let mode = match tls.text("mode") {
        "" => "PASSTHROUGH",
        mode => mode,
    };
    ciphers(tls, told);
    if mode == "ISTIO_MUTUAL" {
        for name in NOT_OF_ISTIO.iter().filter(|name| has(tls, name)) {
            told.at(
                tls.path_of(name),
                "mode ISTIO_MUTUAL uses the certificates of the mesh; leave it out",
            );
        }
        return;
    }
    let ignored = SERVER_CERTIFICATES.iter().find(|name| has(tls, name));
    if let Some(name) = ignored.filter(|_| ["PASSTHROUGH", "AUTO_PASSTHROUGH"].contains(&mode)) {
        let field = tls.field(name);
        let field = field.as_ref().unwrap_or(tls);
        let said = match tls.field("mode") {
            Some(_) => "",
            None => ", which is meant where no mode is said,",
        };
        told.warn(
            field,
            format!("mode {mode}{said} does not open TLS: certificates are passed over"),
        );
    }
    let files = has(tls, "serverCertificate") && has(tls, "privateKey");
    let sources = ["credentialName", "credentialNames", "tlsCertificates"];
    let count = sources.iter().filter(|name| has(tls, name)).count() + usize::from(files);
    if count > 1 {
        told.error(tls, "has certificates from more than one source: one of `credentialName`, `credentialNames`, `tlsCertificates`, and `serverCertificate` with `privateKey`");
    }
    let is_mutual = ["MUTUAL", "OPTIONAL_MUTUAL"].contains(&mode);
    let is_terminated = mode == "SIMPLE" || is_mutual;
    let is_named = has(tls, "credentialName") || has(tls, "credentialNames");
    if is_terminated && is_named {
        return;
    }
    if is_terminated {
        certificates(tls, mode, is_mutual, told);
    }
    if let Some(list) = tls.field("caCrl").filter(|_| has(tls, "caCrl")) {
        if has(tls, "credentialName") {
            told.error(
                &list,
                "stands beside `credentialName`, which has its list of revocations itself",
            );
        }
        if mode == "SIMPLE" {
            told.error(
                &list,
                "mode SIMPLE asks for no certificate of clients, and so revokes none",
            );
        }
    }
}

fn certificates(tls: &Spot<'_>, mode: &str, is_mutual: bool, told: &Told) {
    if is_mutual && !has(tls, "caCertificates") {
        told.at(
            tls.path_of("caCertificates"),
            format!("is missing: mode {mode} verifies clients by it, or by a `credentialName`"),
        );
    }
    let listed = tls.list("tlsCertificates");
    if let Some(third) = listed.get(2) {
        told.warn(third, "Envoy takes two certificates, of different kinds of keys; what is behind them is passed over");
    }
    let all = if listed.is_empty() {
        vec![tls.clone()]
    } else {
        listed
    };
    for certificate in all {
        let lacks: Vec<&str> = ["serverCertificate", "privateKey"]
            .into_iter()
            .filter(|name| !has(&certificate, name))
            .collect();
        match lacks[..] {
            [] => {}
            [one] => told.at(
                certificate.path_of(one),
                format!("is missing: mode {mode} wants a certificate and its key"),
            ),
            _ => told.error(
                &certificate,
                format!("mode {mode} has no certificate: name a Secret with `credentialName`, or files with `serverCertificate` and `privateKey`"),
            ),
        }
    }
}

fn ciphers(tls: &Spot<'_>, told: &Told) {
    let suites = tls.list("cipherSuites");
    let version = tls.field("minProtocolVersion");
    let is_old = ["TLSV1_0", "TLSV1_1"].contains(&tls.text("minProtocolVersion"));
    if let Some(version) = version.filter(|_| is_old && suites.is_empty()) {
        told.warn(
            &version,
            "no suite that is on by default works with a version below TLSV1_2; add `cipherSuites`",
        );
    }
    let mut seen = BTreeSet::new();
    for suite in &suites {
        let text = suite.value().as_str().unwrap_or_default();
        // Operators of BoringSSL's, such as `-` and `[`, begin with neither a letter nor a digit.
        let is_name = text.starts_with(|first: char| first.is_alphanumeric());
        let is_known = CIPHER_SUITES.contains(&text) || ["ALL", TRIPLE_DES].contains(&text);
        if is_name && !is_known {
            told.warn(
                suite,
                format!(
                    "{}; passed over",
                    sdk_helpers::config::none_of(text, &CIPHER_SUITES)
                ),
            );
        } else if !seen.insert(text) {
            told.warn(suite, "is here twice");
        }
    }
}
