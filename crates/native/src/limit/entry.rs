//! An entry of a descriptor: its key, and where its value comes from.

use serde_json::{Value, json};

use super::condition::{Condition, exactly, present};
use crate::expression::Expression;
use crate::text::Named;

/// What an entry's value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Constant(String),
    Header(String),
    Query(String),
    Claim(String),
    /// The leading bits that count of an address of either kind, and whether they are told with it.
    Address {
        v4: u64,
        v6: u64,
        masked: bool,
    },
    Cluster,
    Path,
    Method,
    Host,
    Principal,
}

/// One entry of a descriptor.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) source: Source,
}

/// That a request has a value for an entry.
pub(crate) fn there(source: &Source) -> Expression<Condition> {
    let named = |name: &str| Named {
        name: name.to_owned(),
        matcher: present(),
    };
    match source {
        Source::Header(name) => Expression::Atom(Condition::Header(named(name))),
        Source::Query(name) => Expression::Atom(Condition::Query(named(name))),
        Source::Claim(name) => Expression::Atom(Condition::Claim(named(name))),
        Source::Constant(_)
        | Source::Address { .. }
        | Source::Cluster
        | Source::Path
        | Source::Method
        | Source::Host
        | Source::Principal => Expression::always(),
    }
}

/// That the value of an entry is this one.
pub(crate) fn equals(source: &Source, value: &str) -> Expression<Condition> {
    let named = |name: &str| Named {
        name: name.to_owned(),
        matcher: exactly(value),
    };
    match source {
        Source::Constant(constant) if constant == value => Expression::always(),
        Source::Constant(_) => Expression::Any(Vec::new()),
        Source::Header(name) => Expression::Atom(Condition::Header(named(name))),
        Source::Query(name) => Expression::Atom(Condition::Query(named(name))),
        Source::Claim(name) => Expression::Atom(Condition::Claim(named(name))),
        Source::Address { v4, v6, masked } => {
            let (address, length) = value.split_once('/').unwrap_or((value, ""));
            let told = match address.parse::<std::net::IpAddr>() {
                Ok(address) if *masked => {
                    let bits = if address.is_ipv4() { v4 } else { v6 };
                    length == bits.to_string()
                }
                Ok(_) => length.is_empty(),
                Err(_) => false,
            };
            // No request is told to be of a block of another length.
            match told {
                true => Expression::Atom(Condition::Address(vec![value.to_owned()])),
                false => Expression::Any(Vec::new()),
            }
        }
        Source::Path => Expression::Atom(Condition::Path(exactly(value))),
        Source::Method => Expression::Atom(Condition::Header(named(":method"))),
        Source::Host => Expression::Atom(Condition::Header(named(":authority"))),
        Source::Cluster | Source::Principal => Expression::Unknown,
    }
}

/// The part of a key that tells its values apart; `descriptor` is what the service is told it is, where one counts.
pub(crate) fn part(entry: &Entry, descriptor: bool) -> Option<Value> {
    let mut part = match &entry.source {
        Source::Constant(text) if descriptor => json!({"constant": text}),
        Source::Constant(_) => return None,
        Source::Header(name) => json!({"header": name}),
        Source::Query(name) => json!({"query": name}),
        Source::Claim(name) => json!({"claim": name}),
        Source::Address { v4, v6, .. } => {
            json!({"remoteAddress": {"v4PrefixMaskLen": v4, "v6PrefixMaskLen": v6}})
        }
        Source::Cluster => json!({"destination": {}}),
        Source::Path => json!({"path": {}}),
        Source::Method => json!({"method": {}}),
        Source::Host => json!({"host": {}}),
        Source::Principal => json!({"principal": {}}),
    };
    if descriptor && let Some(part) = part.as_object_mut() {
        part.insert("descriptorKey".to_owned(), entry.key.as_str().into());
    }
    Some(part)
}
