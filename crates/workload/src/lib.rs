//! The server that stands for a workload of a mesh: it says who answered and what came, calls further services, and
//! misbehaves on request.
//!
//! ```text
//! request ─Effect::of→ what it asks for ─┬─ calls ─→ Called, Called, …
//!                                        └─ Answer { name, version, identity, caller, headers, called }
//! ```
//!
//! ```
//! use workload::{Call, Workload, serve};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! let ratings = serve(runtime.handle(), &["127.0.0.1:0".parse()?], Workload::named("ratings-v1"))?;
//! let reviews = Workload {
//!     version: "v2".to_owned(),
//!     calls: vec![Call {
//!         service: "ratings:9080".to_owned(),
//!         path: "/".to_owned(),
//!         address: ratings.addresses()[0],
//!     }],
//!     ..Workload::named("reviews-v2")
//! };
//! let reviews = serve(runtime.handle(), &["127.0.0.1:0".parse()?], reviews)?;
//! println!("try http://{}/", reviews.addresses()[0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it answers
//!
//! One JSON object to every request, whatever its method and path: `name`, `version`, `namespace` and `address` of who
//! answered; `identity`, its own, and `caller`, the one that its sidecar vouches for; `requests`, how many it had so far;
//! `method`, `authority`, `path`, `headers` and `bodyBytes` of the request; and `called`, what each service that it calls
//! answered. Of headers it shows all but what somebody could use: the signatures of tokens and the passwords of
//! `Basic`.
//!
//! A call that fails is told with its status, and the answer around it is 200 all the same.
//!
//! # How it misbehaves
//!
//! | | |
//! |---|---|
//! | `/status/503` | any status from 200 to 599; nobody is called |
//! | `/delay/2s` | the answer, later; 60 s at most |
//! | `/drip?bytes=10&over=2s` | a body that comes a byte at a time |
//! | `/reset` | no answer: the connection or the stream breaks |
//! | `/response-headers?NAME=VALUE` | the answer with these headers |
//!
//! The header `x-fail: status=503&delay=2s` asks for the same at any path, with `status`, `delay`, `bytes`, `over`,
//! `header=NAME:VALUE` and `reset`. `PUT /fail?status=503` has all requests after it answered so, or the next few
//! (`&times=2`), and `DELETE /fail` ends that.

mod answer;
mod body;
mod call;
mod caller;
mod effect;
mod handle;
mod pool;
mod seen;
mod serve;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub use serve::{Served, serve};

/// Who answers, and whom it calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// `reviews-v2`.
    pub name: String,
    /// `v2`, as its labels have it; empty where they have none.
    pub version: String,
    /// Where it runs.
    pub namespace: String,
    /// The address by which others know this replica.
    pub address: IpAddr,
    /// `spiffe://cluster.local/ns/default/sa/bookinfo-reviews`; none without a sidecar.
    pub identity: Option<String>,
    /// What it calls for each request, one after the other.
    pub calls: Vec<Call>,
}

impl Workload {
    /// One of this name that calls nobody, in the namespace `default`, without a sidecar.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Workload {
            name: name.to_owned(),
            version: String::new(),
            namespace: "default".to_owned(),
            address: Ipv4Addr::LOCALHOST.into(),
            identity: None,
            calls: Vec::new(),
        }
    }
}

/// A service that a workload calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// As the client names it, which is the authority of the request: `ratings:9080`.
    pub service: String,
    /// The path with its query, from its slash on.
    pub path: String,
    /// Where the request is sent: the sidecar's listener for what its workload calls or, without a sidecar, the service
    /// itself.
    pub address: SocketAddr,
}

/// Why a workload is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Where it was to listen.
    pub address: SocketAddr,
    /// What is in the way.
    pub problem: String,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error { address, problem } = self;
        write!(formatter, "cannot listen on {address}: {problem}")
    }
}

impl std::error::Error for Error {}
