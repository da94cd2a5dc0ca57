//! Requests to a registry, one at a time.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::{HeaderName, HeaderValue, Method, Request, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, AsSendBody, SendBody};

use super::answer::{Answer, without_query};
use super::error::Error;
use super::options::{Event, Options};
use crate::Digest;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long nothing at all may arrive or leave: some registries look into a blob before they answer.
const ANSWER: Duration = Duration::from_secs(60);
/// How long a body may take, either way.
const BODY: Duration = Duration::from_secs(15 * 60);
/// The largest file of certificates that is read, in bytes.
const CERTIFICATES: u64 = 16 << 20;

/// A client of one registry.
pub(super) struct Http<'a> {
    agent: Agent,
    progress: &'a dyn Fn(Event<'_>),
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Order<'b> {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// What is sent; with a digest, it is told as a blob's progress.
    pub(super) body: Option<(&'b [u8], Option<Digest>)>,
}

impl<'b> Order<'b> {
    pub(super) fn new(method: Method, url: String) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            body: None,
        }
    }

    pub(super) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn body(mut self, bytes: &'b [u8], blob: Option<Digest>) -> Self {
        self.body = Some((bytes, blob));
        self
    }
}

impl<'a> Http<'a> {
    /// A client that speaks TLS if the registry does, and goes through the proxy that the environment
    /// names (`HTTPS_PROXY` and the like) unless the registry is on this machine.
    pub(super) fn new(options: &Options<'a>, tls: bool, loopback: bool) -> Result<Self, Error> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("mesh-filters/", env!("CARGO_PKG_VERSION")))
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_send_body(Some(BODY))
            .timeout_recv_body(Some(BODY))
            .timeout_per_read(Some(ANSWER))
            .timeout_per_write(Some(ANSWER));
        if loopback {
            config = config.proxy(None);
        }
        if tls {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let certificates = certificates(options.ca.as_deref())?;
            let tls = TlsConfig::builder()
                .unversioned_rustls_crypto_provider(provider)
                .root_certs(RootCerts::Specific(Arc::new(certificates)));
            config = config.tls_config(tls.build());
        }
        Ok(Self {
            agent: config.build().new_agent(),
            progress: options.progress,
        })
    }

    /// Sends a request and waits for the head of the answer. A redirect is followed by what has no body,
    /// ten times at most, and never takes an `Authorization` to another host.
    pub(super) fn send(
        &self,
        order: &Order<'_>,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer<'a>, Error> {
        let url = &order.url;
        let mut request = Request::builder().method(order.method.clone()).uri(url);
        for (name, value) in &order.headers {
            request = request.header(name, value);
        }
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let outcome = match order.body {
            None if matches!(order.method, Method::GET | Method::HEAD) => {
                self.agent.run(finish(request, url, ())?)
            }
            None => self.run(finish(request, url, &b""[..])?),
            Some((bytes, blob)) => {
                request = request.header(header::CONTENT_LENGTH, bytes.len());
                let mut reader = Sending {
                    rest: bytes,
                    total: bytes.len() as u64,
                    blob,
                    progress: self.progress,
                };
                self.run(finish(request, url, SendBody::from_reader(&mut reader))?)
            }
        };
        match outcome {
            Ok(response) => Ok(Answer::new(url, response, self.progress)),
            Err(problem) => Err(unreachable(url, &problem)),
        }
    }

    fn run(
        &self,
        request: Request<impl AsSendBody>,
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        let configured = self.agent.configure_request(request).max_redirects(0);
        self.agent.run(configured.build())
    }
}

/// An address that a registry sent may be none.
fn finish<B>(
    request: ureq::http::request::Builder,
    url: &str,
    body: B,
) -> Result<Request<B>, Error> {
    request.body(body).map_err(|problem| Error::Protocol {
        url: without_query(url),
        problem: format!("the registry sends on to what is no address: {problem}"),
    })
}

/// Says why there is no answer, and what to do about it.
pub(super) fn unreachable(url: &str, problem: &ureq::Error) -> Error {
    let text = problem.to_string();
    let says = |part: &str| text.contains(part);
    let (remedy, transient) = match problem {
        ureq::Error::HostNotFound => (
            "see that the registry's name is right and known here",
            false,
        ),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::InvalidProxyUrl => {
            ("see that the address is right", false)
        }
        _ if says("certificate") || says("UnknownIssuer") => (
            "nothing here vouches for the registry: name the file of its authority (`--ca`)",
            false,
        ),
        _ if says("corrupt message") || says("InvalidContentType") => (
            "it does not speak TLS: allow plain HTTP (`--plain-http`)",
            false,
        ),
        _ => (
            "see that the registry runs and that this machine reaches it",
            true,
        ),
    };
    Error::Unreachable {
        url: without_query(url),
        problem: text,
        remedy,
        transient,
    }
}

/// What may vouch for a registry: what the system trusts (`SSL_CERT_FILE` and `SSL_CERT_DIR` are heeded),
/// and a file.
fn certificates(file: Option<&Path>) -> Result<Vec<Certificate<'static>>, Error> {
    let native = rustls_native_certs::load_native_certs();
    let ders = native.certs.iter();
    let mut all: Vec<_> = ders
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    if let Some(path) = file {
        all.extend(from_file(path)?);
    }
    if all.is_empty() {
        return Err(Error::Certificates {
            place: "this machine".to_owned(),
            problem: "it trusts no certificates, so no registry can be told from another; install \
                      `ca-certificates`, set SSL_CERT_FILE, or name a file (`--ca`)"
                .to_owned(),
        });
    }
    Ok(all)
}

fn from_file(path: &Path) -> Result<Vec<Certificate<'static>>, Error> {
    let wrong = |problem: String| Error::Certificates {
        place: path.display().to_string(),
        problem,
    };
    let mut pem = Vec::new();
    let read = File::open(path).and_then(|file| file.take(CERTIFICATES).read_to_end(&mut pem));
    read.map_err(|problem| wrong(problem.to_string()))?;
    let certificates: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(wrong(
            "there is no certificate in it; it has to be PEM".to_owned(),
        ));
    }
    Ok(certificates)
}

/// A body that tells how much of it has gone.
struct Sending<'a> {
    rest: &'a [u8],
    total: u64,
    blob: Option<Digest>,
    progress: &'a dyn Fn(Event<'_>),
}

impl Read for Sending<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.rest.read(buffer)?;
        if let Some(blob) = self.blob {
            (self.progress)(Event::Transferred {
                blob,
                done: self.total.saturating_sub(self.rest.len() as u64),
                total: Some(self.total),
            });
        }
        Ok(count)
    }
}
