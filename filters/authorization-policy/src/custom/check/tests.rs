use super::*;
use proptest::prelude::*;
use prost::Message as _;
use sdk_helpers::Headers;
use sdk_helpers::world::fake::FakeWorld;
use std::collections::BTreeMap;

/// The messages as `envoy.service.auth.v3` and `envoy.config.core.v3` define them.
mod proto {
    use std::collections::BTreeMap;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct CheckRequest {
        #[prost(message, optional, tag = "1")]
        pub(super) attributes: Option<AttributeContext>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct AttributeContext {
        #[prost(message, optional, tag = "1")]
        pub(super) source: Option<Peer>,
        #[prost(message, optional, tag = "2")]
        pub(super) destination: Option<Peer>,
        #[prost(message, optional, tag = "4")]
        pub(super) request: Option<Request>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Peer {
        #[prost(message, optional, tag = "1")]
        pub(super) address: Option<Address>,
        #[prost(string, tag = "2")]
        pub(super) service: String,
        #[prost(string, tag = "4")]
        pub(super) principal: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Address {
        #[prost(message, optional, tag = "1")]
        pub(super) socket_address: Option<SocketAddress>,
        #[prost(message, optional, tag = "2")]
        pub(super) pipe: Option<Pipe>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct SocketAddress {
        #[prost(string, tag = "2")]
        pub(super) address: String,
        #[prost(uint32, tag = "3")]
        pub(super) port_value: u32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Pipe {
        #[prost(string, tag = "1")]
        pub(super) path: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Request {
        #[prost(message, optional, tag = "1")]
        pub(super) time: Option<Timestamp>,
        #[prost(message, optional, tag = "2")]
        pub(super) http: Option<HttpRequest>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Timestamp {
        #[prost(int64, tag = "1")]
        pub(super) seconds: i64,
        #[prost(int32, tag = "2")]
        pub(super) nanos: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct HttpRequest {
        #[prost(string, tag = "1")]
        pub(super) id: String,
        #[prost(string, tag = "2")]
        pub(super) method: String,
        #[prost(btree_map = "string, string", tag = "3")]
        pub(super) headers: BTreeMap<String, String>,
        #[prost(string, tag = "4")]
        pub(super) path: String,
        #[prost(string, tag = "5")]
        pub(super) host: String,
        #[prost(string, tag = "6")]
        pub(super) scheme: String,
        #[prost(string, tag = "7")]
        pub(super) query: String,
        #[prost(string, tag = "8")]
        pub(super) fragment: String,
        #[prost(int64, tag = "9")]
        pub(super) size: i64,
        #[prost(string, tag = "10")]
        pub(super) protocol: String,
    }
}
use proto::{Address, AttributeContext, Peer, Pipe, SocketAddress};

fn sent(pairs: &[(&str, &[u8])]) -> Request {
    Request::new(Headers::from_pairs(pairs.iter().copied()))
}

fn check(pairs: &[(&str, &[u8])], world: &FakeWorld) -> AttributeContext {
    let bytes = request(&sent(pairs), world);
    let check = proto::CheckRequest::decode(bytes.as_slice()).expect("a message");
    check.attributes.expect("attributes")
}

fn socket_address(address: &str, port_value: u32) -> Option<Address> {
    Some(Address {
        socket_address: Some(SocketAddress {
            address: address.to_owned(),
            port_value,
        }),
        pipe: None,
    })
}

#[test]
fn a_request_is_described_whole() {
    let world = FakeWorld::new();
    world.set_property(&["source", "address"], "10.0.0.1:4711");
    world.set_property(&["destination", "address"], "[2001:db8::1]:80");
    world.set_property(
        &["connection", "uri_san_peer_certificate"],
        "spiffe://td/ns/a/sa/b",
    );
    world.set_property(&["connection", "dns_san_peer_certificate"], "not.this");
    world.set_property(&["connection", "subject_local_certificate"], "CN=us");
    world.set_property(
        &["request", "time"],
        1_700_000_000_123_456_789u64.to_le_bytes(),
    );
    world.set_property(&["request", "protocol"], "HTTP/2");
    let seen = check(
        &[
            (":method", b"PUT"),
            (":path", b"/a?b#c"),
            (":scheme", b"https"),
            (":authority", b"h:1"),
            ("x-request-id", b"id"),
            ("x-envoy-downstream-service-cluster", b"front"),
            ("x-a", b"1"),
            ("x-a", b"caf\xe9"),
            ("x-envoy-auth-partial-body", b"true"),
        ],
        &world,
    );
    assert_eq!(
        seen.source,
        Some(Peer {
            address: socket_address("10.0.0.1", 4711),
            service: "front".to_owned(),
            principal: "spiffe://td/ns/a/sa/b".to_owned(),
        })
    );
    assert_eq!(
        seen.destination,
        Some(Peer {
            address: socket_address("2001:db8::1", 80),
            service: String::new(),
            principal: "CN=us".to_owned(),
        })
    );
    let request = seen.request.expect("a request");
    let time = request.time.expect("a time");
    assert_eq!((time.seconds, time.nanos), (1_700_000_000, 123_456_789));
    let http = request.http.expect("HTTP");
    let fields = [
        &http.id,
        &http.method,
        &http.path,
        &http.host,
        &http.scheme,
        &http.protocol,
    ];
    assert_eq!(fields, ["id", "PUT", "/a?b#c", "h:1", "https", "HTTP/2"]);
    assert_eq!(
        (http.query.as_str(), http.fragment.as_str(), http.size),
        ("", "", 0)
    );
    let headers: BTreeMap<&str, &str> = http
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(headers.get("x-a"), Some(&"1,caf!"));
    assert_eq!(headers.get(":path"), Some(&"/a?b#c"));
    assert_eq!(headers.len(), 7);
}

/// Whoever writes `x-forwarded-for` writes `source.address`.
#[test]
fn an_address_that_a_client_may_have_written_is_left_out() {
    let world = FakeWorld::new();
    world.set_property(&["source", "address"], "10.0.0.1:4711");
    let address =
        |pairs: &[(&str, &[u8])]| check(pairs, &world).source.and_then(|peer| peer.address);
    let forwarded: &[(&str, &[u8])] = &[("x-forwarded-for", b"10.0.0.1")];
    assert_eq!(address(&[]), socket_address("10.0.0.1", 4711));
    assert_eq!(address(forwarded), None);
    let direct = ["filter_state", "mesh_filters.peer.address"];
    world.set_property(&direct, "10.0.0.1");
    let address =
        |pairs: &[(&str, &[u8])]| check(pairs, &world).source.and_then(|peer| peer.address);
    assert_eq!(address(forwarded), socket_address("10.0.0.1", 4711));
    world.set_property(&direct, "fd00::9");
    let address =
        |pairs: &[(&str, &[u8])]| check(pairs, &world).source.and_then(|peer| peer.address);
    assert_eq!(address(forwarded), socket_address("fd00::9", 0));
    assert_eq!(address(&[]), socket_address("fd00::9", 0));
}

#[test]
fn addresses_are_read_as_envoy_writes_them() {
    let read = |text| Address::decode(socket(text).into_bytes().as_slice()).expect("an address");
    for (text, address, port) in [
        ("1.2.3.4:80", "1.2.3.4", 80),
        ("8.8.8.8:0", "8.8.8.8", 0),
        ("1.2.3.4", "1.2.3.4", 0),
        ("[::1]:80", "::1", 80),
        ("::1", "::1", 0),
        ("fd00::1:80", "fd00::1:80", 0),
    ] {
        assert_eq!(Some(read(text)), socket_address(address, port), "{text}");
    }
    let pipe = Some(Pipe {
        path: "/run/x.sock".to_owned(),
    });
    assert_eq!(
        read("/run/x.sock"),
        Address {
            socket_address: None,
            pipe
        }
    );
}

proptest! {
    #[test]
    fn any_request_makes_a_message(
        pairs in prop::collection::vec(("[a-z:-]{1,9}", prop::collection::vec(any::<u8>(), 0..20)), 0..12),
        attributes in prop::collection::vec(any::<u8>(), 0..24),
    ) {
        let world = FakeWorld::new();
        for path in [["source", "address"], ["destination", "address"], ["request", "time"],
            ["request", "protocol"], ["connection", "uri_san_peer_certificate"]] {
            world.set_property(&path, attributes.clone());
        }
        let borrowed: Vec<(&str, &[u8])> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let seen = check(&borrowed, &world);
        let headers = seen.request.and_then(|request| request.http).expect("HTTP").headers;
        let mut names: Vec<&str> = borrowed.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(headers.keys().map(String::as_str).collect::<Vec<_>>(), names);
    }
}
