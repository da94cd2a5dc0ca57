//! External authorization services, which CUSTOM policies ask: what they are told of a request, and
//! what their answers mean.
//!
//! Both are those of Envoy's own `ext_authz` filter as istiod configures it for MeshConfig's
//! `envoyExtAuthzHttp` and `envoyExtAuthzGrpc`.

mod check;
mod grpc;
mod http;
mod names;
mod query;
mod response;
mod template;

use std::borrow::Cow;
use std::time::Duration;

use sdk_helpers::{Attributes, Body, Call, CallResult, HeaderEdit, Request};

pub use http::Http;
pub use names::HeaderNames;
pub use template::Template;

/// A service that decides in a policy's place.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// What policies call it.
    pub name: String,
    /// Envoy's name of the cluster.
    pub cluster: String,
    /// The longest a request waits for its answer.
    pub timeout: Duration,
    /// `failOpen`: without an answer a request goes on.
    pub fail_open: bool,
    /// `statusOnError`: what a client is told where there is no answer.
    pub status_on_error: u16,
    /// How it is spoken to.
    pub protocol: Protocol,
}

/// How a service is spoken to.
#[derive(Debug, Clone, PartialEq)]
pub enum Protocol {
    /// The request again, without its body.
    Http(Http),
    /// `envoy.service.auth.v3.Authorization/Check`.
    Grpc,
}

/// What a service decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Judgement {
    /// On, with these changes.
    Allow {
        /// To the request headers.
        request: Vec<HeaderEdit>,
        /// To the response headers.
        response: Vec<HeaderEdit>,
    },
    /// Refused with this answer.
    Deny(Refusal),
    /// No usable answer came.
    Unavailable {
        /// Whether the request goes on all the same.
        allow: bool,
        /// What to answer if it does not.
        refusal: Refusal,
    },
}

/// An answer to the client.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// 200 to 599.
    pub status: u16,
    /// Its headers, none of which would end its line early.
    pub headers: Vec<(Cow<'static, str>, Vec<u8>)>,
    /// Its body.
    pub body: Body,
}

/// What Envoy answers a refusal that names no status with.
const FORBIDDEN: u16 = 403;

/// A status that ends an exchange. What a service refused stays refused, whatever it wrote.
fn answerable(status: u16) -> u16 {
    match status {
        200..=599 => status,
        _ => FORBIDDEN,
    }
}

impl Refusal {
    fn bare(status: u16) -> Self {
        Refusal {
            status,
            headers: vec![],
            body: Body::default(),
        }
    }
}

/// What Envoy answers where a service answered what cannot be followed.
const UNUSABLE: u16 = 500;

impl Provider {
    /// What policies call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What to ask.
    pub fn call(&self, request: &Request, attributes: &dyn Attributes) -> Call {
        match &self.protocol {
            Protocol::Http(http) => Call::Http {
                cluster: self.cluster.clone(),
                headers: http.check(request),
                body: vec![],
                timeout: self.timeout,
            },
            Protocol::Grpc => Call::Grpc {
                cluster: self.cluster.clone(),
                service: "envoy.service.auth.v3.Authorization".to_owned(),
                method: "Check".to_owned(),
                metadata: vec![],
                message: check::request(request, attributes),
                timeout: self.timeout,
            },
        }
    }

    /// What its answer means for this request.
    pub fn judge(&self, answer: &CallResult, request: &Request) -> Judgement {
        let judged = match (&self.protocol, answer) {
            (Protocol::Http(http), CallResult::Http { headers, body }) => http.judge(headers, body),
            (Protocol::Grpc, CallResult::Grpc { status: 0, message }) => {
                grpc::judge(message, request, self.status_on_error)
            }
            _ => Err(Fault::Unavailable(None)),
        };
        let judged = judged.and_then(|judgement| match &judgement {
            Judgement::Allow { request: edits, .. } if !fits(request, edits) => {
                Err(Fault::Unusable)
            }
            _ => Ok(judgement),
        });
        match judged {
            Ok(judgement) => judgement,
            Err(Fault::Unavailable(refusal)) => Judgement::Unavailable {
                allow: self.fail_open,
                refusal: refusal.unwrap_or_else(|| Refusal::bare(self.status_on_error)),
            },
            Err(Fault::Unusable) => Judgement::Unavailable {
                allow: false,
                refusal: Refusal::bare(UNUSABLE),
            },
        }
    }
}

/// Whether a request stays as small as Envoy lets it be unless told otherwise, or gets no larger.
fn fits(request: &Request, edits: &[HeaderEdit]) -> bool {
    const MOST: usize = 100;
    const LARGEST: usize = 60 * 1024;
    if edits.is_empty() {
        return true;
    }
    let size = |request: &Request| {
        request
            .headers()
            .iter()
            .fold((0, 0), |(count, bytes): (usize, usize), (name, value)| {
                let more = name.len().saturating_add(value.len());
                (count.saturating_add(1), bytes.saturating_add(more))
            })
    };
    let (before, after) = (size(request), size(&request.edited(edits)));
    after.0 <= before.0.max(MOST) && after.1 <= before.1.max(LARGEST)
}

/// Why a service's answer decides nothing.
#[derive(Debug, Clone, PartialEq)]
enum Fault {
    /// There is none, or the service says that it cannot tell, perhaps with an answer for the client
    /// in place of `statusOnError`.
    Unavailable(Option<Refusal>),
    /// It lets the request go on with changes that cannot be made. To go on without them could mean
    /// that the upstream believes a header of the client's own, so `failOpen` is not asked.
    Unusable,
}
