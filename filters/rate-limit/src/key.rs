//! The parts of a key, and where in a request each is found.

use std::borrow::Cow;
use std::net::IpAddr;

use sdk_helpers::matcher::PathTemplate;
use smallvec::SmallVec;

use crate::subject::{Subject, masked};

/// One part of a key.
#[derive(Debug)]
pub struct KeyPart {
    /// Where it comes from.
    pub source: KeySource,
    /// What it is called in a descriptor of Envoy's rate limit service.
    pub descriptor: String,
}

/// Where a part of a key comes from.
#[derive(Debug)]
pub enum KeySource {
    /// A verified claim.
    Claim(Vec<String>),
    /// The first value of a header.
    Header(String),
    /// A cookie.
    Cookie(String),
    /// A query parameter.
    Query(String),
    /// The path without its query.
    Path,
    /// The first of these that the path is an instance of.
    PathTemplates(Vec<(String, PathTemplate)>),
    /// The method.
    Method,
    /// The host.
    Host,
    /// The client's address, or the network of it that its first bits are.
    RemoteAddress {
        /// How many bits of an IPv4 address count.
        v4: u8,
        /// How many of an IPv6 address.
        v6: u8,
    },
    /// The identity of the peer's certificate.
    Principal,
    /// The cluster the request goes to.
    Destination,
    /// The same for every request.
    Constant(String),
}

impl KeyPart {
    /// The value, where the request has it.
    pub fn value<'a>(&'a self, subject: &'a Subject<'_>) -> Option<Cow<'a, [u8]>> {
        let request = subject.request;
        Some(match &self.source {
            KeySource::Claim(path) => subject.claim(path)?.into(),
            KeySource::Header(name) => request.first(name)?.into(),
            KeySource::Cookie(name) => subject.cookie(name)?.into(),
            KeySource::Query(name) => subject.query(name)?,
            KeySource::Path => request.path().into(),
            KeySource::PathTemplates(templates) => {
                let path = request.path();
                let (text, _) = templates
                    .iter()
                    .find(|(_, template)| template.matches(path))?;
                text.as_bytes().into()
            }
            KeySource::Method => request.method().into(),
            KeySource::Host => subject.host().into(),
            KeySource::RemoteAddress { v4, v6 } => {
                let address = masked(subject.remote_address()?, *v4, *v6);
                network(address, *v4, *v6).into_bytes().into()
            }
            KeySource::Principal => subject.principal()?.into(),
            KeySource::Destination => subject.destination()?.into(),
            KeySource::Constant(text) => text.as_bytes().into(),
        })
    }
}

/// An address, or the network of one that is masked, as Envoy's actions write the two.
fn network(address: IpAddr, v4: u8, v6: u8) -> String {
    let (bits, all) = match address {
        IpAddr::V4(_) => (v4, 32),
        IpAddr::V6(_) => (v6, 128),
    };
    let mut text = address.to_string();
    if bits < all {
        text.push('/');
        text.push_str(&bits.to_string());
    }
    text
}

/// Values of parts, in their order. Few keys have more than two.
pub type Values<'a> = SmallVec<[Cow<'a, [u8]>; 2]>;

/// The values of all parts, or nothing if one of them is missing.
pub fn values<'a>(parts: &'a [KeyPart], subject: &'a Subject<'_>) -> Option<Values<'a>> {
    parts.iter().map(|part| part.value(subject)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_address_is_a_network() {
        for (address, v4, v6, expected) in [
            ("10.1.2.3", 32, 64, "10.1.2.3"),
            ("10.1.2.3", 24, 64, "10.1.2.0/24"),
            ("2001:db8:1:2:3::4", 24, 64, "2001:db8:1:2::/64"),
            ("2001:db8:1:2:3::4", 24, 128, "2001:db8:1:2:3::4"),
            ("::ffff:10.1.2.3", 24, 128, "10.1.2.0/24"),
        ] {
            let address = masked(address.parse().unwrap(), v4, v6);
            assert_eq!(network(address, v4, v6), expected);
        }
    }
}
