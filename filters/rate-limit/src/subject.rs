//! What a limit may be keyed on: everything a request says of itself and its connection.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use sdk_helpers::attributes::{Certificate, CertificateName};
use sdk_helpers::claims::Claims;
use sdk_helpers::matcher::Address;
use sdk_helpers::text::{percent_decoded, split_once};
use sdk_helpers::{Attributes, Request};
use serde_json::Value;

/// A request with what is known of it. Claims are read once, however many limits ask for them.
pub struct Subject<'a> {
    /// Its headers.
    pub request: &'a Request,
    /// Its connection and route.
    pub attributes: &'a dyn Attributes,
    claims: OnceCell<Option<Rc<Claims>>>,
}

impl<'a> Subject<'a> {
    /// A request of which nothing has been asked yet.
    pub fn new(request: &'a Request, attributes: &'a dyn Attributes) -> Self {
        Subject {
            request,
            attributes,
            claims: OnceCell::new(),
        }
    }

    /// Verified claims, where there are any.
    pub fn claims(&self) -> Option<&Claims> {
        self.claims
            .get_or_init(|| Claims::read(self.attributes))
            .as_deref()
    }

    /// A claim as text: text as it is, anything else as JSON. Null is no claim.
    pub fn claim(&self, path: &[String]) -> Option<Vec<u8>> {
        match self.claims()?.at(path)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone().into_bytes()),
            other => Some(other.to_string().into_bytes()),
        }
    }

    /// The first cookie of this name (RFC 6265 §4.2.1).
    pub fn cookie(&self, name: &str) -> Option<&[u8]> {
        self.request
            .values("cookie")
            .flat_map(|header| header.split(|byte| *byte == b';'))
            .find_map(|pair| {
                let (key, value) = split_once(pair, b'=')?;
                (key.trim_ascii() == name.as_bytes()).then(|| value.trim_ascii())
            })
    }

    /// The first query parameter of this name, name and value percent-decoded, as Envoy has them in
    /// its `query_parameters`: else every spelling of a value would be a key of its own.
    pub fn query(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let (_, query) = split_once(self.request.path_and_query(), b'?')?;
        query.split(|byte| *byte == b'&').find_map(|pair| {
            let (key, value) = split_once(pair, b'=').unwrap_or((pair, &[]));
            (*percent_decoded(key) == *name.as_bytes()).then(|| percent_decoded(value))
        })
    }

    /// The host in lower case, without port and without the dot that may end it: each of these
    /// spellings reaches the same service.
    pub fn host(&self) -> Vec<u8> {
        let host = self.request.authority();
        let host = match host.iter().rposition(|byte| *byte == b':') {
            Some(colon) => match host.split_at(colon) {
                (name, [_, port @ ..]) if port.iter().all(u8::is_ascii_digit) => name,
                _ => host,
            },
            None => host,
        };
        host.strip_suffix(b".").unwrap_or(host).to_ascii_lowercase()
    }

    /// The client's address, as Envoy trusts it: with `use_remote_address` and the trusted hops of
    /// `x-forwarded-for` taken into account.
    pub fn remote_address(&self) -> Option<IpAddr> {
        self.attributes.source_ip().map(Address::ip)
    }

    /// The identity of the peer's certificate without `spiffe://`, as Istio writes principals.
    pub fn principal(&self) -> Option<Vec<u8>> {
        let peer = Certificate::DownstreamPeer;
        let uri = self
            .attributes
            .certificate_name(peer, CertificateName::UriSan)?;
        let name = uri.strip_prefix(b"spiffe://").unwrap_or(&uri);
        (!name.is_empty()).then(|| name.to_vec())
    }

    /// The cluster that the route sends the request to.
    pub fn destination(&self) -> Option<Vec<u8>> {
        self.attributes.cluster_name()
    }
}

/// An address with all but the first bits cleared. An IPv4 address mapped into IPv6 is taken for IPv4.
pub fn masked(address: IpAddr, v4: u8, v6: u8) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32u32.saturating_sub(v4.into()));
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask.unwrap_or(0)))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128u32.saturating_sub(v6.into()));
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask.unwrap_or(0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sdk_helpers::Headers;
    use sdk_helpers::world::fake::FakeWorld;

    fn with<T>(headers: &[(&str, &str)], ask: impl FnOnce(&Subject<'_>) -> T) -> T {
        let request = Request::new(Headers::from_pairs(headers.iter().copied()));
        ask(&Subject::new(&request, &FakeWorld::new()))
    }

    #[test]
    fn the_first_cookie_of_a_name_counts() {
        let headers = [("cookie", "a=1; b=two=2;c"), ("cookie", " b = 3 ; d=4")];
        let cookie = |name: &str| with(&headers, |s| s.cookie(name).map(<[u8]>::to_vec));
        assert_eq!(cookie("b"), Some(b"two=2".to_vec()));
        assert_eq!(cookie("d"), Some(b"4".to_vec()));
        assert_eq!(cookie("c"), None);
        assert_eq!(cookie("e"), None);
    }

    #[test]
    fn every_spelling_of_a_query_parameter_is_one() {
        for path in ["/?k=a", "/?k=%61", "/?%6b=a", "/?x=1&k=a&k=b", "/?&k=a"] {
            let found = with(&[(":path", path)], |s| s.query("k").map(Cow::into_owned));
            assert_eq!(found, Some(b"a".to_vec()), "{path}");
        }
        for (path, value) in [
            ("/?k", Some(&b""[..])),
            ("/?k=%", Some(b"%")),
            ("/?k=%zz", Some(b"%zz")),
            ("/?k=%4", Some(b"%4")),
            ("/?k=%ff+1", Some(b"\xff+1")),
            ("/k=a", None),
            ("", None),
        ] {
            let found = with(&[(":path", path)], |s| s.query("k").map(Cow::into_owned));
            assert_eq!(found.as_deref(), value, "{path}");
        }
    }

    #[test]
    fn every_spelling_of_a_host_is_one() {
        let host = |authority: &str| with(&[(":authority", authority)], |s| s.host());
        for spelling in ["A.example", "a.example:8080", "a.EXAMPLE.", "a.example.:80"] {
            assert_eq!(host(spelling), b"a.example", "{spelling}");
        }
        assert_eq!(host("[::1]:80"), b"[::1]");
        assert_eq!(host("[::1]"), b"[::1]");
        assert_eq!(host(""), b"");
    }

    #[test]
    fn an_address_comes_with_its_port_or_without() {
        let world = FakeWorld::new();
        let request = Request::new(Headers::default());
        for (text, address) in [
            ("10.1.2.3:4567", Some("10.1.2.3")),
            ("10.1.2.3", Some("10.1.2.3")),
            ("[2001:db8::1]:80", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("/var/run/a.sock", None),
            ("envoy://internal/1", None),
            ("", None),
        ] {
            world.set_property(&["source", "address"], text);
            let found = Subject::new(&request, &world).remote_address();
            assert_eq!(found, address.map(|a| a.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn masks_clear_the_last_bits() {
        for (address, v4, v6, expected) in [
            ("10.1.2.3", 32, 128, "10.1.2.3"),
            ("10.1.2.3", 24, 128, "10.1.2.0"),
            ("10.1.2.3", 0, 128, "0.0.0.0"),
            ("2001:db8:1:2:3::4", 32, 64, "2001:db8:1:2::"),
            ("2001:db8:1:2:3::4", 32, 0, "::"),
            ("2001:db8:1:2:3::4", 32, 128, "2001:db8:1:2:3::4"),
            ("::ffff:10.1.2.3", 24, 64, "10.1.2.0"),
        ] {
            let masked = masked(address.parse().unwrap(), v4, v6);
            assert_eq!(masked, expected.parse::<IpAddr>().unwrap(), "{address}");
        }
    }

    #[test]
    fn principals_are_written_as_istio_writes_them() {
        let world = FakeWorld::new();
        let request = Request::new(Headers::default());
        let principal = || Subject::new(&request, &world).principal();
        assert_eq!(principal(), None);
        let path = ["connection", "uri_san_peer_certificate"];
        world.set_property(&path, "");
        assert_eq!(principal(), None);
        world.set_property(&path, "spiffe://cluster.local/ns/default/sa/sleep");
        assert_eq!(
            principal(),
            Some(b"cluster.local/ns/default/sa/sleep".to_vec())
        );
    }
}
