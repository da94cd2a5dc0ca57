//! Speaks, when a configuration is loaded, of conditions that fail closed unless something shows
//! what Envoy does not.

use std::cell::Cell;

use sdk_helpers::config::Scope;
use sdk_helpers::{At, Problems};

use super::wire::ActionWire;
use crate::rule::Condition;
use crate::view::Attribute;

/// What was said already: once is enough for a configuration.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    single_uri_san: bool,
    of_address: Cell<bool>,
    of_names: Cell<bool>,
}

impl Unseen {
    /// Nothing was said yet.
    pub(super) fn new(single_uri_san: bool) -> Self {
        Unseen {
            single_uri_san,
            ..Unseen::default()
        }
    }

    /// Speaks of a condition. `any` is whether it takes whatever there is.
    pub(super) fn warn(
        &self,
        action: ActionWire,
        condition: &Condition,
        any: bool,
        at: &At<'_>,
        problems: &Problems,
    ) {
        // Where the names that are seen do not match, others might; for what asks that none matches
        // or denies if any does, that is every other certificate.
        let fails_closed = match action {
            ActionWire::Allow => condition.negated,
            ActionWire::Deny => !condition.negated,
            ActionWire::Audit | ActionWire::Custom => false,
        };
        match condition.attribute {
            Attribute::SourceIp if !self.of_address.replace(true) => {
                let so = match action {
                    ActionWire::Allow => "allows nobody",
                    ActionWire::Deny => "denies everybody",
                    ActionWire::Audit => "notes nobody",
                    ActionWire::Custom => "has the provider asked about everybody",
                };
                problems.warn_of(
                    Scope::Filter,
                    at,
                    [
                        "Envoy does not show a module the other end of a connection, so this ",
                        so,
                        " of whom all else holds: write `remoteIpBlocks` (`remote.ip`), or put \
                         `set_filter_state` in front of this filter as its README shows",
                    ]
                    .concat(),
                );
            }
            Attribute::Peer if fails_closed && !any && !self.single_uri_san => {
                if self.of_names.replace(true) {
                    return;
                }
                let so = match action {
                    ActionWire::Deny => "this denies everybody with a certificate",
                    _ => "this allows nobody with a certificate",
                };
                problems.warn_of(
                    Scope::Filter,
                    at,
                    [
                        "Envoy shows a module the first URI SAN alone, and another might match, so ",
                        so,
                        " of whom all else holds: say `singleUriSan: true` where every certificate \
                         has one, as a mesh's have, or put `set_filter_state` in front of this \
                         filter as its README shows",
                    ]
                    .concat(),
                );
            }
            _ => {}
        }
    }
}
