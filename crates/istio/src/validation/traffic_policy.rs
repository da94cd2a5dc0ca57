//! What a DestinationRule says of connections to a host, to a subset of it, and to a port.

use super::{Told, address, locality, names, numbers, pool, tls};
use crate::spot::Spot;

/// What may be said of a port, and so of all of them.
const OF_A_PORT: [&str; 4] = ["outlierDetection", "connectionPool", "loadBalancer", "tls"];
/// What may be said of all ports alone.
const OF_ALL: [&str; 4] = [
    "portLevelSettings",
    "tunnel",
    "proxyProtocol",
    "retryBudget",
];
/// The largest table that Maglev takes, which is a prime number.
const LARGEST_TABLE: u64 = 5_000_011;

pub(super) fn check(policy: &Spot<'_>, namespace: &str, told: &Told) {
    let has = |name: &&str| policy.field(name).is_some();
    if !OF_A_PORT.iter().chain(&OF_ALL).any(has) {
        told.error(policy, "says nothing; leave it out");
        return;
    }
    if let Some(tunnel) = policy.field("tunnel").filter(|_| has(&"proxyProtocol")) {
        told.error(
            &tunnel,
            "stands beside `proxyProtocol`, and only one of them may be",
        );
        return;
    }
    of_a_port(policy, namespace, told);
    for setting in policy.list("portLevelSettings") {
        if setting.field("port").is_none() {
            told.at(setting.path_of("port"), "is missing: which port is meant?");
        }
        if OF_A_PORT.iter().any(|name| setting.field(name).is_some()) {
            of_a_port(&setting, namespace, told);
        } else {
            told.error(&setting, "says nothing of the port; leave it out");
        }
    }
    if let Some(tunnel) = policy.field("tunnel") {
        self::tunnel(&tunnel, told);
    }
}

fn of_a_port(policy: &Spot<'_>, namespace: &str, told: &Told) {
    let outlier = policy.field("outlierDetection");
    if let Some(outlier) = &outlier {
        outlier_detection(outlier, told);
    }
    if let Some(pool) = policy.field("connectionPool") {
        pool::check(&pool, told);
    }
    if let Some(balancer) = policy.field("loadBalancer") {
        load_balancer(&balancer, outlier.is_some(), told);
    }
    if let Some(tls) = policy.field("tls") {
        tls::client(&tls, namespace, told);
    }
}

fn tunnel(tunnel: &Spot<'_>, told: &Told) {
    if !["", "CONNECT", "POST"].contains(&tunnel.text("protocol")) {
        let path = tunnel.path_of("protocol");
        told.at(path, "is neither `CONNECT` nor `POST`");
    }
    let host = tunnel.text("targetHost");
    if !address::is_ip(host)
        && let Err(problem) = names::full(host)
    {
        told.at(tunnel.path_of("targetHost"), problem);
    }
    numbers::port(tunnel, "targetPort", told);
}

fn outlier_detection(outlier: &Spot<'_>, told: &Told) {
    numbers::durations(outlier, &["baseEjectionTime", "interval"], told);
    if let Some(errors) = outlier.field("consecutiveErrors") {
        told.warn(&errors, "is deprecated, and no host is ejected because of it; write `consecutive5xxErrors` or `consecutiveGatewayErrors`");
    }
    let local = outlier.field("consecutiveLocalOriginFailures");
    if let Some(local) = local.filter(|local| local.value() != 0)
        && !outlier.is_true("splitExternalLocalOriginErrors")
    {
        told.error(
            &local,
            "counts only with `splitExternalLocalOriginErrors: true`",
        );
    }
    for name in ["maxEjectionPercent", "minHealthPercent"] {
        if let Some(percent) = outlier.field(name) {
            numbers::percent(&percent, told);
        }
    }
}

fn load_balancer(balancer: &Spot<'_>, has_outlier: bool, told: &Told) {
    if let Some(hash) = balancer.field("consistentHash") {
        consistent_hash(&hash, told);
    }
    let locality = balancer.field("localityLbSetting");
    let zone = balancer.field("zoneAwareLbSetting");
    if let (Some(_), Some(zone)) = (&locality, &zone) {
        told.error(
            zone,
            "stands beside `localityLbSetting`, and only one of them may be",
        );
    }
    if let Some(locality) = &locality {
        locality::check(locality, has_outlier, told);
    }
    if let Some(zone) = &zone {
        locality::zone(zone, has_outlier, told);
    }
    if let Some(warmup) = balancer.field("warmup") {
        match warmup.field("duration") {
            Some(duration) => {
                numbers::time(&duration, told);
            }
            None => told.at(warmup.path_of("duration"), "is missing"),
        }
        if let Some(percent) = warmup.field("minimumPercent") {
            numbers::percent(&percent, told);
        }
        let aggression = warmup.field("aggression");
        if let Some(aggression) = aggression.filter(|it| it.value().as_f64() <= Some(0.0)) {
            told.error(&aggression, "is to be more than 0");
        }
    }
}

fn consistent_hash(hash: &Spot<'_>, told: &Told) {
    if let Some(cookie) = hash.field("httpCookie") {
        if cookie.text("name").is_empty() {
            told.at(cookie.path_of("name"), "is missing");
        }
        let mut seen = Vec::new();
        for attribute in cookie.list("attributes") {
            let name = attribute.text("name");
            if name.is_empty() {
                told.at(attribute.path_of("name"), "is missing");
            } else if seen.contains(&name) {
                told.error(
                    &attribute,
                    format!("`{}` is here twice", name.escape_debug()),
                );
            }
            seen.push(name);
        }
    }
    let is_ring = hash.field("ringHash").is_some() || hash.field("maglev").is_some();
    if let Some(size) = hash
        .field("minimumRingSize")
        .filter(|size| size.value() != 0)
    {
        told.warn(
            &size,
            "is deprecated; write `ringHash: {minimumRingSize: …}`",
        );
        if is_ring {
            told.error(
                &size,
                "stands beside `ringHash` or `maglev`, and only one of them may be",
            );
        }
    }
    if let Some(maglev) = hash.field("maglev") {
        let size = maglev
            .value()
            .get("tableSize")
            .and_then(serde_json::Value::as_u64);
        let size = size.unwrap_or_default();
        if size == 0 {
            told.at(maglev.path_of("tableSize"), "is missing, or 0");
        } else if size >= LARGEST_TABLE {
            told.at(
                maglev.path_of("tableSize"),
                format!("is not less than {LARGEST_TABLE}"),
            );
        } else if !is_prime(size) {
            told.at(
                maglev.path_of("tableSize"),
                format!("{size} is no prime number"),
            );
        }
    }
}

/// Of numbers up to [`LARGEST_TABLE`].
fn is_prime(number: u64) -> bool {
    let mut factors = (2..).take_while(|factor| factor * factor <= number);
    number > 0 && factors.all(|factor| !number.is_multiple_of(factor))
}
