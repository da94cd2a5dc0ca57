//! `tls` of a Gateway's server: what it proves its name with, and whom it takes.

use istio::CIPHER_SUITES;

use crate::field::Field;

/// What a server proves its name with, and whom it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    /// Its certificate.
    pub source: Source,
    /// Whether clients prove who they are as well.
    pub clients: Clients,
    /// Names of clients, of which one must be the certificate's; any where there are none.
    pub subject_alt_names: Vec<String>,
    /// The oldest and the newest version, in Envoy's words.
    pub versions: (Option<&'static str>, Option<&'static str>),
    /// Envoy's own where there are none.
    pub cipher_suites: Vec<String>,
    /// Where it stands in the files.
    pub place: String,
}

/// Where a server's certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `credentialName`: a Secret of the namespace where the gateway runs.
    Secret(String),
    /// Files of one's own.
    Files {
        /// `serverCertificate`.
        chain: String,
        /// `privateKey`.
        key: String,
        /// `caCertificates`.
        roots: Option<String>,
    },
    /// The gateway's own certificate of the mesh: ISTIO_MUTUAL.
    Mesh,
}

/// Whether clients prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clients {
    /// Nobody asks them: SIMPLE.
    Anybody,
    /// One that has a certificate has a good one: OPTIONAL_MUTUAL.
    Asked,
    /// Each has one: MUTUAL.
    Required,
}

/// Reads `tls`; none where the server cannot be there, which is said.
pub(crate) fn read(tls: &Field<'_>) -> Option<ServerTls> {
    let mode = tls.word("mode").unwrap_or_default();
    let clients = match mode {
        "" | "SIMPLE" => Clients::Anybody,
        "OPTIONAL_MUTUAL" => Clients::Asked,
        "MUTUAL" | "ISTIO_MUTUAL" => Clients::Required,
        _ => {
            tls.say(
                format!("mode {mode}"),
                "the server is not there: a gateway here ends TLS itself, with SIMPLE, MUTUAL, OPTIONAL_MUTUAL or \
                 ISTIO_MUTUAL",
            );
            tls.take();
            return None;
        }
    };
    let names = tls.list("subjectAltNames");
    let names = names.iter().filter_map(Field::text).map(str::to_owned);
    let version = |name: &str| match tls.word(name)? {
        "TLSV1_0" => Some("TLSv1_0"),
        "TLSV1_1" => Some("TLSv1_1"),
        "TLSV1_2" => Some("TLSv1_2"),
        "TLSV1_3" => Some("TLSv1_3"),
        _ => None,
    };
    Some(ServerTls {
        source: source(tls, mode, clients)?,
        clients,
        subject_alt_names: names.collect(),
        versions: (version("minProtocolVersion"), version("maxProtocolVersion")),
        cipher_suites: cipher_suites(tls),
        place: tls.place(),
    })
}

fn source(tls: &Field<'_>, mode: &str, clients: Clients) -> Option<Source> {
    let text = |name: &str| {
        let text = tls.word(name).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    if mode == "ISTIO_MUTUAL" {
        return Some(Source::Mesh);
    }
    if let Some(name) = text("credentialName") {
        return Some(Source::Secret(name));
    }
    let roots = text("caCertificates").filter(|_| clients != Clients::Anybody);
    match (text("serverCertificate"), text("privateKey")) {
        (Some(_), Some(_)) if clients != Clients::Anybody && roots.is_none() => {
            tls.say(
                format!("{mode} without caCertificates"),
                "Istio refuses the Gateway; the server is not there",
            );
            None
        }
        (Some(chain), Some(key)) => Some(of_paths(chain, key, roots)),
        _ => {
            tls.say(
                "no certificate: neither credentialName nor serverCertificate and privateKey",
                "Istio refuses the Gateway; the server is not there",
            );
            None
        }
    }
}

/// Older tutorials name the files that Istio's own gateway has its two Secrets mounted as, and so those are meant.
fn of_paths(chain: String, key: String, roots: Option<String>) -> Source {
    let mounted = chain.strip_prefix("/etc/istio/");
    match mounted.and_then(|path| path.split_once('/')) {
        Some((name @ ("ingressgateway-certs" | "egressgateway-certs"), _)) => {
            Source::Secret(format!("istio-{name}"))
        }
        _ => Source::Files { chain, key, roots },
    }
}

fn cipher_suites(tls: &Field<'_>) -> Vec<String> {
    let mut known = Vec::new();
    for field in tls.list("cipherSuites") {
        let name = field.text().unwrap_or_default();
        match CIPHER_SUITES.contains(&name) {
            true => known.push(name.to_owned()),
            false => field.say(
                format!("{name:?} is no cipher suite"),
                "it is left out, as in Istio",
            ),
        }
    }
    known
}
