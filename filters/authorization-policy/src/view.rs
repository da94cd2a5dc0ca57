//! The attributes of a request. Each is asked of Envoy when a condition needs it, and once: an answer
//! costs half a microsecond, which is more than all the comparing.

mod attribute;

use std::cell::OnceCell;
use std::rc::Rc;

use sdk_helpers::attributes::{Certificate, CertificateName};
use sdk_helpers::claims::Claims;
use sdk_helpers::matcher::Address;
use sdk_helpers::{Attributes, Request, read_metadata};
use serde_json::Value as Json;

use crate::pattern::Value;
use crate::truth::Truth;
pub(crate) use attribute::Attribute;

/// Filter state that `set_filter_state` in front of this filter leaves, for what Envoy shows to no
/// module.
pub(crate) mod state {
    /// `%DOWNSTREAM_PEER_URI_SAN%`
    pub(crate) const URI_SANS: &str = "mesh_filters.peer.uri_sans";
    /// `%DOWNSTREAM_PEER_DNS_SAN%`
    pub(crate) const DNS_SANS: &str = "mesh_filters.peer.dns_sans";
    /// `%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%`
    pub(crate) const ADDRESS: &str = "mesh_filters.peer.address";
    /// The peer of a request that came through Istio's ambient mesh to a waypoint.
    pub(crate) const WAYPOINT_PEER: &str = "io.istio.peer_principal";
}

/// One request, and what has been asked of it so far.
pub struct View<'a> {
    request: &'a Request,
    attributes: &'a dyn Attributes,
    options: ViewOptions,
    path: OnceCell<&'a [u8]>,
    uris: OnceCell<SanList>,
    claims: OnceCell<Option<Rc<Claims>>>,
    seldom: OnceCell<Box<Seldom>>,
}

/// What few policies ask for: most requests are not to make room for it.
#[derive(Default)]
struct Seldom {
    dns: OnceCell<SanList>,
    subject: OnceCell<Vec<u8>>,
    source: OnceCell<Option<Vec<u8>>>,
    remote: OnceCell<Option<Address>>,
    destination: OnceCell<Option<Address>>,
    port: OnceCell<Option<u16>>,
    sni: OnceCell<Vec<u8>>,
    metadata: OnceCell<Option<Vec<u8>>>,
}

/// What the configuration says of the attributes of every request.
#[derive(Debug, Clone, Copy, Default)]
pub struct ViewOptions {
    /// A client certificate has one URI SAN and at most one DNS SAN.
    pub single_uri_san: bool,
    /// Some condition takes the whole header map, so nothing is gained by asking for the path alone.
    pub takes_header_map: bool,
}

/// Names of one kind in the peer's certificate.
struct SanList {
    /// Joined by commas.
    text: Vec<u8>,
    /// Whether these are all there are.
    complete: bool,
}

impl SanList {
    fn any(&self, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        let mut each = |name: &[u8]| !name.is_empty() && test(Value::Text(name));
        // Nearly always there is one, and a single byte is found faster than texts are split.
        match self.text.contains(&b',') {
            true => self.text.split(|byte| *byte == b',').any(each),
            false => each(&self.text),
        }
    }
}

impl<'a> View<'a> {
    /// A request of which nothing has been asked yet.
    pub fn new(request: &'a Request, attributes: &'a dyn Attributes, options: ViewOptions) -> Self {
        View {
            request,
            attributes,
            options,
            path: OnceCell::new(),
            uris: OnceCell::new(),
            claims: OnceCell::new(),
            seldom: OnceCell::new(),
        }
    }

    fn seldom(&self) -> &Seldom {
        self.seldom.get_or_init(Box::default)
    }

    /// Shows the values of an attribute until `test` takes one: true. If it took none, it is false
    /// where these were all values, and unknown where others may exist. `any_name` says that the
    /// test may take a name that is no SPIFFE id.
    pub fn any(
        &self,
        attribute: &Attribute,
        any_name: bool,
        test: &mut dyn FnMut(Value<'_>) -> bool,
    ) -> Truth {
        match attribute {
            Attribute::Peer => match self.uris(test) {
                Truth::True => Truth::True,
                uris => uris.max(self.names(any_name, test)),
            },
            _ => self.any_but_peer(attribute, test).unwrap_or(Truth::Unknown),
        }
    }

    /// The same for the peer's URI SANs alone.
    pub fn uris(&self, test: &mut dyn FnMut(Value<'_>) -> bool) -> Truth {
        judge(self.uris.get_or_init(|| self.fetch_uris()), test)
    }

    /// The same for the peer's other names alone.
    pub fn names(&self, any_name: bool, test: &mut dyn FnMut(Value<'_>) -> bool) -> Truth {
        let dns = judge(self.seldom().dns.get_or_init(|| self.fetch_dns()), test);
        // A subject is `CN=…`: no SPIFFE id.
        if dns == Truth::True || !any_name {
            return dns;
        }
        let subject = || self.peer_name(CertificateName::Subject);
        let subject = self.seldom().subject.get_or_init(subject);
        if test(Value::Text(subject)) {
            return Truth::True;
        }
        dns
    }

    /// A name in the peer's certificate; empty where there is none.
    fn peer_name(&self, name: CertificateName) -> Vec<u8> {
        let peer = Certificate::DownstreamPeer;
        let name = self.attributes.certificate_name(peer, name);
        name.unwrap_or_default()
    }

    fn fetch_uris(&self) -> SanList {
        let single = self.options.single_uri_san;
        // Left empty, it says that there is no certificate, which in a waypoint there never is.
        if !single
            && let Some(names) = self.left(state::URI_SANS)
            && !names.text.is_empty()
        {
            return names;
        }
        let first = self.peer_name(CertificateName::UriSan);
        if !first.is_empty() {
            return SanList {
                text: first,
                complete: single,
            };
        }
        // No first one, so there is none at all; in a waypoint the peer stands elsewhere.
        SanList {
            text: self
                .attributes
                .filter_state(state::WAYPOINT_PEER)
                .unwrap_or_default(),
            complete: true,
        }
    }

    fn fetch_dns(&self) -> SanList {
        let first = self.peer_name(CertificateName::DnsSan);
        if first.is_empty() || self.options.single_uri_san {
            return SanList {
                text: first,
                complete: true,
            };
        }
        self.left(state::DNS_SANS).unwrap_or(SanList {
            text: first,
            complete: false,
        })
    }

    /// SanList that `set_filter_state` left; `-` is how an access log operator says that there are
    /// none.
    fn left(&self, key: &str) -> Option<SanList> {
        let mut text = self.attributes.filter_state(key)?;
        if text == b"-" {
            text.clear();
        }
        Some(SanList {
            text,
            complete: true,
        })
    }

    /// Any attribute but [`Attribute::Peer`]; nothing where Envoy does not show it.
    fn any_but_peer(
        &self,
        attribute: &Attribute,
        test: &mut dyn FnMut(Value<'_>) -> bool,
    ) -> Option<Truth> {
        let found = match attribute {
            Attribute::Path => test(Value::Text(self.path())),
            Attribute::Method => self.header(":method", test),
            Attribute::Host => self
                .request
                .headers()
                .values(":authority")
                .any(|value| test(Value::Host(value))),
            Attribute::Header(name) => self.header(name, test),
            Attribute::DestinationPort => {
                let port = || self.attributes.destination_port();
                let port = *self.seldom().port.get_or_init(port);
                port.is_some_and(|port| test(Value::Port(port)))
            }
            Attribute::DestinationIp => {
                let address = || self.attributes.destination_ip();
                let address = *self.seldom().destination.get_or_init(address);
                address.is_some_and(|address| test(Value::Address(address)))
            }
            Attribute::RemoteIp => {
                let address = || self.attributes.source_ip();
                let address = *self.seldom().remote.get_or_init(address);
                address.is_some_and(|address| test(Value::Address(address)))
            }
            Attribute::SourceIp => {
                let source = || self.attributes.filter_state(state::ADDRESS);
                let text = self.seldom().source.get_or_init(source);
                let text = text
                    .as_deref()
                    .filter(|text| *text != b"-" && !text.is_empty())?;
                Address::of_peer(text).is_some_and(|address| test(Value::Address(address)))
            }
            Attribute::Sni => {
                let sni = || self.attributes.requested_server_name();
                let sni = self.seldom().sni.get_or_init(|| sni().unwrap_or_default());
                test(Value::Text(sni))
            }
            Attribute::Token => match self.claims() {
                Some(claims) => token(claims, test),
                None => false,
            },
            Attribute::Claim(path) => match self.claims() {
                Some(claims) => claims.any(path, |text| test(Value::Text(text))),
                None => false,
            },
            Attribute::Metadata { namespace, key } => {
                let metadata = || self.attributes.dynamic_metadata();
                let bytes = self.seldom().metadata.get_or_init(metadata);
                let tree = bytes
                    .as_ref()
                    .and_then(|bytes| read_metadata(bytes, namespace));
                match tree.as_ref().and_then(|tree| tree.get(&**key)) {
                    Some(Json::String(text)) => test(Value::Text(text.as_bytes())),
                    Some(Json::Array(list)) => list
                        .iter()
                        .filter_map(Json::as_str)
                        .any(|text| test(Value::Element(text.as_bytes()))),
                    _ => false,
                }
            }
            Attribute::Peer => return Some(self.any(attribute, true, test)),
        };
        Some(if found { Truth::True } else { Truth::False })
    }

    fn claims(&self) -> Option<&Claims> {
        let claims = self.claims.get_or_init(|| Claims::read(self.attributes));
        claims.as_deref()
    }

    fn header(&self, name: &str, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        let mut found = |value| test(Value::Header(value));
        if self.options.takes_header_map {
            self.request.headers().values(name).any(&mut found)
        } else {
            self.request.values(name).any(&mut found)
        }
    }

    /// Cut as istiod has Envoy cut it. A request without a path (CONNECT) has the empty one, which
    /// nothing matches.
    fn path(&self) -> &'a [u8] {
        self.path.get_or_init(|| self.cut_path())
    }

    fn cut_path(&self) -> &'a [u8] {
        let whole = if self.options.takes_header_map {
            self.request.headers().first(":path").unwrap_or_default()
        } else {
            self.request.path_and_query()
        };
        // A single byte is found faster than one of two, and most paths have neither.
        if !whole.contains(&b'?') && !whole.contains(&b'#') {
            return whole;
        }
        let end = whole.iter().position(|byte| matches!(byte, b'?' | b'#'));
        whole.get(..end.unwrap_or(whole.len())).unwrap_or(whole)
    }
}

fn judge(names: &SanList, test: &mut dyn FnMut(Value<'_>) -> bool) -> Truth {
    match names.any(test) {
        true => Truth::True,
        false if names.complete => Truth::False,
        false => Truth::Unknown,
    }
}

/// Both claims must be texts.
fn token(claims: &Claims, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
    let claim = |name: &str| claims.at(&[name.to_owned()]).and_then(Json::as_str);
    match (claim("iss"), claim("sub")) {
        (Some(issuer), Some(subject)) => test(Value::Token(issuer.as_bytes(), subject.as_bytes())),
        _ => false,
    }
}
