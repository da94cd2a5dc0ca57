//! What the rules of an AuthorizationPolicy ask for.

use crate::source::Item;
use crate::spot::Spot;

const PEER: [&str; 4] = [
    "principals",
    "namespaces",
    "serviceAccounts",
    "trustDomains",
];
const NOT_PEER: [&str; 4] = [
    "notPrincipals",
    "notNamespaces",
    "notServiceAccounts",
    "notTrustDomains",
];
const TOKEN: [&str; 2] = ["requestPrincipals", "notRequestPrincipals"];
const PEER_KEYS: [&str; 4] = [
    "source.principal",
    "source.namespace",
    "source.serviceAccount",
    "source.trustDomain",
];

/// The places at which the identity of the peer is asked for.
pub(super) fn of_peer<'a>(item: &Item<'a>) -> Vec<Spot<'a>> {
    let names = [PEER, NOT_PEER].concat();
    asked(item, &names, |key| PEER_KEYS.contains(&key))
}

/// The places at which a verified token is asked for.
pub(super) fn of_token<'a>(item: &Item<'a>) -> Vec<Spot<'a>> {
    asked(item, &TOKEN, |key| key.starts_with("request.auth."))
}

fn asked<'a>(item: &Item<'a>, names: &[&str], is_key: impl Fn(&str) -> bool) -> Vec<Spot<'a>> {
    let mut all = Vec::new();
    let rules = item.spec().map(|spec| spec.list("rules"));
    for rule in rules.unwrap_or_default() {
        for from in rule.list("from") {
            let source = from.field("source");
            let fields = names.iter().filter_map(|name| source.as_ref()?.field(name));
            all.extend(fields);
        }
        let when = rule.list("when").into_iter();
        all.extend(when.filter(|condition| is_key(condition.text("key"))));
    }
    all
}
