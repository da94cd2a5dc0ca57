//! What conditions of a policy are about, and how each is written: as a list of a source or an operation, or in
//! `when`.

use crate::expression::Atom;
use crate::text::{Matcher, Text};

/// What a condition is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Attribute {
    /// `:authority` in any case.
    Host,
    Header(String),
    Path,
    Port,
    DestinationIp,
    Sni,
    Claim(Vec<String>),
    /// Dynamic metadata of a filter: its name behind `envoy.filters.`, and the key.
    Metadata(String, String),
    Principal,
    Namespace,
    ServiceAccount,
    TrustDomain,
    RemoteIp,
    SourceIp,
}

/// A condition: the attribute is one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    pub(super) attribute: Attribute,
    pub(super) values: Vec<String>,
}

impl Atom for Clause {
    fn or(&self, other: &Self) -> Option<Self> {
        if self.attribute != other.attribute {
            return None;
        }
        let mut values = self.values.clone();
        for value in &other.values {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        Some(Clause {
            attribute: self.attribute.clone(),
            values,
        })
    }
}

impl Attribute {
    /// The list of a source, and its opposite.
    pub(super) fn source(&self) -> Option<[&'static str; 2]> {
        Some(match self {
            Attribute::Principal => ["principals", "notPrincipals"],
            Attribute::Namespace => ["namespaces", "notNamespaces"],
            Attribute::ServiceAccount => ["serviceAccounts", "notServiceAccounts"],
            Attribute::TrustDomain => ["trustDomains", "notTrustDomains"],
            Attribute::RemoteIp => ["remoteIpBlocks", "notRemoteIpBlocks"],
            Attribute::SourceIp => ["ipBlocks", "notIpBlocks"],
            _ => return None,
        })
    }

    /// The list of an operation, and its opposite.
    pub(super) fn operation(&self) -> Option<[&'static str; 2]> {
        Some(match self {
            Attribute::Host => ["hosts", "notHosts"],
            Attribute::Header(name) if name == ":method" => ["methods", "notMethods"],
            Attribute::Path => ["paths", "notPaths"],
            Attribute::Port => ["ports", "notPorts"],
            _ => return None,
        })
    }

    /// The key of `when`.
    pub(super) fn key(&self) -> Option<String> {
        Some(match self {
            Attribute::Header(name) => format!("request.headers[{name}]"),
            Attribute::Port => "destination.port".to_owned(),
            Attribute::DestinationIp => "destination.ip".to_owned(),
            Attribute::Sni => "connection.sni".to_owned(),
            Attribute::Claim(path) => format!("request.auth.claims[{}]", path.join("][")),
            Attribute::Metadata(filter, key) => {
                format!("experimental.envoy.filters.{filter}[{key}]")
            }
            Attribute::Principal => "source.principal".to_owned(),
            Attribute::Namespace => "source.namespace".to_owned(),
            Attribute::ServiceAccount => "source.serviceAccount".to_owned(),
            Attribute::TrustDomain => "source.trustDomain".to_owned(),
            Attribute::RemoteIp => "remote.ip".to_owned(),
            Attribute::SourceIp => "source.ip".to_owned(),
            Attribute::Host | Attribute::Path => return None,
        })
    }

    /// Whether a wasm filter sees it only with help.
    pub(super) fn is_of_peer(&self) -> bool {
        matches!(
            self,
            Attribute::Principal
                | Attribute::Namespace
                | Attribute::ServiceAccount
                | Attribute::TrustDomain
                | Attribute::SourceIp
        )
    }
}

/// A text as policies write one, with a star at one end or none; none where they cannot.
pub(super) fn value(matcher: &Matcher) -> Option<String> {
    if matcher.ignore_case {
        return None;
    }
    // A star at either end is one that stands for something.
    let plain = |text: &str| !text.is_empty() && !text.starts_with('*') && !text.ends_with('*');
    match &matcher.text {
        Text::Some => Some("*".to_owned()),
        Text::Exact(text) if plain(text) => Some(text.clone()),
        Text::Prefix(text) if plain(text) => Some(format!("{text}*")),
        Text::Suffix(text) if plain(text) => Some(format!("*{text}")),
        _ => None,
    }
}
