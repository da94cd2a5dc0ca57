//! What a request shows of its attributes. Each is asked of Envoy when a condition needs it and
//! once: an answer costs half a microsecond, which is more than all the comparing.

mod attribute;

use std::cell::{Cell, OnceCell};

use sdk_helpers::claims::Claims;
use sdk_helpers::matcher::Address;
use sdk_helpers::{Facts, Request, read_metadata};
use serde_json::Value as Json;

use crate::pattern::Value;
use crate::rule::Truth;
pub(crate) use attribute::Attribute;

/// Filter state that `set_filter_state` in front of this filter leaves, for what Envoy shows to no
/// module.
pub(crate) mod state {
    /// `%DOWNSTREAM_PEER_URI_SAN%`
    pub(crate) const URI_SANS: [&str; 2] = ["filter_state", "mesh_filters.peer.uri_sans"];
    /// `%DOWNSTREAM_PEER_DNS_SAN%`
    pub(crate) const DNS_SANS: [&str; 2] = ["filter_state", "mesh_filters.peer.dns_sans"];
    /// `%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%`
    pub(crate) const ADDRESS: [&str; 2] = ["filter_state", "mesh_filters.peer.address"];
    /// The peer of a request that came through Istio's ambient mesh to a waypoint.
    pub(crate) const WAYPOINT_PEER: [&str; 2] = ["filter_state", "io.istio.peer_principal"];
}

/// One request, as far as it was looked at.
pub struct View<'a> {
    request: &'a Request,
    facts: &'a dyn Facts,
    terms: Terms,
    /// Nothing is asked of Envoy any more; what was not, is unknown.
    closed: Cell<bool>,
    asked_headers: Cell<bool>,
    asked_path: Cell<bool>,
    uris: OnceCell<Names>,
    dns: OnceCell<Names>,
    subject: OnceCell<Vec<u8>>,
    source: OnceCell<Option<Vec<u8>>>,
    remote: OnceCell<Option<Address>>,
    destination: OnceCell<Option<Address>>,
    port: OnceCell<Option<u16>>,
    sni: OnceCell<Vec<u8>>,
    claims: OnceCell<Option<Claims>>,
    metadata: OnceCell<Option<Vec<u8>>>,
}

/// What the configuration says of every request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms {
    /// A client certificate has one URI SAN and at most one DNS SAN.
    pub single_uri_san: bool,
    /// The header map will be taken anyway, so the path need not be asked for alone.
    pub takes_map: bool,
}

/// Some of the peer's names.
struct Names {
    /// Joined by commas.
    text: Vec<u8>,
    /// Whether these are all there are.
    complete: bool,
}

impl Names {
    fn any(&self, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        self.text
            .split(|byte| *byte == b',')
            .any(|name| !name.is_empty() && test(Value::Text(name)))
    }
}

impl<'a> View<'a> {
    /// A request nobody has looked at.
    pub fn new(request: &'a Request, facts: &'a dyn Facts, terms: Terms) -> Self {
        View {
            request,
            facts,
            terms,
            closed: Cell::new(false),
            asked_headers: Cell::new(false),
            asked_path: Cell::new(false),
            uris: OnceCell::new(),
            dns: OnceCell::new(),
            subject: OnceCell::new(),
            source: OnceCell::new(),
            remote: OnceCell::new(),
            destination: OnceCell::new(),
            port: OnceCell::new(),
            sni: OnceCell::new(),
            claims: OnceCell::new(),
            metadata: OnceCell::new(),
        }
    }

    /// While closed it asks Envoy nothing: what was not asked before is unknown.
    pub fn close(&self, closed: bool) {
        self.closed.set(closed);
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
            _ => self.other(attribute, test).unwrap_or(Truth::Unknown),
        }
    }

    /// The same for the peer's URI SANs alone.
    pub fn uris(&self, test: &mut dyn FnMut(Value<'_>) -> bool) -> Truth {
        let names = self.ask(&self.uris, || self.fetch_uris());
        judge(names, test)
    }

    /// The same for the peer's other names alone.
    pub fn names(&self, any_name: bool, test: &mut dyn FnMut(Value<'_>) -> bool) -> Truth {
        let dns = judge(self.ask(&self.dns, || self.fetch_dns()), test);
        // A subject is `CN=…`: no SPIFFE id.
        if dns == Truth::True || !any_name {
            return dns;
        }
        let subject = self.ask(&self.subject, || {
            self.fetch(&["connection", "subject_peer_certificate"])
        });
        match subject {
            Some(subject) if test(Value::Text(subject)) => Truth::True,
            Some(_) => dns,
            None => Truth::Unknown,
        }
    }

    /// The value of a cell, asked for if it may be.
    fn ask<'b, T>(&self, cell: &'b OnceCell<T>, fetch: impl FnOnce() -> T) -> Option<&'b T> {
        if self.closed.get() {
            return cell.get();
        }
        Some(cell.get_or_init(fetch))
    }

    fn fetch(&self, path: &[&str]) -> Vec<u8> {
        self.facts.property(path).unwrap_or_default()
    }

    fn fetch_uris(&self) -> Names {
        let single = self.terms.single_uri_san;
        // Left empty, it says that there is no certificate, which in a waypoint there never is.
        if !single
            && let Some(names) = self.left(&state::URI_SANS)
            && !names.text.is_empty()
        {
            return names;
        }
        let first = self.fetch(&["connection", "uri_san_peer_certificate"]);
        if !first.is_empty() {
            return Names {
                text: first,
                complete: single,
            };
        }
        // No first one, so there is none at all; in a waypoint the peer stands elsewhere.
        Names {
            text: self.fetch(&state::WAYPOINT_PEER),
            complete: true,
        }
    }

    fn fetch_dns(&self) -> Names {
        let first = self.fetch(&["connection", "dns_san_peer_certificate"]);
        if first.is_empty() || self.terms.single_uri_san {
            return Names {
                text: first,
                complete: true,
            };
        }
        self.left(&state::DNS_SANS).unwrap_or(Names {
            text: first,
            complete: false,
        })
    }

    /// Names that `set_filter_state` left; `-` is how an access log operator says that there are
    /// none.
    fn left(&self, key: &[&str]) -> Option<Names> {
        let mut text = self.facts.property(key)?;
        if text == b"-" {
            text.clear();
        }
        Some(Names {
            text,
            complete: true,
        })
    }

    /// Every other attribute; nothing where it may not be asked for any more.
    fn other(
        &self,
        attribute: &Attribute,
        test: &mut dyn FnMut(Value<'_>) -> bool,
    ) -> Option<Truth> {
        let found = match attribute {
            Attribute::Path => test(Value::Text(self.path()?)),
            Attribute::Method => self.header(":method", test)?,
            Attribute::Host => self
                .headers()?
                .headers()
                .values(":authority")
                .any(|value| test(Value::Host(value))),
            Attribute::Header(name) => self.header(name, test)?,
            Attribute::DestinationPort => {
                let port = *self.ask(&self.port, || self.fetch_port())?;
                port.is_some_and(|port| test(Value::Port(port)))
            }
            Attribute::DestinationIp => {
                self.address(&self.destination, &["destination", "address"], test)?
            }
            Attribute::RemoteIp => self.address(&self.remote, &["source", "address"], test)?,
            Attribute::SourceIp => {
                let text = self.ask(&self.source, || self.facts.property(&state::ADDRESS))?;
                let text = text
                    .as_deref()
                    .filter(|text| *text != b"-" && !text.is_empty())?;
                Address::of_peer(text).is_some_and(|address| test(Value::Address(address)))
            }
            Attribute::Sni => {
                let path = ["connection", "requested_server_name"];
                test(Value::Text(self.ask(&self.sni, || self.fetch(&path))?))
            }
            Attribute::Token => match self.claims()? {
                Some(claims) => token(claims, test),
                None => false,
            },
            Attribute::Claim(path) => match self.claims()? {
                Some(claims) => claims.any(path, |text| test(Value::Text(text))),
                None => false,
            },
            Attribute::Metadata { namespace, key } => {
                let bytes = self.ask(&self.metadata, || self.facts.property(&["metadata"]))?;
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

    fn claims(&self) -> Option<Option<&Claims>> {
        let claims = self.ask(&self.claims, || Claims::read(self.facts))?;
        Some(claims.as_ref())
    }

    fn may_ask(&self, asked: &Cell<bool>) -> bool {
        if self.closed.get() {
            return asked.get();
        }
        asked.set(true);
        true
    }

    fn headers(&self) -> Option<&Request> {
        self.may_ask(&self.asked_headers).then_some(self.request)
    }

    fn header(&self, name: &str, test: &mut dyn FnMut(Value<'_>) -> bool) -> Option<bool> {
        let request = self.headers()?;
        let mut found = |value| test(Value::Header(value));
        Some(if self.terms.takes_map {
            request.headers().values(name).any(&mut found)
        } else {
            request.values(name).any(&mut found)
        })
    }

    /// Cut as istiod has Envoy cut it. A request without a path (CONNECT) has the empty one, which
    /// nothing matches.
    fn path(&self) -> Option<&[u8]> {
        let whole = if self.terms.takes_map {
            self.headers()?.headers().first(":path").unwrap_or_default()
        } else {
            self.may_ask(&self.asked_path)
                .then(|| self.request.path_and_query())?
        };
        let end = whole.iter().position(|byte| matches!(byte, b'?' | b'#'));
        whole.get(..end.unwrap_or(whole.len()))
    }

    fn address(
        &self,
        cell: &OnceCell<Option<Address>>,
        path: &[&str],
        test: &mut dyn FnMut(Value<'_>) -> bool,
    ) -> Option<bool> {
        let address = *self.ask(cell, || Address::of_peer(&self.fetch(path)))?;
        Some(address.is_some_and(|address| test(Value::Address(address))))
    }

    /// Eight bytes, the least significant first.
    fn fetch_port(&self) -> Option<u16> {
        let bytes = self.facts.property(&["destination", "port"])?;
        let port = u64::from_le_bytes(bytes.try_into().ok()?);
        u16::try_from(port).ok()
    }
}

fn judge(names: Option<&Names>, test: &mut dyn FnMut(Value<'_>) -> bool) -> Truth {
    match names {
        None => Truth::Unknown,
        Some(names) if names.any(test) => Truth::True,
        Some(names) if names.complete => Truth::False,
        Some(_) => Truth::Unknown,
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
