//! How many connections and requests a proxy has open.

use super::{Told, numbers};
use crate::spot::Spot;

const HTTP_COUNTS: [&str; 5] = [
    "http1MaxPendingRequests",
    "http2MaxRequests",
    "maxRequestsPerConnection",
    "maxRetries",
    "maxConcurrentStreams",
];

pub(super) fn check(pool: &Spot<'_>, told: &Told) {
    let (http, tcp) = (pool.field("http"), pool.field("tcp"));
    if http.is_none() && tcp.is_none() {
        told.error(pool, "has neither `tcp` nor `http`; leave it out");
    }
    if let Some(http) = http {
        numbers::not_negative(&http, &HTTP_COUNTS, told);
        numbers::durations(&http, &["idleTimeout"], told);
        if http.text("h2UpgradePolicy") == "UPGRADE" && http.is_true("useClientProtocol") {
            let path = http.path_of("useClientProtocol");
            told.at(
                path,
                "contradicts `h2UpgradePolicy: UPGRADE`: a connection has one protocol",
            );
        }
        if let Some(keepalive) = http.field("http2KeepAlive") {
            numbers::durations(&keepalive, &["interval", "timeout"], told);
            for name in ["interval", "timeout"] {
                if keepalive.field(name).is_none() {
                    told.at(keepalive.path_of(name), "is missing");
                }
            }
        }
    }
    if let Some(tcp) = tcp {
        numbers::not_negative(&tcp, &["maxConnections"], told);
        numbers::durations(&tcp, &["connectTimeout", "maxConnectionDuration"], told);
        // None at all is said by 0.
        let is_none =
            sdk_helpers::config::duration(tcp.text("idleTimeout")).is_ok_and(|it| it.is_zero());
        if !is_none {
            numbers::durations(&tcp, &["idleTimeout"], told);
        }
        if let Some(keepalive) = tcp.field("tcpKeepalive") {
            numbers::durations(&keepalive, &["time", "interval"], told);
        }
    }
}
