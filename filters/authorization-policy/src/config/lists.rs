//! The lists of a source and of an operation: what each compares, and its opposite.
//!
//! A rule has few of the many there are, so it holds those that were written, not a place for each.

use sdk_helpers::config::Node;
use sdk_helpers::config::kind::FieldKind;
use sdk_helpers::config::table::{Field, Notes, Table, Type, sentence};

use super::values::Kind;
use crate::view::Attribute;

/// A list of a source or an operation.
#[derive(Debug)]
pub(super) struct List {
    /// The field it is written in.
    pub(super) field: &'static str,
    /// What it is compared with.
    pub(super) attribute: Attribute,
    /// What its entries are.
    pub(super) kind: Kind,
    /// Whether it is the opposite: none of its entries may match.
    pub(super) negated: bool,
}

/// The lists that were written. An absent list and an empty one are the same, as in Istio.
pub(super) type Lists = Vec<(&'static List, Vec<String>)>;

/// Defines a mapping of lists: a line for each, with its opposite, the attribute it is compared with
/// and the kind of its entries. Its comment is its meaning, as the README has it.
macro_rules! lists {
    (
        $(#[doc = $about:literal])*
        $vis:vis struct $table:ident {
            $(
                $(#[doc = $meaning:literal])*
                $list:literal, $opposite:literal: $attribute:ident, $kind:ident;
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug)]
        $vis struct $table;

        impl $table {
            const FIELDS: &'static [&'static str] = &[$($list, $opposite),*];
            const LISTS: &'static [List] = &[$(
                List {
                    field: $list,
                    attribute: Attribute::$attribute,
                    kind: Kind::$kind,
                    negated: false,
                },
                List {
                    field: $opposite,
                    attribute: Attribute::$attribute,
                    kind: Kind::$kind,
                    negated: true,
                },
            )*];
        }

        impl FieldKind for $table {
            type Value = Lists;

            fn read(node: Node<'_>) -> Lists {
                read(node, $table::FIELDS, $table::LISTS)
            }

            fn describe() -> Type {
                Type::Table(Table {
                    called: Some(stringify!($table)),
                    name: stringify!($table),
                    about: sentence(&[$($about),*]),
                    fields: vec![$(
                        field($list, &[$($meaning),*]),
                        field($opposite, &[]),
                    )*],
                })
            }
        }
    };
}

lists! {
    /// Who sends a request. Of every list there is an opposite, `notX`: none of them.
    pub(super) struct Source {
        /// the peer's certificate, `spiffe://` left out: every URI SAN, DNS SAN and the subject. In a
        /// waypoint, filter state `io.istio.peer_principal`
        "principals", "notPrincipals": Peer, Principal;
        /// the token's `iss/sub`, cut at the last slash; both must be there and be texts
        "requestPrincipals", "notRequestPrincipals": Token, Token;
        /// `name` or `namespace/name` in the certificate; no stars, at most 16, not beside `principals` or
        /// `namespaces`
        "serviceAccounts", "notServiceAccounts": Peer, Account;
        /// the trust domain in the certificate
        "trustDomains", "notTrustDomains": Peer, TrustDomain;
        /// the namespace in the certificate; stars anywhere
        "namespaces", "notNamespaces": Peer, Namespace;
        /// the client's address, `x-forwarded-for` heeded as Envoy is told to; addresses or blocks
        "remoteIpBlocks", "notRemoteIpBlocks": RemoteIp, Address;
        /// the other end of the connection; see [below](#what-envoy-does-not-show)
        "ipBlocks", "notIpBlocks": SourceIp, Address;
    }
}

lists! {
    /// What a request asks for. Of every list there is an opposite, `notX`: none of them.
    pub(super) struct Operation {
        /// `:authority` in any ASCII case, port included: list `example.com` and `example.com:*`
        "hosts", "notHosts": Host, Host;
        /// `:method`; gRPC is always `POST`
        "methods", "notMethods": Method, Method;
        /// `:path` up to its query or fragment, normalised as Envoy is told to; or a template: `{*}` is one
        /// segment, `{**}` any number of them
        "paths", "notPaths": Path, Path;
        /// the port the request came to, after redirection: a pod's port, not its service's
        "ports", "notPorts": DestinationPort, Port;
    }
}

fn read(node: Node<'_>, fields: &[&str], lists: &'static [List]) -> Lists {
    let mut written = Lists::new();
    node.fields(fields, &mut |place, node| {
        if let Some(list) = lists.get(place) {
            written.push((list, node.texts()));
        }
    });
    written
}

fn field(name: &'static str, meaning: &[&str]) -> Field {
    Field {
        name,
        kind: Vec::<String>::describe(),
        meaning: sentence(meaning),
        notes: Notes {
            istio: "same",
            ..Notes::NONE
        },
    }
}
