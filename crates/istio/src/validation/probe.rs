//! How a WorkloadGroup asks whether a workload is ready.

use super::{Told, numbers};
use crate::spot::Spot;

const WAYS: [&str; 4] = ["httpGet", "tcpSocket", "exec", "grpc"];
const NUMBERS: [&str; 5] = [
    "periodSeconds",
    "initialDelaySeconds",
    "timeoutSeconds",
    "successThreshold",
    "failureThreshold",
];

pub(super) fn check(probe: &Spot<'_>, told: &Told) {
    numbers::not_negative(probe, &NUMBERS, told);
    let port = |way: &Spot<'_>| match way.field("port") {
        Some(port) => numbers::port_here(&port, told),
        None => told.at(way.path_of("port"), "is missing"),
    };
    if let Some(get) = probe.field("httpGet") {
        port(&get);
        if let Some(scheme) = get
            .field("scheme")
            .filter(|it| !["", "HTTP", "HTTPS"].contains(&it.value().as_str().unwrap_or_default()))
        {
            told.error(&scheme, "is neither `HTTP` nor `HTTPS`");
        }
        for header in get.list("httpHeaders") {
            let name = header.text("name");
            let is_name = !name.is_empty()
                && name
                    .bytes()
                    .all(|it| it.is_ascii_alphanumeric() || it == b'-');
            if !is_name {
                told.at(
                    header.path_of("name"),
                    format!(
                        "`{}` is no name of a header here: letters, digits and dashes",
                        name.escape_debug()
                    ),
                );
            }
        }
    } else if let Some(socket) = probe.field("tcpSocket") {
        port(&socket);
    } else if let Some(exec) = probe.field("exec") {
        if exec.list("command").is_empty() {
            told.at(exec.path_of("command"), "is missing");
        }
    } else if !WAYS.iter().any(|way| probe.field(way).is_some()) {
        told.error(
            probe,
            "says nothing to ask: one of `httpGet`, `tcpSocket` and `exec`",
        );
    } else {
        told.error(
            probe,
            "istiod knows no probe by `grpc`: one of `httpGet`, `tcpSocket` and `exec`",
        );
    }
}
