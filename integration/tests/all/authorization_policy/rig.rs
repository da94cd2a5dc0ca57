//! Two chains of filters that should decide alike: Envoy's own and ours, each behind the filters that
//! tell ours what wasm cannot see, and with the same connection manager.

use std::net::SocketAddr;

use integration::client::{self, Client, Request, Response};
use integration::listener::{Clients, Listener};
use integration::rbac;
use integration::tls::Tls;
use serde_json::{Value, json};

use crate::authorization_policy::peers::WORLD;
use crate::authorization_policy::{FILTER, tokens};

/// Fields of the connection manager that change what a policy sees.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manager(pub(crate) Vec<(&'static str, Value)>);

impl Manager {
    /// Istio's normalization of paths: `NONE`, `BASE`, `MERGE_SLASHES`, `DECODE_AND_MERGE_SLASHES`.
    pub(crate) fn paths(mut self, normalization: &str) -> Self {
        let steps = ["NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"];
        let step = steps
            .iter()
            .position(|known| *known == normalization)
            .unwrap();
        self.0.push(("normalize_path", json!(step >= 1)));
        self.0.push(("merge_slashes", json!(step >= 2)));
        let slashes = if step >= 3 {
            "UNESCAPE_AND_FORWARD"
        } else {
            "KEEP_UNCHANGED"
        };
        self.0
            .push(("path_with_escaped_slashes_action", json!(slashes)));
        self
    }

    /// How many proxies before this one are trusted; none is how a sidecar has it.
    pub(crate) fn trusted_proxies(mut self, count: Option<u32>) -> Self {
        self.0.push(("use_remote_address", json!(count.is_some())));
        self.0
            .push(("xff_num_trusted_hops", json!(count.unwrap_or(0))));
        self
    }

    fn apply(&self, listener: Listener) -> Listener {
        let fields = self.0.iter();
        fields.fold(listener, |listener, (field, value)| {
            listener.manager(field, value.clone())
        })
    }
}

/// What wasm cannot see, in filter state: the snippet that the filter's README has.
pub(crate) fn peer_state() -> Value {
    let entries = [
        ("address", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"),
        ("uri_sans", "%DOWNSTREAM_PEER_URI_SAN%"),
        ("dns_sans", "%DOWNSTREAM_PEER_DNS_SAN%"),
    ];
    let entries: Vec<Value> = entries
        .into_iter()
        .map(|(key, format)| {
            json!({
                "object_key": format!("mesh_filters.peer.{key}"),
                "factory_key": "envoy.string",
                "format_string": {"text_format_source": {"inline_string": format}},
            })
        })
        .collect();
    json!({"on_request_headers": entries})
}

/// What filters before a policy have verified or noted.
fn noted(listener: Listener) -> Listener {
    let note = json!({"metadata": [{
        "metadata_namespace": "envoy.filters.http.test",
        "value": {"text": "blue", "list": ["red", "green"], "number": 7, "empty": "", "a][b": "odd"},
    }]});
    listener
        .filter(
            "envoy.filters.http.jwt_authn",
            "jwt_authn.v3.JwtAuthentication",
            tokens::authentication(),
        )
        .filter(
            "envoy.filters.http.set_metadata",
            "set_metadata.v3.Config",
            note,
        )
}

/// Our filter, told what it cannot see.
pub(crate) fn ours(name: &str, config: &Value, manager: &Manager) -> Listener {
    let listener = noted(Listener::new(name)).filter(
        "envoy.filters.http.set_filter_state",
        "set_filter_state.v3.Config",
        peer_state(),
    );
    manager.apply(listener.module(FILTER, config))
}

/// Our filter, which has to do with what wasm sees.
pub(crate) fn blind(name: &str, config: &Value) -> Listener {
    noted(Listener::new(name)).module(FILTER, config)
}

/// Envoy's own filters for the same policies.
pub(crate) fn native(name: &str, config: &Value, manager: &Manager) -> Listener {
    let filters = rbac::filters(config).unwrap_or_else(|problem| panic!("{problem}: {config}"));
    native_filters(name, filters, manager)
}

/// Envoy's own filters as they are.
pub(crate) fn native_filters(name: &str, filters: Vec<Value>, manager: &Manager) -> Listener {
    let listener = filters
        .into_iter()
        .fold(noted(Listener::new(name)), |listener, fields| {
            listener.filter(rbac::FILTER, rbac::MESSAGE, fields)
        });
    manager.apply(listener)
}

/// The same listener for clients with and without certificates.
pub(crate) fn over_tls(listener: Listener) -> Listener {
    listener.tls(&WORLD.server, &WORLD.authority, Clients::Any)
}

/// Names and values in the order of their names.
type Fields = Vec<(String, Vec<u8>)>;

/// What a client can tell of an answer: the time aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Answer(u16, Fields, String, Fields),
    Nothing,
}

impl Seen {
    fn of(response: Response) -> Self {
        let body = response.text();
        let mut headers = response.headers;
        headers.retain(|(name, _)| name != "date");
        headers.sort();
        Seen::Answer(response.status, headers, body, response.trailers)
    }

    /// Whether a policy refused it.
    pub(crate) fn refused(&self) -> bool {
        match self {
            Seen::Answer(403, ..) => true,
            Seen::Answer(_, headers, ..) => {
                headers.contains(&("grpc-status".to_owned(), b"7".to_vec()))
            }
            Seen::Nothing => false,
        }
    }
}

/// A few connections to one listener, over which requests take turns, so that they meet every worker.
pub(crate) struct Talk(client::Talk);

impl Talk {
    pub(crate) fn to(addr: SocketAddr, http2: bool, tls: Option<&Tls>) -> Self {
        let client = if http2 {
            Client::http2(addr)
        } else {
            Client::http1(addr)
        };
        Self(client::Talk::of(match tls {
            Some(tls) => client.tls(tls.clone()),
            None => client,
        }))
    }

    pub(crate) fn ask(&mut self, request: &Request) -> Seen {
        self.0.ask(request).map_or(Seen::Nothing, Seen::of)
    }
}
