//! One Envoy with the native filter on one listener and ours on another, one authorization service
//! behind both, and one echoing upstream.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use integration::client::{Client, Request, Response};
use integration::listener::{Clients, Listener, cluster};
use integration::shared::Shared;
use integration::tls::Tls;
use integration::upstream::{Answer, Recorded, Upstream};
use serde_json::{Value, json};

use crate::authorization_policy::FILTER;
use crate::authorization_policy::peers::WORLD;

/// As Istio names it.
const CLUSTER: &str = "outbound|9000||authz.example";

/// Which API the service speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Http,
    Grpc,
}

/// What runs.
pub(super) struct Rig {
    pub(super) envoy: Shared,
    upstream: Upstream,
    authorizer: Upstream,
    answer: Arc<Mutex<Answer>>,
}

/// What one of the two listeners made of a request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    /// What the service was asked.
    pub(super) asked: Vec<Recorded>,
    /// What came to the upstream.
    pub(super) passed: Vec<Recorded>,
    /// What the client got.
    pub(super) got: Response,
}

impl Rig {
    /// With a provider of these fields, which both filters get.
    pub(super) fn start(kind: Kind, fields: &Value) -> Rig {
        Self::with(kind, fields, None, |listener| listener)
    }

    /// The same, over TLS.
    pub(super) fn over_tls(kind: Kind, fields: &Value) -> Rig {
        Self::with(kind, fields, None, |listener| {
            listener.tls(&WORLD.server, &WORLD.authority, Clients::Any)
        })
    }

    /// With the service's cluster pointing somewhere else.
    pub(super) fn before(kind: Kind, fields: &Value, service: SocketAddr) -> Rig {
        Self::with(kind, fields, Some(service), |listener| listener)
    }

    fn with(
        kind: Kind,
        fields: &Value,
        service: Option<SocketAddr>,
        change: fn(Listener) -> Listener,
    ) -> Rig {
        let answer = Arc::new(Mutex::new(Answer::status(200)));
        let next = Arc::clone(&answer);
        let authorizer = Upstream::with(move |_| next.lock().unwrap().clone());
        let upstream = Upstream::start();
        let clusters = [
            cluster("upstream", upstream.addr(), false),
            cluster(
                CLUSTER,
                service.unwrap_or(authorizer.addr()),
                kind == Kind::Grpc,
            ),
        ];
        let listeners = [
            Listener::new("native")
                .filter(
                    "envoy.filters.http.ext_authz",
                    "ext_authz.v3.ExtAuthz",
                    native(kind, fields),
                )
                .to("upstream"),
            Listener::new("ours")
                .module(FILTER, &ours(kind, fields))
                .to("upstream"),
            Listener::new("told")
                .filter(
                    "envoy.filters.http.set_filter_state",
                    "set_filter_state.v3.Config",
                    direct_peer(),
                )
                .module(FILTER, &ours(kind, fields))
                .to("upstream"),
        ];
        let envoy = Shared::start(listeners.map(change), clusters);
        Rig {
            envoy,
            upstream,
            authorizer,
            answer,
        }
    }

    /// Sends a request through one listener by HTTP/2 while the service answers so.
    pub(super) fn send(&self, listener: &str, request: &Request, answer: &Answer) -> Seen {
        self.send_by(Client::http2(self.envoy.addr(listener)), request, answer)
    }

    /// Sends a request of this peer's.
    pub(super) fn send_as(
        &self,
        peer: &Tls,
        listener: &str,
        request: &Request,
        answer: &Answer,
    ) -> Seen {
        let client = Client::http2(self.envoy.addr(listener)).tls(peer.clone());
        self.send_by(client, request, answer)
    }

    fn send_by(&self, client: Client, request: &Request, answer: &Answer) -> Seen {
        *self.answer.lock().unwrap() = answer.clone();
        self.authorizer.forget();
        self.upstream.forget();
        let got = client.send(request.clone());
        Seen {
            asked: self.authorizer.requests(),
            passed: self.upstream.requests(),
            got,
        }
    }

    /// Sends a request through ours so many times and leaves each while the service is asked; waits
    /// until the service has heard of all of them and Envoy holds none.
    pub(super) fn leave(&self, times: usize, request: &Request, answer: &Answer) {
        *self.answer.lock().unwrap() = answer.clone();
        self.authorizer.forget();
        let client = Client::http1(self.envoy.addr("ours")).deadline(Duration::from_millis(100));
        for _ in 0..times {
            assert!(
                client.try_send(request.clone()).is_err(),
                "it waits for the service"
            );
        }
        let soon = Duration::from_secs(10);
        let held = "http.ours.downstream_rq_active";
        self.envoy.admin().wait_stat(held, |held| held == 0, soon);
        assert_eq!(self.authorizer.count(), times);
    }

    /// Asserts that both listeners do the same, by HTTP/1 and HTTP/2.
    #[track_caller]
    pub(super) fn assert_alike(&self, request: &Request, answer: &Answer) {
        for client in [Client::http1, Client::http2] {
            let send = |listener| {
                comparable(self.send_by(client(self.envoy.addr(listener)), request, answer))
            };
            assert_same(&send("ours"), &send("native"), request, answer);
        }
    }
}

/// Without what differs between any two requests, and in an order that does not count.
pub(super) fn comparable(mut seen: Seen) -> Seen {
    for recorded in seen.asked.iter_mut().chain(&mut seen.passed) {
        recorded
            .headers
            .retain(|(name, value)| name != "x-request-id" && !is_ours(name, value));
        recorded.headers.sort();
    }
    seen.got
        .headers
        .retain(|(name, _)| !matches!(name.as_str(), "date" | "x-envoy-upstream-service-time"));
    seen.got.headers.sort();
    seen.got.elapsed = Duration::ZERO;
    // The echo shows the request's id.
    if let Ok(mut echoed) = serde_json::from_slice::<Value>(&seen.got.body)
        && echoed.get("protocol").is_some()
    {
        echoed["headers"] = Value::Null;
        seen.got.body = echoed.to_string().into_bytes();
        seen.got
            .headers
            .retain(|(name, _)| name != "content-length");
    }
    seen
}

/// Who asks, where nobody else is named: Envoy's filter says nothing then.
fn is_ours(name: &str, value: &[u8]) -> bool {
    name == "user-agent" && value.starts_with(b"mesh-filters/")
}

/// What tells the filter who is at the other end of the connection.
fn direct_peer() -> Value {
    json!({"on_request_headers": [{
        "object_key": "mesh_filters.peer.address",
        "factory_key": "envoy.string",
        "format_string": {"text_format_source": {
            "inline_string": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
        }},
    }]})
}

/// A CUSTOM policy that asks about every request.
fn ours(kind: Kind, fields: &Value) -> Value {
    let mut service = json!({"service": "authz.example", "port": 9000});
    for (name, value) in fields.as_object().expect("fields") {
        service[name] = value.clone();
    }
    let field = match kind {
        Kind::Http => "envoyExtAuthzHttp",
        Kind::Grpc => "envoyExtAuthzGrpc",
    };
    json!({
        "extensionProviders": [{"name": "authz", field: service}],
        "policies": [{
            "name": "ask",
            "namespace": "ns",
            "action": "CUSTOM",
            "provider": {"name": "authz"},
            "rules": [{}],
        }],
    })
}

/// The same provider as istiod translates it.
fn native(kind: Kind, fields: &Value) -> Value {
    let timeout = fields.get("timeout").cloned().unwrap_or(json!("600s"));
    let mut filter = json!({
        "transport_api_version": "V3",
        "failure_mode_allow": fields["failOpen"] == true,
    });
    if let Some(status) = fields["statusOnError"].as_str() {
        filter["status_on_error"] = json!({"code": status.parse::<u16>().expect("a status")});
    }
    match kind {
        Kind::Grpc => {
            let authority = CLUSTER.replace('|', "_.");
            filter["grpc_service"] = json!({
                "envoy_grpc": {"cluster_name": CLUSTER, "authority": authority},
                "timeout": timeout,
            });
        }
        Kind::Http => {
            let additional = fields["includeAdditionalHeadersInCheck"].as_object();
            let additional = additional.into_iter().flatten();
            let mut request = json!({
                "headers_to_add": additional
                    .map(|(key, value)| json!({"key": key, "value": value}))
                    .collect::<Vec<_>>(),
            });
            put_patterns(
                &mut request,
                "allowed_headers",
                &fields["includeRequestHeadersInCheck"],
            );
            let mut response = json!({});
            for (field, names) in [
                ("allowed_upstream_headers", "headersToUpstreamOnAllow"),
                ("allowed_client_headers", "headersToDownstreamOnDeny"),
                (
                    "allowed_client_headers_on_success",
                    "headersToDownstreamOnAllow",
                ),
            ] {
                put_patterns(&mut response, field, &fields[names]);
            }
            filter["http_service"] = json!({
                "path_prefix": fields["pathPrefix"].as_str().unwrap_or_default(),
                "server_uri": {"uri": "http://authz.example", "cluster": CLUSTER, "timeout": timeout},
                "authorization_request": request,
                "authorization_response": response,
            });
        }
    }
    filter
}

fn put_patterns(message: &mut Value, field: &str, names: &Value) {
    let pattern = |name: &Value| {
        let name = name.as_str().expect("a name");
        let (kind, text) = match (name.strip_prefix('*'), name.strip_suffix('*')) {
            (Some(suffix), _) => ("suffix", suffix),
            (None, Some(prefix)) => ("prefix", prefix),
            (None, None) => ("exact", name),
        };
        json!({kind: text, "ignore_case": true})
    };
    let patterns: Vec<Value> = names
        .as_array()
        .into_iter()
        .flatten()
        .map(pattern)
        .collect();
    if !patterns.is_empty() {
        message[field] = json!({"patterns": patterns});
    }
}

/// Asserts that two listeners did the same; says what differs in as few words as it takes.
#[track_caller]
pub(super) fn assert_same(ours: &Seen, native: &Seen, request: &Request, answer: &Answer) {
    let (ours, native) = (lines(ours), lines(native));
    let only = |these: &[String], others: &[String], whose: &str| -> String {
        let only = these.iter().filter(|line| !others.contains(line));
        only.map(|line| format!("{whose} {line}\n")).collect()
    };
    assert!(
        ours == native,
        "{request:?}\n{answer:?}\n{}{}",
        only(&ours, &native, "  ours:"),
        only(&native, &ours, "native:")
    );
}

fn lines(seen: &Seen) -> Vec<String> {
    let mut lines = Vec::new();
    let mut add = |what: &str, start: String, fields: &[&[(String, Vec<u8>)]], body: &[u8]| {
        lines.push(format!("{what} {start}"));
        let fields = fields.iter().copied().flatten();
        lines
            .extend(fields.map(|(name, value)| format!("{what} {name}: {}", value.escape_ascii())));
        lines.push(format!("{what} body {}", body.escape_ascii()));
    };
    for (what, requests) in [("asked", &seen.asked), ("passed", &seen.passed)] {
        for (index, came) in requests.iter().enumerate() {
            let start = format!(
                "{} {} {} {}",
                came.method, came.authority, came.path, came.protocol
            );
            add(
                &format!("{what}[{index}]"),
                start,
                &[&came.headers, &came.trailers],
                &came.body,
            );
        }
    }
    let got = &seen.got;
    add(
        "got",
        got.status.to_string(),
        &[&got.headers, &got.trailers],
        &got.body,
    );
    lines
}

/// Requests to the same host, whichever listener they go through.
pub(super) fn get(path: &str) -> Request {
    method("GET", path)
}

pub(super) fn method(method: &str, path: &str) -> Request {
    Request::new(method, path).authority("app.example")
}

pub(super) fn post(path: &str, body: impl AsRef<[u8]>) -> Request {
    Request::post(path, body).authority("app.example")
}

pub(super) fn call(path: &str, message: &[u8]) -> Request {
    Request::grpc(path, message).authority("app.example")
}
