//! What a service is told: the headers of a request as one text each, and the `CheckRequest` of
//! `envoy.service.auth.v3`.

use sdk_helpers::attributes::{Certificate, CertificateName};
use sdk_helpers::protobuf::Message;
use sdk_helpers::{Attributes, Request};

use crate::view::state;

/// A client that sends it would pretend that Envoy cut its body.
const PARTIAL_BODY: &str = "x-envoy-auth-partial-body";

/// The headers that `wanted` wants, each once: Envoy joins several values with `,`, and puts `!` for
/// every byte that is not UTF-8.
pub(super) fn joined_headers(
    request: &Request,
    wanted: impl Fn(&str) -> bool,
) -> Vec<(String, String)> {
    let mut joined: Vec<(String, String)> = Vec::new();
    for (name, value) in request.headers().iter() {
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        if name == PARTIAL_BODY || !wanted(name) {
            continue;
        }
        match joined.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(&text(value));
            }
            None => joined.push((name.to_owned(), text(value))),
        }
    }
    joined
}

/// Whether a service may have a header of the request removed: not one without which it is none.
pub(super) fn may_be_removed(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(':') && !name.eq_ignore_ascii_case("host")
}

/// A `CheckRequest`: `{attributes: {source, destination, request}}`.
pub(super) fn request(request: &Request, attributes: &dyn Attributes) -> Vec<u8> {
    let service = request.first("x-envoy-downstream-service-cluster");
    let attributes = Message::new()
        .message(
            1,
            &peer(
                source_address(request, attributes),
                service.unwrap_or_default(),
                principal(attributes, Certificate::DownstreamPeer),
            ),
        )
        .message(
            2,
            &peer(
                attributes.destination_address(),
                &[],
                principal(attributes, Certificate::DownstreamLocal),
            ),
        )
        .message(
            4,
            &Message::new()
                .message(1, &timestamp(attributes))
                .message(2, &http(request, attributes)),
        );
    Message::new().message(1, &attributes).into_bytes()
}

fn http(request: &Request, attributes: &dyn Attributes) -> Message {
    let first = |name| text(request.first(name).unwrap_or_default());
    let mut message = Message::new()
        .filled(1, first("x-request-id"))
        .filled(2, first(":method"));
    for (name, value) in joined_headers(request, |_| true) {
        message = message.message(3, &Message::new().bytes(1, name).bytes(2, value));
    }
    let protocol = attributes.request_protocol().unwrap_or_default();
    // `query`, `fragment` and `size` are left empty, as Envoy leaves them before there is a body.
    message
        .filled(4, first(":path"))
        .filled(5, first(":authority"))
        .filled(6, first(":scheme"))
        .filled(10, text(&protocol))
}

/// When the first byte of the request came.
fn timestamp(attributes: &dyn Attributes) -> Message {
    let nanos = attributes.request_time().unwrap_or_default().as_nanos();
    Message::new()
        .number(1, nanos / 1_000_000_000)
        .number(2, nanos % 1_000_000_000)
}

fn peer(address: Option<Vec<u8>>, service: &[u8], principal: String) -> Message {
    let mut message = Message::new();
    if let Some(address) = address {
        message = message.message(1, &socket(&text(&address)));
    }
    message.filled(2, text(service)).filled(4, principal)
}

/// `envoy.config.core.v3.Address` of `1.2.3.4:80`, `[::1]:80`, `::1` or `/run/envoy.sock`.
fn socket(address: &str) -> Message {
    if address.starts_with(['/', '@']) {
        return Message::new().message(2, &Message::new().filled(1, address));
    }
    let (ip, port) = match address.rsplit_once(':') {
        Some((ip, port)) if !ip.contains(':') || ip.ends_with(']') => (ip, port),
        _ => (address, ""),
    };
    let ip = ip.trim_start_matches('[').trim_end_matches(']');
    let socket = Message::new().filled(2, ip);
    let socket = match port.parse::<u16>() {
        Ok(port) if port > 0 => socket.number(3, port.into()),
        _ => socket,
    };
    Message::new().message(1, &socket)
}

/// The address of the other end of the connection, if it is known.
///
/// Envoy's attribute `source.address` follows `x-forwarded-for`, which without trusted hops is the
/// client's to write. So it counts only for a request without that header; the filter state that
/// `set_filter_state` writes counts always.
fn source_address(request: &Request, attributes: &dyn Attributes) -> Option<Vec<u8>> {
    let attribute = || attributes.source_address();
    match attributes.filter_state(state::ADDRESS) {
        Some(direct) if !direct.is_empty() => {
            let with_port = attribute().filter(|address| {
                let (ip, _) = split_port(address);
                ip == direct
            });
            Some(with_port.unwrap_or(direct))
        }
        _ if request.has("x-forwarded-for") => None,
        _ => attribute(),
    }
}

/// `1.2.3.4:80` without its port; the brackets of `[::1]:80` go with it.
fn split_port(address: &[u8]) -> (&[u8], &[u8]) {
    let Some(colon) = address.iter().rposition(|byte| *byte == b':') else {
        return (address, &[]);
    };
    let (ip, port) = address.split_at(colon);
    let ip = ip.strip_prefix(b"[").unwrap_or(ip);
    (ip.strip_suffix(b"]").unwrap_or(ip), port)
}

/// Whom a certificate names: its first URI SAN, else its first DNS SAN, else its subject.
fn principal(attributes: &dyn Attributes, certificate: Certificate) -> String {
    use CertificateName::{DnsSan, Subject, UriSan};
    [UriSan, DnsSan, Subject]
        .into_iter()
        .find_map(|name| attributes.certificate_name(certificate, name))
        .map(|name| text(&name))
        .unwrap_or_default()
}

/// Bytes as text, with `!` for each that is no part of any.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '!'));
    }
    text
}

#[cfg(test)]
mod tests;
