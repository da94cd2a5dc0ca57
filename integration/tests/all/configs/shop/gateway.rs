//! The gateway with services of one's own in its clusters, as its comment says, and who asks it.

use std::net::Ipv4Addr;
use std::time::Duration;

use integration::client::{Client, Response, raw};
use integration::demo::Shipped;
use integration::envoy::Envoy;
use integration::jwt::{Algorithm, Key};
use integration::upstream::{Recorded, Upstream};
use serde_json::{Value, json};

use super::FILE;

const SOON: Duration = Duration::from_secs(10);
/// Where the file lets the staff in, and where not.
pub(super) const STAFF: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
pub(super) const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const BACK_OFFICE: &str = "cluster.back-office.upstream_rq_total";

/// The gateway, and what is behind it.
pub(super) struct Shop {
    envoy: Envoy,
    pub(super) services: Upstream,
}

/// Who asks: an address, and a token.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) address: Ipv4Addr,
    pub(super) token: Option<String>,
    pub(super) http2: bool,
}

impl Shop {
    pub(super) fn open() -> Self {
        let services = Upstream::start();
        let inside = "{envoy_internal_address: {server_listener_name: shop}}";
        let outside = "{socket_address: {address: 127.0.0.1, port_value: 8080}}";
        let file = Shipped::read(FILE);
        assert!(file.text().contains(&format!("`{outside}`")));
        let file = file.with(inside, outside).any_ports();
        let file = file.endpoint(8080, services.addr());
        let envoy = file.envoy().workers(2).start();
        Self { envoy, services }
    }

    /// A `GET` with these headers beside the caller's token.
    pub(super) fn ask(&self, caller: &Caller, path: &str, headers: &[(&str, &str)]) -> Response {
        self.send(caller, "GET", path, headers)
    }

    pub(super) fn send(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Response {
        let version = if caller.http2 {
            Client::http2
        } else {
            Client::http1
        };
        let client = version(self.envoy.addr("ingress")).from(caller.address);
        let mut call = client.method(method, path);
        if let Some(token) = &caller.token {
            call = call.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            call = call.header(name, value);
        }
        call.send()
    }

    /// The status of the answer to bytes as they are.
    pub(super) fn raw(&self, bytes: &str) -> Option<u16> {
        let answer = raw(self.envoy.addr("ingress"), bytes.as_bytes(), SOON);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        answer.split(' ').nth(1)?.parse().ok()
    }

    /// How many requests came to the back office.
    pub(super) fn inside(&self) -> u64 {
        self.envoy.admin().stat(BACK_OFFICE)
    }

    /// What the services saw last.
    #[track_caller]
    pub(super) fn seen(&self) -> Recorded {
        self.services.requests().pop().expect("a request")
    }
}

/// The demo's key, which its tokens are signed by.
pub(super) fn key() -> Key {
    Key::new(Algorithm::Es256, "shop")
}

pub(super) fn claims(name: &str) -> Value {
    let claims =
        json!({"iss": "https://accounts.shop.example", "aud": "shop", "exp": 4_102_444_800_u64});
    let own = match name {
        "bob" => json!({"plan": "gold", "scope": "orders:read orders:write"}),
        "carol" => json!({"plan": "staff", "scope": "orders:read", "role": "admin"}),
        _ => json!({"plan": "free", "scope": "orders:read"}),
    };
    with(&with(&claims, &own), &json!({"sub": name}))
}

/// An object with the fields of another put in.
pub(super) fn with(object: &Value, more: &Value) -> Value {
    let mut all = object.as_object().unwrap().clone();
    all.extend(more.as_object().unwrap().clone());
    all.into()
}

pub(super) fn person(name: &str, address: Ipv4Addr) -> Caller {
    Caller {
        address,
        token: Some(key().token(&claims(name))),
        http2: false,
    }
}

pub(super) fn nobody(address: Ipv4Addr) -> Caller {
    Caller {
        address,
        token: None,
        http2: false,
    }
}
