//! Envoy's attributes of a stream by name: where each is, how Envoy encodes it, and what it means that it is
//! absent. Every call of these is one host call, so who needs an answer twice keeps it.
//!
//! Sources: Envoy's documentation, "Attributes" (`docs/root/intro/arch_overview/advanced/attributes.rst`),
//! for the names; `serializeValue` in its `source/extensions/common/wasm/context.cc` for the encodings;
//! measured on Envoy 1.40. A text is its bytes, a number eight of them with the least significant first
//! (as [`int`] and [`uint`] read them), true and false are one byte, a time or a length of time is a number of
//! nanoseconds, and a message is serialized.

use crate::address::Address;
use crate::world::{Attributes, Timestamp};

/// A certificate of a TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// The client's, of the connection that the request came on.
    DownstreamPeer,
    /// Envoy's own there.
    DownstreamLocal,
    /// The upstream's, of the connection that the request went on.
    UpstreamPeer,
    /// Envoy's own there.
    UpstreamLocal,
}

/// A name in a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateName {
    /// The first URI of its subject alternative names: in a mesh, the SPIFFE identity.
    UriSan,
    /// The first DNS name among them.
    DnsSan,
    /// Its subject: `CN=…`.
    Subject,
}

/// Envoy's `TrafficDirection` of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrafficDirection {
    /// In front of the workload.
    Inbound,
    /// Behind it.
    Outbound,
}

/// Reads a signed number, a time or a length of time.
pub fn int(bytes: &[u8]) -> Option<i64> {
    bytes.try_into().ok().map(i64::from_le_bytes)
}

/// Reads an unsigned number, or a signed one that is never negative.
pub fn uint(bytes: &[u8]) -> Option<u64> {
    bytes.try_into().ok().map(u64::from_le_bytes)
}

/// Reads true or false.
pub fn boolean(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [byte] => Some(*byte != 0),
        _ => None,
    }
}

impl dyn Attributes + '_ {
    /// A number that is never negative.
    pub fn uint(&self, path: &[&str]) -> Option<u64> {
        uint(&self.property(path)?)
    }

    /// A text. An empty one says no more than none.
    pub fn text(&self, path: &[&str]) -> Option<Vec<u8>> {
        self.property(path).filter(|text| !text.is_empty())
    }

    /// The client's address as Envoy trusts it, with the port: it follows `x-forwarded-for` as
    /// `use_remote_address` and `xff_num_trusted_hops` have it. A pipe's is a path. The other end of the
    /// connection is no attribute.
    pub fn source_address(&self) -> Option<Vec<u8>> {
        self.property(&["source", "address"])
    }

    /// The same as an address; none behind a pipe.
    pub fn source_ip(&self) -> Option<Address> {
        Address::of_peer(&self.source_address()?)
    }

    /// The address that the request came to, with the port. A pipe's is a path.
    pub fn destination_address(&self) -> Option<Vec<u8>> {
        self.property(&["destination", "address"])
    }

    /// The same as an address; none on a pipe.
    pub fn destination_ip(&self) -> Option<Address> {
        Address::of_peer(&self.destination_address()?)
    }

    /// The port that the request came to, after any redirection.
    pub fn destination_port(&self) -> Option<u16> {
        u16::try_from(self.uint(&["destination", "port"])?).ok()
    }

    /// A name in a certificate; none without TLS, without a certificate, or without such a name. Of
    /// several names of a kind Envoy shows the first alone. Those of the upstream's connection are there once
    /// there is one.
    pub fn certificate_name(
        &self,
        certificate: Certificate,
        name: CertificateName,
    ) -> Option<Vec<u8>> {
        use Certificate::{DownstreamLocal, DownstreamPeer, UpstreamLocal, UpstreamPeer};
        use CertificateName::{DnsSan, Subject, UriSan};
        let connection = match certificate {
            DownstreamPeer | DownstreamLocal => "connection",
            UpstreamPeer | UpstreamLocal => "upstream",
        };
        let field = match (certificate, name) {
            (DownstreamPeer | UpstreamPeer, UriSan) => "uri_san_peer_certificate",
            (DownstreamPeer | UpstreamPeer, DnsSan) => "dns_san_peer_certificate",
            (DownstreamPeer | UpstreamPeer, Subject) => "subject_peer_certificate",
            (DownstreamLocal | UpstreamLocal, UriSan) => "uri_san_local_certificate",
            (DownstreamLocal | UpstreamLocal, DnsSan) => "dns_san_local_certificate",
            (DownstreamLocal | UpstreamLocal, Subject) => "subject_local_certificate",
        };
        self.text(&[connection, field])
    }

    /// The server name that the client asked TLS for (SNI). Without TLS it is there where the listener has
    /// `tls_inspector`, and else none.
    pub fn requested_server_name(&self) -> Option<Vec<u8>> {
        self.text(&["connection", "requested_server_name"])
    }

    /// `HTTP/1.1`, `HTTP/2` and the like.
    pub fn request_protocol(&self) -> Option<Vec<u8>> {
        self.property(&["request", "protocol"])
    }

    /// When the first byte of the request came.
    pub fn request_time(&self) -> Option<Timestamp> {
        self.uint(&["request", "time"]).map(Timestamp::from_nanos)
    }

    /// The name of the route that Envoy has chosen; none where no route matches. A route need not have one:
    /// then it is empty.
    pub fn route_name(&self) -> Option<Vec<u8>> {
        self.property(&["xds", "route_name"])
    }

    /// The cluster that the route sends the request to; none where no route matches, or none sends it to a
    /// cluster.
    pub fn cluster_name(&self) -> Option<Vec<u8>> {
        self.text(&["xds", "cluster_name"])
    }

    /// Where the listener stands, if its configuration says so. Only within a stream.
    pub fn listener_direction(&self) -> Option<TrafficDirection> {
        match self.uint(&["xds", "listener_direction"])? {
            1 => Some(TrafficDirection::Inbound),
            2 => Some(TrafficDirection::Outbound),
            _ => None,
        }
    }

    /// The id of the node, as the bootstrap has it: `sidecar~10.0.0.1~…` in Istio.
    pub fn node_id(&self) -> Option<Vec<u8>> {
        self.property(&["xds", "node", "id"])
    }

    /// A text of the node's metadata. Never ask for all of it: in Istio that is some 60 kB.
    pub fn node_metadata(&self, key: &str) -> Option<Vec<u8>> {
        self.property(&["xds", "node", "metadata", key])
    }

    /// A label of the workload, which Istio writes into the node's metadata.
    pub fn node_label(&self, label: &str) -> Option<Vec<u8>> {
        self.property(&["xds", "node", "metadata", "LABELS", label])
    }

    /// Dynamic metadata: a serialized `Metadata`, which [`read_metadata`](crate::read_metadata) reads. All of
    /// it, because Envoy refuses to serialize a part that holds a null.
    pub fn dynamic_metadata(&self) -> Option<Vec<u8>> {
        self.property(&["metadata"])
    }

    /// An object of filter state; none where no filter has left it.
    pub fn filter_state(&self, key: &str) -> Option<Vec<u8>> {
        self.property(&["filter_state", key])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fake::FakeWorld;

    #[test]
    fn encodings_are_read_whole_or_not_at_all() {
        assert_eq!(int(&(-2i64).to_le_bytes()), Some(-2));
        assert_eq!(uint(&u64::MAX.to_le_bytes()), Some(u64::MAX));
        assert_eq!((boolean(&[1]), boolean(&[0])), (Some(true), Some(false)));
        for bytes in [&b""[..], b"1234567", b"123456789"] {
            assert_eq!((int(bytes), uint(bytes)), (None, None), "{bytes:?}");
        }
        assert_eq!((boolean(b""), boolean(b"\x01\x00")), (None, None));
    }

    /// One question of a world, and what it asked for.
    fn ask<T>(world: &FakeWorld, question: impl FnOnce(&dyn Attributes) -> T) -> (T, Vec<String>) {
        let before = world.asked().len();
        let answer = question(world);
        (answer, world.asked().split_off(before))
    }

    type Question = fn(&dyn Attributes) -> Option<Vec<u8>>;

    #[test]
    fn each_text_is_one_host_call_and_nothing_where_it_is_absent() {
        let questions: [(&str, Question); 9] = [
            ("source.address", |a| a.source_address()),
            ("destination.address", |a| a.destination_address()),
            ("request.protocol", |a| a.request_protocol()),
            ("xds.route_name", |a| a.route_name()),
            ("xds.node.id", |a| a.node_id()),
            ("xds.node.metadata.NAMESPACE", |a| {
                a.node_metadata("NAMESPACE")
            }),
            ("xds.node.metadata.LABELS.app", |a| a.node_label("app")),
            ("metadata", |a| a.dynamic_metadata()),
            ("filter_state.x", |a| a.filter_state("x")),
        ];
        for (path, question) in questions {
            let world = FakeWorld::new();
            let asked = vec![path.to_owned()];
            assert_eq!(ask(&world, question), (None, asked.clone()));
            for text in ["", "text"] {
                let segments: Vec<&str> = path.split('.').collect();
                world.set_property(&segments, text);
                let answer = Some(text.as_bytes().to_vec());
                assert_eq!(ask(&world, question), (answer, asked.clone()), "{path}");
            }
        }
    }

    #[test]
    fn an_empty_name_is_none() {
        let questions: [(&str, Question); 4] = [
            ("connection.requested_server_name", |a| {
                a.requested_server_name()
            }),
            ("xds.cluster_name", |a| a.cluster_name()),
            ("connection.uri_san_peer_certificate", |a| {
                a.certificate_name(Certificate::DownstreamPeer, CertificateName::UriSan)
            }),
            ("upstream.subject_local_certificate", |a| {
                a.certificate_name(Certificate::UpstreamLocal, CertificateName::Subject)
            }),
        ];
        for (path, question) in questions {
            let world = FakeWorld::new();
            let segments: Vec<&str> = path.split('.').collect();
            world.set_property(&segments, "");
            assert_eq!(ask(&world, question), (None, vec![path.to_owned()]));
            world.set_property(&segments, "name");
            assert_eq!(ask(&world, question).0, Some(b"name".to_vec()), "{path}");
        }
    }

    #[test]
    fn every_certificate_has_its_place() {
        let world = FakeWorld::new();
        let attributes: &dyn Attributes = &world;
        for certificate in [
            Certificate::DownstreamPeer,
            Certificate::DownstreamLocal,
            Certificate::UpstreamPeer,
            Certificate::UpstreamLocal,
        ] {
            for name in [
                CertificateName::UriSan,
                CertificateName::DnsSan,
                CertificateName::Subject,
            ] {
                let _ = attributes.certificate_name(certificate, name);
            }
        }
        let asked = world.asked();
        let places: std::collections::BTreeSet<&String> = asked.iter().collect();
        assert_eq!(places.len(), 12, "{asked:?}");
    }

    #[test]
    fn addresses_are_read_of_their_texts() {
        let world = FakeWorld::new();
        world.set_property(&["source", "address"], "[2001:db8::1]:80");
        world.set_property(&["destination", "address"], "/run/envoy.sock");
        let attributes: &dyn Attributes = &world;
        assert_eq!(attributes.source_ip(), Address::parse("2001:db8::1"));
        assert_eq!(attributes.destination_ip(), None);
    }

    #[test]
    fn numbers_are_read_of_eight_bytes() {
        let world = FakeWorld::new();
        let attributes: &dyn Attributes = &world;
        for (number, port) in [(8080, Some(8080)), (0, Some(0)), (65_536, None), (-1, None)] {
            world.set_property(&["destination", "port"], i64::to_le_bytes(number));
            assert_eq!(attributes.destination_port(), port);
        }
        world.set_property(&["destination", "port"], "8080");
        assert_eq!(attributes.destination_port(), None);
        for (number, direction) in [
            (0, None),
            (1, Some(TrafficDirection::Inbound)),
            (2, Some(TrafficDirection::Outbound)),
        ] {
            world.set_property(&["xds", "listener_direction"], u64::to_le_bytes(number));
            assert_eq!(attributes.listener_direction(), direction);
        }
        assert_eq!(attributes.request_time(), None);
        world.set_property(&["request", "time"], 7u64.to_le_bytes());
        assert_eq!(attributes.request_time(), Some(Timestamp::from_nanos(7)));
    }
}
